"""Envelopes, paging, query options and refusals of the regular and bulk endpoints."""

from __future__ import annotations

import itertools
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from conftest import Asker

    from s2p_sandbox.exact import ExactOnline

NL, BE = 100, 200
ALL = "Modified ge datetime'1900-01-01T00:00:00'"


def guid(number: int) -> str:
    return str(UUID(int=number))


def at(minute: int) -> datetime:
    return datetime(2026, 3, 1, 12, minute % 60)  # noqa: DTZ001  # Amsterdam's wall clock


def cost_centers(count: int) -> list[dict[str, Any]]:
    return [
        {
            "ID": guid(n),
            "Code": f"CC{n}",
            "Description": "x",
            "Division": NL,
            "Modified": at(n // 7),
        }
        for n in range(1, count + 1)
    ]


@pytest.fixture
def filled(client: Asker) -> Asker:
    client.exact.load("hrm/Costcenters", cost_centers(130))
    entry = {"Journal": "70", "Currency": "EUR", "Division": NL, "Modified": at(1)}
    client.exact.load(
        "purchaseentry/PurchaseEntries", [{**entry, "EntryID": guid(n)} for n in range(1, 4)]
    )
    client.exact.load(
        "purchaseentry/PurchaseEntryLines",
        [
            {
                "ID": guid(1000 + n),
                "EntryID": guid(1),
                "LineNumber": n,
                "Division": NL,
                "AmountFC": n,
            }
            for n in range(1, 71)
        ],
    )
    return client


def test_pages_of_sixty_with_next_verbatim(filled: Asker) -> None:
    first = filled.get(f"{NL}/hrm/Costcenters", select="ID,Code")
    assert list(first.json["d"]) == ["results", "__next"]
    assert len(first.rows) == 60
    assert first.next is not None
    last = first.rows[-1]["ID"]
    assert first.next == (
        f"http://sandbox/api/v1/{NL}/hrm/Costcenters?$select=ID,Code&$skiptoken=guid'{last}'"
    )
    pages = filled.every_page(f"{NL}/hrm/Costcenters", select="ID,Code")
    assert [len(page) for page in pages] == [60, 60, 10]
    assert len({row["ID"] for page in pages for row in page}) == 130


def test_top_beyond_a_page_is_counted_down(filled: Asker) -> None:
    reply = filled.get(f"{NL}/hrm/Costcenters", top="100")
    assert len(reply.rows) == 60
    assert reply.next is not None
    assert "$top=40&$skiptoken=" in reply.next
    assert len(filled.ask("GET", reply.next.removeprefix("http://sandbox")).rows) == 40


@pytest.mark.parametrize("top", [1, 60])
def test_top_within_a_page_is_a_bare_array(filled: Asker, top: int) -> None:
    reply = filled.get(f"{NL}/hrm/Costcenters", top=str(top))
    assert isinstance(reply.json["d"], list)
    assert len(reply.rows) == top


def test_empty_collections(client: Asker) -> None:
    assert client.get(f"{NL}/hrm/Costcenters").json == {"d": {"results": []}}
    assert client.get(f"{NL}/hrm/Costcenters", top="5").json == {"d": []}


def test_a_row(filled: Asker) -> None:
    row = filled.get(f"{NL}/hrm/Costcenters(guid'{guid(1)}')").json["d"]
    assert row["__metadata"] == {
        "uri": f"http://sandbox/api/v1/{NL}/hrm/Costcenters(guid'{guid(1)}')",
        "type": "Exact.Web.Api.Models.Costcenter",
    }
    assert row["Code"] == "CC1"
    assert row["Active"] is None
    assert row["Modified"].startswith("/Date(")


def test_select_keeps_the_entity_order(filled: Asker) -> None:
    row = filled.get(f"{NL}/hrm/Costcenters", select="Description,Code,ID").rows[0]
    assert list(row) == ["__metadata", "ID", "Code", "Description"]


def test_order_by_modified_pages_by_value_and_key(filled: Asker) -> None:
    pages = filled.every_page(f"{NL}/hrm/Costcenters", orderby="Modified asc", select="ID")
    numbers = [int(UUID(row["ID"])) for page in pages for row in page]
    assert numbers == list(range(1, 131))
    reply = filled.get(f"{NL}/hrm/Costcenters", orderby="Modified asc")
    assert reply.next is not None
    assert "$skiptoken=datetime'2026-03-01T12%3A08%3A00',guid'" in reply.next
    assert "$orderby=Modified%20asc&$skiptoken" in reply.next


def test_descending_with_nulls_loses_nothing(client: Asker) -> None:
    rows = [
        {"ID": guid(n), "Code": "c", "Division": NL, "EndDate": at(n // 3) if n % 3 else None}
        for n in range(1, 100)
    ]
    client.exact.load("hrm/Costcenters", rows)
    for order in ("EndDate desc", "EndDate", "EndDate desc,Code"):
        pages = client.every_page(f"{NL}/hrm/Costcenters", orderby=order, select="ID")
        assert len({row["ID"] for page in pages for row in page}) == 99


def test_count_and_inlinecount(filled: Asker) -> None:
    count = filled.get(f"{NL}/hrm/Costcenters/$count")
    assert (count.body, count.headers["content-type"]) == (b"130", "text/plain")
    assert filled.get(f"{NL}/hrm/Costcenters", inlinecount="allpages").json["d"]["__count"] == "130"


def test_expand_carries_all_lines(filled: Asker) -> None:
    options = {
        "select": "EntryID,PurchaseEntryLines/ID,PurchaseEntryLines/AmountFC",
        "expand": "PurchaseEntryLines",
    }
    row = filled.get(f"{NL}/purchaseentry/PurchaseEntries", **options).rows[0]
    lines = row["PurchaseEntryLines"]["results"]
    assert [line["AmountFC"] for line in lines] == list(range(1, 71))
    assert set(lines[0]) == {"__metadata", "ID", "AmountFC"}


def test_expand_may_be_cut(filled: Asker) -> None:
    filled.exact.switches.set(expand_limit=60)
    row = filled.get(f"{NL}/purchaseentry/PurchaseEntries", expand="PurchaseEntryLines").rows[0]
    assert len(row["PurchaseEntryLines"]["results"]) == 60
    address = row["__metadata"]["uri"].removeprefix("http://sandbox/api/v1/")
    pages = filled.every_page(f"{address}/PurchaseEntryLines", select="ID")
    assert [len(page) for page in pages] == [60, 10]


def test_collections_are_deferred_without_expand(filled: Asker) -> None:
    row = filled.get(f"{NL}/purchaseentry/PurchaseEntries").rows[0]
    uri = row["PurchaseEntryLines"]["__deferred"]["uri"]
    assert uri == f"{row['__metadata']['uri']}/PurchaseEntryLines"


def test_a_filter_on_headers_finds_their_lines(filled: Asker) -> None:
    text = f"EntryID eq guid'{guid(1)}' or EntryID eq guid'{guid(2)}'"
    rows = filled.get(f"{NL}/purchaseentry/PurchaseEntryLines", filter=text).rows
    assert len(rows) == 60


def test_a_padded_code_needs_its_padding_or_trim(client: Asker) -> None:
    client.exact.load("crm/Accounts", [{"ID": guid(1), "Code": "8", "Name": "n", "Division": NL}])
    assert client.get(f"{NL}/crm/Accounts", filter="Code eq '8'").rows == []
    found = client.get(f"{NL}/crm/Accounts", filter="trim(Code) eq '8'").rows
    assert [row["Code"] for row in found] == [" " * 17 + "8"]
    assert len([name for name in found[0] if name != "__metadata"]) == 166


@pytest.mark.parametrize(
    ("target", "options", "text"),
    [
        (
            "bulk/CRM/Accounts",
            {"filter": ALL},
            "Please add a $select or a $top=1 statement to the query string.",
        ),
        (
            "sync/CRM/Accounts",
            {"filter": "Timestamp gt 1"},
            "Please add a $select or a $top=1 statement to the query string.",
        ),
        (
            "sync/CRM/Accounts",
            {"select": "ID", "filter": ALL},
            "Filtering on these fields is not supported: Modified",
        ),
        (
            "bulk/Financial/GLAccounts",
            {"select": "ID", "filter": "Description eq 'a'"},
            "Filtering on these fields is not supported: Description",
        ),
        (
            "hrm/Costcenters",
            {"filter": ""},
            "This $filter parameter is not supported for this resource",
        ),
        (
            "hrm/Costcenters",
            {"filter": "ID eq guid'6'"},
            "Unrecognized 'Edm.Guid' literal 'guid'6'' in '6'.",
        ),
        ("hrm/Costcenters", {"orderby": "Nothing"}, "Bad Request - Error in query syntax."),
        ("hrm/Costcenters", {"top": "many"}, "Bad Request - Error in query syntax."),
        ("hrm/Costcenters", {"skiptoken": "x"}, "Bad Request - Error in query syntax."),
        ("hrm/Costcenters", {"frobnicate": "1"}, "Bad Request - Error in query syntax."),
    ],
)
def test_refusals(client: Asker, target: str, options: dict[str, str], text: str) -> None:
    refused = client.get(f"{NL}/{target}", **options)
    assert refused.status == 400
    assert refused.error == text


def test_the_error_body_byte_for_byte(client: Asker) -> None:
    refused = client.get(f"{NL}/hrm/Costcenters", filter="x eq 1")
    assert refused.body == (
        b'{\r\n"error": {\r\n"code": "", "message": {\r\n"lang": "", '
        b"\"value\": \"No property 'x' exists in type 'Exact.Web.Api.Models.Costcenter' "
        b'at position 0."\r\n}\r\n}\r\n}'
    )


def test_mandatory_filter(client: Asker) -> None:
    refused = client.get(f"{NL}/crm/Accounts", select="ID")
    assert refused.status == 400
    assert refused.error.startswith(
        "This endpoint has mandatory filtering applied. A GET request for this endpoint must have "
        "a $filter parameter with one of the following fields in the url:ID,Accountant,"
    )
    client.exact.switches.set(filter_required=False)
    assert client.get(f"{NL}/crm/Accounts", select="ID").status == 200


def test_top_one_excuses_from_select(client: Asker) -> None:
    assert client.get(f"{NL}/sync/CRM/Accounts", top="1").json == {"d": []}


def test_an_unknown_name_in_select_refuses_all(client: Asker) -> None:
    assert client.get(f"{NL}/hrm/Costcenters", select="ID,code").status == 400


def test_skip_on_old_endpoints_only(filled: Asker) -> None:
    reply = filled.get(f"{NL}/hrm/Costcenters", skip="100", select="ID")
    assert len(reply.rows) == 30
    assert filled.get(f"{NL}/bulk/CRM/Accounts", skip="1", select="ID", filter=ALL).status == 400


@pytest.mark.parametrize(
    "target", ["hrm/CostCenters", "HRM/Costcenters", "hrm/Nothing", "bulk/crm/Accounts", "x/y/z/w"]
)
def test_paths_are_case_sensitive(client: Asker, target: str) -> None:
    assert client.get(f"{NL}/{target}").status == 404


def test_an_address_beyond_six_thousand_characters(client: Asker) -> None:
    text = " or ".join(f"ID eq guid'{guid(n)}'" for n in range(150))
    assert client.get(f"{NL}/hrm/Costcenters", filter=text).status == 400
    short = " or ".join(f"ID eq guid'{guid(n)}'" for n in range(80))
    assert client.get(f"{NL}/hrm/Costcenters", filter=short).status == 200


@pytest.mark.parametrize("accept", ["", "*/*", "application/atom+xml"])
def test_atom_without_a_json_accept(filled: Asker, accept: str) -> None:
    filled.accept = accept
    reply = filled.get(f"{NL}/hrm/Costcenters", top="1")
    assert reply.headers["content-type"].startswith("application/atom+xml")
    assert reply.body.startswith(b"\xef\xbb\xbf<?xml")
    assert b"<d:Code>CC1</d:Code>" in reply.body


def test_plain_xml_is_refused(filled: Asker) -> None:
    filled.accept = "application/xml"
    assert filled.get(f"{NL}/hrm/Costcenters", top="1").status == 415


def test_me_is_a_collection_of_one(client: Asker) -> None:
    reply = client.get("current/Me")
    (row,) = reply.rows
    assert len(row) == 40
    assert row["ServerTime"] == "2026-07-01T12:00:30"
    assert row["ServerUtcOffset"] == 7200
    assert row["Legislation"] == "1"
    assert "x-ratelimit-limit" not in reply.headers
    assert list(client.get("current/Me", select="CurrentDivision").rows[0])[1:] == [
        "CurrentDivision"
    ]


def test_divisions_by_code_whatever_the_address_says(client: Asker) -> None:
    rows = client.get("123456/system/Divisions").rows
    assert [row["Code"] for row in rows] == [NL, BE]
    assert rows[0]["Country"] == "NL "
    assert rows[0]["Hid"] == "100"
    single = client.get(f"{NL}/system/Divisions({BE})").json["d"]
    assert single["Description"] == "Deux S.A."
    assert client.get(f"{NL}/hrm/Divisions").rows[0]["HID"] == "100"
    assert [row["Code"] for row in client.get(f"{BE}/system/AllDivisions").rows] == [BE]
    found = client.get(f"{NL}/system/Divisions", filter="Code eq 200", select="Code").rows
    assert [row["Code"] for row in found] == [BE]


def test_each_country_is_an_environment(client: Asker) -> None:
    rows = client.ask("GET", "/be/api/v1/1/system/Divisions").rows
    assert [row["Code"] for row in rows] == [BE]
    assert rows[0]["__metadata"]["uri"].startswith("http://sandbox/be/api/v1/")
    assert client.ask("GET", f"/be/api/v1/{NL}/hrm/Costcenters").status == 403
    assert client.ask("GET", f"/be/api/v1/{BE}/hrm/Costcenters").status == 200


def test_rights(client: Asker) -> None:
    client.exact.switches.set(denied_scopes=["financial.costcenters"], denied_divisions=[BE])
    scope = client.get(f"{NL}/hrm/Costcenters")
    assert (scope.status, scope.error) == (
        403,
        "Forbidden - Application Scope Violated. Cannot read 'financial.costcenters' scope.",
    )
    client.exact.switches.set(division_reason="LicenseExpired")
    assert client.get(f"{BE}/financial/Journals").headers["reason"] == "LicenseExpired"
    client.exact.switches.set(purchase_module=False)
    assert client.get(f"{NL}/purchase/PurchaseInvoices").status == 403


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    moments=st.lists(st.integers(0, 3), max_size=150),
    order=st.sampled_from(["", "Modified", "Modified desc", "Description desc,Modified"]),
)
def test_following_next_gives_every_row_once(client: Asker, moments: list[int], order: str) -> None:
    exact: ExactOnline = client.exact
    exact.switches.set(minutely_limit=10**6, daily_limit=10**6)
    with exact.store.database.transaction() as connection:
        connection.execute("DELETE FROM rows WHERE resource = 'hrm/Costunits'")
    rows = [
        {"ID": guid(n), "Code": str(n), "Division": NL, "Modified": at(m), "Description": f"d{m}"}
        for n, m in enumerate(moments)
    ]
    exact.load("hrm/Costunits", rows)
    options = {"select": "ID", "orderby": order} if order else {"select": "ID"}
    pages = client.every_page(f"{NL}/hrm/Costunits", **options)
    found = [row["ID"] for row in itertools.chain(*pages)]
    assert sorted(found) == sorted(row["ID"] for row in rows)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    option=st.sampled_from(
        ["filter", "select", "orderby", "top", "skip", "skiptoken", "expand", "inlinecount"]
    ),
    text=st.text(max_size=12)
    | st.integers().map(str)
    | st.integers().map(lambda n: f"Code eq '{n}' and Modified gt {n}")
    | st.integers(min_value=0).map(lambda n: f"{n}{'9' * 30}L")
    | st.just("UseCostcenter eq " + "9" * 4500),
    target=st.sampled_from(["hrm/Costunits", "sync/Deleted", "financial/GLAccounts"]),
)
def test_no_option_breaks_the_server(client: Asker, option: str, text: str, target: str) -> None:
    client.exact.switches.set(minutely_limit=10**6, daily_limit=10**6, error_limit=10**6)
    reply = client.get(f"{NL}/{target}", **{option: text})
    assert reply.status in {200, 400, 501}


@pytest.mark.parametrize("division", ["9" * 30, "²", "-1", "1.0"])
def test_odd_divisions(client: Asker, division: str) -> None:
    assert client.get(f"{division}/hrm/Costcenters").status == 404


def test_next_links_survive_odd_characters(client: Asker) -> None:
    rows = [
        {"ID": guid(n), "Code": "a'b & c+d%é", "Description": "x", "Division": NL}
        for n in range(1, 70)
    ]
    client.exact.load("hrm/Costcenters", rows)
    text = "Code eq 'a''b & c+d%é'"
    pages = client.every_page(f"{NL}/hrm/Costcenters", filter=text, orderby="Code", select="ID")
    assert [len(page) for page in pages] == [60, 9]
    reply = client.get(f"{NL}/hrm/Costcenters", filter=text)
    assert reply.next is not None
    assert f"$filter={text}" in unquote(reply.next)
