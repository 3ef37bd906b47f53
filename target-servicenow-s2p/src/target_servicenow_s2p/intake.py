"""From records to rows on their way: in portions, so that look-ups go many at a time."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from s2p_staging.expressions import Scope
from servicenow_client import is_searchable
from target_servicenow_s2p.bearers import Bearers
from target_servicenow_s2p.rows import LARGEST_ROW, Origin, Row, division_of, origin_of, rows_of
from target_servicenow_s2p.suppliers import OUTPUT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from s2p_staging.columns import Table
    from s2p_staging.definitions import Definition
    from s2p_store import LedgerEntry
    from target_servicenow_s2p.batches import Result
    from target_servicenow_s2p.journal import Journal
    from target_servicenow_s2p.loader import Loader
    from target_servicenow_s2p.memory import Memory
    from target_servicenow_s2p.owned import Owned
    from target_servicenow_s2p.parking import Parking
    from target_servicenow_s2p.preview import Preview
    from target_servicenow_s2p.report import Tally
    from target_servicenow_s2p.states import StateQueue
    from target_servicenow_s2p.suppliers import SupplierNames

__all__ = ["Intake", "ancestors_of", "parents_first"]

_LARGEST_REQUEST: Final = 4_000_000
"""Bytes of row values per request, well below ServiceNow's 10 MB body."""
_PATIENCE: Final = 4
"""Batches of lines that wait for their headers' batch to be full: headers and lines come mixed,
and each batch of lines would else send a few headers ahead."""


