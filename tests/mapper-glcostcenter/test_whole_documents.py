"""A header and all its lines go on together, or wait together."""

from __future__ import annotations

from datetime import datetime, timezone
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from s2p_store import Waiver

from .conftest import STATE

if TYPE_CHECKING:
    from .conftest import Runs

    Record = tuple[str, dict[str, Any]]

MISSING = "GL_ACCOUNT_MISSING"
NONE: list[Record] = [("purchase_entries", {}), ("purchase_entry_lines", {})]
"""A run in which nothing has changed."""


@pytest.fixture
def whole(give: Runs) -> Runs:
    give.call = partial(give, whole_documents=True)
    return give


def entry(id_: str, amount: object = None, **more: object) -> Record:
    values = {"EntryID": id_, "EntryNumber": f"N{id_}", "AmountFC": amount}
    return "purchase_entries", {**values, **more}


def line(id_: str, of: str, account: str = "7000", **more: object) -> Record:
    values = {"ID": id_, "EntryID": of, "GLAccountCode": account}
    return "purchase_entry_lines", {**values, **more}


def reasons(records: list[dict[str, Any]]) -> dict[str, list[str]]:
    """By id, in the order in which they were written."""
    return {each["s2p_source_id"]: each["s2p_hold_reasons"] for each in records}


def count(runs: Runs) -> int:
    with runs.store() as store:
        return store.holds.count()


def test_what_one_line_waits_for_all_wait_for(whole: Runs) -> None:
    bad = (
        entry("e1", 30),
        line("a", "e1", AmountFC=10, Currency="EUR"),
        line("b", "e1", "8000", AmountFC=20, Currency="EUR"),
    )
    good = (entry("e2"), line("c", "e2"))
    found = whole.call(*bad, *good)
    assert reasons(found) == {"e1": [MISSING], "a": [MISSING], "b": [MISSING], "e2": [], "c": []}
    header = found[0]
    assert header["s2p_mapping_status"] == "held"
    with whole.store() as store:
        (why,) = store.holds.summary()
    assert (why.dimension, why.code, why.holds) == ("gl_account", "8000", 3)
    assert why.amounts == {"EUR": 30}, "the header's is that of its lines"


def test_they_are_released_together_with_the_header_first(whole: Runs) -> None:
    whole.call(entry("e1"), line("a", "e1"), line("b", "e1", "8000"))
    assert reasons(whole.call(*NONE)) == {}
    assert reasons(whole.call(*NONE, accounts=("8000",))) == {"e1": [], "a": [], "b": []}
    assert count(whole) == 0


def test_a_document_waits_until_its_last_reason_is_gone(whole: Runs) -> None:
    whole.call(entry("e1"), line("a", "e1", "8001"), line("b", "e1", "8000"))
    assert reasons(whole.call(*NONE, accounts=("8000",))) == {}
    with whole.store() as store:
        assert {hold.waiting_for for hold in store.holds.open()} == {(("gl_account", "8001"),)}
    both = whole.call(*NONE, accounts=("8000", "8001"))
    assert list(reasons(both)) == ["e1", "a", "b"]


def test_a_corrected_line_frees_the_others_at_once(whole: Runs) -> None:
    whole.call(entry("e1"), line("a", "e1"), line("b", "e1", "8000"))
    found = whole.call(*NONE, line("b", "e1", "7000"))
    assert reasons(found) == {"e1": [], "a": [], "b": []}
    assert count(whole) == 0


def test_a_corrected_document_takes_the_place_of_the_held_one(whole: Runs) -> None:
    old = "2026-05-01T00:00:00Z"
    whole.call(
        entry("e1", 30, Modified=old),
        line("a", "e1", AmountFC=10),
        line("b", "e1", "8000", AmountFC=20),
    )
    assert count(whole) == 3
    newer = entry("e1", 10, Modified="2026-05-02T00:00:00Z")
    found = whole.call(newer, ("purchase_entry_lines", {}), line("a", "e1", AmountFC=10))
    assert reasons(found) == {"e1": [], "a": []}
    assert count(whole) == 0, "line b is not part of it any more"


