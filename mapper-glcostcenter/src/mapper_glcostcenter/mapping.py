"""From a line to its GL account and cost center in ServiceNow, or to the reasons why it waits.

Pure: the same line, day and reference data always give the same answer, whatever came before.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from mapper_glcostcenter.derive import derive_gl_account
from s2p_mapping.coverage import Asked
from s2p_mapping.dimensions import COST_CENTER, GL_ACCOUNT
from s2p_mapping.reasons import Reason
from s2p_mapping.resolve import Decision, Subject
from s2p_mapping.rules import Conditions

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import date

    from mapper_glcostcenter.derive import Derived, Line
    from mapper_glcostcenter.exact import ExactReference
    from s2p_mapping.resolve import Resolver

__all__ = [
    "HELD",
    "MAPPED",
    "AccountHalf",
    "CenterHalf",
    "LineMapping",
    "Requirements",
    "combine",
    "map_account",
    "map_center",
    "map_line",
    "set_aside",
]

MAPPED = "mapped"
HELD = "held"
KEEP: Final = "keep"
DROP: Final = "drop"
HOLD: Final = "hold"
Unused = Literal["keep", "drop", "hold"]


@dataclass(frozen=True, slots=True)
class Requirements:
    """Whether a line without a GL account, or without a cost center, is held.

    `unused_cost_center` says what becomes of a cost center whose GL account takes none in Exact.
    """

    gl_account: bool = True
    cost_center: bool = False
    unused_cost_center: Unused = KEEP


@dataclass(frozen=True, slots=True)
class LineMapping:
    """What the mapper adds to a line. It is mapped if and only if there are no reasons.

    `asked` says which codes of Exact the line needed a target for.
    """

    gl_account: str | None
    gl_account_sys_id: str | None
    cost_center: str | None
    cost_center_sys_id: str | None
    reasons: tuple[Reason, ...]
    waiting_for: tuple[tuple[str, str], ...]
    rule: str
    asked: tuple[Asked, ...] = ()

    @property
    def status(self) -> str:
        """`mapped` or `held`."""
        return HELD if self.reasons else MAPPED


@dataclass(frozen=True, slots=True)
class AccountHalf:
    """What was found out about a line's GL account: in Exact and, if it has one, in ServiceNow."""

    derived: Derived
    decision: Decision | None
    asked: Asked | None = None


@dataclass(frozen=True, slots=True)
class CenterHalf:
    """What was found out about a line's cost center; nothing if it names none."""

    code: str | None = None
    decision: Decision | None = None
    asked: Asked | None = None


def map_line(
    line: Line,
    day: date,
    exact: ExactReference,
    resolver: Resolver,
    requirements: Requirements,
) -> LineMapping:
    """Map one line as of its document's day.

    Args:
        line: what of the line decides.
        day: the day of the document, on which accounts and cost centers must be open.
        exact: what the line's GUIDs and codes stand for in Exact.
        resolver: ServiceNow's reference data and the rules.
        requirements: what a line may lack.
    """
    account = map_account(line, day, exact, resolver)
    center = map_center(line, day, exact, resolver)
    return combine(account, center, requirements)


def map_account(line: Line, day: date, exact: ExactReference, resolver: Resolver) -> AccountHalf:
    """Find the line's GL account; its cost center matters only to rules that ask for it."""
    derived = derive_gl_account(line, exact)
    if derived.code is None or line.division is None:
        return AccountHalf(derived, None)
    account = derived.account
    subject = Subject(
        GL_ACCOUNT,
        derived.code,
        (account.name if account else None) or line.gl_account_name,
        "blocked in Exact" if account and account.blocked else None,
    )
    conditions = _conditions(line, exact, resolver)
    decision = resolver.resolve(subject, line.division, day, conditions)
    return AccountHalf(derived, decision, _asked(GL_ACCOUNT, derived.code, decision))


def map_center(line: Line, day: date, exact: ExactReference, resolver: Resolver) -> CenterHalf:
    """Find the line's cost center; its item and supplier matter only to rules that ask for them."""
    if line.cost_center is None or line.division is None:
        return CenterHalf()
    center = exact.division(line.division).cost_centers.get(line.cost_center)
    closed = None
    if center and not center.open_on(day):
        closed = f"ended {center.end_date} in Exact" if center.active else "inactive in Exact"
    name = (center.name if center else None) or line.cost_center_name
    subject = Subject(COST_CENTER, line.cost_center, name, closed)
    conditions = _conditions(line, exact, resolver)
    decision = resolver.resolve(subject, line.division, day, conditions)
    return CenterHalf(line.cost_center, decision, _asked(COST_CENTER, line.cost_center, decision))


