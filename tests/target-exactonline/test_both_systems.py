"""Both stand-ins, both directions, each plugin as a process of its own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support.few_rows import DIVISIONS
from support.world import World, make_template, open_world

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.pipeline import Run

DIVISION, SOURCE = 3104417, "EXACT-3104417"
OWNED = json.dumps({"cost_centers.description": "servicenow"})


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    make_template(tmp_path / "template")
    with open_world(tmp_path / "template", tmp_path / "world") as made:
        yield made


def writes(world: World) -> int:
    calls = world.pipeline.status("exact")["calls"]
    return sum(n for call, n in calls.items() if call.startswith(("POST /api/v1", "PUT ")))


def back(world: World) -> Run:
    divisions = json.dumps([DIVISION])
    ran = world.pipeline.back(
        TARGET_EXACTONLINE_OWNERSHIP=OWNED, TARGET_EXACTONLINE_DIVISIONS=divisions
    )
    assert ran.codes == (0, 0), ran.logs
    return ran


def centers(world: World) -> dict[str, dict[str, Any]]:
    rows = world.pipeline.rows("cmn_cost_center", sysparm_display_value="all")
    return {
        row["account_number"]["value"]: row
        for row in rows
        if row["erp_source"]["display_value"] == SOURCE
    }


def test_a_change_goes_round_once_and_then_there_is_quiet(world: World) -> None:
    back(world)
    assert writes(world) == 0
    with world.store() as store:
        links = store.pairs.links("cost_centers", DIVISION)
    code = next(link.code for link in links if "description" in link.base)
    row = centers(world)[code]
    changed = {"sys_id": row["sys_id"]["value"], "name": "Named by ServiceNow"}
    world.pipeline.control(
        "servicenow", "rows", table="cmn_cost_center", rows=[changed], key=["sys_id"]
    )
    world.clock.advance(1)
    back(world)
    assert writes(world) == 1
    assert world.pipeline.run(TAP_EXACTONLINE_DIVISIONS=f"[{DIVISION}]").codes == (0, 0, 0)
    assert centers(world)[code]["name"]["value"] == "Named by ServiceNow"
    before = world.pipeline.status("exact")["calls"]
    back(world)
    after = world.pipeline.status("exact")["calls"]
    assert writes(world) == 1
    calls = sum(after.values()) - sum(before.values())
    assert calls <= 12


def add(world: World, table: str, **values: object) -> None:
    source = {"ref": ["sn_fin_erp_source", "name", SOURCE]}
    world.pipeline.control(
        "servicenow", "rows", table=table, rows=[{**values, "erp_source": source}]
    )


def waiting(world: World) -> dict[str, str]:
    found = world.pipeline.s2p("reference", "conflicts")["waiting"]
    return {case["code"]: f"{case['kind']}: {case['message']}" for case in found}


def test_bad_records_wait_with_their_reason_and_the_rest_is_made(world: World) -> None:
    divisions = json.dumps([DIVISION])
    add(world, "cmn_cost_center", account_number="FAR-TOO-LONG", name="A code nobody takes")
    add(world, "cmn_cost_center", account_number="NEW1", name="Of ServiceNow alone")
    add(world, "sn_fin_gl_account", gl_account="77001", display_name="Nothing like it", type="Odd")
    ran = world.pipeline.back(
        TARGET_EXACTONLINE_OWNERSHIP=OWNED,
        TARGET_EXACTONLINE_DIVISIONS=divisions,
        TARGET_EXACTONLINE_CREATE="true",
        TARGET_EXACTONLINE_CODE_LENGTHS='{"cost_centers": 8}',
    )
    assert ran.codes == (0, 0), ran.logs
    told = waiting(world)
    assert told["FAR-TOO-LONG"].startswith("refused: The code has 12 characters")
    assert "There is no template that says Type" in told["77001"]
    with world.store() as store:
        events = [event for event in store.audit.events() if event.kind == "reference_created"]
    made = {event.natural_key for event in events}
    assert "NEW1" in made
    assert made.isdisjoint({"FAR-TOO-LONG", "77001"})
    assert writes(world) == len(made)


@pytest.mark.parametrize(
    ("switches", "says"),
    [
        (
            {"denied_divisions": [DIVISION], "division_reason": "DivisionBlocked"},
            f"GL accounts of division {DIVISION} could not be compared",
        ),
        (
            {"denied_scopes": ["financial.costcenters"]},
            f"cost centers of division {DIVISION} could not be compared",
        ),
    ],
)
def test_a_closed_division_and_a_missing_scope_end_with_one_line(
    world: World, switches: dict[str, object], says: str
) -> None:
    add(world, "sn_fin_gl_account", gl_account="77001", display_name="Nothing like it", type="Odd")
    both = {
        "TARGET_EXACTONLINE_OWNERSHIP": OWNED,
        "TARGET_EXACTONLINE_DIVISIONS": json.dumps(list(DIVISIONS)),
    }
    world.pipeline.control("exact", "switches", **switches)
    ran = world.pipeline.back(**both)
    assert ran.codes == (0, 1), ran.logs
    assert says in ran.logs
    assert "Traceback" not in ran.logs
    assert writes(world) == 0
    with world.store() as store:
        elsewhere = [
            len(store.pairs.links("gl_accounts", division))
            for division in DIVISIONS
            if division != DIVISION
        ]
    assert all(elsewhere)
    # What stood in the way is gone: the next run needs nothing but to run.
    world.pipeline.control("exact", "switches", denied_divisions=[], denied_scopes=[])
    ran = world.pipeline.back(**both)
    assert ran.codes == (0, 0), ran.logs
