# ruff: noqa: ANN001 - fixtures stand in conftest.py
"""What webhooks announced is read by key, first, and forgotten when its state is kept."""

from __future__ import annotations

from datetime import timedelta

import pytest

from s2p_exactonline import silent_among
from s2p_sandbox.faults import Fault
from s2p_store import InboxEvent, Store

STREAMS = ("items", "purchase_entries", "purchase_entry_lines", "deletions")


def _store(runner) -> Store:
    config = runner.config()
    return Store.open(config["store_url"], config["store_key"])


def _announce(runner, topic: str, *keys: str, action: str = "Update", at: str = "2026") -> None:
    with _store(runner) as store:
        store.inbox.put([InboxEvent(101, topic, key, action, at) for key in keys])


def _waiting(runner) -> set[str]:
    with _store(runner) as store:
        return {one.event.key for one in store.inbox.waiting()}


@pytest.fixture
def known(runner, rows) -> tuple[object, object]:
    """A runner whose division was read once; the rows are older than any bookmark."""
    runner.exact.store.load_mixed(rows.entries(5))
    runner.exact.store.load_mixed(rows.many("logistics/Items", 4, 5, Division=101), 101)
    return runner, runner.run(*STREAMS).state


def test_announced_records_are_read_by_key(known, rows) -> None:
    """They lie before the bookmark, so nothing else would find them."""
    runner, state = known
    _announce(runner, "PurchaseEntries", rows.guid(1, 0), rows.guid(1, 2))
    _announce(runner, "Items", rows.guid(4, 1))
    output = runner.run(*STREAMS, state=state)
    assert {one["EntryID"] for one in output.records("purchase_entries")} == {
        rows.guid(1, 0),
        rows.guid(1, 2),
    }
    assert len(output.records("purchase_entry_lines")) == 4
    assert [one["ID"] for one in output.records("items")] == [rows.guid(4, 1)]


def test_an_event_goes_only_when_its_state_comes_back(known, rows) -> None:
    runner, state = known
    _announce(runner, "Items", rows.guid(4, 1))
    first = runner.run(*STREAMS, state=state)
    assert first.counts() == {"items": 1}
    # The output was lost: the same state again.
    again = runner.run(*STREAMS, state=state)
    assert again.counts() == {"items": 1}
    assert _waiting(runner) == {rows.guid(4, 1)}
    third = runner.run(*STREAMS, state=again.state)
    assert third.counts() == {}
    assert _waiting(runner) == set()


def test_an_event_that_comes_again_is_read_again(known, rows) -> None:
    runner, state = known
    _announce(runner, "Items", rows.guid(4, 1))
    first = runner.run(*STREAMS, state=state)
    _announce(runner, "Items", rows.guid(4, 1), at="2027")
    assert runner.run(*STREAMS, state=first.state).counts() == {"items": 1}


def test_a_run_that_died_leaves_the_events(known, rows) -> None:
    runner, state = known
    _announce(runner, "PurchaseEntries", rows.guid(1, 0))
    runner.exact.faults.add(Fault("html", match="PurchaseEntryLines"))
    first = runner.run(*STREAMS, state=state)
    assert first.error is not None
    runner.exact.faults.clear()
    second = runner.run(*STREAMS, state=first.state or state)
    assert len(second.records("purchase_entry_lines")) == 2


def test_a_deletion_is_passed_on_without_asking(known, rows) -> None:
    runner, state = known
    before = len(runner.exact.store.all_of("purchaseentry/PurchaseEntries"))
    _announce(
        runner,
        "PurchaseEntries",
        rows.guid(1, 3),
        action="Delete",
        at="2026-07-02T10:49:37.87",
    )
    output = runner.run(*STREAMS, state=state)
    (deleted,) = output.records("deletions")
    assert deleted["EntityKey"] == rows.guid(1, 3)
    assert deleted["EntityName"] == "PurchaseEntries"
    assert deleted["DeletedDate"] == "2026-07-02T08:49:37.870Z"
    assert output.records("purchase_entries") == []
    assert before == 5
    assert runner.run(*STREAMS, state=output.state).counts() == {}
    assert _waiting(runner) == set()


def test_a_deletion_that_the_log_tells_too_comes_once(known, rows) -> None:
    runner, state = known
    runner.exact.store.delete("logistics/Items", 101, rows.guid(4, 2))
    _announce(runner, "Items", rows.guid(4, 2), action="Delete")
    output = runner.run(*STREAMS, state=state)
    assert [one["EntityKey"] for one in output.records("deletions")] == [rows.guid(4, 2)]


