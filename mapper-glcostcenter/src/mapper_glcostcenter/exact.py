"""Exact Online's side: what a line's GUIDs and codes stand for, from the reference streams.

Facts: a line names cost centers by code and items, suppliers and GL accounts by GUID; a GUID is
unique across divisions and compared without regard to case. `UseCostcenter` of an account is
0 optional, 1 mandatory, 2 none. A rename or a change of code keeps the GUID.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

__all__ = [
    "KEPT",
    "WHOLE",
    "Account",
    "CostCenter",
    "DivisionReference",
    "ExactReference",
    "Item",
    "ItemGroup",
    "Supplier",
    "as_date",
    "guid",
    "text",
]

KEPT: Mapping[str, tuple[str, ...]] = {
    "gl_accounts": ("Code", "Description", "IsBlocked", "UseCostcenter"),
    "cost_centers": ("Code", "Description", "Active", "EndDate"),
    "item_groups": ("Code", "GLCosts", "GLCostsCode"),
    "items": ("Code", "ItemGroup", "GLCosts", "GLCostsCode"),
    "accounts": ("Code", "GLAccountPurchase"),
}
"""The properties that are kept of each reference stream, beside its ID. No personal data."""

WHOLE = frozenset({"gl_accounts", "cost_centers", "item_groups"})
"""Streams that are read whole on every run: what is missing in a complete read was deleted."""

COST_CENTER_MANDATORY, COST_CENTER_NONE = 1, 2


@dataclass(frozen=True, slots=True)
class Account:
    """A GL account.

    `needs_cost_center`: Exact does not book on it without one; `takes_none`: nor with one.
    """

    code: str
    name: str | None = None
    blocked: bool = False
    needs_cost_center: bool = False
    takes_none: bool = False


@dataclass(frozen=True, slots=True)
class CostCenter:
    """A cost center; `end_date` is the last day on which it may be used."""

    code: str
    name: str | None = None
    active: bool = True
    end_date: date | None = None

    def open_on(self, day: date) -> bool:
        """Whether a document of that day may be booked on it."""
        return self.active and (self.end_date is None or day <= self.end_date)


@dataclass(frozen=True, slots=True)
class Item:
    """An item: its own cost account, which overrules that of its group."""

    code: str | None
    group: str | None
    costs: str | None
    costs_code: str | None


@dataclass(frozen=True, slots=True)
class ItemGroup:
    """An item group and its cost account."""

    code: str | None
    costs: str | None
    costs_code: str | None


@dataclass(frozen=True, slots=True)
class Supplier:
    """A supplier and its default purchase account."""

    code: str | None
    purchase_account: str | None


@dataclass(slots=True)
class DivisionReference:
    """What is known of one division; all but `account_by_code` and `cost_centers` keyed by GUID."""

    accounts: dict[str, Account] = field(default_factory=dict)
    account_by_code: dict[str, Account] = field(default_factory=dict)
    cost_center_ids: dict[str, CostCenter] = field(default_factory=dict)
    cost_centers: dict[str, CostCenter] = field(default_factory=dict)
    items: dict[str, Item] = field(default_factory=dict)
    item_groups: dict[str, ItemGroup] = field(default_factory=dict)
    suppliers: dict[str, Supplier] = field(default_factory=dict)

    def learn(self, stream: str, id_: str, row: Mapping[str, Any]) -> None:
        """Take up one record of a reference stream; a later one replaces an earlier one."""
        _LEARN[stream](self, id_, row)

    def forget_all_but(self, stream: str, ids: Iterable[str]) -> None:
        """Drop what a complete read of a whole stream no longer contains."""
        keep = set(ids)
        table: dict[str, Any] = getattr(self, _TABLES[stream])
        for gone in table.keys() - keep:
            del table[gone]
        if stream == "gl_accounts":
            self.account_by_code = {row.code: row for row in self.accounts.values()}
        elif stream == "cost_centers":
            self.cost_centers = {row.code: row for row in self.cost_center_ids.values()}


class ExactReference:
    """What is known of all divisions met so far.

    `load` is asked once per division for the rows of earlier runs: (stream, id, row). `version`
    changes with everything that is learnt or forgotten.
    """

    def __init__(
        self,
        load: Callable[[int], Iterable[tuple[str, str, Mapping[str, Any]]]] | None = None,
    ) -> None:
        self._load = load
        self._divisions: dict[int, DivisionReference] = {}
        self.version = 0

    def learn(self, division: int, stream: str, id_: str, row: Mapping[str, Any]) -> None:
        """Take up one record of a reference stream; a later one replaces an earlier one."""
        self.division(division).learn(stream, id_, row)
        self.version += 1

    def forget_all_but(self, division: int, stream: str, ids: Iterable[str]) -> None:
        """Drop what a complete read of a whole stream no longer contains."""
        self.division(division).forget_all_but(stream, ids)
        self.version += 1

    def boundaries(self) -> Iterator[date]:
        """The days on which a cost center is no longer open."""
        for known in self._divisions.values():
            for center in known.cost_centers.values():
                if center.end_date and center.end_date < date.max:
                    yield center.end_date + timedelta(days=1)

    def division(self, division: int) -> DivisionReference:
        """What is known of a division, from earlier runs and from this one."""
        known = self._divisions.get(division)
        if known is None:
            self.version += 1
            known = self._divisions[division] = DivisionReference()
            for stream, id_, row in self._load(division) if self._load else ():
                known.learn(stream, id_, row)
        return known

    def elsewhere(self, table: str, id_: str, division: int) -> bool:
        """Whether a GUID that this division does not know belongs to another one met so far."""
        return any(
            id_ in getattr(known, table)
            for other, known in self._divisions.items()
            if other != division
        )


def guid(value: object) -> str | None:
    """A GUID in its one form (lower case); None for what is none, the zero GUID included."""
    if not isinstance(value, str) or not value:
        return None
    lower = value.lower()
    return None if lower == "00000000-0000-0000-0000-000000000000" else lower


def as_date(value: object) -> date | None:
    """The day of a `date` or RFC 3339 text; None for what is neither."""
    if not isinstance(value, str) or len(value) < len("2026-01-31"):
        return None
    try:
        return date.fromisoformat(value[:10])
    except ValueError:
        return None


def text(value: object) -> str | None:
    """A code or name without padding; None for what is none."""
    trimmed = str(value).strip() if isinstance(value, (str, int)) else ""
    return trimmed or None


def _gl_account(known: DivisionReference, id_: str, row: Mapping[str, Any]) -> None:
    code = text(row.get("Code"))
    if code is None:
        return
    account = Account(
        code=code,
        name=text(row.get("Description")),
        blocked=row.get("IsBlocked") in (True, 1),
        needs_cost_center=row.get("UseCostcenter") == COST_CENTER_MANDATORY,
        takes_none=row.get("UseCostcenter") == COST_CENTER_NONE,
    )
    if (before := known.accounts.get(id_)) and before.code != code:
        known.account_by_code.pop(before.code, None)
    known.accounts[id_] = known.account_by_code[code] = account


def _cost_center(known: DivisionReference, id_: str, row: Mapping[str, Any]) -> None:
    code = text(row.get("Code"))
    if code is None:
        return
    center = CostCenter(
        code=code,
        name=text(row.get("Description")),
        active=row.get("Active") not in (False, 0),
        end_date=as_date(row.get("EndDate")),
    )
    if (before := known.cost_center_ids.get(id_)) and before.code != code:
        known.cost_centers.pop(before.code, None)
    known.cost_center_ids[id_] = known.cost_centers[code] = center


def _item_group(known: DivisionReference, id_: str, row: Mapping[str, Any]) -> None:
    known.item_groups[id_] = ItemGroup(
        code=text(row.get("Code")),
        costs=guid(row.get("GLCosts")),
        costs_code=text(row.get("GLCostsCode")),
    )


def _item(known: DivisionReference, id_: str, row: Mapping[str, Any]) -> None:
    known.items[id_] = Item(
        code=text(row.get("Code")),
        group=guid(row.get("ItemGroup")),
        costs=guid(row.get("GLCosts")),
        costs_code=text(row.get("GLCostsCode")),
    )


def _supplier(known: DivisionReference, id_: str, row: Mapping[str, Any]) -> None:
    known.suppliers[id_] = Supplier(
        code=text(row.get("Code")),
        purchase_account=guid(row.get("GLAccountPurchase")),
    )


_LEARN: Mapping[str, Callable[[DivisionReference, str, Mapping[str, Any]], None]] = {
    "gl_accounts": _gl_account,
    "cost_centers": _cost_center,
    "item_groups": _item_group,
    "items": _item,
    "accounts": _supplier,
}
_TABLES: Mapping[str, str] = {
    "gl_accounts": "accounts",
    "cost_centers": "cost_center_ids",
    "item_groups": "item_groups",
}
