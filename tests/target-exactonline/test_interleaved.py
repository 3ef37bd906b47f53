"""Edits on both sides in any order, with a network that fails, against the sandbox over HTTP."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from support.reference_rows import CENTERS, center

if TYPE_CHECKING:
    from conftest import Feed

NAMES = st.sampled_from(["Alpha", "Beta", "Gamma"])
SIDES = st.sampled_from(["exact", "servicenow"])
FAULTS = st.sampled_from(["", "drop_before", "drop_after", "truncate"])
STEPS = st.lists(st.tuples(st.sampled_from("AB"), SIDES, NAMES, FAULTS), min_size=3, max_size=6)


class Both:
    """Both sides of two cost centers."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.theirs = {code: center(f"s{code}", code, f"Alpha {code}") for code in "AB"}

    def ours(self) -> dict[str, dict[str, Any]]:
        return self.feed.rows(CENTERS)

    def edit(self, code: str, side: str, name: str) -> None:
        if side == "servicenow":
            self.theirs[code]["name"] = f"{name} {code}"
            return
        key = next(
            row.key
            for row in self.feed.exact.store.all_of(CENTERS, 101)
            if row.values["Code"] == code
        )
        self.feed.exact.store.change(CENTERS, 101, key, {"Description": f"{name} {code}"})

    def run(self) -> str:
        return self.feed.run(self.theirs.values(), create=True)


@settings(
    max_examples=6,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=STEPS)
def test_no_owned_change_is_lost_and_nothing_is_written_twice(
    feed: Feed, steps: list[tuple[str, str, str, str]]
) -> None:
    feed.exact.reset()
    feed.exact.add_division(101, "Small", Country="NL")
    feed.exact.switches.set(minutely_limit=10**6, error_limit=10**6)
    feed.folder = Path(tempfile.mkdtemp(dir=feed.folder))
    both = Both(feed)
    assert both.run() == ""
    for code, side, name, fault in steps:
        both.edit(code, side, name)
        if fault:
            feed.fault(fault, "(POST|PUT) /api/v1/101/hrm")
        both.run()
        feed.exact.faults.clear()
    assert both.run() == ""
    writes, cases = feed.writes(), feed.cases()
    assert both.run() == ""
    assert (feed.writes(), feed.cases()) == (writes, cases)
    assert sorted(both.ours()) == ["A", "B"]
    waiting = {code for _, code, *_ in cases}
    for code, row in both.ours().items():
        mine, other = row["Description"], both.theirs[code]["name"]
        last = [step for step in steps if step[0] == code]
        if mine != other and code not in waiting:
            # Changed in Exact, where it is not owned: told as drift, never carried.
            assert any(side == "exact" for _, side, *_ in last), (code, steps)
    with feed.store() as store:
        assert store.audit.verify() == []
        asked = [
            (event.natural_key, str(event.detail.get("exact")), str(event.detail.get("servicenow")))
            for event in store.audit.events()
            if event.kind == "reference_conflict"
        ]
    assert len(asked) <= len(steps)
