"""What has to happen to one kind of reference data in one division. Pure.

The whole of both sides is compared each time; what was done before is seen by what is there. So a
run that broke off anywhere is simply followed by another.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from s2p_reference.creation import Rules, body_of, obstacle
from s2p_reference.decide import MISSING, Verdict, judge
from s2p_reference.entities import EXACT, SERVICENOW, Entity, Item, System
from s2p_reference.matching import match
from s2p_reference.records import Case, CaseKind, Link

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

__all__ = ["Creation", "Drift", "Plan", "Sides", "Update", "make_plan"]


@dataclass(frozen=True, slots=True)
class Sides:
    """Everything that is known before a run writes.

    Attributes:
        exact: all of the division, as they are now.
        servicenow: all of its ERP source, as far as they were ever read.
        links: of earlier runs.
        cases: of earlier runs, with what a person decided.
        carried: Exact's ID → field → values that the forward way has carried to ServiceNow.
    """

    entity: Entity
    division: int
    exact: Collection[Item]
    servicenow: Collection[Item]
    links: Collection[Link] = ()
    cases: Collection[Case] = ()
    carried: Mapping[str, Mapping[str, object]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Update:
    """Fields of a record of Exact that get ServiceNow's value."""

    link: Link
    values: Mapping[str, object]
    before: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Creation:
    """A record that Exact gets; `body` is what a POST sends."""

    item: Item
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Drift:
    """A difference that is told, not written.

    Attributes:
        field: in question; "code" for a code that differs, "deleted" for what Exact has no more.
    """

    stream: str
    division: int
    code: str
    field: str
    exact: object
    servicenow: object
    owner: System


@dataclass(slots=True)
class Plan:
    """The outcome.

    Attributes:
        links: that are new or whose base has changed.
        cases: all that wait after this, unless a write settles them.
        onward: fields on their way to ServiceNow by the forward way.
    """

    links: list[Link] = field(default_factory=list)
    updates: list[Update] = field(default_factory=list)
    creations: list[Creation] = field(default_factory=list)
    cases: list[Case] = field(default_factory=list)
    drifts: list[Drift] = field(default_factory=list)
    onward: list[Drift] = field(default_factory=list)
    same: int = 0


def make_plan(sides: Sides, owners: Mapping[str, System], rules: Rules) -> Plan:
    """Decide about every record of ServiceNow.

    Args:
        sides: what is known.
        owners: field → owner in this division.
        rules: what a new record needs.
    """
    return _Planner(sides, owners, rules).plan


