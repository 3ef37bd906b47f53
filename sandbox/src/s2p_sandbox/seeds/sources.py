"""The published rows, read once from the package: text to dates and exact decimals, no more."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "LedgerAccount",
    "OrderLine",
    "Payable",
    "chart_of_accounts",
    "gla_payables",
    "order_lines",
    "oxford_payables",
]


@dataclass(frozen=True, slots=True)
class Payable:
    """One published line of accounts payable; `entry` groups the lines of one invoice."""

    entry: str
    voucher: str
    line: int
    day: date
    supplier_code: str
    supplier_name: str
    account_code: str
    account_name: str
    cost_center: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One published purchase-order line; `ordered` is None where the publisher has no date."""

    order: str
    number: int
    project: str
    country: str
    vendor: str
    ordered: date | None
    scheduled: date
    delivered: date
    item_class: str
    item: str
    units_per_pack: int
    quantity: Decimal
    price: Decimal
    value: Decimal


@dataclass(frozen=True, slots=True)
class LedgerAccount:
    """One account of the Dutch reference chart."""

    code: str
    name_nl: str
    name_en: str
    balance_side: str
    balance_type: str
    root_type: str
    account_type: str


def _rows(name: str) -> Iterator[dict[str, str]]:
    text = (files(__package__) / "data" / name).read_text(encoding="utf-8")
    yield from csv.DictReader(io.StringIO(text))


@cache
def oxford_payables() -> tuple[Payable, ...]:
    """Lines with cost centers; `collective` marks vouchers billed together as one invoice.

    The publisher writes two of its codes in lower case as well (`d3021`, `D3021`); Exact compares
    account codes without case, so they are one account here.
    """
    return tuple(
        Payable(
            entry=row["collective"] or row["voucher"],
            voucher=row["voucher"],
            line=int(row["line"]),
            day=date.fromisoformat(row["paid_date"]),
            supplier_code=row["supplier_id"],
            supplier_name=row["supplier_name"],
            account_code=row["gl_code"].upper(),
            account_name=row["gl_description"],
            cost_center=row["cost_center"],
            amount=Decimal(row["amount"]),
        )
        for row in _rows("oxford_payables.csv")
    )


@cache
def gla_payables() -> tuple[Payable, ...]:
    """Lines without cost centers; an invoice is a document number of one vendor on one day."""
    return tuple(
        Payable(
            entry=f"{row['doc_no']}/{row['vendor_id']}/{row['date']}",
            voucher=row["doc_no"],
            line=number,
            day=date.fromisoformat(row["date"]),
            supplier_code=row["vendor_id"],
            supplier_name=row["vendor"],
            account_code=row["gl_code"],
            account_name=row["gl_description"],
            cost_center="",
            amount=Decimal(row["amount"]),
        )
        for number, row in enumerate(_rows("gla_payables.csv"), start=1)
    )


@cache
def order_lines() -> tuple[OrderLine, ...]:
    """Purchase-order lines; `number` counts from 1 within an order."""
    numbers: dict[str, int] = {}
    lines = []
    for row in _rows("scms_purchase_orders.csv"):
        number = numbers[row["po_number"]] = numbers.get(row["po_number"], 0) + 1
        lines.append(
            OrderLine(
                order=row["po_number"],
                number=number,
                project=row["project_code"],
                country=row["country"],
                vendor=row["vendor"],
                ordered=date.fromisoformat(row["po_date"]) if row["po_date"] else None,
                scheduled=date.fromisoformat(row["scheduled_date"]),
                delivered=date.fromisoformat(row["delivered_date"]),
                item_class=row["sub_class"],
                item=row["item"],
                units_per_pack=int(row["units_per_pack"]),
                quantity=Decimal(row["quantity"]),
                price=Decimal(row["pack_price"]),
                value=Decimal(row["line_value"]),
            )
        )
    return tuple(lines)


@cache
def chart_of_accounts() -> tuple[LedgerAccount, ...]:
    """The Dutch reference chart, accounts of a private limited company."""
    return tuple(
        LedgerAccount(
            code=row["code"],
            name_nl=row["description_nl"],
            name_en=row["description_en"],
            balance_side=row["balance_side"],
            balance_type=row["balance_type"],
            root_type=row["root_type"],
            account_type=row["account_type"],
        )
        for row in _rows("rgs_chart_of_accounts.csv")
    )
