"""The streams, as data: which entity each is, where it is read, what identifies a row.

The order here is the order of emission: reference data first, headers before their lines.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from tap_exactonline.deletions import ENTITY_NAMES
from tap_exactonline.entities import ENTITIES, json_schema

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["STREAMS", "Endpoint", "StreamDefinition"]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One of Exact's resources.

    Attributes:
        resource: path after the division; case matters to Exact.
        by: how changes are found: "Timestamp" (sync: a row version, 1,000 rows a page),
            "Modified" (60 rows a page), or nothing, which reads everything.
        properties: what may be selected there, name to Edm type.
        aliases: property of the stream to the property that holds it here.
        rows: of flat header-and-line rows, which ones: headers have LineNumber 0.
        must_filter: Exact refuses this resource without a $filter.
    """

    resource: str
    by: Literal["Timestamp", "Modified"] | None
    properties: Mapping[str, str]
    aliases: Mapping[str, str] = field(default_factory=dict)
    rows: Literal["headers", "lines"] | None = None
    must_filter: bool = False


@dataclass(frozen=True, slots=True)
class StreamDefinition:
    """A stream of the catalog.

    Attributes:
        name: in Singer's terms.
        properties: name to Edm type.
        keys: key properties.
        endpoint: where it is read.
        fallback: where it is read if Exact refuses ``endpoint`` for the package or scope.
        expands: navigation property that brings the rows of ``line_stream`` along.
        line_stream: the stream those rows, or the lines of a flat feed, belong to.
        lines_of: for such a stream: the one that brings its rows, and without which they cannot be
            read.
        beside: for the lines of a flat feed: the stream with which they are read where both are
            wanted and the feed is not refused.
        modified: the property by which ``start_date`` is compared.
        optional: a refusal (403) is a warning, not a failure.
        always: further properties that records have whatever the user selected.
        named: property to the code property it puts into words, and the words.
    """

    name: str
    properties: Mapping[str, str]
    keys: tuple[str, ...]
    endpoint: Endpoint
    fallback: Endpoint | None = None
    expands: str | None = None
    line_stream: str | None = None
    lines_of: str | None = None
    beside: str | None = None
    modified: str = "Modified"
    optional: bool = False
    always: tuple[str, ...] = ()
    named: Mapping[str, tuple[str, Mapping[int, str]]] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The property that identifies a row within its division."""
        return self.keys[-1]

    @property
    def replication_key(self) -> str | None:
        """The property that orders changes; None where everything is read every time."""
        return self.endpoint.by

    def schema(self) -> dict[str, Any]:
        """Give the JSON schema."""
        return json_schema(self.properties, self.keys)


def _stream(  # noqa: PLR0913 - a row of the table below
    name: str,
    entity: str,
    *,
    by: Literal["Timestamp", "Modified"] | None = None,
    key: str = "ID",
    keys: tuple[str, ...] | None = None,
    read: Endpoint | None = None,
    extra: Mapping[str, str] | None = None,
    **options: Any,  # noqa: ANN401 - further fields of StreamDefinition
) -> StreamDefinition:
    """Give the definition of a stream that has the properties of ``entity``."""
    keys = keys or ("Division", key)
    own = {**ENTITIES[entity], **(extra or {})}
    if "Division" in keys:
        own = {"Division": "Int32", **own}
    if read is None:
        read = Endpoint(entity, by, ENTITIES[entity])
    elif by == "Modified" or read.by == "Timestamp":
        options["fallback"] = Endpoint(entity, "Modified", ENTITIES[entity])
    if read.by == "Timestamp":
        own["Timestamp"] = "Int64"
    return StreamDefinition(name, own, keys, read, **options)


def _sync(resource: str, **options: Any) -> Endpoint:  # noqa: ANN401 - fields of Endpoint
    return Endpoint(resource, "Timestamp", ENTITIES[resource], **options)


_ORDERS: Final = "sync/PurchaseOrder/PurchaseOrders"
_BULK_GL: Final = "bulk/Financial/GLAccounts"

STREAMS: Final = (
    _stream("divisions", "system/Divisions", keys=("Code",)),
    _stream(
        "gl_accounts", _BULK_GL, read=Endpoint(_BULK_GL, None, ENTITIES[_BULK_GL], must_filter=True)
    ),
    _stream("cost_centers", "hrm/Costcenters"),
    _stream("cost_units", "hrm/Costunits"),
    _stream("item_groups", "logistics/ItemGroups"),
    _stream("items", "logistics/Items", read=_sync("sync/Logistics/Items")),
    _stream("payment_conditions", "cashflow/PaymentConditions"),
    _stream("vat_codes", "vat/VATCodes"),
    _stream("accounts", "crm/Accounts", read=_sync("sync/CRM/Accounts")),
    _stream(
        "purchase_orders",
        "purchaseorder/PurchaseOrders",
        key="PurchaseOrderID",
        read=_sync(_ORDERS, rows="headers"),
        line_stream="purchase_order_lines",
    ),
    _stream(
        "purchase_order_lines",
        "purchaseorder/PurchaseOrderLines",
        # The sync rows name the code otherwise, and know things of the header besides.
        read=_sync(
            _ORDERS,
            rows="lines",
            aliases={"CostCenter": "CostCenterCode", "CostUnit": "CostUnitCode"},
        ),
        beside="purchase_orders",
        extra={
            "Supplier": "Guid",
            "SupplierCode": "String",
            "Currency": "String",
            "OrderNumber": "Int32",
        },
    ),
    _stream("purchase_invoices", "purchase/PurchaseInvoices", by="Modified"),
    _stream("purchase_invoice_lines", "purchase/PurchaseInvoiceLines", by="Modified"),
    _stream(
        "purchase_entries",
        "purchaseentry/PurchaseEntries",
        by="Modified",
        key="EntryID",
        expands="PurchaseEntryLines",
        line_stream="purchase_entry_lines",
    ),
    # Lines of entries have no Modified: they come with their headers.
    _stream(
        "purchase_entry_lines", "purchaseentry/PurchaseEntryLines", lines_of="purchase_entries"
    ),
    _stream("bank_entries", "financialtransaction/BankEntries", by="Modified", key="EntryID"),
    _stream("bank_entry_lines", "financialtransaction/BankEntryLines", by="Modified"),
    _stream(
        "deletions",
        "sync/Deleted",
        by="Timestamp",
        modified="DeletedDate",
        optional=True,
        extra={"EntityName": "String"},
        always=("EntityKey",),
        named={"EntityName": ("EntityType", ENTITY_NAMES)},
    ),
)
