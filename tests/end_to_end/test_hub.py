"""The definitions for other Meltano projects say what meltano.yml says."""

from __future__ import annotations

import importlib.util
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_hub_is_made_from_meltano_yml() -> None:
    spec = importlib.util.spec_from_file_location("hub", ROOT / "scripts" / "hub.py")
    assert spec is not None
    assert spec.loader is not None
    hub = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hub)
    for path, text in hub.definitions().items():
        assert (ROOT / path).read_text() == text, f"{path} is not what `make hub` makes"
