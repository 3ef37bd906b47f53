"""Exact's reference data from the stream into memory and into the store, so the next run knows it.

What arrives is merged at each STATE. A stream that Exact gives whole replaces what was kept of the
division, but only once the tap has gone on to another stream: a read that broke off is not whole.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from mapper_glcostcenter.exact import KEPT, WHOLE, ExactReference

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from s2p_store import Store

__all__ = ["SYSTEM", "Snapshot"]

SYSTEM = "exactonline"
_ENOUGH = 5000
"""Rows gathered before they are stored even without a STATE."""


class Snapshot:
    """The reference data of all divisions, as of this run and earlier ones."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.exact = ExactReference(self._load)
        self._pending: defaultdict[tuple[str, int], dict[str, dict[str, Any]]] = defaultdict(dict)
        self._whole: defaultdict[int, dict[str, dict[str, Any]]] = defaultdict(dict)
        self._reading: str | None = None

    def learn(self, stream: str, division: int, id_: str, record: object) -> None:
        """Take up one record of a reference stream."""
        row = {name: getattr(record, name) for name in KEPT[stream]}
        self.exact.learn(division, stream, id_, row)
        row["id"] = id_
        pending = self._pending[stream, division]
        pending[id_] = row
        if stream in WHOLE:
            self._whole[division][id_] = row
        if len(pending) >= _ENOUGH:
            self.save()

    def begin(self, stream: str) -> None:
        """Note that the tap has come to this stream: the one before is complete."""
        if stream == self._reading:
            return
        if self._reading in WHOLE:
            self._replace(self._reading)
        self._whole.clear()
        self._reading = stream

    def save(self) -> None:
        """Bring what has arrived since the last time into the store."""
        for (stream, division), rows in self._pending.items():
            self._store.reference.merge(SYSTEM, str(division), stream, rows.values())
        self._pending.clear()

    def _replace(self, stream: str) -> None:
        for division, rows in self._whole.items():
            self._store.reference.save(SYSTEM, str(division), stream, rows.values())
            self.exact.forget_all_but(division, stream, rows)
            self._pending.pop((stream, division), None)

    def _load(self, division: int) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        for stream in KEPT:
            for row in self._store.reference.load(SYSTEM, str(division), stream):
                yield stream, row["id"], row
