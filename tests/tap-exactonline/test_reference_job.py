# ruff: noqa: ANN001 - fixtures stand in conftest.py
"""What the job reference-data costs at Exact Online."""

from __future__ import annotations

from pathlib import Path

import requests
import yaml

MELTANO = Path(__file__).parents[2] / "meltano.yml"


def selected() -> list[str]:
    """Streams that the job reads."""
    plugins = yaml.safe_load(MELTANO.read_text())["plugins"]["extractors"]
    (own,) = [one["select"] for one in plugins if one["name"] == "tap-exactonline--reference"]
    return [pattern.removesuffix(".*") for pattern in own]


def test_an_unchanged_division_costs_no_more_than_a_dozen_calls(runner, rows) -> None:
    store = runner.exact.store
    store.load_mixed(rows.many("financial/GLAccounts", 4, 300, Division=101, Code="1"), 101)
    store.load_mixed(rows.many("hrm/Costcenters", 5, 200, Division=101, Code="C"), 101)
    assert {"gl_accounts", "cost_centers", "deletions"} < set(selected())
    first = runner.run(*selected())
    before = _calls(runner)
    second = runner.run(*selected(), state=first.state)
    assert second.error is None
    assert second.counts()["cost_centers"] == 200
    # One for each of the eight streams, and three more pages of cost centers.
    assert _calls(runner) - before == 11


def _calls(runner) -> int:
    status = requests.get(f"{runner.url}/_sandbox/status", timeout=30).json()
    return sum(status["calls"].values())
