from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from s2p_store import PluginRun, RunAmount, RunReport, Store

if TYPE_CHECKING:
    from conftest import Clock


def test_a_run_is_reported_with_its_plugins_counts_and_calls(store: Store, clock: Clock) -> None:
    started = clock.now
    store.runs.start("r1", "tap-exactonline")
    later = clock.advance(seconds=1)
    store.runs.start("r1", "target-servicenow-s2p")
    store.runs.count("r1", "tap-exactonline", "accounts", read=500)
    store.runs.count("r1", "tap-exactonline", "accounts", read=20, skipped=1)
    store.runs.count("r1", "target-servicenow-s2p", "accounts", staged=519, failed=1)
    store.runs.calls("r1", "exact-online", 7)
    store.runs.calls("r1", "exact-online", 2)
    ended = clock.advance(seconds=9)
    store.runs.finish("r1", "tap-exactonline", ok=True)

    report = store.runs.report("r1")

    assert report.plugins == (
        PluginRun("tap-exactonline", started, ended, ok=True),
        PluginRun("target-servicenow-s2p", later, None, ok=None),
    )
    assert report.counts == {
        "accounts": {
            "tap-exactonline": {"read": 520, "skipped": 1},
            "target-servicenow-s2p": {"staged": 519, "failed": 1},
        }
    }
    assert report.calls == {"exact-online": 9}
    assert report.counter("accounts", "read") == 520
    assert report.counter("accounts", "unknown") == report.counter("unknown", "read") == 0
    assert report.seconds == 10


def test_an_unknown_run_is_empty(store: Store) -> None:
    assert store.runs.report("r1") == RunReport("r1", (), {}, {})
    assert store.runs.report("r1").seconds is None
    assert store.runs.latest() is None


def test_the_latest_run_is_the_one_started_last(store: Store, clock: Clock) -> None:
    store.runs.start("r2", "tap")
    clock.advance(seconds=1)
    store.runs.start("r1", "tap")
    store.runs.finish("r2", "tap", ok=True)
    latest = store.runs.latest()
    assert latest is not None
    assert latest.run_id == "r1"


def test_starting_again_in_one_run_keeps_the_first_start_and_is_running(
    store: Store, clock: Clock
) -> None:
    started = clock.now
    store.runs.start("r1", "tap")
    store.runs.finish("r1", "tap", ok=False)
    clock.advance(seconds=5)
    store.runs.start("r1", "tap")
    assert store.runs.report("r1").plugins == (PluginRun("tap", started, None, ok=None),)


def test_finishing_without_a_start_is_recorded_too(store: Store, clock: Clock) -> None:
    store.runs.finish("r1", "tap", ok=False)
    assert store.runs.report("r1").plugins == (PluginRun("tap", clock.now, clock.now, ok=False),)


def test_counting_nothing_leaves_no_trace(store: Store) -> None:
    store.runs.count("r1", "tap", "accounts")
    assert store.runs.report("r1").counts == {}


def test_what_is_counted_by_division_adds_up_with_its_amounts(store: Store) -> None:
    first = RunAmount("lines", 101, "EUR", "read", 2, Decimal("10.10"))
    other = RunAmount("lines", 102, "USD", "read", 1, Decimal("-3.00"))
    store.runs.start("r1", "target")
    store.runs.add_up("r1", "target", [other, first])
    store.runs.add_up("r1", "target", [first._replace(records=1, amount=Decimal("0.05"))])
    store.runs.add_up("r2", "target", [first])
    assert store.runs.report("r1").amounts == {
        "target": (first._replace(records=3, amount=Decimal("10.15")), other)
    }
    assert store.runs.report("r3").amounts == {}
