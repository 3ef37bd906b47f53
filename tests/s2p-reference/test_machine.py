"""Two systems edited at random, a forward way, and a way back that may die anywhere."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from s2p_reference.carry import NotWritten, carry_out
from s2p_reference.creation import Rules
from s2p_reference.entities import ENTITIES, Entity, Item
from s2p_reference.ownership import read_ownership
from s2p_reference.plan import Plan, Sides, make_plan
from s2p_reference.records import Case, CaseKind, Link

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CENTER = ENTITIES["cost_centers"]
OWNERS = read_ownership({"description": "servicenow"}).all_of(1, CENTER)
NAMES = st.sampled_from(["Alpha", "Beta", "Gamma", "Delta"])
ENDS = st.sampled_from([None, "2030-01-31", "2030-02-28"])
CODES = st.sampled_from(["A", "B", "C", "D"])


class Died(Exception):  # noqa: N818 - what happened to the process
    pass


@dataclass
class World:
    """Both systems and the store, as they would be on three machines."""

    exact: dict[str, dict[str, Any]] = field(default_factory=dict)
    servicenow: dict[str, dict[str, Any]] = field(default_factory=dict)
    links: dict[str, Link] = field(default_factory=dict)
    cases: dict[tuple[str, str], Case] = field(default_factory=dict)
    opened: Counter[tuple[object, ...]] = field(default_factory=Counter)
    sent: dict[str, dict[str, Any]] = field(default_factory=dict)
    writes: int = 0
    numbers: int = 0
    dies_in: int | None = None
    lost_answer: bool = False

    def breathe(self) -> None:
        """One more step: the process may die here."""
        if self.dies_in is not None:
            self.dies_in -= 1
            if self.dies_in < 0:
                raise Died

    def new_id(self) -> str:
        self.numbers += 1
        return f"id{self.numbers}"

    # What `carry_out` writes to

    def create(self, _entity: Entity, _division: int, body: Mapping[str, Any]) -> str:
        self.breathe()
        if any(row["code"] == body["Code"] for row in self.exact.values()):
            raise NotWritten("Data already exists.", final=True)
        made = self.new_id()
        self.exact[made] = {
            "code": body["Code"],
            "description": body["Description"],
            "end_date": body.get("EndDate"),
        }
        self.writes += 1
        self.breathe()
        return made

    def update(
        self, entity: Entity, _division: int, exact_id: str, _code: str, body: Mapping[str, Any]
    ) -> None:
        self.breathe()
        for one in entity.fields:
            if one.property in body:
                self.exact[exact_id][one.name] = body[one.property]
        self.writes += 1
        self.breathe()

    def settle(
        self, _stream: str, _division: int, links: Sequence[Link], cases: Sequence[Case]
    ) -> None:
        self.breathe()
        self.links.update({link.servicenow_id: link for link in links})
        for case in cases:
            known = self.cases.get((case.servicenow_id, case.field))
            if known is None or known.about != case.about:
                self.opened[case.servicenow_id, case.field, case.kind, str(case.about)] += 1
        self.cases = {(case.servicenow_id, case.field): case for case in cases}
        self.breathe()

    def written(self, link: Link, _kind: str, detail: Mapping[str, Any]) -> None:
        self.breathe()
        self.links[link.servicenow_id] = link
        for key in [key for key in self.cases if key[0] == link.servicenow_id]:
            if key[1] in detail or not key[1]:
                del self.cases[key]
        self.breathe()

    def refuse(self, case: Case) -> None:
        self.cases[case.servicenow_id, case.field] = case

    # Runs

    def items(self, rows: Mapping[str, Mapping[str, Any]]) -> list[Item]:
        return [
            Item(
                id_,
                row["code"],
                row["description"],
                {name: row[name] for name in ("description", "end_date")},
            )
            for id_, row in rows.items()
        ]

    def plan(self) -> Plan:
        sides = Sides(
            CENTER,
            1,
            self.items(self.exact),
            self.items(self.servicenow),
            list(self.links.values()),
            list(self.cases.values()),
            {id_: {"end_date": row["end_date"]} for id_, row in self.sent.items()},
        )
        return make_plan(sides, OWNERS, Rules(create=True))

    def back(self, dies_in: int | None = None) -> int:
        """The way back; gives how often it wrote to Exact."""
        before, self.dies_in = self.writes, dies_in
        try:
            carry_out(self.plan(), CENTER, 1, self, self)
        except Died:
            pass
        finally:
            self.dies_in = None
        return self.writes - before

    def forward(self) -> None:
        """Exact → ServiceNow: what Exact owns, only what has changed since it was sent last."""
        by_code = {row["code"]: id_ for id_, row in self.servicenow.items()}
        for id_, row in self.exact.items():
            if self.sent.get(id_) == row:
                continue
            target = by_code.get(row["code"])
            if target is None:
                self.servicenow[self.new_id()] = dict(row)
            else:
                self.servicenow[target]["end_date"] = row["end_date"]
            self.sent[id_] = dict(row)


class TwoSystems(RuleBasedStateMachine):
    """No lost change of an owner, no ping-pong, each conflict once, dying is harmless."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()

    def _one(self, rows: dict[str, dict[str, Any]], code: str) -> dict[str, Any] | None:
        return next((row for row in rows.values() if row["code"] == code), None)

    @rule(code=CODES, name=NAMES, end=ENDS)
    def add_in_exact(self, code: str, name: str, end: str | None) -> None:
        if self._one(self.world.exact, code) is None:
            row = {"code": code, "description": f"{name} {code}", "end_date": end}
            self.world.exact[self.world.new_id()] = row

    @rule(code=CODES, name=NAMES, end=ENDS)
    def add_in_servicenow(self, code: str, name: str, end: str | None) -> None:
        if self._one(self.world.servicenow, code) is None:
            row = {"code": code, "description": f"{name} {code}", "end_date": end}
            self.world.servicenow[self.world.new_id()] = row

    @rule(code=CODES, name=NAMES)
    def rename_in_servicenow(self, code: str, name: str) -> None:
        if row := self._one(self.world.servicenow, code):
            row["description"] = f"{name} {code}"

    @rule(code=CODES, name=NAMES)
    def rename_in_exact(self, code: str, name: str) -> None:
        if row := self._one(self.world.exact, code):
            row["description"] = f"{name} {code}"

    @rule(code=CODES, end=ENDS)
    def end_in_exact(self, code: str, end: str | None) -> None:
        if row := self._one(self.world.exact, code):
            row["end_date"] = end

    @rule(code=CODES, end=ENDS)
    def end_in_servicenow(self, code: str, end: str | None) -> None:
        if row := self._one(self.world.servicenow, code):
            row["end_date"] = end

    @rule()
    def forward(self) -> None:
        self.world.forward()

    @rule(dies_in=st.none() | st.integers(0, 12))
    def back(self, dies_in: int | None) -> None:
        self.world.back(dies_in)

    @precondition(lambda self: self.world.cases)
    @rule(data=st.data(), side=st.sampled_from(["exactonline", "servicenow"]))
    def decide(self, data: st.DataObject, side: str) -> None:
        key = data.draw(st.sampled_from(sorted(self.world.cases)))
        case = self.world.cases[key]
        if case.kind is CaseKind.CONFLICT:
            self.world.cases[key] = replace(case, choice=side)

    @rule()
    def a_quiet_pass_writes_nothing(self) -> None:
        self.world.back()
        state = (dict(self.world.links), dict(self.world.cases))
        assert self.world.back() == 0
        assert (self.world.links, self.world.cases) == state

    @rule(data=st.data(), dies_in=st.none() | st.integers(0, 8))
    def a_change_of_the_owner_alone_arrives(self, data: st.DataObject, dies_in: int | None) -> None:
        world = self.world
        world.back()
        agreed = [
            link
            for link in world.links.values()
            if world.exact[link.exact_id]["description"]
            == world.servicenow[link.servicenow_id]["description"]
        ]
        if agreed:
            link = data.draw(st.sampled_from(sorted(agreed, key=lambda one: one.exact_id)))
            fresh = f"Fresh {world.new_id()}"
            world.servicenow[link.servicenow_id]["description"] = fresh
            world.back(dies_in)
            world.back()
            assert world.exact[link.exact_id]["description"] == fresh

    @rule()
    def both_are_equal_where_owned_unless_a_person_is_asked(self) -> None:
        for _ in range(3):
            self.world.back()
            self.world.forward()
        waiting = {(case.servicenow_id, case.field) for case in self.world.cases.values()}
        told = {(drift.code, drift.field) for drift in self.world.plan().drifts}
        # What ServiceNow changed and Exact owns is not sent again: told, or seen as a difference.
        onward = {(drift.code, drift.field) for drift in self.world.plan().onward}
        for link in self.world.links.values():
            ours, theirs = (
                self.world.exact[link.exact_id],
                self.world.servicenow[link.servicenow_id],
            )
            for name in ("description", "end_date"):
                if ours[name] != theirs[name]:
                    asked = (link.servicenow_id, name) in waiting
                    assert asked or (ours["code"], name) in told | onward, (ours, theirs, name)

    @invariant()
    def nothing_is_there_twice(self) -> None:
        codes = Counter(row["code"] for row in self.world.exact.values())
        assert max(codes.values(), default=1) == 1
        links = Counter(link.exact_id for link in self.world.links.values())
        assert max(links.values(), default=1) == 1


