"""GL accounts (financial/GLAccounts) of each division."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from s2p_sandbox.seeds.keys import guid
from s2p_sandbox.seeds.rows import Row, audit, by
from s2p_sandbox.seeds.sources import chart_of_accounts, gla_payables, oxford_payables

if TYPE_CHECKING:
    from s2p_sandbox.seeds.plan import Division

__all__ = ["Definition", "account_of", "build_account", "gl_accounts"]

# Exact's GLAccounts.Type and its English description.
_TYPES: Final = {
    12: "Bank",
    20: "Accounts receivable",
    22: "Accounts payable",
    24: "VAT",
    30: "Fixed assets",
    32: "Other assets",
    40: "Inventory",
    50: "Capital stock",
    60: "Current portion of debt",
    110: "Revenue",
    111: "Cost of goods",
    120: "Other costs",
    122: "Depreciation costs",
}
_REFERENCE_CHART_TYPES: Final = {
    "Bank": 12,
    "Receivable": 20,
    "Payable": 22,
    "Fixed Asset": 30,
    "Current Asset": 32,
    "Stock": 40,
    "Equity": 50,
    "Current Liability": 60,
    "Income Account": 110,
    "Expense Account": 120,
    "Depreciation": 122,
}
_COST_OF_GOODS_PREFIX: Final = "7"

# (code, description, type, side) of the balance-sheet accounts the payables files do not have.
_BALANCE_SHEET: Final = {
    "UK": (
        ("X1100", "Trade creditors control", 22, "C"),
        ("X1200", "General bank account", 12, "D"),
        ("X1300", "VAT input tax", 24, "D"),
    ),
    "BE": (
        ("440000", "Leveranciers / Fournisseurs", 22, "C"),
        ("550001", "Kredietinstelling / Établissement de crédit", 12, "D"),
        ("411000", "Terug te vorderen btw / TVA à récupérer", 24, "D"),
    ),
}

# Open items are matched on these.
_MATCHED: Final = frozenset({20, 22})

# UseCostcenter and UseCostunit.
_COST_CENTER_MANDATORY: Final = 1
_COST_CENTER_OPTIONAL: Final = 0
_COST_CENTER_NONE: Final = 2


@dataclass(frozen=True, slots=True)
class Definition:
    """One GL account: `kind` is Exact's Type; an ordinary cost account where nothing is said."""

    code: str
    description: str
    kind: int = 120
    balance_side: str = "D"
    balance_type: str = "W"


def _published(division: Division) -> dict[str, str]:
    """Code -> the description it is published with most often, in its last spelling.

    The publishers describe some codes in several ways and in both cases; a code that is never
    described gets a stand-in.
    """
    counts: dict[str, Counter[str]] = {}
    spelled: dict[tuple[str, str], str] = {}
    for line in oxford_payables() if division.key == "UK" else gla_payables():
        name = line.account_name or f"Account {line.account_code}"
        counts.setdefault(line.account_code, Counter())[name.casefold()] += 1
        spelled[line.account_code, name.casefold()] = name
    return {code: spelled[code, counter.most_common(1)[0][0]] for code, counter in counts.items()}


def _definitions(division: Division) -> list[Definition]:
    if division.key == "NL":
        return [
            Definition(
                account.code,
                account.name_nl,
                _reference_type(account.code, account.account_type, account.balance_type),
                account.balance_side,
                account.balance_type,
            )
            for account in chart_of_accounts()
        ]
    costs = [Definition(code, name) for code, name in sorted(_published(division).items())]
    sheet = [
        Definition(code, name, kind, side, "B")
        for code, name, kind, side in _BALANCE_SHEET[division.key]
    ]
    return costs + sheet


def _reference_type(code: str, account_type: str, balance_type: str) -> int:
    if account_type == "Tax":
        return 24 if balance_type == "B" else 120
    if account_type == "Expense Account" and code.startswith(_COST_OF_GOODS_PREFIX):
        return 111
    return _REFERENCE_CHART_TYPES[account_type]


def build_account(division: Division, definition: Definition) -> Row:
    """The row of one GL account."""
    code = definition.code
    if code in division.needs_cost_center:
        use = _COST_CENTER_MANDATORY
    else:
        use = _COST_CENTER_OPTIONAL if definition.balance_type == "W" else _COST_CENTER_NONE
    return {
        "ID": guid(division.code, "GLAccounts", code),
        "Code": code,
        "Description": definition.description,
        "Division": division.code,
        "Type": definition.kind,
        "TypeDescription": _TYPES[definition.kind],
        "BalanceSide": definition.balance_side,
        "BalanceType": definition.balance_type,
        "UseCostcenter": use,
        "UseCostunit": (
            _COST_CENTER_NONE if definition.balance_type == "B" else _COST_CENTER_OPTIONAL
        ),
        "IsBlocked": code in division.blocked_accounts,
        "AllowCostsInSales": 0,
        "Compress": False,
        "Matching": definition.kind in _MATCHED,
        "RevalueCurrency": False,
        "SearchCode": code,
        **audit(division.start, division.code, "GLAccounts", code, days=300),
        "_division": division.code,
    }


@cache
def gl_accounts(division: Division) -> tuple[Row, ...]:
    """All GL accounts of `division`; codes as in the published files."""
    return tuple(build_account(division, definition) for definition in _definitions(division))


@cache
def _by_code(division: Division) -> dict[str, Row]:
    return by(gl_accounts(division), "Code")


def account_of(division: Division, code: str) -> Row:
    """The GL account with this code; KeyError where the chart has none."""
    return _by_code(division)[code]
