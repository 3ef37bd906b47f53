from __future__ import annotations

import re
from pathlib import Path

import pytest

from tap_exactonline.definitions import STREAMS
from tap_exactonline.tap import TapExactOnline

README = (Path(__file__).parents[2] / "tap-exactonline" / "README.md").read_text(encoding="utf-8")


def _rows(heading: str) -> str:
    section = README.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return "\n".join(line.split("|")[1] for line in section.splitlines() if line.startswith("| `"))


@pytest.mark.parametrize(
    ("heading", "names"),
    [
        ("Settings", list(TapExactOnline.config_jsonschema["properties"])),
        ("Streams", [definition.name for definition in STREAMS]),
    ],
)
def test_the_tables_name_what_there_is_in_order(heading: str, names: list[str]) -> None:
    assert re.findall(r"`(\w+)`", _rows(heading)) == names
