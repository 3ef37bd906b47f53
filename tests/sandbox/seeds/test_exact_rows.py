"""The seed of Exact Online: whole, consistent, true to its sources and small enough to read."""

from __future__ import annotations

import csv
import re
from collections import Counter, defaultdict
from datetime import datetime
from decimal import Decimal
from importlib.resources import files
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest

from s2p_sandbox import seeds
from s2p_sandbox.exact.model import entities
from s2p_sandbox.seeds.exact import KEYS

DATA = files("s2p_sandbox.seeds") / "data"
NL, UK, BE = (division.code for division in seeds.DIVISIONS)

Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def rows() -> Rows:
    found: Rows = defaultdict(list)
    for resource, row in seeds.exact_rows():
        found[resource].append(row)
    return found


def published(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def of(rows: Rows, resource: str, division: int) -> list[dict[str, Any]]:
    return [row for row in rows[resource] if row["_division"] == division]


def ids(rows: Rows, resource: str) -> dict[str, int]:
    key = KEYS.get(resource, "ID")
    return {row[key]: row["_division"] for row in rows[resource]}


def test_three_divisions_in_three_regions() -> None:
    assert [division.region for division in seeds.DIVISIONS] == ["nl", "uk", "be"]
    assert [division.currency for division in seeds.DIVISIONS] == ["EUR", "GBP", "EUR"]
    assert len({division.code for division in seeds.DIVISIONS}) == 3


def test_the_rows_are_the_same_each_time() -> None:
    assert list(seeds.exact_rows()) == list(seeds.exact_rows())


def test_a_callers_change_does_not_reach_the_seed() -> None:
    _, first = next(iter(seeds.exact_rows()))
    first.clear()
    _, row = next(iter(seeds.exact_rows()))
    assert row


def test_keys_are_unique_and_guids_lower_case(rows: Rows) -> None:
    for resource, found in rows.items():
        key = KEYS.get(resource, "ID")
        keys = [row[key] for row in found]
        assert len(set(keys)) == len(keys), resource
        if key != "Code":
            assert all(str(UUID(value)) == value for value in keys), resource


def test_every_row_tells_its_division(rows: Rows) -> None:
    codes = {division.code for division in seeds.DIVISIONS}
    for resource, found in rows.items():
        assert {row["_division"] for row in found} <= codes, resource
        assert all(row.get("Division", row["_division"]) == row["_division"] for row in found)


FORMS: dict[str, tuple[type, ...]] = {
    "Guid": (str,),
    "String": (str,),
    "Double": (Decimal, int),
    "Boolean": (bool,),
    "DateTime": (datetime,),
    "Int64": (int,),
    "Int32": (int,),
    "Int16": (int,),
    "Byte": (int,),
}


def test_properties_exist_and_have_their_edm_type(rows: Rows) -> None:
    known = entities()
    for resource, found in rows.items():
        properties = known[resource].properties
        for row in found:
            for name, value in row.items():
                if name == "_division" or value is None:
                    continue
                assert name in properties, f"{resource} has no {name}"
                form = properties[name]
                assert isinstance(value, FORMS[form]), f"{resource}.{name}: {value!r}"
                assert form == "Boolean" or not isinstance(value, bool), f"{resource}.{name}"
                if form == "Guid":
                    assert value == str(UUID(value)), f"{resource}.{name}"


def test_times_are_wall_clock_times_that_exist_once(rows: Rows) -> None:
    for found in rows.values():
        for row in found:
            for name in ("Created", "Modified"):
                if name in row:
                    assert row[name].tzinfo is None
                    assert not 2 <= row[name].hour < 4
                    assert row[name].microsecond % 1000 == 0
            if "Created" in row:
                assert row["Modified"] >= row["Created"]


@pytest.mark.parametrize(
    "resource", ["purchaseentry/PurchaseEntries", "purchaseorder/PurchaseOrders", "crm/Accounts"]
)
def test_some_rows_share_one_modified(rows: Rows, resource: str) -> None:
    times = Counter(row["Modified"] for row in rows[resource])
    assert any(count > 1 for count in times.values())
    assert any(moment.microsecond for moment in times)


REFERENCES = {
    ("purchaseorder/PurchaseOrders", "Supplier"): "crm/Accounts",
    ("purchaseorder/PurchaseOrderLines", "PurchaseOrderID"): "purchaseorder/PurchaseOrders",
    ("purchaseorder/PurchaseOrderLines", "Item"): "logistics/Items",
    ("purchase/PurchaseInvoices", "Supplier"): "crm/Accounts",
    ("purchase/PurchaseInvoiceLines", "InvoiceID"): "purchase/PurchaseInvoices",
    ("purchase/PurchaseInvoiceLines", "PurchaseOrderLine"): "purchaseorder/PurchaseOrderLines",
    ("purchase/PurchaseInvoiceLines", "Item"): "logistics/Items",
    ("purchaseentry/PurchaseEntries", "Supplier"): "crm/Accounts",
    ("purchaseentry/PurchaseEntryLines", "EntryID"): "purchaseentry/PurchaseEntries",
    ("purchaseentry/PurchaseEntryLines", "GLAccount"): "financial/GLAccounts",
    ("financialtransaction/BankEntryLines", "EntryID"): "financialtransaction/BankEntries",
    ("financialtransaction/BankEntryLines", "Account"): "crm/Accounts",
    ("financialtransaction/BankEntryLines", "GLAccount"): "financial/GLAccounts",
    ("logistics/Items", "ItemGroup"): "logistics/ItemGroups",
    ("logistics/Items", "GLCosts"): "financial/GLAccounts",
    ("logistics/ItemGroups", "GLCosts"): "financial/GLAccounts",
    ("crm/Accounts", "GLAccountPurchase"): "financial/GLAccounts",
    ("crm/Accounts", "GLAP"): "financial/GLAccounts",
    ("vat/VATCodes", "GLToClaim"): "financial/GLAccounts",
    ("financial/Journals", "GLAccount"): "financial/GLAccounts",
}


@pytest.mark.parametrize(("source", "target"), REFERENCES.items())
def test_references_stay_in_their_division(
    rows: Rows, source: tuple[str, str], target: str
) -> None:
    resource, name = source
    known = ids(rows, target)
    values = [row for row in rows[resource] if row.get(name)]
    assert values
    assert all(known[row[name]] == row["_division"] for row in values)


CODES = {
    "CostCenter": "hrm/Costcenters",
    "CostUnit": "hrm/Costunits",
    "VATCode": "vat/VATCodes",
    "PaymentCondition": "cashflow/PaymentConditions",
    "PaymentConditionPurchase": "cashflow/PaymentConditions",
    "Unit": "logistics/Units",
    "GLAccountCode": "financial/GLAccounts",
    "Journal": "financial/Journals",
    "JournalCode": "financial/Journals",
    "SupplierCode": "crm/Accounts",
}


@pytest.mark.parametrize(("name", "target"), CODES.items())
def test_codes_are_those_of_a_row_of_the_division(rows: Rows, name: str, target: str) -> None:
    known = {(row["_division"], row["Code"]) for row in rows[target]}
    used = {
        (row["_division"], row[name]) for found in rows.values() for row in found if row.get(name)
    }
    assert used
    assert used <= known


def test_codes_are_unique_and_unpadded(rows: Rows) -> None:
    for resource, found in rows.items():
        codes = [(row["_division"], row["Code"]) for row in found if "Code" in row]
        assert len(set(codes)) == len(codes), resource
        assert all(code == code.strip() for _, code in codes if isinstance(code, str))
        if resource == "crm/Accounts":
            assert all(0 < len(code) <= 18 for _, code in codes)


def totals(found: list[dict[str, Any]], parent: str, name: str) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in found:
        sums[row[parent]] += row[name]
    return dict(sums)


def test_entries_are_the_sum_of_their_lines_and_vat(rows: Rows) -> None:
    lines = rows["purchaseentry/PurchaseEntryLines"]
    net = totals(lines, "EntryID", "AmountFC")
    vat = totals(lines, "EntryID", "VATAmountFC")
    for entry in rows["purchaseentry/PurchaseEntries"]:
        key = entry["EntryID"]
        assert entry["AmountFC"] == net[key] + vat[key]
        assert entry["VATAmountFC"] == vat[key]
        assert entry["Type"] == (31 if net[key] < 0 else 30)


def test_orders_and_invoices_are_the_sum_of_their_lines(rows: Rows) -> None:
    ordered = totals(rows["purchaseorder/PurchaseOrderLines"], "PurchaseOrderID", "AmountFC")
    for order in rows["purchaseorder/PurchaseOrders"]:
        assert order["AmountFC"] == ordered[order["PurchaseOrderID"]]
    invoiced = totals(rows["purchase/PurchaseInvoiceLines"], "InvoiceID", "Amount")
    for invoice in rows["purchase/PurchaseInvoices"]:
        assert invoice["Amount"] == invoiced[invoice["ID"]] + invoice["VATAmount"]


def test_vat_is_its_percentage_of_the_base_to_the_cent(rows: Rows) -> None:
    for line in rows["purchaseentry/PurchaseEntryLines"]:
        exact = line["VATBaseAmountFC"] * line["VATPercentage"]
        assert abs(line["VATAmountFC"] - exact) <= Decimal("0.005")


def test_an_invoice_line_carries_what_its_order_line_says(rows: Rows) -> None:
    ordered = {row["ID"]: row for row in rows["purchaseorder/PurchaseOrderLines"]}
    without_item = 0
    for line in rows["purchase/PurchaseInvoiceLines"]:
        order = ordered[line["PurchaseOrderLine"]]
        assert (line["Quantity"], line["UnitPrice"]) == (order["Quantity"], order["UnitPrice"])
        assert line["CostCenter"] == order["CostCenter"]
        assert line["Item"] in {None, order["Item"]}
        assert order["ReceivedQuantity"] == order["Quantity"]
        without_item += line["Item"] is None
    assert without_item


@pytest.mark.parametrize(
    ("division", "name"), [(UK, "oxford_payables.csv"), (BE, "gla_payables.csv")]
)
def test_entry_amounts_are_the_published_ones(rows: Rows, division: int, name: str) -> None:
    booked = Counter(
        (line["GLAccountCode"], line["AmountFC"])
        for line in of(rows, "purchaseentry/PurchaseEntryLines", division)
    )
    assert booked == Counter(
        (row["gl_code"].upper(), Decimal(row["amount"])) for row in published(name)
    )


def test_order_amounts_are_the_published_ones(rows: Rows) -> None:
    references = {
        row["PurchaseOrderID"]: row["YourRef"] for row in rows["purchaseorder/PurchaseOrders"]
    }
    ordered = Counter(
        (
            references[line["PurchaseOrderID"]],
            line["ItemDescription"],
            line["QuantityInPurchaseUnits"],
            line["UnitPrice"],
            line["AmountFC"],
        )
        for line in rows["purchaseorder/PurchaseOrderLines"]
    )
    assert ordered == Counter(
        (
            row["po_number"],
            row["item"],
            Decimal(row["quantity"]),
            Decimal(row["pack_price"]),
            Decimal(row["line_value"]),
        )
        for row in published("scms_purchase_orders.csv")
    )


def test_the_dutch_accounts_are_the_reference_chart(rows: Rows) -> None:
    chart = {row["code"]: row["description_nl"] for row in published("rgs_chart_of_accounts.csv")}
    found = of(rows, "financial/GLAccounts", NL)
    assert {row["Code"]: row["Description"] for row in found} == chart


def test_the_oddities_of_the_sources_are_kept(rows: Rows) -> None:
    assert any(order["OrderDate"] is None for order in rows["purchaseorder/PurchaseOrders"])
    assert any(line["UnitPrice"] == 0 for line in rows["purchaseorder/PurchaseOrderLines"])
    for division in (UK, BE):
        entries = of(rows, "purchaseentry/PurchaseEntries", division)
        if division == BE:
            assert any(entry["Type"] == 31 and entry["AmountFC"] < 0 for entry in entries)
    assert any(line["AmountFC"] < 0 for line in of(rows, "purchaseentry/PurchaseEntryLines", UK))
    sizes = Counter(line["EntryID"] for line in of(rows, "purchaseentry/PurchaseEntryLines", UK))
    assert 60 < max(sizes.values()) <= 140
    assert sum(size > 60 for size in sizes.values()) >= 3
    names = " ".join(str(row["Description"]) for row in rows["hrm/Costcenters"])
    customers = " ".join(row["Name"] for row in rows["crm/Accounts"])
    assert {"é", "ü", "ô"} <= set(names)
    assert {"ß", "ö", "É", "Î"} <= set(customers)


def test_a_supplier_with_several_spellings_is_one_account(rows: Rows) -> None:
    spellings = defaultdict(set)
    for row in published("gla_payables.csv"):
        spellings[row["vendor_id"]].add(row["vendor"])
    several = {code: names for code, names in spellings.items() if len(names) > 1}
    assert several
    names = {row["Code"]: row["Name"] for row in of(rows, "crm/Accounts", BE)}
    assert all(names[code] in spelled for code, spelled in several.items())


# Words without which a published payee could be a person.
FIRM = re.compile(
    r"\b(LTD|LIMITED|PLC|LLP|LLC|INC|COUNCIL|BOROUGH|SCHOOL|UNIVERSITY|COLLEGE|GROUP|COMPANY|TRUST"
    r"|SERVICES?|ASSOCIATION|FOUNDATION|SOLUTIONS|SYSTEMS|UK|CORPORATION|BANK|SOCIETY|CENTRE"
    r"|INSTITUTE|AUTHORITY|AGENCY|PARTNERSHIP|HOUSING|COMMISSION|MUSEUM|GALLERY|TRANSPORT|LONDON"
    r"|CLUB|TELECOM\w*|COMMUNICATIONS|RESEARCH|ENGINEERING|POLICE|CONSULTANTS|CONSULTANCY"
    r"|SOFTWARE)\b|\bB\.?V\b|\bN\.?V\b|\bGMBH\b|^PAYEE [0-9A-F]{8}$",
    re.IGNORECASE,
)


@pytest.mark.parametrize(
    ("name", "code", "payee"),
    [
        ("oxford_payables.csv", "supplier_id", "supplier_name"),
        ("gla_payables.csv", "vendor_id", "vendor"),
    ],
)
def test_no_payee_is_a_private_person(name: str, code: str, payee: str) -> None:
    spellings = defaultdict(set)
    for row in published(name):
        spellings[row[code]].add(row[payee])
    # One spelling that is clearly a firm's says it for all spellings of that code.
    doubtful = [names for names in spellings.values() if not any(map(FIRM.search, names))]
    assert doubtful == []


def test_users_are_functions_not_persons(rows: Rows) -> None:
    names = {
        row[name]
        for found in rows.values()
        for row in found
        for name in ("CreatorFullName", "ModifierFullName", "FullName")
        if row.get(name)
    }
    assert names == {"Integration Service", "Purchasing Desk", "Accounts Payable Desk"}


def test_bank_statements_continue_and_pay_entries(rows: Rows) -> None:
    amounts = {
        (row["_division"], row["EntryNumber"]): row["AmountFC"]
        for row in rows["purchaseentry/PurchaseEntries"]
    }
    for division in seeds.DIVISIONS:
        statements = of(rows, "financialtransaction/BankEntries", division.code)
        for earlier, later in pairwise(statements):
            assert later["OpeningBalanceFC"] == earlier["ClosingBalanceFC"]
        for line in of(rows, "financialtransaction/BankEntryLines", division.code):
            assert line["AmountFC"] == -amounts[division.code, line["OurRef"]] < 0


def pages(count: int, size: int = 60) -> int:
    return -(-count // size) or 1


@pytest.mark.parametrize("division", [NL, UK, BE])
def test_a_first_read_stays_below_the_minute_limit(rows: Rows, division: int) -> None:
    def count(resource: str) -> int:
        return len(of(rows, resource, division))

    regular = (
        "hrm/Costcenters",
        "hrm/Costunits",
        "logistics/ItemGroups",
        "cashflow/PaymentConditions",
        "vat/VATCodes",
        "purchase/PurchaseInvoices",
        "purchase/PurchaseInvoiceLines",
        "purchaseentry/PurchaseEntries",
        "financialtransaction/BankEntries",
        "financialtransaction/BankEntryLines",
    )
    feeds = ("financial/GLAccounts", "logistics/Items", "crm/Accounts")
    orders = count("purchaseorder/PurchaseOrders") + count("purchaseorder/PurchaseOrderLines")
    calls = sum(pages(count(resource)) for resource in regular)
    calls += sum(pages(count(resource), 1000) for resource in feeds)
    calls += 2 * pages(orders, 1000) + 2  # headers and lines; deletions and the division
    assert calls <= 55


def test_the_data_is_small_and_its_licences_are_told() -> None:
    tables = [entry for entry in DATA.iterdir() if entry.name.endswith(".csv")]
    assert sum(len(entry.read_bytes()) for entry in tables) < 2_000_000
    told = (DATA / "ATTRIBUTION.md").read_text(encoding="utf-8")
    assert all(entry.name in told for entry in tables)
    for licence in ("Open Government Licence v3.0", "PDDL", "US government", "MIT"):
        assert licence in told