class Intake:
    """Portions of records → rows → buffers per output → the loader."""

    def __init__(  # noqa: PLR0913 - the parts it brings together, one by one
        self,
        definitions: Mapping[str, Definition],
        *,
        table_of: Callable[[str], Table | None],
        memory: Memory,
        journal: Journal,
        loader: Loader | None,
        parking: Parking | None,
        states: StateQueue,
        tally: Tally,
        batch_size: int,
        preview: Preview | None = None,
        suppliers: SupplierNames | None = None,
        owned: Owned | None = None,
    ) -> None:
        self._definitions = definitions
        self._table_of = table_of
        self._memory = memory
        self._journal = journal
        self._loader = loader
        self._parking = parking
        self._states = states
        self._tally = tally
        self._batch_size = batch_size
        self._preview = preview
        self._suppliers = suppliers
        self._owned = owned
        self._ancestors = ancestors_of(definitions)
        self._descendants = descendants_of(self._ancestors)
        self._sharing = _sharing(definitions)
        self._bearers = Bearers(definitions.values(), memory)
        self._records: dict[str, list[tuple[Mapping[str, Any], int]]] = {}
        self._buffers: dict[str, dict[str, Row]] = {}
        self._bytes: dict[str, int] = {}

    def take(self, stream: str, record: Mapping[str, Any]) -> None:
        """Take one record; it is owed to the current epoch until it is settled."""
        epoch = self._states.epoch
        self._states.owe(epoch)
        waiting = self._records.setdefault(stream, [])
        waiting.append((record, epoch))
        if len(waiting) >= self._batch_size:
            self._portion(stream)

    def flush(self) -> None:
        """Send everything that waits, parents first."""
        for stream in list(self._records):
            self._portion(stream)
        for definition in self._definitions.values():
            for output in definition.outputs:
                self._dispatch(output.name)

    def settled(self, results: Sequence[Result]) -> None:
        """Take note of rows whose outcome is written down."""
        for epoch, number in Counter(result.row.epoch for result in results).items():
            self._states.settle(epoch, number)

    def _portion(self, stream: str) -> None:
        """Turn the waiting records of one stream into rows."""
        portion = self._records.pop(stream, [])
        definition = self._definitions.get(stream)
        if not portion:
            return
        counted, ended = False, Counter[int | None]()
        if definition is not None:
            # Parents that wait in this process are remembered before they are asked for.
            for link in definition.links:
                if link.stream != stream:
                    self._portion(link.stream)
            scopes = self._scopes(definition, [record for record, _ in portion])
            self._remember(definition, scopes)
            epochs = [epoch for _, epoch in portion]
            number_of = definition.document or _nothing
            id_of = definition.source_id or _nothing
            origins = [
                origin_of(stream, scope.record, number_of(scope), id_of(scope)) for scope in scopes
            ]
            for output in definition.outputs:
                table = self._table_of(output.name)
                if table is not None:
                    ended += self._rows(table, scopes, origins, epochs)
                    counted = counted or output.name == stream
        if not counted:
            divisions = Counter(division_of(stream, record) for record, _ in portion)
            self._count_without_row(stream, definition, divisions, ended)
        for epoch, number in Counter(epoch for _, epoch in portion).items():
            self._states.settle(epoch, number)

    def _scopes(self, definition: Definition, records: Sequence[Mapping[str, Any]]) -> list[Scope]:
        """Join each record with what is remembered of the records it links to."""
        scopes = [Scope(record, {}) for record in records]
        for link in definition.links:
            ids = link.by(scopes)
            known = self._memory.recall(link.stream, filter(None, ids))
            for scope, record_id in zip(scopes, ids, strict=True):
                if record_id in known:
                    scope.links = {**scope.links, link.name: known[record_id]}
        return scopes

    def _remember(self, definition: Definition, scopes: Sequence[Scope]) -> None:
        if not definition.remember:
            return
        names = list(definition.remember)
        columns = [write(scopes) for write in definition.remember.values()]
        values: dict[str, Mapping[str, Any]] = {}
        ids = definition.remember_by(scopes)
        for record_id, found in zip(ids, zip(*columns, strict=True), strict=True):
            if record_id:
                told = zip(names, found, strict=True)
                values[record_id] = {name: value for name, value in told if value}
        self._memory.remember(definition.stream, values)

    def _rows(
        self,
        table: Table,
        scopes: Sequence[Scope],
        origins: Sequence[Origin],
        epochs: Sequence[int],
    ) -> Counter[int | None]:
        """Make rows, leave out what is unchanged, park what is held, buffer the rest.

        Returns:
            Of rows that end a record: how many of each division were made and not left out again.
        """
        made = rows_of(table, scopes, origins, epochs)
        self._count_read(table, made, origins)
        found = self._newest(table, made)
        known = self._journal.known(table.output.staging_table, found)
        rows = self._bearers.sorted_out(table, found, known)
        if self._owned is not None:
            rows = self._owned.left_out(table, rows, known)
        held: list[Row] = []
        settled: dict[str, list[Row]] = {}
        for key, row in rows.items():
            entry = known.get(key)
            if row.origin.held:
                held.append(_after(row, entry))
            elif entry and _is_known(row, entry) and not self._on_its_way(table, key):
                counter = "unchanged" if entry.state == "done" else "pending"
                settled.setdefault(counter, []).append(row)
            elif reasons := self._supplier_waits(row, entry):
                waiting = replace(row.origin, held=True, reasons=reasons)
                held.append(_after(replace(row, origin=waiting), entry))
            else:
                if row.cut:
                    self._note_cuts(table, row)
                self._buffer(table, _after(row, entry), entry)
        for counter, unsent in settled.items():
            self._tally.rows(counter, unsent)
        self._hold(table, held, known)
        if not table.output.closes:
            return Counter()
        ended = Counter(row.origin.division for row in made)
        ended.subtract(found[key].origin.division for key in found.keys() - rows.keys())
        return ended

    def _newest(self, table: Table, made: Sequence[Row]) -> dict[str, Row]:
        """Give the newest row of each natural key; refuse those that ServiceNow could not take."""
        rows: dict[str, Row] = {}
        older: list[Row] = []
        for row in made:
            if problem := _unfit(table, row):
                # Without a whole natural key of its own it must not meet another record's row.
                unknown = replace(row, key=f"{row.key}#{row.origin.source_id}")
                self._refuse(unknown, table.output.staging_table, problem)
                continue
            if row.key in rows:
                older.append(rows[row.key])
            rows[row.key] = row
        self._tally.rows("duplicates", older)
        return rows

    def _count_without_row(
        self,
        stream: str,
        definition: Definition | None,
        divisions: Counter[int | None],
        ended: Counter[int | None],
    ) -> None:
        """Count records of a stream that has no table of its name."""
        self._tally.without_row(stream, "read", divisions)
        if definition is None or not definition.outputs:
            self._tally.without_row(stream, "not_written", divisions)
        elif any(output.closes for output in definition.outputs):
            self._tally.without_row(stream, "not_written", divisions - ended)

    def _count_read(self, table: Table, made: Sequence[Row], origins: Sequence[Origin]) -> None:
        """Count the records of a stream by the table it is named for: each makes a row or none."""
        name = table.output.name
        if name != table.output.stream:
            return
        self._tally.rows("read", made)
        if len(made) < len(origins):
            left_out = Counter(origin.division for origin in origins)
            left_out.subtract(row.origin.division for row in made)
            for counter in ("read", "not_written"):
                self._tally.without_row(name, counter, +left_out)

    def _hold(self, table: Table, held: list[Row], known: dict[str, LedgerEntry]) -> None:
        """Park what waits, or tell that it would."""
        self._tally.rows("held", held)
        if self._preview is not None:
            for row in held:
                self._preview.hold(row)
        if held and self._parking is not None:
            self._parking.park(table, held, known)

    def _supplier_waits(self, row: Row, entry: LedgerEntry | None) -> tuple[str, ...]:
        """Why a supplier that was never staged must not become a second one in ServiceNow."""
        if self._suppliers is None or row.output.name != OUTPUT:
            return ()
        staged = entry is not None and entry.state in {"done", "sent"}
        return () if staged else self._suppliers.reasons(row)

    def _note_cuts(self, table: Table, row: Row) -> None:
        for label in row.cut:
            self._tally.cuts[table.output.staging_table, label, table.limits[label]] += 1

    def _on_its_way(self, table: Table, key: str) -> bool:
        """Whether another version waits or flies, so that the ledger is not the last word."""
        if any(key in self._buffers.get(name, {}) for name in self._sharing[table.output.name]):
            return True
        return self._loader is not None and self._loader.is_flying(table.output.staging_table, key)

    def _refuse(self, row: Row, staging: str, problem: str) -> None:
        if self._preview is not None:
            self._tally.rows("failed", (row,))
            self._preview.refuse(row, problem)
        else:
            self._journal.refused(row, staging, problem)

    def _buffer(self, table: Table, row: Row, entry: LedgerEntry | None) -> None:
        if self._preview is not None:
            known = entry is not None and entry.state == "done"
            self._tally.rows("changed" if known else "new", (row,))
            self._preview.note(table, row, known=known)
            return
        name = table.output.name
        buffer = self._buffers.setdefault(name, {})
        for other in self._sharing[name]:
            older = self._buffers.get(other, {}).pop(row.key, None)
            if older is not None:
                # The newer version takes its place; the older one has nothing left to wait for.
                self._tally.rows("duplicates", (older,))
                self._bytes[other] -= older.size
                self._states.settle(older.epoch)
        self._states.owe(row.epoch)
        buffer[row.key] = row
        self._bytes[name] = self._bytes.get(name, 0) + row.size
        if self._is_full(name) and not self._may_wait(name):
            self._dispatch(name)

    def _is_full(self, name: str) -> bool:
        buffer = self._buffers.get(name, ())
        return len(buffer) >= self._batch_size or self._bytes.get(name, 0) >= _LARGEST_REQUEST

    def _may_wait(self, name: str) -> bool:
        """Whether parents would have to go in a batch that is not full, and there is time."""
        if not any(map(self._buffers.get, self._ancestors[name])):
            return False
        few = len(self._buffers[name]) < _PATIENCE * self._batch_size
        return few and self._bytes[name] < _PATIENCE * _LARGEST_REQUEST

    def _dispatch(self, name: str) -> None:
        """Send a buffer after those of its parents, then those of children that waited for it."""
        self._send(name)
        for child in self._descendants[name]:
            if self._is_full(child) and not self._may_wait(child):
                self._dispatch(child)

    def _send(self, name: str) -> None:
        buffer = self._buffers.pop(name, None)
        self._bytes[name] = 0
        table = self._table_of(name) if buffer else None
        if not buffer or table is None or self._loader is None:
            return
        for parent in self._ancestors[name]:
            self._send(parent)
        for rows in _cut(buffer.values(), self._batch_size):
            self._loader.send(table, rows)


