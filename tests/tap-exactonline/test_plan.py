# ruff: noqa: ANN001 - fixtures stand in conftest.py
"""What a run would read, told without a call."""

from __future__ import annotations

import json
import sqlite3

import requests

from tap_exactonline.definitions import STREAMS


def _plan(runner, tmp_path, *arguments: str, state=None, **changes):  # noqa: ANN003, ANN202
    options = list(arguments)
    if state is not None:
        path = tmp_path / "state.json"
        path.write_text(json.dumps(state))
        options += ["--state", str(path)]
    catalog = tmp_path / "catalog.json"
    catalog.write_text(json.dumps(runner.catalog(*(each.name for each in STREAMS))))
    options += ["--catalog", str(catalog)]
    done = runner.process(*options, config=runner.config(**changes), raw=True)
    assert done.code == 0, done.stderr
    return done.text


def _calls(runner) -> object:
    return requests.get(f"{runner.url}/_sandbox/status", timeout=30).json()["calls"]


def test_before_the_first_run_every_stream_is_named(runner, tmp_path) -> None:
    before = _calls(runner)
    steps = json.loads(_plan(runner, tmp_path, "--plan", "json"))
    assert [step["stream"] for step in steps] == [definition.name for definition in STREAMS]
    assert {step["since"] for step in steps} == {"-", "the beginning"}
    assert not any(step["known"] for step in steps)
    assert _calls(runner) == before


def test_after_a_run_the_calls_are_those_it_took(runner, rows, tmp_path) -> None:
    runner.exact.store.load_mixed(rows.entries(130))
    runner.exact.store.load_mixed(rows.many("hrm/Costcenters", 5, 65, Division=101, Code="C"), 101)
    first = runner.run()
    again = {step["stream"]: step for step in json.loads(_plan(runner, tmp_path, "--plan", "json"))}
    assert again["purchase_entries"]["calls"] == 3
    assert again["purchase_entry_lines"]["changes_by"] == "with purchase_entries"
    assert again["purchase_order_lines"]["calls"] is None
    assert again["cost_centers"]["calls"] == 2
    second = runner.run(state=first.state)
    table = _plan(runner, tmp_path, "--plan", state=second.state)
    (line,) = (line for line in table.splitlines() if "  purchaseentry/PurchaseEntries  " in line)
    assert line.split()[-1] == "1"
    assert "2026-03-02T13:09" in line
    assert "Division 101: 17 calls, of Exact's 60 a minute." in table
    assert "or more" not in table


def test_a_refused_feed_is_planned_on_its_regular_endpoint(runner, tmp_path) -> None:
    runner.exact.switches.set(purchase_order_sync=False)
    runner.run("purchase_orders", "purchase_order_lines")
    steps = json.loads(_plan(runner, tmp_path, "--plan", "json"))
    endpoints = {step["stream"]: step["endpoint"] for step in steps}
    assert endpoints["purchase_orders"] == "purchaseorder/PurchaseOrders"
    assert endpoints["purchase_order_lines"] == "purchaseorder/PurchaseOrderLines"


def test_without_divisions_the_remembered_one_is_planned(runner, tmp_path) -> None:
    assert "the user's" in _plan(runner, tmp_path, "--plan", divisions=[])
    runner.run("cost_centers", divisions=[])
    assert "Division 101:" in _plan(runner, tmp_path, "--plan", divisions=[])


def test_quiet_runs_write_nothing_anew(runner, rows) -> None:
    """Runs every five minutes for years: what they leave behind must not grow."""
    runner.exact.store.load_mixed(rows.entries(3))
    state = runner.run().state
    packs = []
    for _ in range(3):
        state = runner.run(state=state).state
        with sqlite3.connect(runner.folder / "store.db") as store:
            packs.append(store.execute("SELECT count(*) FROM s2p_memory_pack").fetchone()[0])
        store.close()
    assert packs[1] == packs[2]
