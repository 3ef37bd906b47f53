"""What ServiceNow has of the records that staged rows became, asked once for each table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from s2p_staging.columns import resolve
from s2p_staging.errors import ColumnsUnresolved
from servicenow_client import Forbidden, NotFound, Rejected

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from s2p_staging.definitions import Output
    from servicenow_client import Column, ServiceNowClient, TransformMap

__all__ = ["PrimaryTables"]

_UNREADABLE = (Forbidden, NotFound, Rejected)


@dataclass(slots=True)
class PrimaryTables:
    """The tables that staging tables feed, and in which of their columns an amount ends.

    Which they are says the instance: its transform maps.
    """

    client: ServiceNowClient
    maps: Mapping[str, Sequence[TransformMap]]
    columns: Mapping[str, Sequence[Column]]
    known: dict[tuple[str, str], Mapping[str, str | None] | None] = field(default_factory=dict)

    @classmethod
    def of(cls, client: ServiceNowClient, outputs: Iterable[Output]) -> PrimaryTables:
        """Ask the instance about the staging tables of these outputs."""
        tables = sorted({output.staging_table for output in outputs})
        maps: Mapping[str, Sequence[TransformMap]] = {}
        columns: Mapping[str, Sequence[Column]] = {}
        try:
            maps = client.transform_maps_by_table(tables)
            columns = client.columns(tables)
        except _UNREADABLE:
            pass  # what could be read of both is enough to look for the records themselves
        return cls(client, maps, columns)

    def rows(self, output: Output) -> Mapping[str, str | None] | None:
        """The records of the table an output feeds, with their amount where one is shown.

        Returns:
            sys_id → amount as ServiceNow shows it, None where none is; None if the table cannot
            be read.
        """
        active = next((one for one in self.maps.get(output.staging_table, ()) if one.active), None)
        if active is None:
            return None
        amount = self._amount_column(output, active)
        key = (active.target_table, amount)
        if key not in self.known:
            fields = ("sys_id", amount) if amount else ("sys_id",)
            try:
                self.known[key] = {
                    str(row.get("sys_id")): _text(row.get(amount)) if amount else None
                    for row in self.client.query(active.target_table, fields=fields)
                }
            except _UNREADABLE:
                self.known[key] = None
        return self.known[key]

    def _amount_column(self, output: Output, active: TransformMap) -> str:
        """The column into which the map writes what a row is worth; empty if there is none."""
        if output.amount is None or not output.amount.column:
            return ""
        try:
            table = resolve(
                output,
                self.columns.get(output.staging_table, ()),
                self.maps.get(output.staging_table, ()),
            )
        except ColumnsUnresolved:
            return ""
        element = table.elements.get(output.amount.column, "")
        return next(
            (one.target_field for one in active.fields if element and one.source_field == element),
            "",
        )


def _text(value: object) -> str | None:
    return None if value is None else str(value)
