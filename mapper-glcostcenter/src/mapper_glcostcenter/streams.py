"""The tap's streams: which property is the record's id, and what each is to the mapper.

A stream that is not listed here passes untouched.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET, Raw

from mapper_glcostcenter.exact import KEPT, text

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "AMOUNTS",
    "HEADER_DETAILS",
    "HEADER_PROPERTIES",
    "LINES_OF",
    "LINE_PROPERTIES",
    "MATCH_PROPERTIES",
    "NULL",
    "PROVENANCE_PROPERTIES",
    "STREAMS",
    "LineStream",
    "Stream",
    "digits",
    "division_of",
    "text_of",
]

NULL = Raw(b"null")
"""What a property that the record lacks is read as."""

Text = str | int | bool | None
"""A code or GUID as it comes; whoever uses it makes it text."""


AMOUNTS = ("AmountFC", "Amount", "AmountDC")
"""What a line may carry as its amount, in this order; the last is in the division's currency."""

_QUANTITIES = ("Quantity", "QuantityInDefaultUnits", "ReceivedQuantity", "NetPrice", "UnitPrice")
_TAXES = ("VATAmountFC", "VATAmount", "AmountFCExclVat")
_DISCOUNTS = ("AmountDiscount", "AmountDiscountExclVat")
_NUMBERS = frozenset({*AMOUNTS, *_QUANTITIES, *_TAXES, *_DISCOUNTS, "WithholdingAmountDC"})


def _kind(stream: str, name: str) -> tuple[Any, Any]:
    """Type and default of a property: amounts as they are written, so that no digit changes."""
    if name in _NUMBERS:
        return Raw, NULL
    return (Any if stream in KEPT else Text), None


@dataclass(frozen=True)
class Stream:
    """One stream of the tap.

    `key` is the property that identifies a record within its division; `modified` and `modifier`
    say when and by whom it was last changed in Exact.
    """

    name: str
    key: str = "ID"
    modified: str = "Modified"
    modifier: str = "Modifier"
    properties: tuple[str, ...] = ()

    @cached_property
    def decoder(self) -> msgspec.json.Decoder[Any]:
        """Reads from a record only what the mapper needs; attributes are named as properties.

        Key, `modified` and `modifier` come as raw JSON under `key`, `modified` and `modifier`.
        """
        names = {"key": self.key, "modified": self.modified, "modifier": self.modifier}
        fields: list[tuple[str, Any, Any]] = [(name, Raw, NULL) for name in names]
        fields.append(("s2p_source_id", Any, UNSET))
        fields.extend(
            (name, *_kind(self.name, name))
            for name in dict.fromkeys(("Division", *self.properties))
            if name != self.key
        )
        struct = msgspec.defstruct(f"{self.name}_record", fields, rename=names)
        return msgspec.json.Decoder(struct)


@dataclass(frozen=True)
class LineStream(Stream):
    """A stream of lines that get a GL account and a cost center.

    `header` is the stream of their headers, `header_id` the line's reference to it, `day` the
    property of header (and of some lines) that dates the document.
    """

    header: str = ""
    header_id: str = ""
    day: str = ""


_LINE = (
    "Item",
    "Supplier",
    "GLAccount",
    "GLAccountCode",
    "GLAccountDescription",
    "CostCenter",
    "CostCenterDescription",
    "PurchaseOrderLine",
    "ReceiptDate",
    "Created",
    "Currency",
    *AMOUNTS,
)
_BILLED = (
    "VATAmountFC",
    "VATAmount",
    "WithholdingAmountDC",
    "Unit",
    "Quantity",
    "QuantityInDefaultUnits",
    "NetPrice",
    "UnitPrice",
    "InvoiceType",
    "Type",
)
_HEADER = ("Supplier", "Currency")
_INVOICE = (
    *_HEADER,
    "EntryNumber",
    "YourRef",
    "Type",
    "Status",
    "Reversal",
    "Amount",
    "AmountFC",
    *_TAXES,
    *_DISCOUNTS,
)

