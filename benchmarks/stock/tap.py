"""A plain RESTStream over the feed of purchase orders, default settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qsl

from singer_sdk import RESTStream, Stream, Tap
from singer_sdk import typing as th
from singer_sdk.pagination import BaseHATEOASPaginator
from typing_extensions import override

from benchmarks.orders import DIVISION, LINE_FIELDS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from urllib.parse import ParseResult

    from requests import Response

_NUMBERS = {
    "AmountDC",
    "AmountFC",
    "Discount",
    "InvoicedQuantity",
    "NetPrice",
    "Quantity",
    "QuantityInPurchaseUnits",
    "ReceivedQuantity",
    "UnitPrice",
    "VATAmount",
}
_INTEGERS = {"Division", "LineNumber", "OrderNumber"}
_BOOLEANS = {"ItemDivisable", "Rebill"}


def _type(name: str) -> th.JSONTypeHelper[Any]:
    if name in _NUMBERS:
        return th.NumberType()
    if name in _INTEGERS:
        return th.IntegerType()
    return th.BooleanType() if name in _BOOLEANS else th.StringType()


class _Links(BaseHATEOASPaginator):
    @override
    def get_next_url(self, response: Response) -> str | None:
        link: str | None = response.json()["d"].get("__next")
        return link


class OrderLines(RESTStream["ParseResult"]):
    """Rows of the feed."""

    name = "purchase_order_lines"
    path = f"/api/v1/{DIVISION}/sync/PurchaseOrder/PurchaseOrders"
    primary_keys = ("ID",)
    records_jsonpath = "$.d.results[*]"
    schema: ClassVar[dict[str, Any]] = th.PropertiesList(
        *(th.Property(name, _type(name)) for name in LINE_FIELDS)
    ).to_dict()

    @property
    @override
    def url_base(self) -> str:
        return str(self.config["api_url"])

    @override
    def get_new_paginator(self) -> BaseHATEOASPaginator:
        return _Links()

    @override
    def get_url_params(
        self, context: object, next_page_token: ParseResult | None
    ) -> dict[str, Any]:
        if next_page_token is not None:
            return dict(parse_qsl(next_page_token.query))
        return {"$select": ",".join(LINE_FIELDS)}


class StockTap(Tap):
    """A tap like the cookiecutter's."""

    name = "stock-tap"
    config_jsonschema: ClassVar[dict[str, Any]] = th.PropertiesList(
        th.Property("api_url", th.StringType, required=True)
    ).to_dict()

    @override
    def discover_streams(self) -> Sequence[Stream]:
        return [OrderLines(self)]


if __name__ == "__main__":
    StockTap.cli()
