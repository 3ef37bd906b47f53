"""Purchase entries and their lines (purchaseentry/PurchaseEntries, …/PurchaseEntryLines).

The British and the Belgian division book all their purchases this way, the Dutch one those before
it matched invoices to orders. Line amounts are the published ones, without VAT; the header is the
sum of the lines and their VAT. Lines have neither Created nor Modified.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Final

from s2p_sandbox.seeds.accounts import supplier_of, vendor_code
from s2p_sandbox.seeds.charts import account_of
from s2p_sandbox.seeds.dimensions import (
    cost_center_code,
    cost_centers,
    cost_unit_of_project,
    cost_units,
)
from s2p_sandbox.seeds.invoices import deliveries
from s2p_sandbox.seeds.items import item_groups, item_of
from s2p_sandbox.seeds.keys import cents, guid
from s2p_sandbox.seeds.orders import cost_center_of
from s2p_sandbox.seeds.rows import Row, audit, by, midnight
from s2p_sandbox.seeds.sources import Payable, gla_payables, oxford_payables
from s2p_sandbox.seeds.terms import PURCHASE_JOURNAL, payment_condition_for, vat_code_for

if TYPE_CHECKING:
    from s2p_sandbox.seeds.plan import Division

__all__ = ["BookedLine", "Booking", "book", "bookings", "entries"]

# The Dutch division booked its deliveries as purchase entries until this day.
_BOOKED_UNTIL: Final = date(2008, 12, 31)

# Where an item has no account, the bookkeeper booked on this one.
_GENERAL_COSTS: Final = "46801"

_TYPE_ENTRY, _TYPE_CREDIT_NOTE = 30, 31
_TYPE_TEXT: Final = {_TYPE_ENTRY: "Purchase entry", _TYPE_CREDIT_NOTE: "Purchase credit note"}
_STATUS_PROCESSED: Final = 50


@dataclass(frozen=True, slots=True)
class BookedLine:
    """One line as the bookkeeper entered it; codes are Exact's, the amount is without VAT."""

    account: str
    cost_center: str | None
    cost_unit: str | None
    amount: Decimal
    description: str


@dataclass(frozen=True, slots=True)
class Booking:
    """One purchase entry as the bookkeeper entered it."""

    name: str
    reference: str
    day: date
    supplier: str
    description: str
    lines: tuple[BookedLine, ...]


def _bookings_of_payables(division: Division) -> list[Booking]:
    payables = oxford_payables() if division.key == "UK" else gla_payables()
    grouped: dict[str, list[BookedLine]] = {}
    firsts: dict[str, Payable] = {}
    for line in payables:
        firsts.setdefault(line.entry, line)
        grouped.setdefault(line.entry, []).append(
            BookedLine(
                account=line.account_code,
                cost_center=cost_center_code(line.cost_center),
                cost_unit="HRA" if line.cost_center == "HRA" else None,
                amount=line.amount,
                description=f"{line.voucher} {line.account_name}".strip(),
            )
        )
    return [
        Booking(
            name=name,
            reference=first.voucher,
            day=first.day,
            supplier=first.supplier_code,
            description=first.supplier_name,
            lines=tuple(grouped[name]),
        )
        for name, first in firsts.items()
    ]


def _bookings_of_deliveries(division: Division) -> list[Booking]:
    groups = by(item_groups(division), "Code")
    booked = []
    for source in deliveries(date.min, _BOOKED_UNTIL):
        first = source[0]
        lines = []
        for line in source:
            item = item_of(division, line.item)
            group = groups[item["ItemGroupCode"]]
            lines.append(
                BookedLine(
                    account=item["GLCostsCode"] or group["GLCostsCode"] or _GENERAL_COSTS,
                    cost_center=cost_center_of(division, line),
                    cost_unit=cost_unit_of_project(line.project),
                    amount=line.value,
                    description=line.item,
                )
            )
        booked.append(
            Booking(
                name=f"{first.order}/{first.delivered}",
                reference=f"{first.order.removeprefix('SCMS-')}/{first.delivered:%y%m%d}",
                day=first.delivered,
                supplier=vendor_code(first.vendor),
                description=f"{first.order} {first.country}",
                lines=tuple(lines),
            )
        )
    return booked


