"""What comes is kept before the state that covers it leaves.

The tap brings what has changed; a difference can only be told of the whole.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from s2p_reference.known import EVERY, SYSTEM, kept

if TYPE_CHECKING:
    from collections.abc import Mapping

    from s2p_store import Store

__all__ = ["Intake"]

_ENOUGH: Final = 2000


class Intake:
    """Takes records of ServiceNow."""

    def __init__(self, store: Store) -> None:
        """Prepare; reads nothing."""
        self._store = store
        self._pending: defaultdict[str, dict[str, dict[str, Any]]] = defaultdict(dict)

    def take(self, stream: str, record: Mapping[str, Any]) -> None:
        """Take up one record; a later one of the same key counts."""
        row = kept(stream, record)
        self._pending[stream][row["id"]] = row
        if len(self._pending[stream]) >= _ENOUGH:
            self.save()

    def save(self) -> None:
        """Keep what has arrived since the last time; on disk when this returns."""
        for stream, rows in self._pending.items():
            self._store.reference.merge(SYSTEM, EVERY, stream, rows.values())
        self._pending.clear()