TwoSystems.TestCase.settings = settings(max_examples=80, stateful_step_count=25, deadline=None)
TestTwoSystems = TwoSystems.TestCase


def _pair(world: World) -> tuple[dict[str, Any], dict[str, Any]]:
    world.exact["e"] = {"code": "A", "description": "Alpha", "end_date": None}
    world.servicenow["s"] = {"code": "A", "description": "Alpha", "end_date": None}
    world.back()
    return world.exact["e"], world.servicenow["s"]


def test_an_owned_change_arrives_and_does_not_come_back() -> None:
    world = World()
    ours, theirs = _pair(world)
    theirs["description"] = "Beta"
    assert world.back() == 1
    assert ours["description"] == "Beta"
    world.forward()
    assert world.back() == 0


def test_dying_between_the_write_and_its_note_is_no_conflict_later() -> None:
    for dies_in in range(12):
        world = World()
        ours, theirs = _pair(world)
        theirs["description"] = "Beta"
        world.back(dies_in)
        world.back()
        theirs["description"] = "Gamma"
        world.back()
        assert ours["description"] == "Gamma", dies_in
        assert not world.cases


def test_dying_while_a_record_is_made_never_makes_it_twice() -> None:
    for dies_in in range(10):
        world = World()
        world.servicenow["s"] = {"code": "N", "description": "New", "end_date": None}
        world.back(dies_in)
        world.back()
        assert [row["code"] for row in world.exact.values()] == ["N"], dies_in
        assert world.links["s"].base == {"description": "New", "end_date": None}