@cache
def bookings(division: Division) -> tuple[Booking, ...]:
    """What the bookkeepers of `division` entered, oldest first."""
    entered = (
        _bookings_of_deliveries(division)
        if division.key == "NL"
        else _bookings_of_payables(division)
    )
    return tuple(sorted(entered, key=lambda booking: (booking.day, booking.name)))


@cache
def entries(division: Division) -> tuple[tuple[Row, tuple[Row, ...]], ...]:
    """(header, lines) of every purchase entry of `division`, in the order of their numbers."""
    numbers: dict[int, int] = {}
    built = []
    for booking in bookings(division):
        year = booking.day.year
        numbers[year] = numbers.get(year, 0) + 1
        built.append(book(division, year % 100 * 1_000_000 + 700_000 + numbers[year], booking))
    return tuple(built)


@cache
def _names(division: Division) -> tuple[dict[str, str], dict[str, str]]:
    return (
        {row["Code"]: row["Description"] for row in cost_centers(division)},
        {row["Code"]: row["Description"] for row in cost_units(division)},
    )


def book(division: Division, number: int, booking: Booking) -> tuple[Row, tuple[Row, ...]]:
    """The rows of one purchase entry: a negative total makes it a credit note."""
    key = guid(division.code, "PurchaseEntries", booking.name)
    supplier = supplier_of(division, booking.supplier)
    condition = payment_condition_for(division, booking.supplier)
    total = sum((line.amount for line in booking.lines), Decimal(0))
    kind = _TYPE_CREDIT_NOTE if total < 0 else _TYPE_ENTRY
    lines = tuple(
        _line(division, key, kind, f"{booking.name}#{position}", position, line)
        for position, line in enumerate(booking.lines, start=1)
    )
    vat = sum((row["VATAmountFC"] for row in lines), Decimal(0))
    header = {
        "EntryID": key,
        "EntryNumber": number,
        "Division": division.code,
        "Journal": PURCHASE_JOURNAL,
        "JournalDescription": "Purchase journal",
        "Type": kind,
        "TypeDescription": _TYPE_TEXT[kind],
        "Status": _STATUS_PROCESSED,
        "StatusDescription": "Processed",
        "EntryDate": midnight(booking.day),
        "DueDate": midnight(booking.day + timedelta(days=condition["PaymentDays"])),
        "ReportingYear": booking.day.year,
        "ReportingPeriod": booking.day.month,
        "Supplier": supplier["ID"],
        "SupplierName": supplier["Name"],
        "YourRef": booking.reference,
        "Description": booking.description,
        "PaymentCondition": condition["Code"],
        "PaymentConditionDescription": condition["Description"],
        "PaymentConditionPaymentMethod": condition["PaymentMethod"],
        "Currency": division.currency,
        "Rate": Decimal(1),
        "AmountFC": total + vat,
        "AmountDC": total + vat,
        "VATAmountFC": vat,
        "VATAmountDC": vat,
        "Reversal": False,
        **audit(booking.day, division.code, "PurchaseEntries", booking.name, days=20),
        "_division": division.code,
    }
    return header, lines


def _line(  # noqa: PLR0913, PLR0917 -- one argument per thing a line hangs on
    division: Division, entry: str, kind: int, name: str, position: int, line: BookedLine
) -> Row:
    account = account_of(division, line.account)
    vat = vat_code_for(division, line.account)
    tax = cents(line.amount * vat.percentage)
    cost_center_names, cost_unit_names = _names(division)
    return {
        "ID": guid(division.code, "PurchaseEntryLines", name),
        "EntryID": entry,
        "LineNumber": position,
        "Division": division.code,
        "Type": kind,
        "Description": line.description,
        "GLAccount": account["ID"],
        "GLAccountCode": account["Code"],
        "GLAccountDescription": account["Description"],
        "CostCenter": line.cost_center,
        "CostCenterDescription": line.cost_center and cost_center_names.get(line.cost_center),
        "CostUnit": line.cost_unit,
        "CostUnitDescription": line.cost_unit and cost_unit_names.get(line.cost_unit),
        "AmountFC": line.amount,
        "AmountDC": line.amount,
        "VATCode": vat.code,
        "VATCodeDescription": vat.description,
        "VATPercentage": vat.percentage,
        "VATAmountFC": tax,
        "VATAmountDC": tax,
        "VATBaseAmountFC": line.amount,
        "VATBaseAmountDC": line.amount,
        "_division": division.code,
    }
