"""What a week changes in Exact Online, so that an incremental run has something to find.

Week n changes other records than week n - 1 and builds on it. New documents are those of real
suppliers come again under a new number; none of them carries Created or Modified, which the server
stamps with its own clock when it applies the change.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import ROUND_UP, Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Literal

from s2p_sandbox.seeds.accounts import accounts
from s2p_sandbox.seeds.charts import Definition, build_account, gl_accounts
from s2p_sandbox.seeds.dimensions import build_cost_center
from s2p_sandbox.seeds.entries import book, bookings
from s2p_sandbox.seeds.exact import KEYS
from s2p_sandbox.seeds.invoices import INVOICED_FROM, build_invoice
from s2p_sandbox.seeds.keys import cents, share
from s2p_sandbox.seeds.orders import DELIVERED_UNTIL, build_order, by_order, orders
from s2p_sandbox.seeds.plan import DIVISIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from s2p_sandbox.seeds.plan import Division
    from s2p_sandbox.seeds.rows import Row
    from s2p_sandbox.seeds.sources import OrderLine

__all__ = ["WEEKS", "Change", "week_later"]

WEEKS: Final = 52

_FIRST_WEEK: Final = date(2026, 11, 23)
_STAMPED: Final = frozenset({"Created", "Modified"})

_RENAMED_PER_DIVISION: Final = 2
_NEW_NAME: Final = ("Europe", "Holding", "International")

# Of the orders without a purchase invoice, this many are touched in a week, in these roles.
_TOUCHED_ORDERS: Final = 5
_NEW_ORDERS: Final = 3
_NEW_ENTRIES: Final = 3
_LARGEST_NEW_ORDER: Final = 4

_CANCELED: Final = 40
_COMPLETE: Final = 30
_FACTORS: Final = (Decimal("1.5"), Decimal(2), Decimal("0.5"))


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one row.

    Attributes:
        resource: regular resource name, such as `crm/Accounts`.
        action: insert, update or delete.
        key: value of the resource's key property.
        division: code of the division.
        values: the whole row for an insert, the changed properties for an update, else empty.
    """

    resource: str
    action: Literal["insert", "update", "delete"]
    key: str
    division: int
    values: Mapping[str, Any]


def week_later(week: int = 1) -> list[Change]:
    """The changes of week `week` (1 to `WEEKS`), in the order in which they are to be applied.

    Raises:
        ValueError: there is no such week.
    """
    if not 1 <= week <= WEEKS:
        raise ValueError(f"The seeds have changes for weeks 1 to {WEEKS}, there is no week {week}.")
    dutch, british, _ = DIVISIONS
    changes: list[Change] = []
    for division in DIVISIONS:
        changes += _renamed_suppliers(division, week)
    changes += _new_reference_data(british, week)
    changes += _blocked_account(DIVISIONS[2], week)
    changes += _touched_orders(dutch, week)
    changes += _new_orders(dutch, week)
    for division in DIVISIONS[1:]:
        changes += _new_entries(division, week)
    return changes


def _day(week: int) -> date:
    return _FIRST_WEEK + timedelta(weeks=week - 1)


def _insert(resource: str, row: Row) -> Change:
    values = {name: value for name, value in row.items() if name not in _STAMPED}
    key = row[KEYS.get(resource, "ID")]
    return Change(resource, "insert", key, row["_division"], values)


def _update(resource: str, row: Row, values: Row) -> Change:
    return Change(resource, "update", row[KEYS.get(resource, "ID")], row["_division"], values)


def _delete(resource: str, row: Row) -> Change:
    return Change(resource, "delete", row[KEYS.get(resource, "ID")], row["_division"], {})


def _shuffled(rows: Iterable[Row], key: str) -> list[Row]:
    return sorted(rows, key=lambda row: share("week", row[key]))


def _slice(rows: list[Row], week: int, size: int) -> list[Row]:
    """The week's own `size` rows; starts over where there are too few."""
    start = (week - 1) * size
    return [rows[index % len(rows)] for index in range(start, start + size)]


def _renamed_suppliers(division: Division, week: int) -> Iterator[Change]:
    suppliers = _shuffled((row for row in accounts(division) if _is_firm(row)), "ID")
    for row in _slice(suppliers, week, _RENAMED_PER_DIVISION):
        name = f"{row['Name']} {_NEW_NAME[week % len(_NEW_NAME)]}"
        yield _update("crm/Accounts", row, {"Name": name})


def _is_firm(row: Row) -> bool:
    return bool(row["IsSupplier"]) and not row["Name"].startswith("PAYEE")


def _new_account(week: int) -> Definition:
    return Definition(f"N{week:04d}", f"New programme {week}")


def _new_cost_center(week: int) -> tuple[str, str]:
    return f"NP{week:03d}", f"Programme team {week}"


def _new_reference_data(division: Division, week: int) -> Iterator[Change]:
    yield _insert("financial/GLAccounts", build_account(division, _new_account(week)))
    yield _insert("hrm/Costcenters", build_cost_center(division, *_new_cost_center(week)))


def _blocked_account(division: Division, week: int) -> Iterator[Change]:
    usable = _shuffled((row for row in gl_accounts(division) if row["BalanceType"] == "W"), "ID")
    for row in _slice(usable, week, 1):
        yield _update("financial/GLAccounts", row, {"IsBlocked": True})


