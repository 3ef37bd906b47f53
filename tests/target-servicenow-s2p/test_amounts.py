"""What documents are worth goes with them into the ledger and the run's sums by division."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from s2p_store import RunAmount

from .conftest import ENTRIES, EVERYTHING, REFERENCE, DiedError, die, record, schema, state, stream
from .test_held import HEADERS, MAPPED, held

if TYPE_CHECKING:
    from .conftest import Feed

LINES = "sn_spend_intg_imp_invoice_line"
INVOICES = "sn_spend_intg_imp_invoice"


def sums(feed: Feed) -> dict[tuple[str, str], tuple[int, str]]:
    """Entries and amount of everything that is worth something, by table and state."""
    with feed.store() as store:
        found = store.ledger.sums("EXACT-100")
    return {
        (each.table, each.state): (each.entries, f"{each.amount} {each.currency}")
        for each in found
        if each.currency
    }


def counted(feed: Feed, stream_name: str) -> dict[str, RunAmount]:
    """What the last run counted of one stream."""
    with feed.store() as store:
        report = store.runs.latest()
    assert report is not None
    amounts = report.amounts["target-servicenow-s2p"]
    return {each.counter: each for each in amounts if each.stream == stream_name}


def test_the_ledger_knows_what_was_staged_to_the_cent(feed: Feed) -> None:
    feed.run(EVERYTHING)
    assert sums(feed) == {
        ("sn_fcms_intg_imp_order", "done"): (1, "30.50 EUR"),
        (INVOICES, "done"): (2, "71.00 EUR"),  # an invoice of 121 and a credit note of 50
        (LINES, "done"): (1, "100.00 EUR"),
    }


def test_a_line_of_an_order_is_worth_what_exact_online_says(feed: Feed) -> None:
    line = {"ID": "pl1", "PurchaseOrderID": "p1", "LineNumber": 1, "AmountFC": 30.5}
    orders = [message for message in EVERYTHING if message.get("stream") == "purchase_orders"]
    feed.run([*REFERENCE, *orders, *stream("purchase_order_lines", line)])
    assert sums(feed)["sn_fcms_intg_imp_order_line", "done"] == (1, "30.50 EUR")


def test_what_waits_and_what_is_refused_has_its_amount(feed: Feed) -> None:
    feed.run([*REFERENCE, *HEADERS, *held()])
    assert sums(feed)[LINES, "parked"] == (1, "100.00 EUR")
    orphan = {"ID": "x", "EntryID": "nowhere", "LineNumber": 1, "AmountFC": 7, "s2p_gl_account": ""}
    feed.run(stream("purchase_entry_lines", orphan))
    with feed.store() as store:
        (failed,) = store.ledger.failed()
    assert failed.units == 70_000
    feed.run(MAPPED)
    assert sums(feed)[LINES, "done"] == (1, "100.00 EUR")


def test_a_run_counts_by_division_what_it_read_and_what_became_of_it(feed: Feed) -> None:
    feed.run([*REFERENCE, *ENTRIES])
    read = RunAmount("purchase_entries", 100, "EUR", "read", 2, Decimal("71.00"))
    assert counted(feed, "purchase_entries") == {
        "read": read,
        "inserted": read._replace(counter="inserted"),
    }
    assert counted(feed, "accounts")["not_written"] == RunAmount(
        "accounts", 100, "", "not_written", 1, Decimal(0)
    )
    feed.run(ENTRIES)
    assert counted(feed, "purchase_entries")["unchanged"].records == 2
    assert counted(feed, "purchase_entries")["unchanged"].amount == Decimal(71)


def test_an_older_version_in_the_same_run_is_counted_with_its_amount(feed: Feed) -> None:
    first, second = (dict(ENTRIES[1]["record"], AmountFC=amount) for amount in (121, 130))
    messages = [*REFERENCE, schema("purchase_entries")]
    messages += [record("purchase_entries", **one) for one in (first, second)]
    feed.run([*messages, state(done=1)])
    found = counted(feed, "purchase_entries")
    assert (found["read"].records, found["read"].amount) == (2, Decimal(251))
    assert (found["duplicates"].amount, found["inserted"].amount) == (Decimal(121), Decimal(130))


def test_a_run_that_dies_loses_no_amount(feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    def dead(*_: Any) -> None:  # noqa: ANN401 - whatever it is told
        raise DiedError

    feed.run(REFERENCE)
    with monkeypatch.context() as patched:
        patched.setattr("target_servicenow_s2p.journal.Journal.finish", dead)
        die(feed, [*ENTRIES, state(done=1)])
    feed.run(REFERENCE)  # a later run picks up what the dead one left
    assert sums(feed)[INVOICES, "done"] == (2, "71.00 EUR")


def test_a_setting_that_changes_the_amount_changes_what_is_added_up(feed: Feed) -> None:
    changed = {"purchase_entries": {"fields": {"Amount invoiced": "minus(AmountFC, VATAmountFC)"}}}
    feed.run([*REFERENCE, *ENTRIES], tables=changed)
    assert sums(feed)[INVOICES, "done"] == (2, "50.00 EUR")


@pytest.mark.parametrize("amount", [None, "", "n/a", 10**30])
def test_a_document_without_a_usable_amount_is_staged_and_counted_without(
    feed: Feed, amount: object
) -> None:
    entry = {**ENTRIES[1]["record"], "AmountFC": amount}
    tables = {"purchase_entries": {"fields": {"Amount invoiced": "AmountFC", "Subtotal": "'0'"}}}
    feed.run([*REFERENCE, *stream("purchase_entries", entry)], tables=tables)
    with feed.store() as store:
        (found,) = (each for each in store.ledger.sums("EXACT-100") if each.table == INVOICES)
    assert (found.entries, found.without) == (1, 1)
