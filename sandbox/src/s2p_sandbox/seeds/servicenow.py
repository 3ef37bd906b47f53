"""All rows of the sandbox's ServiceNow before the first run: reference data, not quite complete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from s2p_sandbox.seeds.charts import gl_accounts
from s2p_sandbox.seeds.dimensions import cost_centers
from s2p_sandbox.seeds.gaps import GAPS
from s2p_sandbox.seeds.plan import DIVISIONS
from s2p_sandbox.seeds.terms import payment_conditions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from s2p_sandbox.seeds.gaps import Gaps
    from s2p_sandbox.seeds.plan import Division
    from s2p_sandbox.seeds.rows import Row

__all__ = ["servicenow_rows"]

_REVENUE: Final = 110
_SHEET_SIDES: Final = {"D": "Asset", "C": "Liability"}


def _source(division: Division) -> Row:
    return {"ref": ["sn_fin_erp_source", "name", division.erp_source]}


def _entity(division: Division) -> Row:
    return {"ref": ["sn_fin_legal_entity", "erp_company_code", division.company_code]}


def servicenow_rows() -> Iterator[tuple[str, Row]]:
    """(table, row) of the primary tables, referenced rows before those that refer to them.

    Values are strings as the REST API stores them; a reference is `{"ref": [table, column, value]}`
    and means the row of `table` whose `column` has that value. Date-times are UTC.
    """
    for division in DIVISIONS:
        gaps = GAPS[division.key]
        yield from _company(division)
        yield from _payment_terms(division, gaps)
        yield from _gl_accounts(division, gaps)
        yield from _cost_centers(division, gaps)


def _company(division: Division) -> Iterator[tuple[str, Row]]:
    yield (
        "sn_fin_erp_source",
        {
            "name": division.erp_source,
            "description": f"Exact Online {division.region.upper()}, {division.name}",
            "active": "true",
        },
    )
    yield (
        "sn_fin_legal_entity",
        {
            "legal_name": division.name,
            "erp_company_code": division.company_code,
            "erp_source": _source(division),
            "region": "EMEA",
            "local_currency": division.currency,
            "reporting_currency": "EUR",
            "city": division.address[2],
            "country": division.country,
        },
    )
    yield (
        "sn_fin_fx_currency",
        {
            "name": division.currency,
            "iso_currency_code": division.currency,
            "erp_source": _source(division),
        },
    )


def _payment_terms(division: Division, gaps: Gaps) -> Iterator[tuple[str, Row]]:
    for row in payment_conditions(division):
        if row["Code"] in gaps.missing_terms:
            continue
        days = row["PaymentDays"]
        yield (
            "sn_shop_payment_term",
            {
                "name": row["Description"],
                "payment_term": row["Code"],
                "type": "Net" if days else "Due upon receipt",
                "short_description": row["Description"],
                "net_days_to_pay": str(days),
                "erp_source": _source(division),
            },
        )


def _found_as(
    code: str, name: str, moved: str | None, doubled: tuple[str, ...]
) -> list[tuple[str, str]]:
    """(code, name) of what stands in ServiceNow for one code of Exact.

    Whoever entered it there under another code also wrote the name in another case.
    """
    if moved:
        return [(moved, name.upper())]
    if doubled:
        return [(other, name) for other in doubled]
    return [(code, name)]


def _gl_accounts(division: Division, gaps: Gaps) -> Iterator[tuple[str, Row]]:
    for row in gl_accounts(division):
        code = row["Code"]
        if code in gaps.missing_accounts:
            continue
        found = _found_as(
            code,
            row["Description"],
            gaps.moved_accounts.get(code),
            gaps.doubled_accounts.get(code, ()),
        )
        for gl_account, name in found:
            yield (
                "sn_fin_gl_account",
                {
                    "display_name": name,
                    "gl_account": gl_account,
                    "type": _account_type(row),
                    "category": row["TypeDescription"],
                    "legal_entity": _entity(division),
                    "erp_source": _source(division),
                    "account_currency": division.currency,
                    "inactive": "true" if code in gaps.inactive_accounts else "false",
                },
            )


def _account_type(row: Row) -> str:
    if row["BalanceType"] == "B":
        return _SHEET_SIDES[row["BalanceSide"]]
    return "Revenue" if row["Type"] == _REVENUE else "Expense"


def _cost_centers(division: Division, gaps: Gaps) -> Iterator[tuple[str, Row]]:
    for row in cost_centers(division):
        code = row["Code"]
        if code in gaps.missing_cost_centers:
            continue
        found = _found_as(
            code,
            row["Description"],
            gaps.moved_cost_centers.get(code),
            gaps.doubled_cost_centers.get(code, ()),
        )
        for account_number, name in found:
            yield (
                "cmn_cost_center",
                {
                    "name": name,
                    "account_number": account_number,
                    "code": account_number,
                    "legal_entity": _entity(division),
                    "erp_source": _source(division),
                    "valid_from": "2000-01-01 00:00:00",
                    "valid_to": gaps.ended_cost_centers.get(code, ""),
                },
            )