@cache
def _orders_without_invoice(division: Division) -> tuple[tuple[Row, tuple[Row, ...]], ...]:
    """Open orders first, then those delivered before invoices were matched to orders."""
    invoiced = {
        lines[0].order
        for lines in by_order().values()
        if any(INVOICED_FROM <= line.delivered <= DELIVERED_UNTIL for line in lines)
    }
    free = [pair for pair in orders(division) if pair[0]["YourRef"] not in invoiced]
    return tuple(
        sorted(free, key=lambda pair: (pair[0]["OrderStatus"], share("week", pair[0]["YourRef"])))
    )


def _touched_orders(division: Division, week: int) -> Iterator[Change]:
    start = (week - 1) * _TOUCHED_ORDERS
    chosen = _orders_without_invoice(division)[start : start + _TOUCHED_ORDERS]
    canceled, deleted, *changed = chosen
    yield _update(
        "purchaseorder/PurchaseOrders",
        canceled[0],
        {"OrderStatus": _CANCELED, "ReceiptStatus": _CANCELED, "InvoiceStatus": _CANCELED},
    )
    for line in deleted[1]:
        yield _delete("purchaseorder/PurchaseOrderLines", line)
    yield _delete("purchaseorder/PurchaseOrders", deleted[0])
    for position, (header, lines) in enumerate(changed):
        yield from _changed_line(header, lines, _FACTORS[position % len(_FACTORS)], position % 2)


def _changed_line(
    header: Row, lines: tuple[Row, ...], factor: Decimal, by_price: int
) -> Iterator[Change]:
    """The first line gets another quantity or another price, and the order another total."""
    line = lines[0]
    if by_price:
        price = cents(line["UnitPrice"] * factor)
        amount = cents(line["Quantity"] * price)
        values = {"UnitPrice": price, "NetPrice": price}
    else:
        quantity = (line["Quantity"] * factor).to_integral_value(ROUND_UP)
        amount = cents(quantity * line["UnitPrice"])
        values = {"Quantity": quantity, "QuantityInPurchaseUnits": quantity}
    yield _update(
        "purchaseorder/PurchaseOrderLines",
        line,
        {**values, "AmountFC": amount, "AmountDC": amount},
    )
    total = header["AmountFC"] - line["AmountFC"] + amount
    yield _update(
        "purchaseorder/PurchaseOrders",
        header,
        {"AmountFC": total, "AmountDC": total, "AmountFCExclVat": total},
    )


def _again(lines: tuple[OrderLine, ...], name: str, day: date) -> tuple[OrderLine, ...]:
    due = day + timedelta(days=60)
    return tuple(
        replace(line, order=name, ordered=day, scheduled=due, delivered=due) for line in lines
    )


def _new_orders(division: Division, week: int) -> Iterator[Change]:
    """Three new orders; the first is delivered and invoiced within the week."""
    small = [lines for lines in by_order().values() if len(lines) <= _LARGEST_NEW_ORDER]
    small.sort(key=lambda lines: share("again", lines[0].order))
    day = _day(week)
    last_number: int = orders(division)[-1][0]["OrderNumber"]
    for position in range(_NEW_ORDERS):
        count = (week - 1) * _NEW_ORDERS + position
        source = _again(small[count], f"SCMS-9{count:05d}", day)
        if position == 0:
            source = tuple(replace(line, delivered=day) for line in source)
        header, lines = build_order(division, last_number + 1 + count, source)
        delivered = position == 0
        progress = dict.fromkeys(("OrderStatus", "ReceiptStatus", "InvoiceStatus"), _COMPLETE)
        yield _insert("purchaseorder/PurchaseOrders", {**header, **(progress if delivered else {})})
        for line in lines:
            received = dict.fromkeys(("ReceivedQuantity", "InvoicedQuantity"), line["Quantity"])
            yield _insert(
                "purchaseorder/PurchaseOrderLines", {**line, **(received if delivered else {})}
            )
        if delivered:
            invoice, invoice_lines = build_invoice(division, 26_890_000 + week, source)
            yield _insert("purchase/PurchaseInvoices", invoice)
            for line in invoice_lines:
                yield _insert("purchase/PurchaseInvoiceLines", line)


def _new_entries(division: Division, week: int) -> Iterator[Change]:
    """Three suppliers bill the same again; in one case on the new account and cost center."""
    known = sorted(bookings(division), key=lambda booking: share("again", booking.name))
    for position in range(_NEW_ENTRIES):
        count = (week - 1) * _NEW_ENTRIES + position
        booking = replace(
            known[count],
            name=f"week {week}/{position}",
            reference=f"{known[count].reference}-{week}",
            day=_day(week),
        )
        header, lines = book(division, 26_790_000 + count, booking)
        yield _insert("purchaseentry/PurchaseEntries", header)
        for line in lines:
            new = _on_new_account(division, week) if _is_british(division) and not position else {}
            yield _insert("purchaseentry/PurchaseEntryLines", {**line, **new})


def _is_british(division: Division) -> bool:
    return division is DIVISIONS[1]


def _on_new_account(division: Division, week: int) -> Row:
    account = build_account(division, _new_account(week))
    code, name = _new_cost_center(week)
    return {
        "GLAccount": account["ID"],
        "GLAccountCode": account["Code"],
        "GLAccountDescription": account["Description"],
        "CostCenter": code,
        "CostCenterDescription": name,
    }