def test_a_newer_header_waits_as_long_as_its_lines_do(whole: Runs) -> None:
    whole.call(entry("e1"), line("b", "e1", "8000"))
    newer = entry("e1", Modified="2026-05-02T00:00:00Z", Description="anew")
    assert reasons(whole.call(newer)) == {"e1": [MISSING]}
    found = whole.call(*NONE, accounts=("8000",))
    assert [each.get("Description") for each in found] == ["anew", None]


def test_headers_that_come_long_before_their_lines_wait_for_them(whole: Runs) -> None:
    header = ("purchase_invoices", {"ID": "v1", "Amount": 5, "EntryNumber": 1})
    assert reasons(whole.call(header, STATE)) == {"v1": ["AMOUNT_MISMATCH"]}
    first = ("purchase_invoice_lines", {})
    rest = ("purchase_invoice_lines", {"ID": "l1", "InvoiceID": "v1", "Amount": 5, "Item": "i"})
    goods = [
        ("gl_accounts", {"ID": "g", "Code": "7000"}),
        ("items", {"ID": "i", "Code": "I", "GLCosts": "g"}),
    ]
    assert reasons(whole.call(("purchase_invoices", {}), first)) == {}
    found = whole.call(*goods, ("purchase_invoices", {}), first, rest)
    assert [each["s2p_source_id"] for each in found][2:] == ["v1", "l1"]
    assert count(whole) == 0


def test_orders_wait_as_a_whole_too(whole: Runs) -> None:
    order = ("purchase_orders", {"PurchaseOrderID": "o1", "OrderNumber": 7, "AmountFC": 1})
    lines = [
        ("purchase_order_lines", {"ID": id_, "PurchaseOrderID": "o1", "GLAccountCode": code})
        for id_, code in (("a", "7000"), ("b", None))
    ]
    found = whole.call(order, *lines)
    assert set(map(str, reasons(found).values())) == {"['GL_ACCOUNT_UNDERIVABLE']"}
    assert len(found) == 3


def test_lines_that_come_to_nothing_belong_to_their_document(whole: Runs) -> None:
    lines = line("a", "e1", AmountFC=100), line("b", "e1", "8000", AmountFC=0)
    held = {"e1": [MISSING], "a": [MISSING], "b": [MISSING]}
    assert reasons(whole.call(entry("e1", 100), *lines)) == held
    assert reasons(whole.call(line("a", "e1", AmountFC=100))) == {"a": [MISSING]}
    assert reasons(whole.call(*NONE, accounts=("8000",))) == {"e1": [], "a": [], "b": []}
    assert count(whole) == 0


def test_of_an_entry_all_lines_come_so_others_are_gone(whole: Runs) -> None:
    nothing = line("b", "e1", "8000", AmountFC=0)
    whole.call(entry("e1", 100), line("a", "e1", AmountFC=100), nothing)
    found = whole.call(entry("e1", 100), line("a", "e1", AmountFC=100))
    assert reasons(found) == {"e1": [], "a": []}
    assert count(whole) == 0


def test_a_newer_version_of_a_document_is_decided_about_by_itself(whole: Runs) -> None:
    older = entry("e1", 200), line("a", "e1", AmountFC=100), line("b", "e1", AmountFC=50)
    newer = entry("e1", 100), line("a", "e1", AmountFC=100)
    found = [
        (each["s2p_source_id"], each["s2p_hold_reasons"]) for each in whole.call(*older, *newer)
    ]
    wrong = ["AMOUNT_MISMATCH"]
    assert found == [("e1", wrong), ("a", wrong), ("b", wrong), ("e1", []), ("a", [])]
    assert count(whole) == 0