def test_a_conflict_is_queued_once_and_decided_by_a_side() -> None:
    for side, ends_as in (("servicenow", "Beta"), ("exactonline", "Gamma")):
        world = World()
        ours, theirs = _pair(world)
        ours["description"], theirs["description"] = "Gamma", "Beta"
        for _ in range(3):
            assert world.back() == 0
        assert list(world.opened.values()) == [1]
        case = world.cases["s", "description"]
        assert (case.base, case.exact, case.servicenow) == ("Alpha", "Gamma", "Beta")
        world.cases["s", "description"] = replace(case, choice=side)
        for _ in range(2):
            world.back()
        assert ours["description"] == ends_as
        assert not world.cases


def test_a_decision_survives_a_death_before_it_was_carried_out() -> None:
    for dies_in in range(6):
        world = World()
        ours, theirs = _pair(world)
        ours["description"], theirs["description"] = "Gamma", "Beta"
        world.back()
        case = world.cases["s", "description"]
        world.cases["s", "description"] = replace(case, choice="servicenow")
        world.back(dies_in)
        world.back()
        assert ours["description"] == "Beta", dies_in
        assert list(world.opened.values()) == [1]


def test_what_the_forward_way_brought_late_is_no_change_of_servicenow() -> None:
    world = World()
    ours, theirs = _pair(world)
    ours["end_date"] = "2030-01-31"
    world.forward()
    assert theirs["end_date"] == "2030-01-31"
    ours["end_date"] = "2030-02-28"
    world.back()
    assert not world.cases
    world.forward()
    assert theirs["end_date"] == "2030-02-28"


def test_what_exact_deleted_is_told_and_not_made_again() -> None:
    world = World()
    _pair(world)
    del world.exact["e"]
    assert world.back() == 0
    assert [drift.field for drift in world.plan().drifts] == ["deleted"]
