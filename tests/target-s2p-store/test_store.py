"""What ServiceNow made of documents, noted once, whatever happens on the way."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2p_store import AuditEvent, LedgerEntry, Store
from target_s2p_store.sightings import sighting_of
from target_s2p_store.target import TargetS2PStore

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NOW = datetime(2026, 6, 1, 8, tzinfo=timezone.utc)
ORDER = {
    "sys_id": "o1",
    "number": "PO0001001",
    "erp_number": "4711",
    "erp_source": "EXACT-100",
    "status": "ordered",
}
INVOICE = {
    "sys_id": "i1",
    "number": "INV0001001",
    "external_invoice_number": "e1",
    "external_invoice_source": "EXACT-100",
    "erp_source": "EXACT-100",
    "state": "draft",
}


def staged(stream: str, source_id: str, key: str, target: str, staging: str) -> AuditEvent:
    detail = {"outcome": "inserted", "staging_table": staging, "target_table": target}
    return AuditEvent("r0", NOW, stream, 100, source_id, "staged", key, detail)


@dataclass
class Trail:
    """The target and the store behind it."""

    url: str

    def run(self, *messages: Mapping[str, Any]) -> list[dict[str, Any]]:
        lines = (json.dumps(message).encode() + b"\n" for message in messages)
        out = io.StringIO()
        with redirect_stdout(out):
            TargetS2PStore(config={"store_url": self.url}).listen(lines)
        return [json.loads(line) for line in out.getvalue().splitlines()]

    def see(self, stream: str, *records: Mapping[str, Any]) -> list[dict[str, Any]]:
        schema = {"type": "SCHEMA", "stream": stream, "schema": {"properties": {}},
                  "key_properties": ["sys_id"]}  # fmt: skip
        rows = [{"type": "RECORD", "stream": stream, "record": record} for record in records]
        return self.run(schema, *rows, {"type": "STATE", "value": {"done": stream}})

    def events(self, key: str) -> list[AuditEvent]:
        with Store.open(self.url) as store:
            return list(store.audit.events(natural_key=key))


@pytest.fixture
def trail(tmp_path: Path) -> Trail:
    found = Trail(f"sqlite:///{tmp_path / 'store.db'}")
    with Store.open(found.url) as store:
        store.audit.append(
            [
                staged("purchase_orders", "p1", "4711|EXACT-100", "sn_shop_purchase_order", "so"),
                staged("purchase_entries", "e1", "e1|EXACT-100|EXACT-100", "sn_shop_invoice", "si"),
            ]
        )
    return found


def test_each_change_of_a_document_is_noted_once(trail: Trail) -> None:
    assert trail.see("purchase_orders", ORDER) == [{"done": "purchase_orders"}]
    trail.see("purchase_orders", ORDER)
    trail.see("purchase_orders", {**ORDER, "status": "delivered", "received_amount": "120.00"})
    _, first, second = trail.events("4711|EXACT-100")
    assert (first.kind, first.stream, first.division, first.source_id) == (
        "seen",
        "purchase_orders",
        100,
        "p1",
    )
    assert first.detail["status"] == "ordered"
    assert (second.detail["status"], second.detail["received_amount"]) == ("delivered", "120.00")


def test_an_invoice_is_known_by_the_record_it_came_from(trail: Trail) -> None:
    trail.see("invoices", INVOICE, {**INVOICE, "state": "exceptions_found"})
    _, seen = trail.events("e1|EXACT-100|EXACT-100")
    assert (seen.stream, seen.detail["state"]) == ("purchase_entries", "exceptions_found")


def test_documents_of_others_are_not_noted(trail: Trail) -> None:
    trail.see("invoices", {**INVOICE, "external_invoice_number": "theirs"})
    trail.see("invoices", {"sys_id": "x", "number": "INV2"}, {**INVOICE, "sys_id": None})
    trail.see("gl_accounts", {"sys_id": "g"})
    with Store.open(trail.url) as store:
        assert len(list(store.audit.events())) == 2
        assert store.audit.verify() == []


def entry(state: Any, key: str = "4711|1|EXACT-100") -> LedgerEntry:  # noqa: ANN401 - a ledger state
    return LedgerEntry("sl", key, None, "h", state, "set1", "row1", "error", None, "no order", "r0",
                       NOW)  # fmt: skip


@pytest.mark.parametrize("before", ["sent", "failed"])
def test_a_row_that_came_through_later_is_settled(trail: Trail, before: str) -> None:
    with Store.open(trail.url) as store:
        store.ledger.put_many([entry(before)])
        store.audit.append(
            [staged("purchase_order_lines", "l1", "4711|1|EXACT-100", "sn_line", "sl")]
        )
    row = {"sys_id": "row1", "staging_table": "sl", "sys_import_set": "set1",
           "sys_import_state": "inserted", "sys_target_sys_id": "t1"}  # fmt: skip
    trail.see("staging_outcomes", row)
    trail.see("staging_outcomes", row)
    with Store.open(trail.url) as store:
        (found,) = store.ledger.get_many("sl", ["4711|1|EXACT-100"]).values()
    assert (found.state, found.outcome, found.target_sys_id) == ("done", "inserted", "t1")
    assert [event.kind for event in trail.events("4711|1|EXACT-100")] == ["staged", "staged"]


@pytest.mark.parametrize("state", ["pending", "error", "skipped", "nonsense", None])
def test_a_row_that_is_as_it_was_changes_nothing(trail: Trail, state: str | None) -> None:
    with Store.open(trail.url) as store:
        store.ledger.put_many([entry("failed")])
    trail.see("staging_outcomes", {"sys_id": "row1", "sys_import_state": state})
    with Store.open(trail.url) as store:
        (found,) = store.ledger.get_many("sl", ["4711|1|EXACT-100"]).values()
    assert found == entry("failed")


def test_a_row_without_outcome_that_was_refused_has_failed(trail: Trail) -> None:
    with Store.open(trail.url) as store:
        store.ledger.put_many([replace_state(entry("sent"))])
    trail.see("staging_outcomes", {"sys_id": "row1", "sys_import_state": "error"})
    with Store.open(trail.url) as store:
        (found,) = store.ledger.get_many("sl", ["4711|1|EXACT-100"]).values()
    assert (found.state, found.outcome) == ("failed", "error")


def replace_state(one: LedgerEntry) -> LedgerEntry:
    return LedgerEntry(one.table, one.natural_key, None, "h", "sent", "set1", "row1", "pending",
                       None, None, "r0", NOW)  # fmt: skip


TEXTS = st.none() | st.text(max_size=3)


@given(
    st.sampled_from(["purchase_orders", "invoices"]),
    st.dictionaries(st.sampled_from([*ORDER, *INVOICE, "received_amount"]), TEXTS),
)
def test_any_record_is_read_or_passed_over(stream: str, record: dict[str, Any]) -> None:
    sighting = sighting_of(stream, record)
    if sighting is not None:
        assert all(sighting.natural_key.split("|")) or "|" in str(record.values())
        assert None not in sighting.told.values()
