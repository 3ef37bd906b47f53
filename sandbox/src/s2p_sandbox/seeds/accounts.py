"""Relations (crm/Accounts) of each division: the published suppliers and a few customers."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import TYPE_CHECKING, Final

from s2p_sandbox.seeds.charts import account_of
from s2p_sandbox.seeds.keys import guid, share
from s2p_sandbox.seeds.rows import Row, audit, by
from s2p_sandbox.seeds.sources import Payable, gla_payables, order_lines, oxford_payables
from s2p_sandbox.seeds.terms import payment_condition_for

if TYPE_CHECKING:
    from datetime import date

    from s2p_sandbox.seeds.plan import Division

__all__ = ["accounts", "supplier_of", "vendor_code"]

_FIRST_VENDOR_CODE: Final = 60001

# Invented institutions; names with the letters that encodings love to break.
_CUSTOMERS: Final = {
    "NL": (
        ("10001", "Stadsziekenhuis Zuiderzee", "Hoorn", "NL"),
        ("10002", "Coöperatie Zorg & Welzijn U.A.", "'s-Hertogenbosch", "NL"),
        ("10003", "Universitätsklinik Düsselstadt", "Düsseldorf", "DE"),
        ("10004", "Hôpital Saint-Éloi", "Besançon", "FR"),
    ),
    "UK": (
        ("C0001", "Isis Leisure Centre", "Oxford", "GB"),
        ("C0002", "Wharfside Community School", "Oxford", "GB"),
    ),
    "BE": (
        ("700001", "Gemeente Sint-Genesius / Commune de Saint-Genèse", "Brussel", "BE"),
        ("700002", "Straßenmeisterei Ostbelgien", "Eupen", "BE"),
        ("700003", "Régie foncière de l'Île-aux-Bois", "Liège", "BE"),
    ),
}

# A supplier may name a default account for purchases; the last rung for a line whose item has none.
_PURCHASE_ACCOUNT: Final = {"Orasure Technologies Inc.": "70253", "IDA FOUNDATION": "70253"}
_PURCHASE_ACCOUNT_SHARE: Final = 0.3


@cache
def _vendor_codes() -> dict[str, str]:
    vendors = sorted({line.vendor for line in order_lines()})
    return {name: str(_FIRST_VENDOR_CODE + index) for index, name in enumerate(vendors)}


def vendor_code(name: str) -> str:
    """The account code of a vendor of purchase orders, which are published without codes."""
    return _vendor_codes()[name]


def _payables(division: Division) -> tuple[Payable, ...]:
    return oxford_payables() if division.key == "UK" else gla_payables()


def _suppliers(division: Division) -> list[tuple[str, str, date, str | None]]:
    """(code, name as spelled last, first seen, default purchase account code)."""
    if division.key == "NL":
        first: dict[str, date] = {}
        for order in order_lines():
            seen = order.ordered or order.scheduled
            first[order.vendor] = min(first.get(order.vendor, seen), seen)
        return [
            (vendor_code(name), name, first[name], _PURCHASE_ACCOUNT.get(name))
            for name in sorted(first)
        ]
    names: dict[str, str] = {}
    days: dict[str, date] = {}
    used: dict[str, Counter[str]] = {}
    for line in _payables(division):
        names[line.supplier_code] = line.supplier_name
        days.setdefault(line.supplier_code, line.day)
        used.setdefault(line.supplier_code, Counter())[line.account_code] += 1
    return [
        (
            code,
            name,
            days[code],
            used[code].most_common(1)[0][0]
            if share("purchase account", division.code, code) < _PURCHASE_ACCOUNT_SHARE
            else None,
        )
        for code, name in sorted(names.items())
    ]


@cache
def accounts(division: Division) -> tuple[Row, ...]:
    """All relations of `division`; suppliers first. `Code` without Exact's padding.

    The publishers spell some suppliers in several ways under one code: that is one account, named
    as it was spelled last. The same firm under two codes stays two accounts.
    """
    rows = []
    for code, name, first_seen, purchase_account in _suppliers(division):
        condition = payment_condition_for(division, code)
        costs = account_of(division, purchase_account)["ID"] if purchase_account else None
        rows.append(
            {
                **_common(division, code, name, first_seen),
                "IsSupplier": True,
                "IsSales": False,
                "Status": None,
                "Country": None if division.key == "NL" else division.country,
                "GLAccountPurchase": costs,
                "GLAP": account_of(division, division.payable_account)["ID"],
                "PaymentConditionPurchase": condition["Code"],
                "PaymentConditionPurchaseDescription": condition["Description"],
                "PurchaseCurrency": division.currency,
            }
        )
    rows.extend(
        {
            **_common(division, code, name, division.start),
            "IsSupplier": False,
            "IsSales": True,
            "Status": "C",
            "City": city,
            "Country": country,
        }
        for code, name, city, country in _CUSTOMERS[division.key]
    )
    return tuple(rows)


def _common(division: Division, code: str, name: str, first_seen: date) -> Row:
    return {
        "ID": guid(division.code, "Accounts", code),
        "Code": code,
        "Name": name,
        "SearchCode": name.upper()[:10].strip(),
        "Division": division.code,
        "Type": "A",
        "Blocked": False,
        "StartDate": None,
        "EndDate": None,
        "IsReseller": False,
        "IsAccountant": 0,
        "IsAgency": 0,
        "IsAnonymised": 0,
        "IsCompetitor": 0,
        "IsMailing": 0,
        "GlnNumber": "",
        "OINNumber": "",
        "Language": {"NL": "NL", "UK": "EN", "BE": "NL"}[division.key],
        **audit(first_seen, division.code, "Accounts", code, days=900),
        "_division": division.code,
    }


@cache
def _by_code(division: Division) -> dict[str, Row]:
    return by(accounts(division), "Code")


def supplier_of(division: Division, code: str) -> Row:
    """The supplier with this code."""
    return _by_code(division)[code]