def combine(account: AccountHalf, center: CenterHalf, requirements: Requirements) -> LineMapping:
    """Put both halves together: mapped if nothing speaks against it."""
    derived, gl, cc = account.derived, account.decision, center.decision
    reasons: list[Reason] = []
    waiting_for: list[tuple[str, str]] = []
    if gl is None:
        mandatory = requirements.gl_account or derived.reason is Reason.DIVISION_MISMATCH
        if derived.reason and mandatory:
            reasons.append(derived.reason)
            waiting_for.extend(derived.waiting_for)
    elif gl.reason:
        reasons.append(gl.reason)
        waiting_for.append((GL_ACCOUNT, gl.code))
    unused = bool(cc and derived.account and derived.account.takes_none)
    dropped = unused and requirements.unused_cost_center == DROP
    needed = requirements.cost_center or bool(derived.account and derived.account.needs_cost_center)
    if cc is None:
        # A line without division names a cost center that cannot be looked up: that is its reason.
        if needed and center.code is None and derived.reason is not Reason.DIVISION_MISMATCH:
            reasons.append(Reason.COST_CENTER_REQUIRED)
    elif cc.reason and not dropped:
        reasons.append(cc.reason)
        waiting_for.append((COST_CENTER, cc.code))
    gl_entry = gl.entry if gl else None
    cc_entry = cc.entry if cc else None
    gl_text = f"{derived.rung} → {gl.rung}" if gl else derived.rung
    cc_text = f"{center.code} → {cc.rung}" if cc else "none"
    if unused and requirements.unused_cost_center != KEEP:
        cc_entry = None
        cc_text = f"{center.code} → {derived.code} takes none in Exact"
        if not dropped and Reason.COST_CENTER_INACTIVE not in reasons:
            reasons.append(Reason.COST_CENTER_INACTIVE)
            waiting_for.append((COST_CENTER, center.code or ""))
    return LineMapping(
        gl_account=gl_entry.code if gl_entry else None,
        gl_account_sys_id=gl_entry.sys_id if gl_entry else None,
        cost_center=cc_entry.code if cc_entry else None,
        cost_center_sys_id=cc_entry.sys_id if cc_entry else None,
        reasons=tuple(reasons),
        waiting_for=tuple(waiting_for),
        rule=f"gl: {gl_text}; cc: {cc_text}",
        asked=tuple(_all_asked(account, center, reasons)),
    )


def set_aside(
    mapping: LineMapping, by: str, why: str, reasons: Collection[str] | None
) -> LineMapping:
    """The mapping without the reasons that a person set aside (None: all of them).

    What account and cost center it has, if any, it keeps; the rule tells who decided.
    """
    left = tuple(
        reason for reason in mapping.reasons if reasons is not None and reason.value not in reasons
    )
    if left == mapping.reasons:
        return mapping
    aside = ", ".join(reason.value for reason in mapping.reasons if reason not in left)
    return replace(
        mapping,
        reasons=left,
        waiting_for=mapping.waiting_for if left else (),
        rule=f"{mapping.rule}; {aside} set aside by {by}: {why}",
    )


def _all_asked(account: AccountHalf, center: CenterHalf, reasons: list[Reason]) -> Iterator[Asked]:
    if account.asked is not None:
        yield account.asked
    elif account.derived.reason in reasons:
        yield Asked(GL_ACCOUNT, None, found=False)
    if center.asked is not None:
        yield center.asked
    elif Reason.COST_CENTER_REQUIRED in reasons:
        yield Asked(COST_CENTER, None, found=False)


def _asked(dimension: str, code: str | None, decision: Decision) -> Asked:
    rule = decision.rule.key if decision.rule else None
    return Asked(dimension, code, found=decision.entry is not None, rule=rule)


def _conditions(line: Line, exact: ExactReference, resolver: Resolver) -> Conditions:
    if line.division is None or not resolver.rules.conditional:
        return _UNCONDITIONAL
    known = exact.division(line.division)
    supplier = known.suppliers.get(line.supplier or "")
    item = known.items.get(line.item or "")
    group = known.item_groups.get(item.group or "") if item else None
    return Conditions(
        supplier=supplier.code if supplier else None,
        item_group=group.code if group else None,
        cost_center=line.cost_center,
    )


_UNCONDITIONAL = Conditions()
