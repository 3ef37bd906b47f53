"""What both sides have changed is not staged over: a person chooses, or the way back does.

A field is disputed while a conflict about it waits, and from the moment in which Exact changes it
although ServiceNow has changed it, too, since both agreed. What was staged since then is what
ServiceNow has, so it disputes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlsplit

from s2p_mapping.dimensions import COST_CENTER, GL_ACCOUNT
from s2p_reference.entities import EXACT
from s2p_reference.records import CaseKind
from s2p_reference.values import day, name
from target_servicenow_s2p.journal import PLUGIN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from s2p_store import LedgerEntry, Store
    from target_servicenow_s2p.rows import Row

__all__ = ["MAPPER", "Disputed"]

MAPPER: Final = "servicenow"
"""System of the mapper's snapshots of what ServiceNow has; their scope is the instance's host."""
_FIELDS: Final[Mapping[str, tuple[str, Mapping[str, Callable[[Mapping[str, Any]], object]]]]] = {
    "gl_accounts": (
        GL_ACCOUNT,
        {"description": lambda row: name(row["name"]), "blocked": lambda row: not row["active"]},
    ),
    "cost_centers": (
        COST_CENTER,
        {
            "description": lambda row: name(row["name"]),
            "end_date": lambda row: day(row["valid_to"]),
        },
    ),
}
"""Of each kind: its dimension, and what the mapper has seen of each field."""


class Disputed:
    """The disputed fields of accounts and cost centers."""

    def __init__(self, store: Store, instance_url: str) -> None:
        """Prepare; reads nothing."""
        self._store = store
        self._host = urlsplit(instance_url).netloc
        self._known: dict[tuple[str, int], _Known] = {}

    def fields(self, stream: str, row: Row, code: str, entry: LedgerEntry | None) -> frozenset[str]:
        """Give the fields of a record that must not be staged now.

        Args:
            stream: its kind.
            row: what would be staged.
            code: its code.
            entry: what the ledger says of it.
        """
        division, exact_id = row.origin.division, row.origin.source_id
        if division is None or exact_id is None or stream not in _FIELDS:
            return frozenset()
        if (stream, division) not in self._known:
            self._known[stream, division] = self._look(stream, division)
        known = self._known[stream, division]
        waiting = known.conflicts.get(code, frozenset())
        theirs = known.changed.get(exact_id)
        if theirs is None:
            return waiting
        if exact_id not in known.marked:
            if entry is None or entry.content_hash == row.digest or not theirs.after(entry):
                return waiting
            # From now on the ledger knows the row without these fields, and tells it no more.
            known.marked.add(exact_id)
            self._store.reference.merge(PLUGIN, str(division), _mark(stream), [{"id": exact_id}])
        return waiting | theirs.fields

    def _look(self, stream: str, division: int) -> _Known:
        conflicts: defaultdict[str, frozenset[str]] = defaultdict(frozenset)
        for case in self._store.pairs.cases(stream, division):
            if case.kind == CaseKind.CONFLICT.value and case.choice != EXACT:
                conflicts[case.code] |= {case.field}
        changed = dict(self._changed(stream, division))
        rows = self._store.reference.load(PLUGIN, str(division), _mark(stream))
        marked = {row["id"] for row in rows} & changed.keys()
        if len(marked) < len(rows):
            # Decided since: a change to come is another matter.
            kept = [{"id": exact_id} for exact_id in sorted(marked)]
            self._store.reference.save(PLUGIN, str(division), _mark(stream), kept)
        return _Known(conflicts, changed, marked)

    def _changed(self, stream: str, division: int) -> Iterator[tuple[str, _Theirs]]:
        """By Exact's ID: what ServiceNow has changed since both agreed."""
        links = self._store.pairs.links(stream, division)
        if not links:
            return
        dimension, fields = _FIELDS[stream]
        rows = self._store.reference.load(MAPPER, self._host, dimension)
        seen = {row["id"]: row for row in rows}
        for link in links:
            row = seen.get(link.servicenow_id)
            if row is None:
                continue
            differing = frozenset(
                field
                for field, of in fields.items()
                if field in link.base and of(row) != link.base[field]
            )
            if differing:
                yield link.exact_id, _Theirs(differing, link.updated_at)


class _Theirs(NamedTuple):
    """Fields that ServiceNow has changed since both agreed, and when they did."""

    fields: frozenset[str]
    agreed_at: datetime | None

    def after(self, entry: LedgerEntry) -> bool:
        """Whether that was after we staged last: else it may be our own value that is seen."""
        return self.agreed_at is not None and self.agreed_at > entry.updated_at


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of one kind in one division.

    Attributes:
        conflicts: code → fields about which a conflict waits that Exact has not won.
        changed: Exact's ID → what ServiceNow has changed.
        marked: IDs of what Exact has changed, too.
    """

    conflicts: Mapping[str, frozenset[str]]
    changed: Mapping[str, _Theirs]
    marked: set[str]


def _mark(stream: str) -> str:
    return f"disputed {stream}"
