"""The SDK's own suite for targets: its streams are none of Exact's, so they pass without a call."""

from __future__ import annotations

from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from singer_sdk.testing import get_target_test_class

from s2p_store import generate_key
from target_exactonline.target import TargetExactOnline

_FOLDER = Path(mkdtemp(prefix="target-exactonline-suite-"))
_Suite: Any = get_target_test_class(
    TargetExactOnline,
    config={
        "api_url": "http://127.0.0.1:9",
        "client_id": "a",
        "client_secret": "b-secret",
        "store_url": f"sqlite:///{_FOLDER}/store.db",
        "store_key": generate_key(),
    },
)


class TestTarget(_Suite):
    """Run the standard target tests."""
