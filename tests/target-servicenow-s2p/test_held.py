from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from target_servicenow_s2p.errors import RecordsFailed
from target_servicenow_s2p.parking import Parking

from .conftest import ENTRIES, REFERENCE, DiedError, die, record, schema, state

if TYPE_CHECKING:
    from .conftest import Feed

LINES = "sn_spend_intg_imp_invoice_line"
HEADERS = [message for message in ENTRIES if "lines" not in message["stream"]]


def held(**changes: object) -> list[dict[str, Any]]:
    values: dict[str, object] = {
        "ID": "el1",
        "EntryID": "e1",
        "LineNumber": 1,
        "AmountFC": 100,
        "Description": "Envelopes",
        "s2p_source_id": "el1",
        "s2p_gl_account": None,
        "s2p_mapping_status": "held",
        "s2p_hold_reasons": ["GL_ACCOUNT_MISSING"],
        **changes,
    }
    return [
        schema("purchase_entry_lines"),
        record("purchase_entry_lines", **values),
        state(line=True),
    ]


MAPPED = held(s2p_mapping_status="mapped", s2p_hold_reasons=[], s2p_gl_account="4000")


def test_a_held_line_waits_in_its_staging_table_and_is_not_transformed(feed: Feed) -> None:
    assert feed.run([*REFERENCE, *HEADERS, *held()])[-1] == {"line": True}
    (row,) = feed.instance.rows(LINES)
    assert row["sys_import_state"] == "pending"
    assert "GL_ACCOUNT_MISSING" in row["sys_import_state_comment"]
    assert row["u_line_description"] == "Envelopes"
    assert feed.instance.rows("sn_shop_invoice_line") == []
    with feed.store() as store:
        (event,) = store.audit.events(source_id="el1")
        assert (event.kind, event.detail["hold_reasons"]) == ("parked", ["GL_ACCOUNT_MISSING"])


def test_a_line_held_again_has_one_row_with_its_newest_content(feed: Feed) -> None:
    feed.run([*REFERENCE, *HEADERS, *held()])
    before = feed.instance.calls()
    feed.run(held())
    spent = feed.instance.calls() - before
    feed.run(held(Description="Boxes", s2p_hold_reasons=["COST_CENTER_MISSING"]))
    (row,) = feed.instance.rows(LINES)
    assert row["u_line_description"] == "Boxes"
    assert "COST_CENTER_MISSING" in row["sys_import_state_comment"]
    assert len(feed.instance.rows("sys_import_set", f"table_name={LINES}")) == 1
    assert spent < 15


def test_a_released_line_is_staged_and_its_waiting_row_closed(feed: Feed) -> None:
    feed.run([*REFERENCE, *HEADERS, *held()])
    feed.run(MAPPED)
    rows = feed.instance.rows(LINES)
    assert sorted(row["sys_import_state"] for row in rows) == ["inserted", "skipped"]
    (line,) = feed.instance.rows("sn_shop_invoice_line")
    assert line["line_description"] == "Envelopes"
    feed.run(MAPPED)
    assert len(feed.instance.rows(LINES)) == 2


def test_a_run_that_dies_while_releasing_leaves_no_row_waiting(
    feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed.run([*REFERENCE, *HEADERS, *held()])

    def dead(*_: object) -> None:
        raise DiedError

    with monkeypatch.context() as patched:
        patched.setattr(Parking, "release", dead)
        die(feed, MAPPED)
    feed.run(MAPPED)
    rows = feed.instance.rows(LINES)
    assert sorted(row["sys_import_state"] for row in rows) == ["inserted", "skipped"]
    assert len(feed.instance.rows("sn_shop_invoice_line")) == 1


def test_midnight_transforms_nothing_and_the_clean_up_leaves_the_line_in_the_store(
    feed: Feed,
) -> None:
    feed.run([*REFERENCE, *HEADERS, *held()])
    feed.instance.control("clock", {"advance_seconds": 86_400})
    (row,) = feed.instance.rows(LINES)
    assert row["sys_import_state"] == "pending"
    feed.instance.control("clock", {"advance_seconds": 7 * 86_400})
    assert feed.instance.rows(LINES) == []
    feed.run(held(Description="Boxes"))  # held anew: shown again, in a set of its own
    (row,) = feed.instance.rows(LINES)
    assert (row["u_line_description"], row["sys_import_state"]) == ("Boxes", "pending")
    assert feed.instance.rows("sn_shop_invoice_line") == []


@pytest.mark.parametrize("kind", ["drop_after", "drop_before", "403_after_commit", "202"])
def test_a_fault_while_parking_makes_no_second_row(feed: Feed, kind: str) -> None:
    feed.instance.fault(kind, f"POST .*table/{LINES}")
    feed.instance.fault(kind, "POST .*table/sys_import_set")
    feed.run([*REFERENCE, *HEADERS, *held()])
    feed.run(held())
    assert len(feed.instance.rows(LINES)) <= 1
    assert len(feed.instance.rows("sys_import_set", f"table_name={LINES}")) <= 1


def test_where_parking_is_refused_the_line_stays_in_the_store(feed: Feed) -> None:
    feed.instance.fault("status", "POST .*table/sys_import_set", code=403, times=None)
    feed.run([*REFERENCE, *HEADERS, *held()])
    assert feed.instance.rows(LINES) == []
    with feed.store() as store:
        (event,) = store.audit.events(source_id="el1")
        assert event.kind == "held"


def test_fail_on_decides_about_the_exit_code(feed: Feed) -> None:
    feed.run([*REFERENCE, *HEADERS, *held()], fail_on="failed")
    with pytest.raises(RecordsFailed, match="1 lines are held"):
        feed.run(held(), fail_on="held")
    assert feed.states == [{"line": True}]
    orphan = [
        schema("purchase_order_lines"),
        record("purchase_order_lines", ID="x", PurchaseOrderID="unknown", LineNumber=1),
        state(orphan=True),
    ]
    with pytest.raises(RecordsFailed, match="1 records were refused"):
        feed.run(orphan, fail_on="failed")
    assert feed.run(orphan) == [{"orphan": True}]