class _Planner:
    """Fills a plan, record by record."""

    def __init__(self, sides: Sides, owners: Mapping[str, System], rules: Rules) -> None:
        self.plan = Plan()
        self._sides = sides
        self._owners = owners
        self._rules = rules
        self._cases = {case.key: case for case in sides.cases}
        exact = {item.id: item for item in sides.exact}
        servicenow = {item.id: item for item in sides.servicenow}
        # What was deleted and made anew under the same code, on either side, is met again.
        paired_here = {link.exact_id for link in sides.links}
        paired_there = {link.servicenow_id for link in sides.links}
        anew = {item.code for item in sides.exact if item.id not in paired_here}
        anew_there = {item.code for item in sides.servicenow if item.id not in paired_there}
        lasting = [
            link
            for link in sides.links
            if (link.exact_id in exact or link.code not in anew)
            and (link.servicenow_id in servicenow or link.code not in anew_there)
        ]
        known = {link.servicenow_id: link for link in lasting}
        met = self._met(known)
        # A person may give a record of Exact to another of ServiceNow, one made anew for instance.
        given = {link.exact_id for link in met}
        kept = [link for link in lasting if link.exact_id not in given]
        for link in (*(one for one in kept if one.servicenow_id in servicenow), *met):
            theirs, ours = servicenow[link.servicenow_id], exact.get(link.exact_id)
            if ours is None:
                self._tell(theirs.code, "deleted", None, theirs.code, EXACT)
                continue
            after = self._compare(link, ours, theirs)
            if after != known.get(link.servicenow_id):
                self.plan.links.append(after)

    # Records that meet for the first time

    def _met(self, known: Mapping[str, Link]) -> list[Link]:
        """Link those that find a partner; plan for those that do not."""
        strangers = [item for item in self._sides.servicenow if item.id not in known and item.code]
        taken = {link.exact_id for link in known.values()}
        links, strangers, wanted = self._decided(strangers)
        found = match(self._sides.exact, strangers, taken | {link.exact_id for link in links})
        links += [self._link(ours, theirs) for ours, theirs in found.pairs]
        for item, twins in found.unsure:
            if item.active:
                self._unsure(item, twins)
        for item in (*found.new, *wanted):
            if item.active:
                self._new(item)
        return links

    def _decided(self, strangers: Sequence[Item]) -> tuple[list[Link], list[Item], list[Item]]:
        """Sort out what a person has said: the same as …, or new."""
        free = {item.code: item for item in self._sides.exact}
        codes = {item.code for item in self._sides.exact}
        links: list[Link] = []
        rest: list[Item] = []
        wanted: list[Item] = []
        for item in strangers:
            case = self._case(item.id)
            choice = case.choice if case else ""
            said, _, code = choice.partition(":")
            if said == "same" and code in free:
                links.append(self._link(free.pop(code), item))
            elif choice == "new" and item.code not in codes:
                wanted.append(item)
                codes.add(item.code)
            else:
                rest.append(item)
        return links, rest, wanted

    def _unsure(self, item: Item, twins: Sequence[str]) -> None:
        """Queue what may be the same as something; a choice that is still there could not be."""
        case = self._case(item.id)
        message = case.message if case is not None and case.kind is CaseKind.MATCH else ""
        if case is not None and case.choice:
            title = self._sides.entity.title
            message = (
                f"'{case.choice}' cannot be done: Exact Online has no {title} of that code, or has "
                "one of this code already. Choose again."
            )
        stream, division = self._sides.entity.stream, self._sides.division
        kind, exact = CaseKind.MATCH, list(twins)
        self.plan.cases.append(
            Case(stream, division, item.id, "", kind, item.code, None, exact, item.name, message)
        )

    def _new(self, item: Item) -> None:
        entity, division = self._sides.entity, self._sides.division
        case = self._case(item.id)
        choice = case.choice if case is not None else ""
        why = obstacle(entity, division, item, self._rules)
        if not self._rules.create and choice not in {"new", "again"}:
            self._wait(item, CaseKind.CREATE, message=why or "")
            return
        if why is not None:
            self._wait(item, CaseKind.REFUSED, message=why)
            return
        refused = case is not None and case.kind is CaseKind.REFUSED and case.about_exact
        if case is not None and refused and case.servicenow == item.name and choice != "again":
            # Exact said no to exactly this: once more would say the same and count as an error.
            self.plan.cases.append(case)
            return
        if case is not None and choice:
            self.plan.cases.append(case)  # what was decided is kept until it is done
        body = body_of(entity, division, item, self._rules)
        self.plan.creations.append(Creation(item, body))

    def _wait(self, item: Item, kind: CaseKind, *, exact: object = None, message: str = "") -> None:
        stream, division = self._sides.entity.stream, self._sides.division
        fresh = Case(
            stream, division, item.id, "", kind, item.code, None, exact, item.name, message
        )
        self.plan.cases.append(self._keep(fresh))

    # Records that have a partner

    def _compare(self, link: Link, ours: Item, theirs: Item) -> Link:
        """Decide field by field; give the link as it stands afterwards."""
        if ours.code != theirs.code:
            self._tell(ours.code, "code", ours.code, theirs.code, EXACT)
        base = dict(link.base)
        values: dict[str, object] = {}
        carried = self._sides.carried.get(ours.id, {})
        told = {Verdict.ONWARD: self.plan.onward, Verdict.DRIFT: self.plan.drifts}
        for name in [name for name in ours.values if name in theirs.values]:
            e, s, owner = ours.values[name], theirs.values[name], self._owners[name]
            # What ServiceNow owns is not carried there: the forward way leaves it out.
            sent = (carried[name],) if name in carried and owner == EXACT else ()
            verdict = judge(owner, base.get(name, MISSING), e, s, carried=sent)
            if verdict is Verdict.CONFLICT:
                verdict = self._settled(link, ours.code, name, base, e, s)
            if verdict is Verdict.SAME:
                base[name] = e
                self.plan.same += 1
            elif verdict is Verdict.WRITE:
                if not self._still_refused(link, name, s):
                    values[name] = s
            elif verdict in told:
                told[verdict].append(self._drift(ours.code, name, e, s, owner))
        after = replace(link, code=ours.code, base=base)
        if values:
            before = {name: ours.values[name] for name in values}
            self.plan.updates.append(Update(after, values, before))
        return after

    def _settled(  # noqa: PLR0913, PLR0917 - a conflict has this many parts
        self,
        link: Link,
        code: str,
        name: str,
        base: dict[str, object],
        e: object,
        s: object,
    ) -> Verdict:
        """Queue a conflict, or say what a person has decided about exactly this one."""
        fresh = self._keep(
            Case(
                link.stream,
                link.division,
                link.servicenow_id,
                name,
                CaseKind.CONFLICT,
                code,
                base.get(name),
                e,
                s,
            )
        )
        if fresh.choice == EXACT:
            # What ServiceNow has is settled: from here on only Exact's value is a change.
            base[name] = s
            return Verdict.ONWARD if self._owners[name] == EXACT else Verdict.DRIFT
        self.plan.cases.append(fresh)  # also one that is decided: until it is written
        return Verdict.WRITE if fresh.choice == SERVICENOW else Verdict.CONFLICT

    def _still_refused(self, link: Link, name: str, value: object) -> bool:
        """Whether Exact refused exactly this value, and no person wants another try."""
        case = self._case(link.servicenow_id, name)
        if case is None or case.kind is not CaseKind.REFUSED or case.choice == "again":
            return False
        if case.servicenow == value:
            self.plan.cases.append(case)
        return case.servicenow == value

    # Small things

    def _case(self, servicenow_id: str, name: str = "") -> Case | None:
        key = (self._sides.entity.stream, self._sides.division, servicenow_id, name)
        return self._cases.get(key)

    def _keep(self, fresh: Case) -> Case:
        """Keep a choice that was made about exactly this."""
        known = self._cases.get(fresh.key)
        same = known is not None and known.about == fresh.about
        return replace(fresh, choice=known.choice) if known is not None and same else fresh

    def _link(self, ours: Item, theirs: Item) -> Link:
        stream, division = self._sides.entity.stream, self._sides.division
        return Link(stream, division, ours.id, theirs.id, ours.code)

    def _drift(self, code: str, name: str, e: object, s: object, owner: System) -> Drift:
        return Drift(self._sides.entity.stream, self._sides.division, code, name, e, s, owner)

    def _tell(self, code: str, name: str, e: object, s: object, owner: System) -> None:
        self.plan.drifts.append(self._drift(code, name, e, s, owner))