STREAMS: Mapping[str, Stream] = {
    stream.name: stream
    for stream in (
        Stream("divisions", key="Code"),
        *(Stream(name, properties=KEPT[name]) for name in ("gl_accounts", "cost_centers")),
        Stream("cost_units"),
        *(Stream(name, properties=KEPT[name]) for name in ("item_groups", "items")),
        Stream("payment_conditions"),
        Stream("vat_codes"),
        Stream("accounts", properties=(*KEPT["accounts"], "IsSupplier")),
        Stream(
            "purchase_orders",
            key="PurchaseOrderID",
            properties=(*_HEADER, "OrderDate", "OrderNumber"),
        ),
        LineStream(
            "purchase_order_lines",
            properties=(
                *_LINE,
                "PurchaseOrderID",
                "OrderDate",
                "LineNumber",
                "Unit",
                "Quantity",
                "ReceivedQuantity",
                "NetPrice",
                "UnitPrice",
            ),
            header="purchase_orders",
            header_id="PurchaseOrderID",
            day="OrderDate",
        ),
        Stream("purchase_invoices", properties=(*_INVOICE, "InvoiceDate")),
        LineStream(
            "purchase_invoice_lines",
            properties=(*_LINE, *_BILLED, "InvoiceID", "InvoiceDate"),
            header="purchase_invoices",
            header_id="InvoiceID",
            day="InvoiceDate",
        ),
        Stream("purchase_entries", key="EntryID", properties=(*_INVOICE, "EntryDate")),
        LineStream(
            "purchase_entry_lines",
            properties=(*_LINE, *_BILLED, "EntryID", "EntryDate"),
            header="purchase_entries",
            header_id="EntryID",
            day="EntryDate",
        ),
        Stream("bank_entries", key="EntryID"),
        Stream("bank_entry_lines"),
        Stream(
            "deletions",
            modified="DeletedDate",
            modifier="DeletedBy",
            properties=("EntityName", "EntityKey"),
        ),
    )
}

LINES_OF: Mapping[str, LineStream] = {
    stream.header: stream for stream in STREAMS.values() if isinstance(stream, LineStream)
}
"""Of each stream of headers: that of its lines."""

HEADER_DETAILS: Mapping[str, tuple[str, str]] = {
    "purchase_orders": ("OrderDate", "OrderNumber"),
    "purchase_invoices": ("InvoiceDate", "EntryNumber"),
    "purchase_entries": ("EntryDate", "EntryNumber"),
}
"""Of each header stream: the property that dates the document, and its number."""

_TEXT = {"type": ["string", "null"]}
PROVENANCE_PROPERTIES: Mapping[str, Any] = {
    "s2p_source_id": {**_TEXT, "description": "Exact's id of the record"},
    "s2p_source_modified": {
        **_TEXT,
        "format": "date-time",
        "description": "When it was last changed in Exact (UTC)",
    },
    "s2p_source_user": {**_TEXT, "description": "Exact's id of the user who changed it last"},
    "s2p_run_id": {**_TEXT, "description": "The run that read it"},
}
LINE_PROPERTIES: Mapping[str, Any] = {
    "s2p_gl_account": {**_TEXT, "description": "GL account in ServiceNow"},
    "s2p_gl_account_sys_id": {**_TEXT, "description": "Its sys_id"},
    "s2p_cost_center": {**_TEXT, "description": "Cost center in ServiceNow"},
    "s2p_cost_center_sys_id": {**_TEXT, "description": "Its sys_id"},
    "s2p_mapping_status": {**_TEXT, "description": "mapped or held"},
    "s2p_hold_reasons": {
        "type": ["array", "null"],
        "items": {"type": "string"},
        "description": "Why the line is held",
    },
    "s2p_mapping_rule": {**_TEXT, "description": "What decided"},
}


HEADER_PROPERTIES: Mapping[str, Any] = {
    name: LINE_PROPERTIES[name] for name in ("s2p_mapping_status", "s2p_hold_reasons")
}
"""What headers get that wait with their lines."""

MATCH_PROPERTIES: Mapping[str, Any] = {
    "s2p_match_status": {
        **_TEXT,
        "description": "ready, ready_with_deviation or held; null for what bills no order line",
    },
    "s2p_match_deviations": {
        "type": ["array", "null"],
        "items": {"type": "string"},
        "description": "In what the line differs from the order line it bills",
    },
}
"""What the lines of invoices and entries get beside."""


def division_of(value: object) -> int | None:
    """A division's number, which some taps write as text; None for what is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return int(value) if isinstance(value, str) and value.isdecimal() else None


def text_of(raw: Raw) -> str | None:
    """The text, or the number as text, that a piece of raw JSON holds."""
    return text(msgspec.json.decode(raw))


def digits(raw: Raw) -> str:
    """A number as it is written, by some taps as text; "" for null."""
    written = bytes(raw)
    return "" if written == b"null" else written.decode().strip('"')
