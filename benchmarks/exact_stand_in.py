"""Exact Online, as fast as can be: tokens, a little reference data, many purchase orders.

``python -m benchmarks.exact_stand_in ROWS [--regular]``: with ``--regular`` the sync endpoint is
refused, so that the regular ones are read, 60 rows a page. No limits: nothing waits.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

from benchmarks.orders import DIVISION, Pages, guid
from benchmarks.stand_in import Reply, Request, serve

_SYNC = "sync/PurchaseOrder/PurchaseOrders"
_ORDERS = (_SYNC, "purchaseorder/PurchaseOrders", "purchaseorder/PurchaseOrderLines")
_MOMENT = "/Date(1760000000000)/"


def _reference() -> dict[str, list[dict[str, Any]]]:
    """Rows of the small resources; properties that are not given are null."""
    return {
        "system/Divisions": [
            {"Code": DIVISION, "Hid": "100", "Description": "Meridian NL", "Currency": "EUR"}
        ],
        "bulk/Financial/GLAccounts": [
            {"ID": guid(3, n), "Code": str(4000 + n), "Description": f"Costs {n}"}
            for n in range(100)
        ],
        "hrm/Costcenters": [
            {"ID": guid(4, n), "Code": f"CC{n:03d}", "Description": f"Center {n}", "Active": True}
            for n in range(50)
        ],
        "logistics/ItemGroups": [
            {"ID": guid(8, n), "Code": f"G{n}", "GLCosts": guid(3, n)} for n in range(10)
        ],
        "sync/Logistics/Items": [
            {
                "ID": guid(5, n),
                "Code": f"ITEM-{n:05d}",
                "ItemGroup": guid(8, n % 10),
                "GLCosts": guid(3, n % 100) if n % 2 else None,
                "Timestamp": str(1000 + n),
            }
            for n in range(200)
        ],
        "sync/CRM/Accounts": [
            {
                "ID": guid(6, n),
                "Code": str(9000 + n),
                "Name": f"Supplier {n} B.V.",
                "IsSupplier": True,
                "Timestamp": str(1000 + n),
            }
            for n in range(100)
        ],
    }


class ExactStandIn:
    """Answers what the tap (and a plain one) asks."""

    def __init__(self, rows: int, *, regular: bool) -> None:
        self._pages = Pages(rows)
        self._regular = regular
        self._reference = _reference()
        self._selects: list[str] = []
        self._tokens = 0

    def answer(self, request: Request) -> Reply:
        """Give the answer to one request."""
        if request.path == "/api/oauth2/token":
            self._tokens += 1
            token = {
                "access_token": f"access-{self._tokens}",
                "token_type": "bearer",
                "expires_in": "600",
                "refresh_token": f"refresh-{self._tokens}",
            }
            return Reply("token", json.dumps(token).encode())
        resource = request.path.removeprefix(f"/api/v1/{DIVISION}/")
        if resource in _ORDERS:
            if resource == _SYNC and self._regular:
                error = {"error": {"code": "", "message": {"lang": "", "value": "Forbidden"}}}
                return Reply("refused", json.dumps(error).encode(), 403)
            return Reply(resource, self._orders(resource, request))
        return Reply("reference", self._small(resource, request))

    def _orders(self, resource: str, request: Request) -> bytes:
        # The link to the next page names the page and which properties were asked for.
        number, _, known = request.query.get("$skiptoken", "0").partition("-")
        select = self._selects[int(known)] if known else request.query["$select"]
        if select not in self._selects:
            self._selects.append(select)
        rows, more = self._pages.page(resource, int(number), select)
        token = f"{int(number) + 1}-{self._selects.index(select)}"
        link = f"http://{request.host}{request.path}?$skiptoken={token}"
        after = f',"__next":"{link}"' if more else ""
        return b'{"d":{"results":%b%b}}' % (rows, after.encode())

    def _small(self, resource: str, request: Request) -> bytes:
        select = request.query.get("$select", "").split(",")
        blank = {"Division": DIVISION, "Created": _MOMENT, "Modified": _MOMENT}
        rows = [
            {name: {**blank, **row}.get(name) for name in select}
            for row in self._reference.get(resource, [])
        ]
        return json.dumps({"d": {"results": rows}}).encode()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("rows", type=int)
    parser.add_argument("--regular", action="store_true")
    given = parser.parse_args()
    serve(ExactStandIn(given.rows, regular=given.regular))
