# ruff: noqa: ANN001 - fixtures stand in conftest.py
"""Several divisions at once: one output, one order, and no division in another's way."""

from __future__ import annotations

import signal
import threading
from contextlib import closing

import pytest

from exactonline_client import UnexpectedAnswer
from s2p_sandbox.faults import Fault
from s2p_singer import Terminated, Termination
from tap_exactonline.definitions import STREAMS
from tap_exactonline.side_by_side import Turns

DIVISIONS = (101, 102, 103)


@pytest.fixture
def three(runner, rows) -> object:
    """A runner with three divisions that hold cost centers and invoices."""
    for division in DIVISIONS:
        if division != 101:
            runner.exact.add_division(division, f"Division {division}", Country="NL")
        own = {"_division": division, "Division": division}
        runner.exact.store.load_mixed(
            rows.many("hrm/Costcenters", division, 65, Code="C", **own), division
        )
        runner.exact.store.load_mixed(
            rows.many("purchase/PurchaseInvoices", division + 200, 130, _division=division),
            division,
        )
    return runner


def test_all_rows_of_all_divisions_in_the_order_of_the_streams(three) -> None:
    output = three.run()
    assert output.error is None
    assert output.counts() == {"divisions": 3, "cost_centers": 195, "purchase_invoices": 390}
    order = [message["stream"] for message in output.messages if message["type"] == "RECORD"]
    names = [definition.name for definition in STREAMS]
    assert order == sorted(order, key=names.index)
    for division in DIVISIONS:
        for stream in ("cost_centers", "purchase_invoices"):
            ids = [one["ID"] for one in output.records(stream) if one["Division"] == division]
            assert len(ids) == len(set(ids)) == (65 if stream == "cost_centers" else 130)
    assert three.run(state=output.state).counts() == {"divisions": 3, "cost_centers": 195}


def test_a_division_that_fails_does_not_end_the_others(three) -> None:
    broken = Fault("html", match="GET /api/v1/102/purchase/", times=None)
    three.exact.faults.add(broken)
    first = three.run("purchase_invoices")
    assert isinstance(first.error, UnexpectedAnswer)
    assert {one["Division"] for one in first.records("purchase_invoices")} == {101, 103}
    three.exact.faults.clear()
    second = three.run("purchase_invoices", state=first.state)
    assert len(second.records("purchase_invoices")) == 130
    assert {one["Division"] for one in second.records("purchase_invoices")} == {102}


def test_a_spent_day_stops_one_division_only(three) -> None:
    three.exact.faults.add(Fault("429_day", match="GET /api/v1/103/purchase/"))
    first = three.run("purchase_invoices")
    assert first.error is None
    assert {one["Division"] for one in first.records("purchase_invoices")} == {101, 102}


def test_a_request_that_is_wrong_everywhere_is_sent_once(three) -> None:
    wrong = Fault("status", match="PurchaseInvoices", times=None, params={"code": 400})
    three.exact.faults.add(wrong)
    output = three.run("purchase_invoices", "cost_centers")
    assert "101" in str(output.error)
    assert "102" not in str(output.error)
    assert output.counts() == {"cost_centers": 195}


def test_they_wait_at_the_same_time_and_work_one_at_a_time() -> None:
    turns = Turns(Termination())
    together = threading.Barrier(2)
    busy: list[int] = []

    def work(division: int) -> None:
        with turns.waiting():
            pass  # the first division goes ahead until it has an answer
        with turns.waiting():
            together.wait(timeout=30)
        busy.append(division)
        assert len(busy) == 1
        busy.remove(division)

    with closing(turns.run((1, 2), work)) as results:
        assert sorted(results) == [(1, None), (2, None)]


def test_who_takes_no_more_results_ends_what_still_waits() -> None:
    turns = Turns(Termination())
    began, ended = threading.Event(), threading.Event()

    def work(division: int) -> None:
        with turns.waiting():
            pass
        if division == 1:
            with turns.waiting():
                began.wait(30)
        else:
            began.set()
            try:
                turns_asleep(turns)
            finally:
                ended.set()

    with closing(turns.run((1, 2), work)) as results:
        assert next(results) == (1, None)
    assert ended.is_set()
    with closing(turns.run((3, 4), lambda _: None)) as results:
        assert sorted(results) == [(3, None), (4, None)]


def turns_asleep(turns: Turns) -> None:
    with turns.waiting():
        turns.sleep(3600, lambda _: None)


def test_a_signal_ends_all_of_them() -> None:
    termination = Termination()
    turns = Turns(termination)
    after: list[int] = []

    def work(division: int) -> None:
        with turns.waiting():
            pass
        turns_asleep(turns)
        after.append(division)

    results = turns.run((1, 2), work)
    termination.signum = signal.SIGTERM
    with pytest.raises(Terminated):
        next(results)
    assert after == []
