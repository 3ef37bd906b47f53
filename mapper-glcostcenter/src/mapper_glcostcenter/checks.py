"""What a line must meet beside its codes: its supplier and order are staged, its invoice is new."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, NamedTuple

from mapper_glcostcenter.exact import guid
from s2p_mapping.reasons import Reason
from s2p_mapping.three_way import Tolerance, Tolerances
from s2p_singer import SettingError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mapper_glcostcenter.documents import Header
    from mapper_glcostcenter.exact import ExactReference
    from mapper_glcostcenter.mapping import LineMapping

__all__ = [
    "Checks",
    "Waits",
    "by_supplier",
    "of_amounts",
    "of_duplicate",
    "read_tolerances",
    "together",
    "waiting_too",
    "with_reason",
]

_TOLERANCES = ("quantity_absolute", "quantity_percent", "price_absolute", "price_percent")


@dataclass(frozen=True, slots=True)
class Checks:
    """Which checks hold a line, and what they tolerate.

    Attributes:
        tolerances: of the match with orders, by division (None: all others).
        amount_tolerance: by how much the amount of each line of an invoice may be off.
    """

    supplier: bool = True
    purchase_order: bool = True
    duplicates: bool = True
    amounts: bool = True
    tolerances: Mapping[int | None, Tolerances] = field(default_factory=dict)
    amount_tolerance: Decimal = Decimal("0.01")


class Waits(NamedTuple):
    """Why something waits, and for which (dimension, code) pairs."""

    reasons: tuple[Reason, ...] = ()
    waiting_for: tuple[tuple[str, str], ...] = ()


def by_supplier(
    mapping: LineMapping, division: int, supplier: object, exact: ExactReference
) -> LineMapping:
    """The mapping, held if the supplier was never handed on.

    A division of which no supplier was ever read says nothing: its suppliers come another way.
    """
    id_ = guid(supplier)
    known = exact.division(division).suppliers
    if id_ is None or not known or id_ in known:
        return mapping
    if exact.elsewhere("suppliers", id_, division):
        return with_reason(mapping, Reason.DIVISION_MISMATCH)
    return with_reason(mapping, Reason.SUPPLIER_NOT_STAGED, ("supplier", id_))


def of_duplicate(mapping: LineMapping, header: Header) -> LineMapping:
    """The mapping, held if another invoice has the number of this one."""
    if not header.duplicate_of:
        return mapping
    return with_reason(mapping, Reason.DUPLICATE_INVOICE, ("invoice", header.duplicate_of))


def of_amounts(number: str) -> Waits:
    """What the lines of an invoice wait for that do not add up."""
    return Waits((Reason.AMOUNT_MISMATCH,), (("invoice", number),))


def together(waits: Iterable[Waits]) -> Waits:
    """What all of them wait for."""
    reasons: dict[Reason, None] = {}
    waiting: dict[tuple[str, str], None] = {}
    for each in waits:
        reasons.update(dict.fromkeys(each.reasons))
        waiting.update(dict.fromkeys(each.waiting_for))
    return Waits(tuple(reasons), tuple(waiting))


def waiting_too(mapping: LineMapping, waits: Waits) -> LineMapping:
    """The mapping, held for what `waits` says beside its own reasons."""
    if not waits.reasons:
        return mapping
    own = Waits(mapping.reasons, mapping.waiting_for)
    both = together((own, waits))
    if both == own:
        return mapping
    return replace(mapping, reasons=both.reasons, waiting_for=both.waiting_for)


def with_reason(
    mapping: LineMapping, reason: Reason, waiting_for: tuple[str, str] | None = None
) -> LineMapping:
    """The mapping, held for one reason more."""
    return waiting_too(mapping, Waits((reason,), (waiting_for,) if waiting_for else ()))


def read_tolerances(setting: Mapping[str, Any]) -> dict[int | None, Tolerances]:
    """The setting `match_tolerances` as tolerances by division.

    Raises:
        SettingError: a key is no division, or a value no number from 0.
    """
    found: dict[int | None, Tolerances] = {}
    for division, given in setting.items():
        if division != "*" and not division.isdecimal():
            raise SettingError(
                "Setting 'match_tolerances' must name divisions by their number or '*', as in "
                '{"*": {"price_percent": 2}}.'
            )
        if not isinstance(given, dict) or not given.keys() <= set(_TOLERANCES):
            raise SettingError(
                f"Setting 'match_tolerances' of division {division} takes only "
                f"{', '.join(_TOLERANCES)}."
            )
        quantity, per_quantity, price, per_price = (
            _number(division, name, given.get(name, 0)) for name in _TOLERANCES
        )
        key = None if division == "*" else int(division)
        found[key] = Tolerances(Tolerance(quantity, per_quantity), Tolerance(price, per_price))
    return found


def _number(division: str, name: str, value: object) -> Decimal:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        number = Decimal(-1)
    if not number.is_finite() or number < 0 or isinstance(value, bool):
        raise SettingError(
            f"Setting 'match_tolerances' of division {division}: '{name}' must be a number "
            "from 0, as in 0.5."
        )
    return number
