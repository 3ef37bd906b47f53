"""Rows that an earlier run staged and ServiceNow refused: tried again, as the cause may be gone.

The tap does not send a record again that has not changed. What was staged still lies in the staging
table (seven days), so its values need not be kept here, where they would lie in clear.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from s2p_staging.digests import digest_of
from servicenow_client import chunks, one_of
from target_servicenow_s2p.rows import Origin, Row
from target_servicenow_s2p.staged import Sought, find_staged
from target_servicenow_s2p.suppliers import OUTPUT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from s2p_staging.columns import Table
    from s2p_staging.definitions import Output
    from s2p_store import LedgerEntry
    from servicenow_client import RowOutcome, ServiceNowClient
    from target_servicenow_s2p.journal import Journal
    from target_servicenow_s2p.loader import Loader
    from target_servicenow_s2p.states import StateQueue
    from target_servicenow_s2p.suppliers import SupplierNames

    _Refused = tuple[LedgerEntry, Origin]

__all__ = ["Again"]

_MOST: Final = 10_000
"""Rows tried again in one run; the others have their turn when these are in."""


@dataclass(frozen=True, slots=True)
class Again:
    """Finds them and sends them.

    Args:
        client: connection.
        journal: knows what was refused.
        loader: sends, and writes down what becomes of it.
        outputs: all of them, parents first.
        table_of: an output's table; None where the instance does not have it.
        suppliers: decides about suppliers that wait because of their name.
    """

    client: ServiceNowClient
    journal: Journal
    loader: Loader
    outputs: Sequence[Output]
    table_of: Callable[[str], Table | None]
    suppliers: SupplierNames | None = None

    def __call__(self, states: StateQueue, batch_size: int) -> None:
        """Send them, parents first, and wait for their outcomes.

        Raises:
            ServiceNowError: they could not be sent; they stay as refused as they are.
        """
        refused: dict[tuple[str, str], list[_Refused]] = {}
        for entry in islice(self.journal.refused_before(), _MOST):
            if origin := self.journal.origin(entry):
                refused.setdefault((origin.stream, entry.table), []).append((entry, origin))
        for output in self.outputs:
            entries = refused.get((output.stream, output.staging_table), [])
            waits = self.suppliers is not None and output.name == OUTPUT
            table = self.table_of(output.name) if entries or waits else None
            if table is None or not table.key_elements:
                continue
            rows = self._rows(table, self._due(entries, batch_size)) if entries else []
            if waits:
                rows += self._suppliers_that_may(table)
            for first in range(0, len(rows), batch_size):
                some = rows[first : first + batch_size]
                states.owe(some[0].epoch, len(some))
                self.loader.send(table, some)
        self.loader.drain()

    def _due(self, entries: Sequence[_Refused], batch_size: int) -> list[_Refused]:
        """Those whose turn it is: a poll every few minutes must not fill the staging tables.

        Once all are tried in the next run, afterwards once an hour, and one batch in any run.
        """
        due = [one for one in entries if self.journal.is_due(one[0])]
        chosen = {one[0].natural_key for one in due}
        rest = (one for one in entries if one[0].natural_key not in chosen)
        return [*due, *islice(rest, max(0, batch_size - len(due)))]

    def _rows(self, table: Table, entries: Sequence[_Refused]) -> list[Row]:
        """Make them anew from what lies in the staging table; give up what lies there no more."""
        sought = {
            entry.natural_key: Sought(entry.content_hash or "", division=origin.division)
            for entry, origin in entries
        }
        found = find_staged(self.client, table, sought)
        self.journal.give_up([entry for entry, _ in entries if entry.natural_key not in found])
        return [
            _row(table, entry, origin, found[entry.natural_key])
            for entry, origin in entries
            if entry.natural_key in found
        ]

    def _suppliers_that_may(self, table: Table) -> list[Row]:
        """Suppliers that waited for a decision about their name, and may be staged now."""
        entries = {str(one.row): one for one in self.journal.parked_in(table.output.staging_table)}
        rows = []
        for piece in chunks(sorted(entries)):
            fields = tuple(table.elements.values())
            condition = one_of("sys_id", piece)
            for staged in self.client.staged_rows(table.output.staging_table, condition, fields):
                entry = entries[staged.sys_id]
                origin = self.journal.origin(entry)
                row = _row(table, entry, origin or _nameless(table, entry), staged)
                row = replace(
                    row, digest=digest_of(row.values, table.not_compared), parked_row=entry.row
                )
                if self.suppliers is not None and not self.suppliers.reasons(row):
                    rows.append(row)
        return rows


def _nameless(table: Table, entry: LedgerEntry) -> Origin:
    return Origin(table.output.stream, None, None, entry.source_version)


def _row(table: Table, entry: LedgerEntry, origin: Origin, staged: RowOutcome) -> Row:
    values = {
        spec.label: staged.values.get(table.elements.get(spec.label, ""), "")
        for spec in table.written
    }
    return Row(
        table.output,
        entry.natural_key,
        values,
        entry.content_hash or "",
        origin,
        epoch=0,
        size=sum(map(len, values.values())),
        known_set=entry.import_set,
        refused=entry.message or "",
        units=entry.units,
        currency=entry.currency or "",
    )
