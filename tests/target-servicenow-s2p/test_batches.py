"""Calls through the Batch API: few of them, and every guarantee of the calls made one by one."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from target_servicenow_s2p.journal import Journal

from .conftest import ENTRIES, REFERENCE, DiedError, die, many, record, schema, state

if TYPE_CHECKING:
    from .conftest import Feed

BATCH = "POST .*/v1/batch"
COUNT = 70
SUPPLIERS = [
    *REFERENCE,
    *many(
        "accounts",
        COUNT,
        lambda n: {"ID": f"s{n}", "Code": f"{7000 + n}", "Name": f"Firm {n}", "IsSupplier": True},
    ),
    state(done=True),
]
LINES = "sn_spend_intg_imp_invoice_line"
STAGED = "sn_fcms_intg_imp_supplier"
HEADERS = [message for message in ENTRIES if "lines" not in message["stream"]]
TROUBLE = [
    "unserviced",
    "drop_before",
    "drop_after",
    "truncate",
    "429_rule",
    "429_semaphore",
    "202",
    "201_empty",
    "403_after_commit",
]


def lines(**changes: object) -> list[dict[str, Any]]:
    def line(number: int) -> dict[str, object]:
        return {
            "ID": f"el{number}",
            "s2p_source_id": f"el{number}",
            "EntryID": "e1",
            "LineNumber": number + 1,
            "AmountFC": 100,
            "Description": "Envelopes",
            "s2p_mapping_status": "held",
            "s2p_hold_reasons": ["GL_ACCOUNT_MISSING"],
            **changes,
        }

    return [*many("purchase_entry_lines", COUNT, line), state(lines=True)]


MAPPED = lines(s2p_mapping_status="mapped", s2p_hold_reasons=[], s2p_gl_account="4000")


def calls(feed: Feed, messages: list[dict[str, Any]], **settings: object) -> int:
    before = feed.instance.calls()
    feed.run(messages, **settings)
    return feed.instance.calls() - before


def check_suppliers(feed: Feed) -> Counter[str]:
    primary = Counter(row["erp_supplier_code"] for row in feed.instance.rows("sn_fin_supplier"))
    assert len(primary) == COUNT + 1
    assert set(primary.values()) == {1}
    with feed.store() as store:
        assert not list(store.ledger.in_flight())
        report = store.runs.latest()
        assert report is not None
    codes = [row["u_erp_company_code_1"] for row in feed.instance.rows(STAGED)]
    return Counter(codes)


def states_of(feed: Feed) -> Counter[str]:
    return Counter(row["sys_import_state"] for row in feed.instance.rows(LINES))


def test_rows_that_go_alone_share_few_requests(feed: Feed) -> None:
    feed.run(REFERENCE)
    assert calls(feed, SUPPLIERS) < 20
    assert set(check_suppliers(feed).values()) == {1}


def test_held_lines_wait_and_are_released_in_few_requests(feed: Feed) -> None:
    feed.run([*REFERENCE, *HEADERS])
    assert calls(feed, lines()) < 20
    assert states_of(feed) == {"pending": COUNT}
    assert feed.instance.rows("sn_shop_invoice_line") == []
    assert calls(feed, lines(Description="Boxes")) < 20
    assert {row["u_line_description"] for row in feed.instance.rows(LINES)} == {"Boxes"}
    assert calls(feed, MAPPED) < 20
    assert states_of(feed) == {"inserted": COUNT, "skipped": COUNT}
    assert len(feed.instance.rows("sn_shop_invoice_line")) == COUNT


@pytest.mark.parametrize("kind", TROUBLE)
def test_trouble_with_a_batch_has_no_second_effect(feed: Feed, kind: str) -> None:
    feed.run(REFERENCE)
    feed.instance.fault(kind, BATCH, times=2, retry_after=1)
    assert feed.run(SUPPLIERS) == [{"done": True}]
    staged = check_suppliers(feed)
    assert set(staged.values()) == {1}


@pytest.mark.parametrize("kind", TROUBLE)
def test_trouble_with_a_batch_parks_and_releases_each_line_once(feed: Feed, kind: str) -> None:
    feed.run([*REFERENCE, *HEADERS])
    feed.instance.fault(kind, BATCH, times=2, retry_after=1)
    assert feed.run(lines()) == [{"lines": True}]
    assert states_of(feed) == {"pending": COUNT}
    feed.instance.fault(kind, BATCH, times=2, retry_after=1)
    assert feed.run(MAPPED) == [{"lines": True}]
    assert states_of(feed) == {"inserted": COUNT, "skipped": COUNT}
    assert len(feed.instance.rows("sn_shop_invoice_line")) == COUNT


def test_an_instance_that_always_ends_batches_early_is_got_over(feed: Feed) -> None:
    feed.instance.fault("unserviced", BATCH, times=None)
    assert feed.run(SUPPLIERS) == [{"done": True}]
    assert set(check_suppliers(feed).values()) == {1}


@pytest.mark.parametrize("code", [401, 403, 404])
def test_without_the_batch_api_calls_are_made_one_by_one(
    feed: Feed, code: int, caplog: pytest.LogCaptureFixture
) -> None:
    feed.instance.fault("status", BATCH, code=code, times=None, body="{}")
    assert feed.run([*SUPPLIERS, *HEADERS, *lines()])[-1] == {"lines": True}
    assert set(check_suppliers(feed).values()) == {1}
    assert states_of(feed) == {"pending": COUNT}
    told = [one for one in caplog.records if "one by one" in one.getMessage()]
    assert len(told) == 1


def test_a_run_that_dies_between_batches_is_picked_up(
    feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed.run(REFERENCE)

    def dead(*_: object) -> None:
        raise DiedError

    with monkeypatch.context() as patched:
        patched.setattr(Journal, "finish", dead)
        die(feed, SUPPLIERS, batch_size=30)
    assert feed.run(SUPPLIERS, batch_size=30) == [{"done": True}]
    assert set(check_suppliers(feed).values()) == {1}


def test_a_waiting_row_that_was_cleaned_up_disturbs_no_other(feed: Feed) -> None:
    feed.run([*REFERENCE, *HEADERS, *lines()])
    feed.instance.delete(LINES, feed.instance.rows(LINES)[0]["sys_id"])
    assert feed.run(MAPPED) == [{"lines": True}]
    assert states_of(feed) == {"inserted": COUNT, "skipped": COUNT - 1}


def test_a_single_row_needs_no_batch(feed: Feed) -> None:
    feed.run(REFERENCE)
    feed.instance.fault("status", BATCH, code=500, times=None)
    one = [schema("accounts"), record("accounts", ID="x", Code="1", Name="Firm", IsSupplier=True)]
    feed.run([*REFERENCE, *one])
    assert len(feed.instance.rows("sn_fin_supplier")) == 2
