"""Both stand-ins, both directions, each plugin as a process of its own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
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
