"""Ordered, received and invoiced, per line of an order: what the mapper remembers of it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

import msgspec

from s2p_console.wording import plain
from s2p_mapping.three_way import (
    BILLED,
    DEVIATIONS,
    MATCHES,
    ORDERED,
    ORDERS,
    Billed,
    Ordered,
    memory_scope,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from decimal import Decimal

    from s2p_store import AuditEvent, Hold, Memory

__all__ = ["COLUMNS", "NUMBERS", "OrderLine", "cells", "data", "order_lines"]

COLUMNS: Final = ("order", "line", "ordered", "received", "invoiced", "open", "price", "invoices")
NUMBERS: Final = ("line", "ordered", "received", "invoiced", "open", "price")
_ORDER_LINES: Final = "purchase_order_lines"
_INVOICE_LINES: Final = frozenset({"purchase_invoice_lines", "purchase_entry_lines"})
_STANDINGS: Final = {"ready": "ready", "ready_with_deviation": "ready, but", "held": "held"}

_decode = msgspec.msgpack.Decoder(tuple[str, ...]).decode


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """A line that bills an order line; a credit has a quantity below zero."""

    id: str
    quantity: Decimal
    price: str
    status: str
    deviations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One line of an order, and all lines of invoices that bill it, over all runs."""

    division: int
    id: str
    order: str
    ordered: Ordered
    invoiced: Decimal
    lines: Sequence[InvoiceLine]

    @property
    def open(self) -> Decimal | None:
        """What is still to be invoiced; below zero where too much was."""
        quantity = self.ordered.quantity
        return None if quantity is None else quantity - self.invoiced


def order_lines(
    memory: Memory, events: Iterable[AuditEvent], holds: Iterable[Hold]
) -> list[OrderLine]:
    """Give the order lines that records of a document are, or bill, by division, order and line."""
    records: list[AuditEvent | Hold] = [*events, *holds]
    met = {
        (record.division, record.stream, record.source_id.lower())
        for record in records
        if record.division is not None
        and record.source_id
        and (record.stream == _ORDER_LINES or record.stream in _INVOICE_LINES)
    }
    found: list[OrderLine] = []
    for division, group in groupby(sorted(met), key=itemgetter(0)):
        keys = [(stream, id_) for _, stream, id_ in group]
        billing = _remembered(memory, division, MATCHES, [i for s, i in keys if s != _ORDER_LINES])
        wanted = {id_ for stream, id_ in keys if stream == _ORDER_LINES}
        wanted |= {texts[0] for texts in billing.values()}
        found += _of_division(memory, division, sorted(wanted))
    return found


def _of_division(memory: Memory, division: int, ids: Sequence[str]) -> list[OrderLine]:
    ordered = {
        id_: Ordered.from_texts(texts)
        for id_, texts in _remembered(memory, division, ORDERED, ids).items()
    }
    billed = {
        id_: Billed.from_texts(texts)
        for id_, texts in _remembered(memory, division, BILLED, ids).items()
    }
    orders = _remembered(memory, division, ORDERS, {each.order for each in ordered.values()})
    lines = [id_ for each in billed.values() for id_ in each.quantities]
    matches = _remembered(memory, division, MATCHES, lines)
    found = []
    for id_ in ids:
        order = ordered.get(id_, Ordered())
        all_billed = billed.get(id_, Billed())
        invoices = [
            InvoiceLine(line, quantity, match[2], match[3], match[4:])
            for line, quantity in all_billed.quantities.items()
            for match in [matches.get(line, ("",) * 4)]
        ]
        number = (*orders.get(order.order, ()), "", "", "")[2] or order.order
        found.append(OrderLine(division, id_, number, order, all_billed.total, invoices))
    return sorted(found, key=lambda line: (line.order, line.ordered.number.zfill(9), line.id))


def _remembered(
    memory: Memory, division: int, name: str, keys: Iterable[str]
) -> dict[str, tuple[str, ...]]:
    entries = memory.get_many(memory_scope(division, name), (key for key in keys if key))
    return {key: _decode(value) for key, value in entries.items()}


def cells(line: OrderLine) -> list[str]:
    """Give an order line as a row of `COLUMNS`."""
    ordered = line.ordered
    unit = f" {plain(ordered.unit)}" if ordered.unit else ""
    return [
        plain(line.order) or "unknown",
        plain(ordered.number),
        f"{_shown(ordered.quantity)}{unit}",
        _shown(ordered.received),
        _shown(line.invoiced),
        _shown(line.open),
        _shown(ordered.price),
        "; ".join(map(_told, line.lines)) or "none yet",
    ]


def data(line: OrderLine) -> dict[str, Any]:
    """Give an order line as JSON; quantities and prices are texts, so that no digit is lost."""
    ordered = line.ordered
    return {
        "division": line.division,
        "order": line.order,
        "order_line": line.id,
        "line": ordered.number,
        "unit": ordered.unit,
        "price": _text(ordered.price),
        "ordered": _text(ordered.quantity),
        "received": _text(ordered.received),
        "invoiced": _text(line.invoiced),
        "open": _text(line.open),
        "invoice_lines": [
            {
                "id": each.id,
                "quantity": _text(each.quantity),
                "price": each.price or None,
                "status": each.status or None,
                "deviations": list(each.deviations),
            }
            for each in line.lines
        ],
    }


def _told(line: InvoiceLine) -> str:
    known = {each.value: sentence for each, sentence in DEVIATIONS.items()}
    why = ", ".join(known.get(each, plain(each)) for each in line.deviations)
    stands = _STANDINGS.get(line.status, plain(line.status))
    if why and line.status != "ready_with_deviation":
        stands += ":"
    return f"{_shown(line.quantity)} {stands} {why}".rstrip()


def _shown(number: Decimal | None) -> str:
    return "?" if number is None else f"{number.normalize():f}"


def _text(number: Decimal | None) -> str | None:
    return None if number is None else f"{number:f}"
