from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from s2p_console import summary
from s2p_console.errors import NotFoundError

if TYPE_CHECKING:
    from conftest import House, Make

    from s2p_store import Store

TAP, MAPPER, TARGET = "tap-exactonline", "mapper-glcostcenter", "target-servicenow-s2p"
LINES = "purchase_entry_lines"


def a_run(store: Store, run_id: str, *, held: int = 0, failed: int = 0, ok: bool = True) -> None:
    for plugin in (TAP, MAPPER, TARGET):
        store.runs.start(run_id, plugin)
    store.runs.count(run_id, TAP, LINES, read=100)
    store.runs.count(run_id, MAPPER, LINES, read=100, mapped=100 - held, held=held)
    staged = {"staged": 90, "inserted": 80, "updated": 4, "ignored": 1, "unchanged": 5}
    store.runs.count(run_id, TARGET, LINES, held=held, failed=failed, **staged)
    store.runs.count(run_id, TAP, "accounts", read=7)
    store.runs.calls(run_id, "exactonline", 12)
    store.runs.calls(run_id, "servicenow", 3)
    for plugin in (TAP, MAPPER, TARGET):
        store.runs.finish(run_id, plugin, ok or plugin != TARGET)


def latest(house: House) -> tuple[int, dict[str, Any]]:
    ran = house.run("runs", "--last", "--json")
    return ran.exit_code, json.loads(ran.stdout)


def test_each_record_is_counted_once_though_three_plugins_see_it(
    house: House, store: Store
) -> None:
    a_run(store, "run-1", held=3)
    _, found = latest(house)
    lines = next(row for row in found["streams"] if row["stream"] == LINES)
    assert lines == {
        "stream": LINES,
        "read": 100,
        "mapped": 97,
        "held": 3,
        "released": 0,
        "staged": 90,
        "inserted": 80,
        "updated": 4,
        "ignored": 1,
        "unchanged": 5,
        "skipped": 0,
        "pending": 0,
        "not_written": 0,
        "failed": 0,
    }
    assert found["total"]["read"] == 107
    assert found["calls"] == {"exactonline": 12, "servicenow": 3}
    assert found["seconds"] >= 0
    assert found["ok"] is True


def test_rare_counters_are_shown_where_they_count(house: House, store: Store) -> None:
    a_run(store, "run-1")
    assert "not written" not in house.run("runs").stdout
    store.runs.count("run-1", TARGET, "items", not_written=9)
    assert "not written" in house.run("runs").stdout


def test_streams_come_in_the_taps_order(house: House, store: Store) -> None:
    a_run(store, "run-1")
    store.runs.count("run-1", TAP, "aardvarks", read=1)
    _, found = latest(house)
    assert [row["stream"] for row in found["streams"]] == ["accounts", LINES, "aardvarks"]


def test_another_tap_is_counted_by_who_saw_its_records(house: House, store: Store) -> None:
    store.runs.count("run-1", TARGET, "accounts", staged=5)
    store.runs.count("run-1", "tap-other", "accounts", read=5)
    store.runs.start("run-1", TARGET)
    _, found = latest(house)
    assert found["streams"][0]["read"] == 5


@pytest.mark.parametrize(
    ("changes", "code"),
    [({}, 0), ({"held": 1}, 2), ({"failed": 1}, 2), ({"ok": False}, 2)],
)
def test_exit_code_says_whether_someone_must_look(
    house: House, store: Store, changes: dict[str, Any], code: int
) -> None:
    a_run(store, "run-1", **changes)
    assert latest(house)[0] == code


def test_a_run_that_goes_on_or_was_killed_has_no_end(house: House, store: Store) -> None:
    a_run(store, "run-1")
    store.runs.start("run-1", TARGET)
    _, found = latest(house)
    assert (found["ok"], found["finished_at"], found["seconds"]) == (None, None, None)
    shown = house.run("runs").stdout
    assert "not finished" in shown
    assert f"{TARGET} is still running, or was killed." in shown


def test_a_failed_plugin_is_named(house: House, store: Store) -> None:
    a_run(store, "run-1", ok=False)
    shown = house.run("runs").stdout
    assert "FAILED" in shown
    assert f"{TARGET} failed; its log says why." in shown


def test_three_most_frequent_reasons_with_the_codes_concerned(
    house: House, store: Store, make: Make
) -> None:
    a_run(store, "run-1", held=14)
    rare: dict[str, Any] = {"reasons": ("AMOUNT_MISMATCH",)}
    store.holds.put(
        [make.hold(number, ("cost_center", f"CC{number}")) for number in range(10)]
        + [make.hold(number, ("gl_account", "7000")) for number in range(20, 23)]
        + [make.hold(number, reasons=("GL_ACCOUNT_UNDERIVABLE",)) for number in (30, 31)]
        + [make.hold(40, **rare)]
    )
    _, found = latest(house)
    reasons = found["hold_reasons"]
    assert [(each["reason"], each["lines"]) for each in reasons] == [
        ("COST_CENTER_MISSING", 10),
        ("GL_ACCOUNT_INACTIVE", 3),
        ("GL_ACCOUNT_UNDERIVABLE", 2),
    ]
    assert reasons[1]["codes"] == [{"dimension": "gl_account", "code": "7000", "lines": 3}]
    assert (len(reasons[0]["codes"]), reasons[0]["more_codes"]) == (8, 2)
    shown = house.run("runs").stdout
    assert "GL account 7000 (3)" in shown
    assert "and 2 more codes" in shown


def test_reasons_are_the_runs_own_where_the_mapper_counted_them(
    house: House, store: Store, make: Make
) -> None:
    a_run(store, "run-1", held=4)
    store.runs.count("run-1", MAPPER, LINES, COST_CENTER_MISSING=1, GL_ACCOUNT_INACTIVE=3)
    store.holds.put([make.hold(number, ("cost_center", "CC1")) for number in range(9)])
    _, found = latest(house)
    assert [(each["reason"], each["lines"]) for each in found["hold_reasons"]] == [
        ("GL_ACCOUNT_INACTIVE", 3),
        ("COST_CENTER_MISSING", 1),
    ]


def test_an_older_run_by_its_id(house: House, store: Store) -> None:
    a_run(store, "run-1", held=1)
    a_run(store, "run-2")
    assert latest(house)[1]["run_id"] == "run-2"
    assert json.loads(house.run("runs", "--run", "run-1", "--json").stdout)["run_id"] == "run-1"


def test_unknown_run_and_no_run_are_told(house: House, store: Store) -> None:
    ran = house.run("runs")
    assert (ran.exit_code, "No run is recorded" in ran.stderr) == (1, True)
    a_run(store, "run-1")
    ran = house.run("runs", "--run", "run-9")
    assert (ran.exit_code, "'run-9'" in ran.stderr) == (1, True)
    with pytest.raises(NotFoundError):
        summary.data(store, "run-9")


def test_summary_needs_no_key(house: House, store: Store) -> None:
    a_run(store, "run-1")
    assert house.run("runs", S2P_STORE_KEY=None).exit_code == 0


@pytest.mark.parametrize("width", [60, 80, 120])
def test_render_breaks_no_word_on_any_screen(store: Store, width: int) -> None:
    a_run(store, "run-1", held=3)
    out = io.StringIO()
    Console(file=out, width=width).print(summary.render(store, "run-1"))
    lines = out.getvalue().splitlines()
    assert all(len(line) <= width for line in lines)
    row = next(line for line in lines if LINES in line)
    assert row.split()[:4] == [LINES, "100", "97", "3"]
