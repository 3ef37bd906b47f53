"""Remembers what lines that ask the same were answered, so that a million lines stay cheap.

Pure, and invisible but for speed: an answer is forgotten as soon as Exact's reference data changes.
Days between two boundaries (a validity begins or ends) are alike, so an answer of one day serves
its whole period. GL account and cost center are remembered apart, as they are decided apart.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Any

from mapper_glcostcenter.derive import Line
from mapper_glcostcenter.exact import as_date, guid, text
from mapper_glcostcenter.mapping import LineMapping, combine, map_account, map_center
from mapper_glcostcenter.splice import members
from s2p_mapping.dimensions import COST_CENTER, GL_ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping
    from datetime import date

    from mapper_glcostcenter.exact import ExactReference
    from mapper_glcostcenter.mapping import AccountHalf, CenterHalf, Requirements
    from s2p_mapping.resolve import Resolver

__all__ = ["Answers", "added_by"]

_MOST = 10_000
"""Answers kept of each kind; then they are forgotten, so that memory stays flat."""


class Answers:
    """Maps lines given by their properties as they came."""

    def __init__(
        self,
        exact: ExactReference,
        resolver: Resolver,
        requirements: Requirements,
        today: Callable[[], date],
    ) -> None:
        self._exact = exact
        self._resolver = resolver
        self._requirements = requirements
        self._today = today
        self._fixed = {*resolver.reference.boundaries(), *resolver.rules.boundaries()}
        # Only what rules ask for can make one half depend on what decides the other.
        of_accounts = resolver.rules.asks(GL_ACCOUNT)
        of_centers = resolver.rules.asks(COST_CENTER)
        self._account_by_supplier = "supplier" in of_accounts
        self._account_by_center = "cost_center" in of_accounts
        self._center_by_supplier = "supplier" in of_centers
        self._center_by_item = "item_group" in of_centers
        self._version = -1
        self._boundaries: list[date] = []
        self._days: dict[str | None, tuple[date, int]] = {}
        self._accounts: dict[Hashable, tuple[int, AccountHalf]] = {}
        self._centers: dict[Hashable, tuple[int, CenterHalf]] = {}
        self._numbers: dict[Hashable, int] = {}
        self._whole: dict[tuple[int, int], tuple[LineMapping, bytes]] = {}

    def find(
        self,
        fields: Any,  # noqa: ANN401 - a record of a line stream, made per stream
        division: int | None,
        item: Any,  # noqa: ANN401 - text or number, as it came
        supplier: Any,  # noqa: ANN401 - as above
        day: str | None,
    ) -> tuple[LineMapping, bytes]:
        """What becomes of a line, and the properties it gets as the inside of a JSON object.

        Args:
            fields: the line's own properties.
            division: the line's division.
            item: its item, or that of the order line it bills.
            supplier: its supplier, or that of its header.
            day: the document's day as YYYY-MM-DD; without one, today decides.
        """
        if self._version != self._exact.version or len(self._numbers) > _MOST:
            self._forget()
        on = self._days.get(day)
        if on is None:
            on = self._days[day] = self._period(day)
        code = fields.CostCenter
        own = (
            division,
            item,
            fields.GLAccount,
            fields.GLAccountCode,
            fields.GLAccountDescription,
            on[1],
            supplier if self._account_by_supplier else None,
            code if self._account_by_center else None,
        )
        # Mostly the item decides alone: then all suppliers share its answer.
        account = self._accounts.get(own) or self._accounts.get((own, supplier))
        if account is None:
            half = map_account(self._line(fields, division, item, supplier), on[0], *self._by)
            account = (self._number(half), half)
            _make_room(self._accounts)
            self._accounts[(own, supplier) if half.derived.supplier_matters else own] = account
        asked = (
            division,
            code,
            fields.CostCenterDescription,
            on[1],
            supplier if self._center_by_supplier else None,
            item if self._center_by_item else None,
        )
        center = self._centers.get(asked)
        if center is None:
            found = map_center(self._line(fields, division, item, supplier), on[0], *self._by)
            _make_room(self._centers)
            center = self._centers[asked] = (self._number(found), found)
        whole = self._whole.get((account[0], center[0]))
        if whole is None:
            mapping = combine(account[1], center[1], self._requirements)
            whole = mapping, members(added_by(mapping))
            _make_room(self._whole)
            self._whole[account[0], center[0]] = whole
        return whole

    @property
    def _by(self) -> tuple[ExactReference, Resolver]:
        return self._exact, self._resolver

    def _forget(self) -> None:
        self._version = self._exact.version
        self._boundaries = sorted({*self._fixed, *self._exact.boundaries()})
        for memory in (self._days, self._accounts, self._centers, self._numbers, self._whole):
            memory.clear()

    def _period(self, day: str | None) -> tuple[date, int]:
        on = as_date(day) or self._today()
        return on, bisect_right(self._boundaries, on)

    def _number(self, half: AccountHalf | CenterHalf) -> int:
        """Equal halves share a number, so that they share the answer too."""
        return self._numbers.setdefault(half, len(self._numbers))

    @staticmethod
    def _line(fields: Any, division: int | None, item: object, supplier: object) -> Line:  # noqa: ANN401
        return Line(
            division=division,
            item=guid(item),
            supplier=guid(supplier),
            gl_account=guid(fields.GLAccount),
            gl_account_code=text(fields.GLAccountCode),
            gl_account_name=text(fields.GLAccountDescription),
            cost_center=text(fields.CostCenter),
            cost_center_name=text(fields.CostCenterDescription),
        )


def _make_room(memory: dict[Any, Any]) -> None:
    if len(memory) >= _MOST:
        memory.clear()


def added_by(mapping: LineMapping) -> Mapping[str, Any]:
    """The properties a mapping adds to its line."""
    return {
        "s2p_gl_account": mapping.gl_account,
        "s2p_gl_account_sys_id": mapping.gl_account_sys_id,
        "s2p_cost_center": mapping.cost_center,
        "s2p_cost_center_sys_id": mapping.cost_center_sys_id,
        "s2p_mapping_status": mapping.status,
        "s2p_hold_reasons": [reason.value for reason in mapping.reasons],
        "s2p_mapping_rule": mapping.rule,
    }
