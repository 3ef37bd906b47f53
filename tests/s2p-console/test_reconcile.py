"""Everything that was read has its place: proven, or what has not is named."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime, timezone
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2p_console.reconciliation import passages
from s2p_store import Hold, LedgerEntry, RunReport

if TYPE_CHECKING:
    from conftest import House

    from s2p_store import Store

NOW = datetime(2026, 6, 1, 8, tzinfo=timezone.utc)
TAP, MAPPER, TARGET = "tap-exactonline", "mapper-glcostcenter", "target-servicenow-s2p"
TABLE = "sn_spend_intg_imp_invoice_line"


def entry(key: str, state: str = "done") -> LedgerEntry:
    return LedgerEntry(TABLE, key, None, "h", state, "set", "row", "inserted",  # type: ignore[arg-type]
                       f"id-{key}", None, "r1", NOW)  # fmt: skip


@pytest.fixture
def loaded(house: House, store: Store) -> House:
    house.environment["TAP_EXACTONLINE_DIVISIONS"] = "[101]"
    store.runs.start("r1", TARGET)
    store.runs.count("r1", TAP, "purchase_entry_lines", read=10)
    store.runs.count("r1", MAPPER, "purchase_entry_lines", read=10, mapped=7, held=3)
    store.runs.count("r1", TARGET, "purchase_entry_lines", read=10, inserted=5, staged=6, failed=1,
                     unchanged=1, held=3)  # fmt: skip
    store.runs.finish("r1", TARGET, ok=True)
    keys = [f"e1|{number}|EXACT-101" for number in range(5)]
    store.ledger.put_many([entry(key) for key in keys])
    store.ledger.put_many([entry("e1|9|EXACT-101", "failed"), entry("x|1|EXACT-1010")])
    store.holds.put(
        [
            Hold("purchase_entry_lines", 101, "l1", NOW, ("GL_ACCOUNT_MISSING",), (),
                 Decimal("12.30"), "EUR", "26001", "r1", NOW, {"ID": "l1"}),
        ]
    )  # fmt: skip
    return house


def test_a_run_in_which_everything_has_its_place(loaded: House) -> None:
    ran = loaded.run("reconcile", "--offline", "--json")
    found = json.loads(ran.stdout)
    assert (ran.exit_code, found["troubles"]) == (0, [])
    (stream,) = found["streams"]
    assert (stream["read"], stream["staged"], stream["held"], stream["refused"]) == (10, 5, 3, 1)
    (stock,) = found["stock"]
    assert (stock["division"], stock["states"]) == (101, {"done": 5, "failed": 1})
    assert (stock["held"], stock["held_amounts"]) == (1, {"EUR": 12.30})
    assert stock["found_in_servicenow"] is None
    shown = loaded.run("reconcile", "--offline").stdout
    assert "Everything that was read has its place." in shown
    (row,) = csv.DictReader(io.StringIO(loaded.run("reconcile", "--offline", "--csv").stdout))
    assert (row["in ServiceNow"], row["held amount"]) == ("5", "12.30 EUR")


def test_what_has_no_outcome_is_named(loaded: House, store: Store) -> None:
    store.runs.count("r1", TAP, "purchase_entry_lines", read=2)
    ran = loaded.run("reconcile", "--offline")
    assert ran.exit_code == 2
    assert "2 records of purchase_entry_lines were read and have no outcome" in ran.stdout


def test_before_the_first_run_there_is_nothing(house: House, store: Store) -> None:
    del store
    ran = house.run("reconcile", "--offline")
    assert (ran.exit_code, "run the pipeline first" in ran.output) == (1, True)


COUNTS = st.integers(0, 50)


@given(COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS)
def test_a_gap_is_what_nothing_accounts_for(  # noqa: PLR0913, PLR0917 - one per counter
    inserted: int, unchanged: int, held: int, failed: int, out: int, released: int, lost: int
) -> None:
    arrived = inserted + unchanged + held + failed + out
    read = arrived - released + lost
    if read < 0:
        return
    target = {"read": arrived, "inserted": inserted, "unchanged": unchanged, "held": held,
              "failed": failed, "not_written": out}  # fmt: skip
    counts = {"s": {TAP: {"read": read}, MAPPER: {"read": read, "released": released},
                    TARGET: target}}  # fmt: skip
    (passage,) = passages(RunReport("r", (), counts, {}))
    assert passage.gap == lost
