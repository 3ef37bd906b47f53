from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from s2p_store import PairCase, PairLink, Store

if TYPE_CHECKING:
    from conftest import Clock

LINK = PairLink("cost_centers", 101, "s1", "e1", "A", {"description": "Alpha", "end_date": None})
SIDES = {"base": "Alpha", "exact": "Beta", "servicenow": "Gamma"}
CASE = PairCase("cost_centers", 101, "s1", "description", "conflict", "A", SIDES)


def test_links_and_cases_of_a_place_are_settled_together(store: Store, clock: Clock) -> None:
    assert store.pairs.settle("cost_centers", 101, [LINK], [CASE], "run-1") == 1
    opened = clock.now
    clock.advance(hours=1)
    assert store.pairs.settle("cost_centers", 101, [], [CASE], "run-2") == 0
    assert store.pairs.links("cost_centers", 101) == [LINK]
    assert store.pairs.links("cost_centers", 102) == []
    assert store.pairs.cases() == [replace(CASE, opened_at=opened)]
    store.pairs.settle("cost_centers", 102, [], [], "run-3")
    assert len(store.pairs.cases(division=101)) == 1
    assert store.pairs.cases("gl_accounts") == []
    store.pairs.settle("cost_centers", 101, [], [], "run-4")
    assert store.pairs.cases() == []


def test_a_choice_stays_until_the_case_is_about_something_else(store: Store) -> None:
    store.pairs.settle("cost_centers", 101, [LINK], [CASE], "run-1")
    assert store.pairs.choose(CASE, "servicenow")
    store.pairs.settle("cost_centers", 101, [], [replace(CASE, choice="servicenow")], "run-2")
    assert store.pairs.cases()[0].choice == "servicenow"
    other = replace(CASE, sides={**SIDES, "exact": "Delta"})
    assert not store.pairs.choose(other, "exactonline")
    assert store.pairs.settle("cost_centers", 101, [], [other], "run-3") == 1
    assert store.pairs.cases()[0].choice == ""


def test_a_write_keeps_its_link_and_closes_what_waited(store: Store) -> None:
    whole = replace(CASE, field="", kind="create")
    store.pairs.settle("cost_centers", 101, [LINK], [CASE, whole], "run-1")
    after = replace(LINK, base={"description": "Gamma", "end_date": None})
    store.pairs.written(after, ["description"], "run-2")
    assert store.pairs.links("cost_centers", 101) == [after]
    assert store.pairs.cases() == []
    assert not store.pairs.choose(CASE, "servicenow")


def test_a_record_of_exact_has_one_partner(store: Store) -> None:
    store.pairs.settle("cost_centers", 101, [LINK], [], "run-1")
    other = replace(LINK, servicenow_id="s2")
    store.pairs.settle("cost_centers", 101, [other], [], "run-2")
    assert store.pairs.links("cost_centers", 101) == [other]


def test_one_case_can_be_queued_alone(store: Store, clock: Clock) -> None:
    store.pairs.open(CASE, "run-1")
    assert store.pairs.cases() == [replace(CASE, opened_at=clock.now)]
