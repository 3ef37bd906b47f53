"""Bank entries and their lines (financialtransaction/BankEntries, …/BankEntryLines).

One statement a week pays a few purchase entries of that week; money going out is negative.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING, Final

from s2p_sandbox.seeds.accounts import accounts
from s2p_sandbox.seeds.charts import account_of
from s2p_sandbox.seeds.entries import entries
from s2p_sandbox.seeds.keys import guid
from s2p_sandbox.seeds.rows import Row, audit, by, midnight
from s2p_sandbox.seeds.terms import BANK_JOURNAL

if TYPE_CHECKING:
    from s2p_sandbox.seeds.plan import Division

__all__ = ["bank_entries"]

_STATEMENTS: Final = 40
_PAID_PER_STATEMENT: Final = 3
_STATUS_PROCESSED: Final = 50
_OPENING_BALANCE: Final = Decimal("25000000.00")


def _week(header: Row) -> date:
    day: date = header["EntryDate"].date()
    return day - timedelta(days=day.weekday())


@cache
def bank_entries(division: Division) -> tuple[tuple[Row, tuple[Row, ...]], ...]:
    """(header, lines) of the last statements of `division`, balances continued."""
    headers = [header for header, _ in entries(division) if header["AmountFC"] > 0]
    weeks = [(week, list(group)) for week, group in groupby(headers, key=_week)]
    balance = _OPENING_BALANCE
    built = []
    for number, (week, paid) in enumerate(weeks[-_STATEMENTS:], start=1):
        statement, lines = _statement(division, number, week, paid[:_PAID_PER_STATEMENT], balance)
        balance = statement["ClosingBalanceFC"]
        built.append((statement, lines))
    return tuple(built)


def _statement(
    division: Division, number: int, week: date, paid: list[Row], opening: Decimal
) -> tuple[Row, tuple[Row, ...]]:
    day = week + timedelta(days=11)
    key = guid(division.code, "BankEntries", week)
    relations = by(accounts(division), "ID")
    payable = account_of(division, division.payable_account)
    entry_number = day.year % 100 * 1_000_000 + 200_000 + number
    lines = []
    for position, entry in enumerate(paid, start=1):
        account = relations[entry["Supplier"]]
        lines.append(
            {
                "ID": guid(division.code, "BankEntryLines", week, position),
                "EntryID": key,
                "EntryNumber": entry_number,
                "LineNumber": position,
                "Division": division.code,
                "Date": midnight(day),
                "Account": account["ID"],
                "AccountCode": account["Code"],
                "AccountName": account["Name"],
                "GLAccount": payable["ID"],
                "GLAccountCode": payable["Code"],
                "GLAccountDescription": payable["Description"],
                "Description": f"{entry['YourRef']}",
                "OurRef": entry["EntryNumber"],
                "AmountFC": -entry["AmountFC"],
                "AmountDC": -entry["AmountDC"],
                "AmountVATFC": Decimal(0),
                "ExchangeRate": Decimal(1),
                **audit(day, division.code, "BankEntryLines", week, position),
                "_division": division.code,
            }
        )
    changed = audit(day, division.code, "BankEntries", week)
    header = {
        "EntryID": key,
        "EntryNumber": entry_number,
        "Division": division.code,
        "JournalCode": BANK_JOURNAL,
        "JournalDescription": "Bank",
        "Currency": division.currency,
        "FinancialYear": day.year,
        "FinancialPeriod": day.month,
        "OpeningBalanceFC": opening,
        "ClosingBalanceFC": opening + sum((line["AmountFC"] for line in lines), Decimal(0)),
        "Status": _STATUS_PROCESSED,
        "StatusDescription": "Processed",
        "Created": changed["Created"],
        "Modified": changed["Modified"],
        "_division": division.code,
    }
    return header, tuple(lines)
