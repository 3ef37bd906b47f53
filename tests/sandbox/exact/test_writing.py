"""POST, PUT and DELETE as documented."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Asker

NL = 100
CENTERS = f"{NL}/hrm/Costcenters"


def test_a_post_answers_the_key_and_little_else(client: Asker) -> None:
    reply = client.send("POST", CENTERS, {"Code": "A", "Description": "Alpha"})
    assert reply.status == 201
    row = reply.json["d"]
    assert reply.headers["location"] == row["__metadata"]["uri"]
    assert row["ID"]
    assert row["Code"] is None


def test_a_post_answers_everything_when_asked(client: Asker) -> None:
    values = {"Code": "A", "Description": "Alpha"}
    reply = client.send("POST", CENTERS, values, prefer="return=representation")
    row = reply.json["d"]
    assert (row["Code"], row["Division"]) == ("A", NL)
    assert row["Created"] == row["Modified"] == "/Date(1782907230000)/"


def test_a_second_row_of_the_same_code(client: Asker) -> None:
    client.send("POST", CENTERS, {"Code": "A", "Description": "Alpha"})
    refused = client.send("POST", CENTERS, {"Code": "A", "Description": "Again"})
    assert (refused.status, refused.error) == (500, "Data already exists.")


def test_a_code_that_is_too_long(client: Asker) -> None:
    client.exact.switches.set(cost_center_code_length=8)
    refused = client.send("POST", CENTERS, {"Code": "A" * 9, "Description": "Alpha"})
    assert refused.status == 500
    client.exact.switches.set(cost_center_code_length=None)
    assert client.send("POST", CENTERS, {"Code": "A" * 9, "Description": "Alpha"}).status == 201


def test_change_and_delete(client: Asker) -> None:
    key = client.send("POST", CENTERS, {"Code": "A", "Description": "x"}).json["d"]["ID"]
    address = f"{CENTERS}(guid'{key}')"
    client.clock.advance(60)
    assert client.send("PUT", address, {"Description": "y"}).status == 204
    row = client.get(address).json["d"]
    assert row["Description"] == "y"
    assert row["Modified"] > row["Created"]
    deleted = client.ask("DELETE", f"/api/v1/{address}")
    assert (deleted.status, deleted.body) == (204, b"")
    assert client.ask("DELETE", f"/api/v1/{address}").status == 404


def test_lines_are_posted_inside_their_header(client: Asker) -> None:
    values = {
        "Journal": "70",
        "Supplier": "00000000-0000-0000-0000-000000000007",
        "PurchaseEntryLines": [
            {"GLAccount": "00000000-0000-0000-0000-000000000001", "AmountFC": 10.5},
            {"GLAccount": "00000000-0000-0000-0000-000000000001", "AmountFC": 2},
        ],
    }
    reply = client.send("POST", f"{NL}/purchaseentry/PurchaseEntries", values)
    assert reply.json["d"]["Journal"] == "70"
    key = reply.json["d"]["EntryID"]
    lines = client.get(
        f"{NL}/purchaseentry/PurchaseEntryLines", filter=f"EntryID eq guid'{key}'"
    ).rows
    assert sorted((line["LineNumber"], line["AmountFC"]) for line in lines) == [(1, 10.5), (2, 2)]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (
            b'{"NotAField": 1, "Code": "A", "Description": "x"}',
            (
                "Error processing request stream. The property name 'NotAField' specified for type "
                "'Exact.Web.Api.Models.Costcenter' is not valid."
            ),
        ),
        (
            b"[1]",
            (
                "Error processing request stream. "
                "The request should be a valid top-level resource object."
            ),
        ),
        (b"{", "Error processing request stream."),
        (b'{"Code": "A"}', "Mandatory: Description"),
        (b'{"Code": 5, "Description": "x"}', "Error processing request stream."),
    ],
)
def test_malformed_posts(client: Asker, body: bytes, text: str) -> None:
    refused = client.ask("POST", f"/api/v1/{CENTERS}", body)
    assert refused.status == 400
    assert refused.error.startswith(text)
    assert client.get(CENTERS).rows == []


def test_read_only_endpoints(client: Asker) -> None:
    assert client.send("POST", f"{NL}/logistics/ItemGroups", {}).status == 405
    assert client.send("POST", f"{NL}/sync/CRM/Accounts", {}).status == 405


def test_a_line_may_bump_its_header(client: Asker) -> None:
    load = client.exact.load
    header, line = "00000000-0000-0000-0000-00000000000a", "00000000-0000-0000-0000-00000000000b"
    load("purchaseentry/PurchaseEntries", [{"EntryID": header, "Division": NL}])
    load("purchaseentry/PurchaseEntryLines", [{"ID": line, "EntryID": header, "Division": NL}])
    address = f"{NL}/purchaseentry/PurchaseEntryLines(guid'{line}')"
    shown = f"{NL}/purchaseentry/PurchaseEntries(guid'{header}')"
    client.send("PUT", address, {"Notes": "a"})
    assert client.get(shown).json["d"]["Modified"] is None
    client.exact.switches.set(line_bumps_header=True)
    client.send("PUT", address, {"Notes": "b"})
    assert client.get(shown).json["d"]["Modified"] is not None
