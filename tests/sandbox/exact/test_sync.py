"""Sync feeds: rowversions, the flat order feed, deletions, division moves, the week that passes."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

if TYPE_CHECKING:
    from conftest import Asker

NL = 100
FEED = f"{NL}/sync/PurchaseOrder/PurchaseOrders"
COLUMNS = "ID,LineNumber,Timestamp,PurchaseOrderID,CostCenter,CostCenterCode,SupplierName,AmountFC"


def guid(number: int) -> str:
    return str(UUID(int=number))


@pytest.fixture
def orders(client: Asker) -> Asker:
    moment = datetime(2026, 3, 1, 12, 0)  # noqa: DTZ001  # Amsterdam's wall clock
    stamped = {"Division": NL, "Created": moment, "Modified": moment}
    load = client.exact.load
    load("hrm/Costcenters", [{"ID": guid(9), "Code": "CC9", "Description": "x", **stamped}])
    for order in (1, 2):
        header = {"PurchaseOrderID": guid(order), "SupplierName": "Acme", "AmountFC": Decimal(30)}
        load("purchaseorder/PurchaseOrders", [{**header, "OrderNumber": order, **stamped}])
        lines = [
            {
                "ID": guid(10 * order + number),
                "PurchaseOrderID": guid(order),
                "LineNumber": number,
                "CostCenter": "CC9" if number == 1 else None,
                "AmountFC": Decimal(15),
                **stamped,
            }
            for number in (1, 2)
        ]
        load("purchaseorder/PurchaseOrderLines", lines)
    return client


def feed(client: Asker, since: int = 1) -> list[dict[str, Any]]:
    return client.get(FEED, select=COLUMNS, filter=f"Timestamp gt {since}L").rows


def test_headers_are_line_zero_and_lines_repeat_them(orders: Asker) -> None:
    rows = feed(orders)
    assert [row["LineNumber"] for row in rows] == [0, 1, 2, 0, 1, 2]
    assert {row["SupplierName"] for row in rows} == {"Acme"}
    assert [row["AmountFC"] for row in rows[:3]] == [30, 15, 15]
    assert rows[0]["ID"] == rows[0]["PurchaseOrderID"] == guid(1)


def test_cost_centers_are_guids_beside_their_codes(orders: Asker) -> None:
    row = feed(orders)[1]
    assert (row["CostCenter"], row["CostCenterCode"]) == (guid(9), "CC9")
    (line,) = orders.get(
        f"{NL}/purchaseorder/PurchaseOrderLines",
        filter=f"ID eq guid'{guid(11)}'",
        select="CostCenter",
    ).rows
    assert line["CostCenter"] == "CC9"


def test_timestamps_are_strings_that_rise(orders: Asker) -> None:
    stamps = [row["Timestamp"] for row in feed(orders)]
    assert all(isinstance(stamp, str) for stamp in stamps)
    assert [int(stamp) for stamp in stamps] == sorted({int(stamp) for stamp in stamps})
    assert feed(orders, since=int(stamps[-1])) == []


def test_a_changed_line_gives_the_whole_order_new_timestamps(orders: Asker) -> None:
    last = max(int(row["Timestamp"]) for row in feed(orders))
    reply = orders.send(
        "PUT", f"{NL}/purchaseorder/PurchaseOrderLines(guid'{guid(21)}')", {"Notes": "late"}
    )
    assert reply.status == 204
    assert [row["ID"] for row in feed(orders, since=last)] == [guid(2), guid(21), guid(22)]


def test_the_key_of_a_sync_row_is_its_timestamp(orders: Asker) -> None:
    row = feed(orders)[0]
    assert row["__metadata"]["uri"].endswith(f"PurchaseOrders({row['Timestamp']}L)")


def test_thousand_rows_a_page(client: Asker) -> None:
    rows = [{"ID": guid(n), "Name": f"n{n}", "Division": NL} for n in range(1, 1502)]
    client.exact.load("crm/Accounts", rows)
    pages = client.every_page(f"{NL}/sync/CRM/Accounts", select="ID,Timestamp")
    assert [len(page) for page in pages] == [1000, 501]


def test_a_change_during_a_read_comes_again(client: Asker) -> None:
    rows = [{"ID": guid(n), "Name": f"n{n}", "Division": NL} for n in range(1, 1002)]
    client.exact.load("crm/Accounts", rows)
    first = client.get(f"{NL}/sync/CRM/Accounts", select="ID,Name,Timestamp")
    client.send("PUT", f"{NL}/crm/Accounts(guid'{guid(1)}')", {"Name": "renamed"})
    assert first.next is not None
    rest = client.ask("GET", first.next.removeprefix("http://sandbox")).rows
    assert [row["ID"] for row in rest] == [guid(1001), guid(1)]
    assert rest[-1]["Name"] == "renamed"


def test_deletions_of_some_entities_leave_a_trace(orders: Asker) -> None:
    assert orders.ask("DELETE", f"/api/v1/{NL}/hrm/Costcenters(guid'{guid(9)}')").status == 204
    address = f"/api/v1/{NL}/purchaseorder/PurchaseOrders(guid'{guid(1)}')"
    assert orders.ask("DELETE", address).status == 204
    assert orders.ask("GET", address).status == 404
    columns = "ID,EntityKey,EntityType,DeletedDate,Timestamp"
    rows = orders.get(f"{NL}/sync/Deleted", select=columns, filter="Timestamp gt 1").rows
    assert {row["EntityKey"] for row in rows} == {guid(1), guid(11), guid(12)}
    assert {row["EntityType"] for row in rows} == {22}
    assert {row["PurchaseOrderID"] for row in feed(orders)} == {guid(2)}
    assert orders.get(f"{NL}/sync/Deleted", select="ID", filter="EntityType eq 9").rows == []


def test_deletions_are_forgotten_after_two_months(orders: Asker) -> None:
    orders.ask("DELETE", f"/api/v1/{NL}/purchaseorder/PurchaseOrders(guid'{guid(1)}')")
    orders.clock.advance(62 * 86400)
    orders.exact.switches.set(refresh_token_days=100)
    orders.login()
    assert orders.get(f"{NL}/sync/Deleted", select="ID").rows == []


def test_a_division_move_regenerates_timestamps(orders: Asker) -> None:
    before = {row["ID"]: row["Timestamp"] for row in feed(orders)}
    moved = orders.send("POST", "../../_sandbox/move_division", {"division": NL})
    moved = orders.ask("POST", "/_sandbox/move_division", b'{"division": 100}')
    assert moved.status == 200
    after = {row["ID"]: row["Timestamp"] for row in feed(orders)}
    assert set(after) == set(before)
    assert not set(after.values()) & set(before.values())
    (row,) = orders.get(f"{NL}/system/Divisions", filter=f"Code eq {NL}").rows
    assert row["DivisionMoveDate"] == "/Date(1782907230000)/"


def test_package_without_the_order_feed(client: Asker) -> None:
    client.exact.switches.set(purchase_order_sync=False)
    assert client.get(FEED, select="ID").status == 403


def test_star_is_refused_on_some_feeds(client: Asker) -> None:
    assert client.get(FEED, select="*").status == 400
    assert client.get(f"{NL}/sync/CRM/Accounts", select="*").status == 200


def test_sync_timestamp_of_a_date(orders: Asker) -> None:
    address = f"/api/v1/{NL}/read/sync/Sync/SyncTimestamp"
    reply = orders.ask("GET", f"{address}?modified=datetime'2022-01-01'&endPoint='PurchaseOrders'")
    (found,) = reply.rows
    assert found["TimeStampAsBigInt"] == feed(orders)[0]["Timestamp"]
    assert orders.ask("GET", f"{address}?endPoint='PurchaseOrders'").status == 400
    wrong = f"{address}?modified=datetime'2022-01-01'&endPoint='Accounts'"
    assert orders.ask("GET", wrong).status == 400
