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
_FEW: Final = 20
"""Of so few records all may be gone without any doubt."""
_VERSION: Final = "version"


class Intake:
    """Takes records of ServiceNow."""

    def __init__(self, store: Store) -> None:
        """Prepare; reads nothing."""
        self._store = store
        self._pending: defaultdict[str, dict[str, dict[str, Any]]] = defaultdict(dict)

    def take(self, stream: str, record: Mapping[str, Any], version: object = None) -> None:
        """Take up one record; a later one of the same key counts.

        Args:
            stream: its stream.
            record: as it came.
            version: of the stream, where the message has one.
        """
        row = kept(stream, record)
        if isinstance(version, int):
            row[_VERSION] = version
        self._pending[stream][row["id"]] = row
        if len(self._pending[stream]) >= _ENOUGH:
            self.save()

    def activate(self, stream: str, version: int) -> tuple[int, bool]:
        """Forget what does not belong to this version: ServiceNow has it no more.

        An instance hides rows without a word from whom it shows them no longer, so that most of
        many are not believed to be gone.

        Returns:
            How many are gone, and whether that is believed.
        """
        self.save()
        rows = self._store.reference.load(SYSTEM, EVERY, stream)
        there = [row for row in rows if row.get(_VERSION) == version]
        gone = len(rows) - len(there)
        believed = len(rows) < _FEW or gone * 2 <= len(rows)
        if gone and believed:
            self._store.reference.save(SYSTEM, EVERY, stream, there)
        return gone, believed

    def save(self) -> None:
        """Keep what has arrived since the last time; on disk when this returns."""
        for stream, rows in self._pending.items():
            self._store.reference.merge(SYSTEM, EVERY, stream, rows.values())
        self._pending.clear()
