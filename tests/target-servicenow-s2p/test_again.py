"""What ServiceNow refused is tried again when its cause may be gone."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from target_servicenow_s2p.errors import RecordsFailed
from target_servicenow_s2p.refusals import remedy_of

from .conftest import ENTRIES, REFERENCE, state, stream

if TYPE_CHECKING:
    from .conftest import Feed

PAYMENT = [
    *stream("bank_entries", {"EntryID": "b1", "EntryNumber": 26200001, "Currency": "EUR"}),
    *stream(
        "bank_entry_lines",
        {"ID": "b2", "EntryID": "b1", "Account": "a1", "OurRef": 1001, "AmountFC": -121,
         "Date": "2026-06-12"},
    ),
    state(first=1),
]  # fmt: skip
QUIET = [*stream("gl_accounts"), state(done=True)]


def counted(feed: Feed) -> tuple[int, int]:
    """Payments let in, and refused once more, by the latest run."""
    with feed.store() as store:
        report = store.runs.latest()
    assert report is not None
    stream = "bank_entry_lines"
    return report.counter(stream, "let_in"), report.counter(stream, "still_refused")


def test_a_payment_is_let_in_by_the_run_that_brings_its_invoice(feed: Feed) -> None:
    assert feed.run([*REFERENCE, *PAYMENT]) == [{"first": 1}]
    at = feed.instance
    assert not at.rows("sn_shop_invoice_payment_detail")
    feed.run([*ENTRIES, state(second=1)])
    (payment,) = at.rows("sn_shop_invoice_payment_detail")
    (invoice,) = at.rows("sn_shop_invoice", "erp_number=1001")
    assert payment["invoice"] == invoice["sys_id"]
    assert counted(feed) == (1, 0)
    with feed.store() as store:
        kinds = [event.kind for event in store.audit.events(source_id="b2")]
    assert kinds == ["failed", "staged"]
    sets = len(at.rows("sys_import_set"))
    feed.run(QUIET)
    assert len(at.rows("sys_import_set")) == sets


def test_what_is_refused_once_more_is_on_record_once(feed: Feed) -> None:
    feed.run([*REFERENCE, *PAYMENT])
    feed.run(QUIET)
    assert counted(feed) == (0, 1)
    with feed.store() as store:
        events = list(store.audit.events(source_id="b2"))
    assert [event.kind for event in events] == ["failed"]
    assert events[0].detail["remedy"] == "retry later"
    with pytest.raises(RecordsFailed, match="1 records"):
        feed.run(QUIET, fail_on="failed")


def test_what_servicenow_has_cleaned_up_is_given_up(feed: Feed) -> None:
    feed.run([*REFERENCE, *PAYMENT])
    (staged,) = feed.instance.rows("sn_spend_intg_imp_invoice_payment_detail")
    feed.instance.delete("sn_spend_intg_imp_invoice_payment_detail", staged["sys_id"])
    calls = [feed.instance.calls()]
    for _ in range(2):
        assert feed.run(QUIET) == [{"done": True}]
        calls.append(feed.instance.calls())
    assert calls[2] - calls[1] < calls[1] - calls[0], "it is not looked for again"
    feed.run([*ENTRIES, *PAYMENT])
    assert len(feed.instance.rows("sn_shop_invoice_payment_detail")) == 1


def test_many_that_stay_refused_are_not_staged_with_every_poll(feed: Feed) -> None:
    lines = [
        {"ID": f"b{n}", "EntryID": "b1", "Account": "a1", "OurRef": 9000 + n, "AmountFC": -1,
         "Date": "2026-06-12"}
        for n in range(7)
    ]  # fmt: skip
    bank = stream("bank_entries", {"EntryID": "b1", "EntryNumber": 1, "Currency": "EUR"})
    feed.run([*REFERENCE, *bank, *stream("bank_entry_lines", *lines), state(x=1)])
    totals = [0]  # one process is one run, so its counters add up
    for _ in range(3):
        feed.run(QUIET, batch_size=2)
        totals.append(counted(feed)[1])
    tries = [after - before for before, after in pairwise(totals)]
    assert tries == [7, 2, 2], "all once, then one batch a run until an hour has passed"


@pytest.mark.parametrize(
    ("message", "remedy"),
    [
        ("Reference value '9001' for field supplier not found in sn_fin_supplier", "retry later"),
        ("Data Policy Exception: The following fields are mandatory: u_city", "needs data"),
        ("Choice value 'x' rejected for field type", "needs data"),
        (
            "Operation against file 'sn_shop_invoice' was aborted by Business Rule 'Check^abc'",
            "needs configuration",
        ),
        ("User Not Authorized", "needs configuration"),
    ],
)
def test_a_refusal_says_what_it_needs(message: str, remedy: str) -> None:
    assert remedy_of(message) == remedy


@given(st.text())
def test_every_refusal_has_a_remedy(message: str) -> None:
    assert remedy_of(message) in {"retry later", "needs data", "needs configuration"}
