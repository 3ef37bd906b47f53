"""What is remembered of records that other records point to.

A line arrives alone on an incremental run and knows its order or invoice by a GUID only. What it
needs of it is kept in the store, and the most recent part of it in memory.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from s2p_store import Store

__all__ = ["Memory"]

_SCOPE: Final = "target-servicenow-s2p/"
_MOST: Final = 20_000
_MOST_UNWRITTEN: Final = 5_000
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class Memory:
    """Values by stream and record id, for any number of records in bounded memory."""

    def __init__(self, store: Store, *, writes: bool = True, most: int = _MOST) -> None:
        self._store = store
        self._writes = writes
        self._most = most
        self._recent: OrderedDict[tuple[str, str], Mapping[str, Any]] = OrderedDict()
        self._unwritten: dict[str, dict[str, Mapping[str, Any]]] = {}

    def recall(self, stream: str, ids: Iterable[str]) -> dict[str, Mapping[str, Any]]:
        """Return what is remembered of these records, by id; unknown ones are left out."""
        found: dict[str, Mapping[str, Any]] = {}
        missing: list[str] = []
        unwritten = self._unwritten.get(stream, {})
        for record_id in set(ids):
            known = self._recent.get((stream, record_id), unwritten.get(record_id))
            if known is None:
                missing.append(record_id)
            else:
                found[record_id] = known
        if missing:
            for record_id, value in self._store.memory.get_many(_SCOPE + stream, missing).items():
                values = _decode(value)
                found[record_id] = values
                self._keep(stream, record_id, values)
        return found

    def remember(self, stream: str, records: Mapping[str, Mapping[str, Any]]) -> None:
        """Remember values by record id; `save` brings them to disk, at the latest when many wait.

        Only what is at hand is compared: writing the same twice is harmless and costs less than
        looking it up.
        """
        recent = self._recent
        new = {
            key: values for key, values in records.items() if recent.get((stream, key)) != values
        }
        if new and self._writes:
            unwritten = self._unwritten.setdefault(stream, {})
            unwritten.update(new)
            if len(unwritten) >= _MOST_UNWRITTEN:
                self.save()
        for record_id, values in new.items():
            self._keep(stream, record_id, values)

    def save(self) -> None:
        """Write down what is remembered: before a state leaves that covers its records."""
        for stream, new in self._unwritten.items():
            self._store.memory.put_many(
                _SCOPE + stream, {key: _encode(values) for key, values in new.items()}
            )
        self._unwritten.clear()

    def _keep(self, stream: str, record_id: str, values: Mapping[str, Any]) -> None:
        recent, place = self._recent, (stream, record_id)
        if place in recent:
            recent.move_to_end(place)
        recent[place] = values
        if len(recent) > self._most:
            recent.popitem(last=False)