def ancestors_of(definitions: Mapping[str, Definition]) -> dict[str, tuple[str, ...]]:
    """Return per output all outputs that come before it, the farthest first."""
    direct = {
        output.name: output.after
        for definition in definitions.values()
        for output in definition.outputs
    }
    found: dict[str, tuple[str, ...]] = {}

    def walk(name: str) -> tuple[str, ...]:
        if name not in found:
            found[name] = ()  # a circle ends here
            steps = [one for parent in direct.get(name, ()) for one in (*walk(parent), parent)]
            found[name] = tuple(dict.fromkeys(step for step in steps if step in direct))
        return found[name]

    for name in direct:
        walk(name)
    return found


def descendants_of(ancestors: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Return per output all outputs that come after it."""
    return {
        name: tuple(child for child, before in ancestors.items() if name in before)
        for name in ancestors
    }


def parents_first(ancestors: Mapping[str, Sequence[str]]) -> list[str]:
    """Return all outputs, each after those that come before it."""
    return list(dict.fromkeys(one for name, before in ancestors.items() for one in (*before, name)))


def _cut(rows: Iterable[Row], most: int) -> Iterator[list[Row]]:
    """Cut rows into batches that one request takes."""
    batch: list[Row] = []
    size = 0
    for row in rows:
        if batch and (len(batch) >= most or size + row.size > _LARGEST_REQUEST):
            yield batch
            batch, size = [], 0
        batch.append(row)
        size += row.size
    if batch:
        yield batch


def _nothing(_: Scope) -> None:
    """Give none: the stream has none of its own."""


def _sharing(definitions: Mapping[str, Definition]) -> dict[str, tuple[str, ...]]:
    """Return per output all outputs that stage in its table, itself among them."""
    outputs = [output for definition in definitions.values() for output in definition.outputs]
    return {
        one.name: tuple(other.name for other in outputs if other.staging_table == one.staging_table)
        for one in outputs
    }


def _is_known(row: Row, entry: LedgerEntry) -> bool:
    """Whether this very content is in ServiceNow, or staged there and not transformed yet."""
    return entry.state in {"done", "sent"} and entry.content_hash == row.digest


def _after(row: Row, entry: LedgerEntry | None) -> Row:
    """Give a row what the ledger knows about its key."""
    if entry is None:
        return row  # most rows of a first load: no copy
    parked = entry.row if entry.state == "parked" else None
    return replace(row, known_set=entry.import_set, parked_row=parked)


def _unfit(table: Table, row: Row) -> str:
    """Return why ServiceNow could not take a row, or nothing."""
    values = row.values
    if not all(map(values.get, table.output.key)):
        empty = [label for label in table.output.key if not values[label]]
        return f"{', '.join(empty)} is empty, so the record cannot be identified"
    if row.size > LARGEST_ROW:
        return f"the row is larger than {LARGEST_ROW} bytes"
    for label in table.output.key:
        longest = table.limits.get(label, LARGEST_ROW)
        if len(row.values[label]) > longest:
            return (
                f"{label} is longer than the {longest} characters its column takes, so the record "
                "cannot be identified: widen the column in ServiceNow"
            )
    first = table.output.key[0]
    if not is_searchable(row.values[first]):
        return (
            f"{first} holds '^' or a line break, which ServiceNow cannot search for, so the row "
            "could not be found again: correct the code at its source"
        )
    return ""
