"""What Exact Online says was deleted: read before the entities, emitted after them.

Exact's log tells a deletion by a row version of its own. A record that was restored, or written
anew under its key, has a higher one: that deletion is history and is not passed on. Reading the
log first makes sure that such a record is met on the way, however late it was restored. For the
same reason a record of a stream without row versions that is met at all was restored.
"""

from __future__ import annotations

import uuid
from copy import deepcopy
from math import inf
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from exactonline_client import Page
    from tap_exactonline.definitions import StreamDefinition
    from tap_exactonline.output import Limit, Output

__all__ = ["DELETIONS", "ENTITY_NAMES", "LOGGED_WHOLE", "DeletionLog", "deletion"]

DELETIONS: Final = "deletions"
"""The stream."""

LOGGED_WHOLE: Final = frozenset({"gl_accounts"})
"""Streams that are read whole, without row versions, and of which the log tells."""

_NAMES: Final = """
1 TransactionLines, 2 Accounts, 3 Addresses, 4 Attachments, 5 Contacts, 6 Documents, 7 GLAccounts,
8 SalesItemPrices, 9 Items, 10 PaymentTerms, 11 Quotations, 12 SalesOrders, 13 SalesInvoices,
14 TimeCostTransactions, 15 StockPositions, 16 GoodsDeliveries, 17 GoodsDeliveryLines,
18 GLClassifications, 19 ItemWarehouses, 20 StorageLocationStockPositions, 21 Projects,
22 PurchaseOrders, 23 Subscriptions, 24 SubscriptionLines, 25 ProjectWBS, 26 ProjectPlanning,
27 LeaveAbsenceHoursByDay, 28 SerialBatchNumbers, 29 StockSerialBatchNumbers, 30 ItemAccounts,
31 DiscountTables, 32 SalesOrderHeaders, 33 SalesOrderLines, 34 QuotationHeaders,
35 QuotationLines, 36 ShopOrders, 37 ShopOrderMaterialPlans, 38 ShopOrderRoutingStepPlans,
39 Schedules, 40 ScheduleEntries, 41 ItemStorageLocations, 42 Employees, 43 Employments,
44 EmploymentContracts, 45 EmploymentOrganizations, 46 EmploymentCLAs, 47 EmploymentSalaries,
48 BankAccounts, 49 EmploymentTaxAuthoritiesGeneral, 50 ShopOrderPurchasePlanning,
51 ShopOrderSubOrders, 53 RequirementIssues, 54 BillOfMaterialMaterials, 55 BillOfMaterialVersions
"""

ENTITY_NAMES: Final[Mapping[int, str]] = {
    int(number): name for number, name in (entry.split() for entry in _NAMES.split(","))
}
"""``EntityType`` of ``sync/Deleted`` to the entity's name, as documented; 52 is not."""

_ENTITY_TYPES: Final = {name: number for number, name in ENTITY_NAMES.items()}
_ALWAYS: Final = frozenset({"Division", "ID", "EntityKey", "Timestamp"})
_NAMESPACE: Final = uuid.UUID("5ef0a3a6-5b9c-4a55-9b0e-6d1f6c0f7b11")


def deletion(
    division: int,
    entity: str,
    key: str,
    at: str | None,
    names: frozenset[str],
) -> dict[str, Any]:
    """Give the record of a deletion that Exact's log does not hold.

    Args:
        division: whose record is gone.
        entity: its kind.
        key: of the record.
        at: when it was deleted, or found gone (RFC 3339, UTC).
        names: properties the user selected.
    """
    values = {
        "Division": division,
        "ID": str(uuid.uuid5(_NAMESPACE, f"{division} {entity} {key}")),
        "EntityKey": key,
        "EntityType": _ENTITY_TYPES.get(entity),
        "EntityName": entity,
        "DeletedDate": at,
        "DeletedBy": None,
        "Timestamp": None,
    }
    return {name: value for name, value in values.items() if name in names or name in _ALWAYS}


class DeletionLog:
    """The log of one division in one run; an ``Output`` that keeps what it is given.

    Attributes:
        error: why it could not be read.
    """

    def __init__(self, output: Output, division: int) -> None:
        """Prepare.

        Args:
            output: the stream that takes the deletions in the end.
            division: whose log it is.
        """
        self.definition: StreamDefinition = output.definition
        self._output = output
        self._division = division
        # Its bookmark moves when its rows have gone out, not when they are read.
        self._state = deepcopy(output.state_of(division))
        self._kept: list[tuple[list[dict[str, Any]], str]] = []
        self._deleted: set[str] = set()
        self.error: Exception | None = None
        self._alive: dict[str, float] = {}

    # What reading asks for (``output.Output``)

    @property
    def names(self) -> frozenset[str]:
        """Properties the user selected."""
        return self._output.names

    def write(self, records: list[dict[str, Any]], read_at: str) -> None:
        """Keep records."""
        self._kept.append((records, read_at))
        self._deleted.update(record["EntityKey"] for record in records if record["EntityKey"])

    def state_of(self, division: int) -> dict[str, Any] | None:
        """Give a copy of the division's part of the state."""
        return self._state if division == self._division else None

    def pages(self, pages: Iterator[Page]) -> Iterator[Page]:
        """Pass pages on, open to a signal while waiting for one."""
        return self._output.pages(pages)

    def commit(self, rows: int) -> None:
        """Nothing has gone out yet."""

    # What the run tells and wants

    def met(self, records: Iterable[Mapping[str, Any]], key: str) -> None:
        """Note records that are there now.

        Args:
            records: with their row version, where the stream has one.
            key: the property that identifies them.
        """
        if not self._deleted:
            return
        for record in records:
            if record[key] in self._deleted:
                version = record.get("Timestamp")
                self._alive[record[key]] = inf if version is None else version

    @property
    def told(self) -> frozenset[str]:
        """Keys of what was read as deleted."""
        return frozenset(self._deleted)

    def emit(self, limit: Limit) -> None:
        """Pass on the deletions that still hold, and move the bookmark.

        Args:
            limit: of a dry run.

        Raises:
            Exception: the log could not be read.
        """
        if self.error is not None:
            raise self.error
        for records, read_at in self._kept:
            hold = [record for record in records if not self._is_history(record)]
            self._output.write(limit.take(hold), read_at)
            limit.check()
        state = self._output.state_of(self._division)
        if state is not None and self._state is not None:
            state.clear()
            state.update(self._state)

    def _is_history(self, deletion: Mapping[str, Any]) -> bool:
        version: int = deletion["Timestamp"]
        return self._alive.get(deletion["EntityKey"], 0) > version
