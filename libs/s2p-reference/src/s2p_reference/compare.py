"""How two systems' reference data differ, for a person. Pure; it decides as the way back does."""

from __future__ import annotations

import enum
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from s2p_reference.entities import EXACT, SERVICENOW, System
from s2p_reference.plan import make_plan
from s2p_reference.records import CaseKind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from s2p_reference.creation import Rules
    from s2p_reference.entities import Item
    from s2p_reference.plan import Plan, Sides

__all__ = ["Finding", "FindingKind", "compare"]


class FindingKind(str, enum.Enum):
    """What is the matter."""

    MISSING_IN_EXACT = "missing in Exact Online"
    MISSING_IN_SERVICENOW = "missing in ServiceNow"
    DIFFERENT = "different"
    CONFLICT = "conflict"
    DELETED = "deleted in Exact Online"
    DUPLICATE = "duplicate"
    INACTIVE_IN_USE = "inactive but in use"


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference.

    Attributes:
        field: that differs; "" for the whole record.
        exact: what Exact has.
        servicenow: what ServiceNow has.
        decide: whether it needs a person; else it goes its way by itself.
        remedy: what will happen, or what to do.
    """

    kind: FindingKind
    stream: str
    division: int
    code: str
    field: str
    exact: object
    servicenow: object
    decide: bool
    remedy: str


_CASES: dict[CaseKind, str] = {
    CaseKind.CREATE: (
        "Accept it (`s2p reference conflicts resolve … --choose new`) or set create."
    ),
    CaseKind.MATCH: (
        "Say which it is (`s2p reference conflicts resolve … --choose same:CODE`, or new)."
    ),
}


def compare(
    sides: Sides,
    owners: Mapping[str, System],
    rules: Rules,
    used: Collection[str] = (),
) -> list[Finding]:
    """Give all differences of one kind in one division, those that need a person first.

    Args:
        sides: both sides as they are; nothing is written.
        owners: field → owner.
        rules: what a new record needs; `create` tells what will happen.
        used: codes that documents or master data name.
    """
    plan = make_plan(sides, owners, rules)
    found = [
        *_of_plan(sides, plan),
        *_missing_in_servicenow(sides, plan),
        *_duplicates(sides, EXACT, sides.exact),
        *_duplicates(sides, SERVICENOW, sides.servicenow),
        *_inactive(sides, used),
    ]
    return sorted(found, key=lambda one: (not one.decide, one.kind.value, one.code, one.field))


def _of_plan(sides: Sides, plan: Plan) -> Iterator[Finding]:
    place = sides.entity.stream, sides.division
    active = {item.code for item in sides.servicenow if item.active}
    for case in plan.cases:
        conflict = case.kind is CaseKind.CONFLICT
        whole = not case.field
        kind = FindingKind.CONFLICT if conflict else FindingKind.DIFFERENT
        remedy = _CASES.get(case.kind) or case.message
        yield Finding(
            FindingKind.MISSING_IN_EXACT if whole else kind,
            *place,
            case.code,
            case.field,
            case.exact if case.exact != "refused" else None,
            case.servicenow,
            decide=not case.choice,
            remedy=remedy or "Choose a side (`s2p reference conflicts resolve …`).",
        )
    for update in plan.updates:
        for name, value in update.values.items():
            yield Finding(
                FindingKind.DIFFERENT,
                *place,
                update.link.code,
                name,
                update.before[name],
                value,
                decide=False,
                remedy="The next run writes ServiceNow's value to Exact Online.",
            )
    for creation in plan.creations:
        yield Finding(
            FindingKind.MISSING_IN_EXACT,
            *place,
            creation.item.code,
            "",
            None,
            creation.item.name,
            decide=False,
            remedy="The next run creates it.",
        )
    for drift in plan.onward:
        yield Finding(
            FindingKind.DIFFERENT,
            *place,
            drift.code,
            drift.field,
            drift.exact,
            drift.servicenow,
            decide=False,
            remedy="Exact Online's value goes to ServiceNow with the job reference-data.",
        )
    for drift in plan.drifts:
        deleted = drift.field == "deleted"
        yield Finding(
            FindingKind.DELETED if deleted else FindingKind.DIFFERENT,
            *place,
            drift.code,
            "" if deleted else drift.field,
            drift.exact,
            drift.servicenow,
            decide=not deleted or drift.code in active,
            remedy=(
                "End it in ServiceNow, unless reference-data does."
                if deleted
                else f"Only {drift.owner} owns this: undo it on the other side, or change it there."
            ),
        )


def _missing_in_servicenow(sides: Sides, plan: Plan) -> Iterator[Finding]:
    present = {item.id for item in sides.servicenow}
    links = [*sides.links, *plan.links]
    linked = {link.exact_id for link in links if link.servicenow_id in present}
    lost = {link.exact_id for link in links} - linked
    there = {item.code for item in sides.servicenow}
    for item in sides.exact:
        if item.active and item.id not in linked and item.code not in there:
            yield Finding(
                FindingKind.MISSING_IN_SERVICENOW,
                sides.entity.stream,
                sides.division,
                item.code,
                "",
                item.name,
                None,
                decide=item.id in lost,
                remedy=(
                    "It was deleted there: end it in Exact Online, or change it there, and "
                    "reference-data makes it anew."
                    if item.id in lost
                    else "It goes to ServiceNow with the job reference-data."
                ),
            )


def _duplicates(sides: Sides, system: System, items: Iterable[Item]) -> Iterator[Finding]:
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for item in items:
        groups[item.code].append(item.name)
    for code, names in groups.items():
        if len(names) > 1:
            yield Finding(
                FindingKind.DUPLICATE,
                sides.entity.stream,
                sides.division,
                code,
                "code",
                names if system == EXACT else None,
                names if system == SERVICENOW else None,
                decide=True,
                remedy=f"{len(names)} records of {system} share this code: keep one.",
            )


def _inactive(sides: Sides, used: Collection[str]) -> Iterator[Finding]:
    for code in sorted(used):
        ours = [item for item in sides.exact if item.code == code]
        theirs = [item for item in sides.servicenow if item.code == code]
        inactive = {
            EXACT: bool(ours) and not any(item.active for item in ours),
            SERVICENOW: bool(theirs) and not any(item.active for item in theirs),
        }
        if any(inactive.values()):
            where = " and ".join(system for system, one in inactive.items() if one)
            yield Finding(
                FindingKind.INACTIVE_IN_USE,
                sides.entity.stream,
                sides.division,
                code,
                "",
                "inactive" if inactive[EXACT] else None,
                "inactive" if inactive[SERVICENOW] else None,
                decide=True,
                remedy=f"It is still named: open it in {where}, or put another in its place.",
            )
