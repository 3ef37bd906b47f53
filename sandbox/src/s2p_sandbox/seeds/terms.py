"""Payment conditions, VAT codes, journals and units of each division."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from s2p_sandbox.seeds.charts import account_of
from s2p_sandbox.seeds.keys import guid, share
from s2p_sandbox.seeds.rows import Row, audit

if TYPE_CHECKING:
    from s2p_sandbox.seeds.plan import Division, VatCode

__all__ = [
    "BANK_JOURNAL",
    "PURCHASE_JOURNAL",
    "journals",
    "payment_condition_for",
    "payment_conditions",
    "units",
    "vat_code_for",
    "vat_codes",
]

PURCHASE_JOURNAL: Final = "70"
BANK_JOURNAL: Final = "20"

# code -> (days, end of month, description in the division's language)
_CONDITIONS: Final = {
    "NL": {
        "00": (0, 0, "Contant"),
        "14": (14, 0, "14 dagen netto"),
        "30": (30, 0, "30 dagen netto"),
        "60": (60, 0, "60 dagen netto"),
    },
    "UK": {
        "00": (0, 0, "Due on receipt"),
        "14": (14, 0, "14 days net"),
        "30": (30, 0, "30 days net"),
        "EM": (0, 1, "End of month following"),
    },
    "BE": {
        "00": (0, 0, "Contant / Comptant"),
        "30": (30, 0, "30 dagen / 30 jours"),
        "60": (60, 0, "60 dagen / 60 jours"),
        "ME": (30, 1, "30 dagen einde maand / 30 jours fin de mois"),
    },
}
_ZERO_RATED_SHARE: Final = 0.25


@cache
def payment_conditions(division: Division) -> tuple[Row, ...]:
    """All payment conditions of `division`."""
    return tuple(
        {
            "ID": guid(division.code, "PaymentConditions", code),
            "Code": code,
            "Description": description,
            "Division": division.code,
            "PaymentDays": days,
            "PaymentEndOfMonths": months,
            "PaymentMethod": "B",
            "DiscountPaymentDays": 0,
            "DiscountPercentage": 0,
            "Percentage": 1,
            **audit(division.start, division.code, "PaymentConditions", code),
            "_division": division.code,
        }
        for code, (days, months, description) in _CONDITIONS[division.key].items()
    )


def payment_condition_for(division: Division, supplier: str) -> Row:
    """The condition agreed with a supplier."""
    rows = payment_conditions(division)
    return rows[int(share("condition", division.code, supplier) * len(rows))]


@cache
def vat_codes(division: Division) -> tuple[Row, ...]:
    """All VAT codes of `division`; Percentage is a fraction."""
    account = account_of(division, division.vat_account)
    return tuple(
        {
            "ID": guid(division.code, "VATCodes", vat.code),
            "Code": vat.code,
            "Description": vat.description,
            "Division": division.code,
            "Percentage": vat.percentage,
            "Type": "E",
            "VATTransactionType": "P",
            "Country": division.country,
            "IsBlocked": False,
            "Charged": False,
            "GLToClaim": account["ID"],
            "GLToClaimCode": account["Code"],
            "GLToClaimDescription": account["Description"],
            **audit(division.start, division.code, "VATCodes", vat.code),
            "_division": division.code,
        }
        for vat in division.vat_codes
    )


def vat_code_for(division: Division, account_code: str) -> VatCode:
    """The VAT code that purchases on this account get: zero or the division's highest rate."""
    if division.key == "NL":
        return next(vat for vat in division.vat_codes if vat.code == "7")
    if share("vat", division.code, account_code) < _ZERO_RATED_SHARE:
        return division.vat_codes[0]
    return max(division.vat_codes, key=lambda vat: vat.percentage)


@cache
def journals(division: Division) -> tuple[Row, ...]:
    """The purchase journal and the bank journal."""
    rows = []
    for code, description, kind, account_code in (
        (PURCHASE_JOURNAL, "Purchase journal", 22, division.payable_account),
        (BANK_JOURNAL, "Bank", 12, division.bank_account),
    ):
        account = account_of(division, account_code)
        rows.append(
            {
                "ID": guid(division.code, "Journals", code),
                "Code": code,
                "Description": description,
                "Division": division.code,
                "Type": kind,
                "Currency": division.currency,
                "IsBlocked": False,
                "GLAccount": account["ID"],
                "GLAccountCode": account["Code"],
                "GLAccountDescription": account["Description"],
                "GLAccountType": account["Type"],
                **audit(division.start, division.code, "Journals", code),
                "_division": division.code,
            }
        )
    return tuple(rows)


@cache
def units(division: Division) -> tuple[Row, ...]:
    """Units of measure; this resource has neither Created nor Modified."""
    return tuple(
        {
            "ID": guid(division.code, "Units", code),
            "Active": True,
            "Code": code,
            "Description": description,
            "Division": division.code,
            "Main": int(code == "pc"),
            "TimeUnit": "hour" if kind == "T" else None,
            "Type": kind,
            "_division": division.code,
        }
        for code, description, kind in (
            ("pc", "Piece", "O"),
            ("pack", "Pack", "O"),
            ("hour", "Hour", "T"),
        )
    )
