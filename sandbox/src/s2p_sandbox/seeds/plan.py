"""The three divisions and what is peculiar to each: the seed's own decisions, as data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

__all__ = ["DIVISIONS", "Division", "ItemGroup", "VatCode"]


@dataclass(frozen=True, slots=True)
class VatCode:
    """A VAT code; `percentage` is a fraction (0.2 = 20 %), as Exact gives it."""

    code: str
    description: str
    percentage: Decimal


@dataclass(frozen=True, slots=True)
class ItemGroup:
    """An item group; `costs` is the code of its GLCosts account, "" where it has none."""

    code: str
    description: str
    source_class: str
    costs: str


@dataclass(frozen=True, slots=True)
class Division:
    """One Exact Online administration, in the country environment `region`."""

    key: str
    code: int
    region: str
    name: str
    country: str
    currency: str
    legislation: str
    hid: int
    start: date
    address: tuple[str, str, str]
    vat_number: str
    payable_account: str
    bank_account: str
    vat_account: str
    vat_codes: tuple[VatCode, ...]
    item_groups: tuple[ItemGroup, ...]
    cost_units: tuple[tuple[str, str], ...]
    needs_cost_center: frozenset[str] = frozenset()
    blocked_accounts: frozenset[str] = frozenset()
    ended_cost_centers: tuple[tuple[str, date], ...] = ()

    @property
    def erp_source(self) -> str:
        """The name of this division's ERP source in ServiceNow."""
        return f"EXACT-{self.code}"

    @property
    def company_code(self) -> str:
        """The ERP company code of the division's legal entity in ServiceNow."""
        return str(self.code)


_NL: Final = Division(
    key="NL",
    code=3104417,
    region="nl",
    name="Meridiaan Gezondheidslogistiek B.V.",
    country="NL",
    currency="EUR",
    legislation="NL",
    hid=1,
    start=date(2006, 1, 1),
    address=("Havenkade 12", "3011 AB", "Rotterdam"),
    vat_number="NL000000000B01",
    payable_account="16011",
    bank_account="10201",
    vat_account="13305",
    vat_codes=(
        VatCode("0", "Geen btw", Decimal(0)),
        VatCode("1", "Btw laag, exclusief", Decimal("0.09")),
        VatCode("2", "Btw hoog, exclusief", Decimal("0.21")),
        VatCode("7", "Invoer van buiten de EU", Decimal(0)),
    ),
    item_groups=(
        ItemGroup("ARV-A", "Antiretrovirale middelen, volwassenen", "Adult", "70251"),
        ItemGroup("ARV-P", "Antiretrovirale middelen, kinderen", "Pediatric", "72010"),
        ItemGroup("HIV-T", "Hiv-sneltests", "HIV test", "70053"),
        # Nobody has given these two groups an account: the GL account cannot be derived.
        ItemGroup("HIV-H", "Hulpmiddelen bij hiv-sneltests", "HIV test - Ancillary", ""),
        ItemGroup("ACT", "Artemisinine-combinatietherapie", "ACT", ""),
        ItemGroup("MAL", "Malariamiddelen", "Malaria", "76405"),
    ),
    cost_units=(),  # the countries of its projects, see dimensions
    needs_cost_center=frozenset({"72010"}),
    blocked_accounts=frozenset({"70063"}),
    ended_cost_centers=(("111-MZ-T01", date(2005, 12, 31)),),
)

_UK: Final = Division(
    key="UK",
    code=2450861,
    region="uk",
    name="Meridian Public Services Ltd",
    country="GB",
    currency="GBP",
    legislation="GB",
    hid=1,
    start=date(2015, 4, 1),
    address=("12 Isis Wharf", "OX1 0ZZ", "Oxford"),
    vat_number="GB000000000",
    payable_account="X1100",
    bank_account="X1200",
    vat_account="X1300",
    vat_codes=(
        VatCode("0", "Zero rated", Decimal(0)),
        VatCode("2", "Standard rate", Decimal("0.2")),
        VatCode("5", "Reduced rate", Decimal("0.05")),
        VatCode("EX", "Exempt", Decimal(0)),
    ),
    item_groups=(
        ItemGroup("MAT", "Materials", "", "D3021"),
        ItemGroup("SUB", "Subcontracted works", "", "B1111"),
        ItemGroup("STF", "Agency staff", "", "A0108"),
    ),
    cost_units=(("REV", "Revenue"), ("CAP", "Capital"), ("HRA", "Housing revenue account")),
    needs_cost_center=frozenset({"A0108", "D3021"}),
    blocked_accounts=frozenset({"B1243"}),
)

_BE: Final = Division(
    key="BE",
    code=917352,
    region="be",
    name="Meridiaan Regio N.V.",
    country="BE",
    currency="EUR",
    legislation="BE",
    hid=1,
    start=date(2009, 4, 1),
    address=("Kunstlaan 5 / Avenue des Arts 5", "1210", "Brussel / Bruxelles"),
    vat_number="BE0000000097",
    payable_account="440000",
    bank_account="550001",
    vat_account="411000",
    vat_codes=(
        VatCode("0", "Vrijgesteld / Exonéré", Decimal(0)),
        VatCode("6", "Btw 6 % / TVA 6 %", Decimal("0.06")),
        VatCode("21", "Btw 21 % / TVA 21 %", Decimal("0.21")),
    ),
    item_groups=(
        ItemGroup("DIEN", "Diensten / Services", "", "542000"),
        ItemGroup("MATE", "Materieel / Matériel", "", "536300"),
        ItemGroup("OPLE", "Opleiding / Formation", "", "504200"),
    ),
    cost_units=(("WER", "Werking / Fonctionnement"), ("INV", "Investering / Investissement")),
    # Lines of this division carry no cost center, so each line on this one is incomplete.
    needs_cost_center=frozenset({"533010"}),
    blocked_accounts=frozenset({"533100"}),
)

DIVISIONS: Final = (_NL, _UK, _BE)
