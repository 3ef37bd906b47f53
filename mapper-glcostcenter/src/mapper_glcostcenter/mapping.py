"""From a line to its GL account and cost center in ServiceNow, or to the reasons why it waits.

Pure: the same line, day and reference data always give the same answer, whatever came before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mapper_glcostcenter.derive import derive_gl_account
from mapper_glcostcenter.dimensions import COST_CENTER, GL_ACCOUNT
from mapper_glcostcenter.reasons import Reason
from mapper_glcostcenter.resolve import Decision, Subject
from mapper_glcostcenter.rules import Conditions

if TYPE_CHECKING:
    from datetime import date

    from mapper_glcostcenter.derive import Derived, Line
    from mapper_glcostcenter.exact import ExactReference
    from mapper_glcostcenter.resolve import Resolver

__all__ = ["HELD", "MAPPED", "LineMapping", "Requirements", "map_line"]

MAPPED = "mapped"
HELD = "held"


@dataclass(frozen=True, slots=True)
class Requirements:
    """Whether a line without a GL account, or without a cost center, is held."""

    gl_account: bool = True
    cost_center: bool = False


@dataclass(frozen=True, slots=True)
class LineMapping:
    """What the mapper adds to a line. It is mapped if and only if there are no reasons."""

    gl_account: str | None
    gl_account_sys_id: str | None
    cost_center: str | None
    cost_center_sys_id: str | None
    reasons: tuple[Reason, ...]
    waiting_for: tuple[tuple[str, str], ...]
    rule: str

    @property
    def status(self) -> str:
        """`mapped` or `held`."""
        return HELD if self.reasons else MAPPED


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
    derived = derive_gl_account(line, exact)
    conditions = _conditions(line, exact)
    account = _resolve_account(line, derived, day, resolver, conditions)
    center = _resolve_center(line, day, exact, resolver, conditions)

    reasons: list[Reason] = []
    waiting_for: list[tuple[str, str]] = []
    if account is None:
        mandatory = requirements.gl_account or derived.reason is Reason.DIVISION_MISMATCH
        if derived.reason and mandatory:
            reasons.append(derived.reason)
            waiting_for.extend(derived.waiting_for)
    elif account.reason:
        reasons.append(account.reason)
        waiting_for.append((GL_ACCOUNT, account.code))
    needed = requirements.cost_center or bool(derived.account and derived.account.needs_cost_center)
    if center is None:
        if needed and not line.cost_center:
            reasons.append(Reason.COST_CENTER_REQUIRED)
    elif center.reason:
        reasons.append(center.reason)
        waiting_for.append((COST_CENTER, center.code))

    gl_entry = account.entry if account else None
    cc_entry = center.entry if center else None
    gl_text = f"{derived.rung} → {account.rung}" if account else derived.rung
    cc_text = f"{line.cost_center} → {center.rung}" if center else "none"
    return LineMapping(
        gl_account=gl_entry.code if gl_entry else None,
        gl_account_sys_id=gl_entry.sys_id if gl_entry else None,
        cost_center=cc_entry.code if cc_entry else None,
        cost_center_sys_id=cc_entry.sys_id if cc_entry else None,
        reasons=tuple(reasons),
        waiting_for=tuple(waiting_for),
        rule=f"gl: {gl_text}; cc: {cc_text}",
    )


def _conditions(line: Line, exact: ExactReference) -> Conditions:
    if line.division is None:
        return Conditions()
    known = exact.division(line.division)
    supplier = known.suppliers.get(line.supplier or "")
    item = known.items.get(line.item or "")
    group = known.item_groups.get(item.group or "") if item else None
    return Conditions(
        supplier=supplier.code if supplier else None,
        item_group=group.code if group else None,
        cost_center=line.cost_center,
    )


def _resolve_account(
    line: Line,
    derived: Derived,
    day: date,
    resolver: Resolver,
    conditions: Conditions,
) -> Decision | None:
    if derived.code is None or line.division is None:
        return None
    account = derived.account
    subject = Subject(
        GL_ACCOUNT,
        derived.code,
        (account.name if account else None) or line.gl_account_name,
        "blocked in Exact" if account and account.blocked else None,
    )
    return resolver.resolve(subject, line.division, day, conditions)


def _resolve_center(
    line: Line,
    day: date,
    exact: ExactReference,
    resolver: Resolver,
    conditions: Conditions,
) -> Decision | None:
    if line.cost_center is None or line.division is None:
        return None
    center = exact.division(line.division).cost_centers.get(line.cost_center)
    closed = None
    if center and not center.open_on(day):
        closed = f"ended {center.end_date} in Exact" if center.active else "inactive in Exact"
    name = (center.name if center else None) or line.cost_center_name
    subject = Subject(COST_CENTER, line.cost_center, name, closed)
    return resolver.resolve(subject, line.division, day, conditions)