def test_a_record_that_is_gone_meanwhile_is_no_error(known, rows) -> None:
    runner, state = known
    _announce(runner, "Items", rows.guid(4, 77))
    output = runner.run(*STREAMS, state=state)
    assert (output.error, output.counts()) == (None, {})


def test_many_keys_go_into_few_calls(known, rows) -> None:
    runner, state = known
    runner.exact.store.load_mixed(rows.many("logistics/Items", 4, 150, first=10, Division=101), 101)
    _announce(runner, "Items", *(rows.guid(4, number) for number in range(10, 160)))
    output = runner.run("items", state=state)
    assert len({one["ID"] for one in output.records("items")}) == 150
    with _store(runner) as store:
        calls = store.runs.report("test-run").calls["exactonline"]
    assert calls <= 5 + 2 + 5  # of the first run, of the usual read, of the keys


def test_what_was_read_by_key_is_not_read_again_by_its_time(known, rows) -> None:
    runner, state = known
    late = {"Modified": rows.base + timedelta(days=1)}
    moved = [(name, {**row, **late}) for name, row in rows.entries(1, lines=0, first=1)]
    runner.exact.store.load_mixed(moved)
    _announce(runner, "PurchaseEntries", rows.guid(1, 1))
    output = runner.run(*STREAMS, state=state)
    assert len(output.records("purchase_entries")) == 1
    assert len(output.records("purchase_entry_lines")) == 2


def test_topics_of_streams_that_are_not_read_stay(known, rows) -> None:
    runner, state = known
    _announce(runner, "Items", rows.guid(4, 1))
    output = runner.run("purchase_entries", state=state)
    runner.run("purchase_entries", state=output.state)
    assert _waiting(runner) == {rows.guid(4, 1)}


def test_the_inbox_can_be_left_alone(known, rows) -> None:
    runner, state = known
    _announce(runner, "Items", rows.guid(4, 1))
    assert runner.run(*STREAMS, state=state, drain_webhooks=False).counts() == {}


def test_a_subscription_that_tells_nothing_is_reported(
    runner, rows, caplog: pytest.LogCaptureFixture
) -> None:
    """An event came once; then asking finds changes that none named."""
    items = rows.many("logistics/Items", 4, 3, Division=101)
    runner.exact.store.load_mixed(items, 101)
    _announce(runner, "Items", rows.guid(4, 0))
    first = runner.run(*STREAMS)
    assert "gone silent" not in caplog.text
    runner.exact.clock.advance(86_400)
    runner.exact.store.change("logistics/Items", 101, rows.guid(4, 1), {"Code": "B"})
    second = runner.run(*STREAMS, state=first.state)
    assert "gone silent" not in caplog.text  # it may still come
    runner.exact.clock.advance(3600)
    runner.exact.store.change("logistics/Items", 101, rows.guid(4, 2), {"Code": "C"})
    runner.exact.clock.advance(1000)
    runner.run(*STREAMS, state=second.state)
    assert "Items of division 101 seems to have gone silent" in caplog.text
    with _store(runner) as store:
        assert silent_among(store.memory, [(101, "Items")])


def test_without_webhooks_nothing_is_reported(
    known, rows, caplog: pytest.LogCaptureFixture
) -> None:
    runner, state = known
    runner.exact.clock.advance(86_400)
    runner.exact.store.change("logistics/Items", 101, rows.guid(4, 1), {"Code": "B"})
    runner.exact.clock.advance(86_400)
    assert runner.run(*STREAMS, state=state).counts() == {"items": 1}
    assert "silent" not in caplog.text


def test_a_key_that_exact_cannot_serve_does_not_keep_its_stream_from_being_read(
    known, rows
) -> None:
    runner, state = known
    runner.exact.store.change("logistics/Items", 101, rows.guid(4, 2), {"Code": "B"})
    _announce(runner, "Items", rows.guid(4, 1))
    by_key = Fault("status", match="logistics/Items.*guid", times=None, params={"code": 400})
    runner.exact.faults.add(by_key)
    output = runner.run(*STREAMS, state=state)
    assert "stays in the inbox" in str(output.error)
    assert [one["ID"] for one in output.records("items")] == [rows.guid(4, 2)]
    runner.run(*STREAMS, state=output.state)
    assert _waiting(runner) == {rows.guid(4, 1)}
