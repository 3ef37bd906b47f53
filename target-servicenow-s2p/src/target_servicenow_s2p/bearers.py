"""Which record of Exact Online stands behind a natural key, and whether it was ever ended.

A deletion may come late or twice, after the record has come back or another one has taken its code:
then it is history, and must not end what is open. Kept in the store, by natural key.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from s2p_staging.functions import moment
from target_servicenow_s2p.rows import with_values

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from s2p_staging.columns import Table
    from s2p_staging.definitions import Definition
    from s2p_store import LedgerEntry
    from target_servicenow_s2p.memory import Memory
    from target_servicenow_s2p.rows import Row

__all__ = ["Bearers"]

_STAGED: Final = frozenset({"done", "sent", "failed"})


class Bearers:
    """Knows the bearers of the outputs that another output closes."""

    def __init__(self, definitions: Iterable[Definition], memory: Memory) -> None:
        """Prepare; reads nothing."""
        self._memory = memory
        self._met: defaultdict[str, set[str]] = defaultdict(set)
        self._closed = {output.closes for each in definitions for output in each.outputs}

    def sorted_out(
        self, table: Table, rows: Mapping[str, Row], known: Mapping[str, LedgerEntry]
    ) -> dict[str, Row]:
        """Give the rows that hold, by natural key, as they are to be staged.

        Args:
            table: where they go.
            rows: of one output, by natural key.
            known: what the ledger says of them.
        """
        output = table.output
        if output.closes:
            return self._gone(output.closes, rows, known)
        if output.name in self._closed:
            return self._there(table, rows)
        return dict(rows)

    def _there(self, table: Table, rows: Mapping[str, Row]) -> dict[str, Row]:
        """Note records that are there; one that opens again gets what undoes its end."""
        name, reopens = table.output.name, table.output.reopens
        # Only what opens again has to know what was before: most tables are not looked up.
        before = self._memory.recall(_scope(name), rows) if reopens else {}
        found: dict[str, Row] = {}
        notes: dict[str, dict[str, Any]] = {}
        for key, row in rows.items():
            ended = bool(before.get(key, {}).get("ended"))
            empty = {label: text for label, text in reopens.items() if not row.values.get(label)}
            found[key] = with_values(table, row, empty) if ended and empty else row
            notes[key] = _note(row, ended=ended or len(empty) < len(reopens))
        self._met[name].update(rows)
        self._memory.remember(_scope(name), notes)
        return found

    def _gone(
        self, closed: str, rows: Mapping[str, Row], known: Mapping[str, LedgerEntry]
    ) -> dict[str, Row]:
        """Leave out what was never staged, and what is history."""
        before = self._memory.recall(_scope(closed), rows)
        found = {
            key: row
            for key, row in rows.items()
            if key in known
            and known[key].state in _STAGED
            and key not in self._met[closed]
            and not _is_history(row, before.get(key, {}))
        }
        notes = {key: _note(row, ended=True) for key, row in found.items()}
        self._memory.remember(_scope(closed), notes)
        return found


def _note(row: Row, *, ended: bool) -> dict[str, Any]:
    told = {"id": row.origin.source_id, "at": moment(row.origin.version)}
    return {name: value for name, value in told.items() if value} | ({"ended": 1} if ended else {})


def _is_history(row: Row, bearer: Mapping[str, Any]) -> bool:
    """Whether the key is another record's now, or the record was changed after its deletion."""
    if bearer.get("id", row.origin.source_id) != row.origin.source_id:
        return True
    deleted = moment(row.origin.version)
    return bool(deleted and bearer.get("at", "") > str(deleted))


def _scope(output: str) -> str:
    return f"{output} by key"