def test_headers_that_waited_as_wholes_go_on_when_lines_wait_by_themselves(whole: Runs) -> None:
    whole.call(entry("e1", 1), line("a", "e1", "8000", AmountFC=1))
    whole.call(entry("e2", 1), line("c", "e2", "8000", AmountFC=1))
    found = whole(entry("e2", 1, Description="anew"), ("purchase_entry_lines", {}))
    told = [(each["s2p_source_id"], each.get("Description")) for each in found]
    assert told == [("e1", None), ("e2", None), ("e2", "anew")]
    with whole.store() as store:
        assert {hold.source_id for hold in store.holds.open()} == {"a", "c"}
        assert {hold.source_id for hold in store.holds.released()} == {"e1"}


def test_a_persons_decision_about_the_one_line_frees_all(whole: Runs) -> None:
    whole.call(entry("e1"), line("a", "e1"), line("b", "e1", "8000"))
    now = datetime(2026, 6, 1, tzinfo=timezone.utc)
    with whole.store() as store:
        waiver = Waiver("Ina", "agreed", now)
        store.holds.waive(
            [hold.key for hold in store.holds.open() if hold.source_id == "b"], waiver
        )
    assert list(reasons(whole.call(*NONE))) == ["e1", "a", "b"]


def test_a_state_waits_for_the_document_it_covers(whole: Runs) -> None:
    whole.call(entry("e1"), line("a", "e1"), STATE, line("b", "e1", "8000"))
    kinds = [each["type"] for each in whole.messages if each["type"] != "SCHEMA"]
    assert kinds == ["RECORD", "RECORD", "STATE", "RECORD"]
    assert all(
        each["record"]["s2p_hold_reasons"] for each in whole.messages if each["type"] == "RECORD"
    )


CODES = st.sampled_from(["7000", "7000", "8000", "8001"])
LINES = st.lists(st.tuples(st.sampled_from("pqr"), CODES), min_size=1, max_size=8)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(LINES, st.data())
def test_no_document_is_ever_partly_held(
    whole: Runs, lines: list[tuple[str, str]], data: st.DataObject
) -> None:
    whole.forget()
    records = [line(str(number), of, code) for number, (of, code) in enumerate(lines)]
    documents = sorted({of for of, _ in lines})
    cut = data.draw(st.integers(0, len(records)))
    found = whole.call(*map(entry, documents), *records[:cut], STATE, *records[cut:])
    bad = {of for of, code in lines if code != "7000"}
    parts = {id_: [str(n) for n, (of, _) in enumerate(lines) if of == id_] for id_ in documents}
    held = {id_ for id_, why in reasons(found).items() if why}
    assert held == {each for id_ in bad for each in (id_, *parts[id_])}
    opened = ("8000",)
    released = set(reasons(whole.call(*NONE, accounts=opened)))
    free = {id_ for id_ in bad if not any(of == id_ and code == "8001" for of, code in lines)}
    assert released == {each for id_ in free for each in (id_, *parts[id_])}
    rest = set(reasons(whole.call(*NONE, accounts=("8000", "8001"))))
    assert rest - released == held - released
    assert count(whole) == 0


def test_held_lines_are_not_released_before_their_stream_is_announced(whole: Runs) -> None:
    code = {"GLAccountCode": "8000", "Amount": 5}
    head = {"ID": "v1", "EntryNumber": 1, "Amount": 5}
    bill = ("purchase_invoice_lines", {"ID": "l1", "InvoiceID": "v1", **code})
    whole.call(("purchase_invoices", head), bill)
    assert count(whole) == 2
    # So much comes after the header that it is decided about before any line is announced.
    newer = ("purchase_invoices", {**head, "Modified": "2026-05-02T00:00:00Z"})
    whole.call(newer, *[STATE] * 2_010, ("purchase_invoice_lines", {}), accounts=("8000",))
    written = [each for each in whole.messages if each["type"] != "STATE"]
    told = [(each["type"], each["stream"]) for each in written]
    lines = "purchase_invoice_lines"
    assert told.count(("RECORD", lines)) == 1
    assert told.index(("SCHEMA", lines)) < told.index(("RECORD", lines))
    assert told.index(("RECORD", "purchase_invoices")) < told.index(("RECORD", lines))
    assert count(whole) == 0
