# ruff: noqa: ANN001 - fixtures stand in conftest.py
"""Runs on a schedule: what is refused every time must not block the app."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s2p_sandbox.faults import Fault
from tap_exactonline.tap import IncompleteRun

if TYPE_CHECKING:
    import pytest


def test_a_schedule_that_is_refused_every_time_never_blocks_the_key(runner, rows) -> None:
    runner.exact.switches.set(error_limit=10, denied_scopes=["financial.costcenters"])
    runner.exact.store.load_mixed(rows.entries(1))
    for _ in range(12):
        output = runner.run("cost_centers", "purchase_entries")
        assert isinstance(output.error, IncompleteRun)
    assert "is not asked before" in str(output.error)
    runner.exact.switches.set(denied_scopes=[])
    runner.exact.clock.advance(3700)
    assert runner.run("cost_centers").error is None


def test_a_feed_the_package_lacks_is_not_asked_for_by_every_run(runner, rows) -> None:
    runner.exact.switches.set(error_limit=10, purchase_order_sync=False)
    order = {"PurchaseOrderID": rows.guid(8, 1), "Division": 101, "Modified": rows.base}
    runner.exact.store.load_mixed([("purchaseorder/PurchaseOrders", order)])
    state = None
    for number in range(12):
        output = runner.run("purchase_orders", state=state)
        state = output.state
        assert output.error is None
        assert len(output.records("purchase_orders")) == (number == 0)


def test_a_blocked_key_is_told_and_not_asked_again(runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    runner.exact.faults.add(Fault("error_block", match="Costcenters", times=None))
    output = runner.run("cost_centers")
    assert "ten errors within an hour" in str(output.error)
