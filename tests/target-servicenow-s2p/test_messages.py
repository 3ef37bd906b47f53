"""What ServiceNow says of a row is kept without what the row says of a person."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from target_servicenow_s2p.batches import Result
from target_servicenow_s2p.journal import message_of
from target_servicenow_s2p.rows import Origin, Row

VALUES = {
    "ERP supplier code": "60042",
    "Legal name": "Jansen & Zonen",
    "City": "Delft",
    "GL account": "4000",
    "Status": "A",
}


def result(message: str) -> Result:
    output: Any = SimpleNamespace(name="accounts")
    origin = Origin("accounts", 1, "guid", None, gl_account="4000", document="INV-7")
    return Result(Row(output, "60042|EXACT-1", VALUES, "digest", origin, 0), "error", message)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("Jansen & Zonen of Delft is no vendor", "[Legal name] of [City] is no vendor"),
        ("No GL account 4000 for supplier 60042", "No GL account 4000 for supplier 60042"),
        ("Invoice INV-7: status A refused", "Invoice INV-7: status A refused"),
        ("", ""),
    ],
)
def test_a_message_keeps_codes_and_loses_names(said: str, kept: str) -> None:
    assert message_of(result(said)) == kept
