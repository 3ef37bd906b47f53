"""The SDK's own suite for targets.

Its streams are none of Exact Online's, so they are switched off in `tables` and no instance is
needed: what it shows is that any Singer input is accepted, and malformed input refused, without a
write. Skipped is nothing; the one test the SDK leaves out of its suite (several STATE messages) is
`test_states.py`.
"""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from singer_sdk.testing import get_target_test_class

from target_servicenow_s2p import TargetServiceNowS2P

_FOLDER = Path(mkdtemp(prefix="target-suite-"))
_STREAMS = {
    name
    for sample in files("singer_sdk.testing.target_test_streams").iterdir()
    if sample.name.endswith(".singer")
    for name in re.findall(r'"stream":\s*"([^"]+)"', sample.read_text())
}
_Suite: Any = get_target_test_class(
    TargetServiceNowS2P,
    config={
        "instance_url": "http://127.0.0.1:9",
        "client_id": "a",
        "client_secret": "b-secret",
        "store_url": f"sqlite:///{_FOLDER}/store.db",
        "tables": {name: {"enabled": False} for name in _STREAMS},
    },
)


class TestTarget(_Suite):
    """Run the standard target tests."""
