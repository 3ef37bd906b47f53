"""Which header a line belongs to, and which item an order line orders: learnt now, needed later.

A line often comes without its header (only the line changed), and an invoice line may name nothing
but the order line it bills. Both are remembered in the store, brought there at each STATE; in
memory is only what was met last, so that a run of any length needs no more of it.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from s2p_mapping.three_way import memory_scope

if TYPE_CHECKING:
    from collections.abc import Iterable

    from s2p_store import Store

__all__ = ["Header", "Index"]

_ENOUGH = 5_000
"""Entries gathered before they are stored even without a STATE."""
_RECENT = 10_000
"""Entries in memory at most."""
_AHEAD = 200
"""Entries fetched at once: lines come in the order of their headers, more or less."""


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[str, ...]).decode


class Header(NamedTuple):
    """What the mapper needs of a document's header, as it came; "" where it has none.

    `reference` is the supplier's own number of an invoice (see `duplicates`), `duplicate_of` the
    number of the invoice that came with the same one before. `amount` and what follows are those of
    an invoice (see `amounts`).
    """

    supplier: str = ""
    day: str = ""
    number: str = ""
    currency: str = ""
    modified: str = ""
    reference: str = ""
    duplicate_of: str = ""
    amount: str = ""
    vat: str = ""
    net: str = ""
    discount: str = ""
    net_discount: str = ""


class Index:
    """From a GUID to a few short texts, per division, kept under one name in the store.

    `remember` decides whether entries learnt in this run are expected to be asked for soon
    (headers: their lines follow) or not (order lines: there may be millions). `sparse` says that
    most of what is asked for is not there: then what is surely not in the store is not sought.
    """

    def __init__(  # noqa: PLR0913 - what an index is, named one by one
        self,
        store: Store,
        name: str,
        *,
        remember: bool,
        sparse: bool = False,
        recent: int = _RECENT,
        ahead: int = _AHEAD,
    ) -> None:
        self._store = store
        self._name = name
        self._remember = remember
        self._recent = _Recent(recent)
        self._ahead = min(ahead, max(1, recent // 4))
        self._pending: defaultdict[int, dict[str, tuple[str, ...]]] = defaultdict(dict)
        self._sparse = sparse
        self._stored: dict[int, _Stored | None] = {}

    def learn(self, division: int, id_: str, texts: tuple[str, ...]) -> None:
        """Take up one entry; a later one replaces an earlier one."""
        pending = self._pending[division]
        # Put anew, not in the old place: the store keeps the order in which lines will ask.
        pending.pop(id_, None)
        pending[id_] = texts
        if self._remember or (division, id_) in self._recent:
            self._recent.put((division, id_), texts)
        if len(pending) >= _ENOUGH:
            self.save()

    def find(self, division: int, id_: str) -> tuple[str, ...] | None:
        """The texts of an entry, from this run or an earlier one."""
        key = (division, id_)
        if key in self._recent:
            return self._recent.get(key)
        pending = self._pending[division]
        found = pending.get(id_)
        if found is None and self._may_be_stored(division, id_):
            for other, value in self._store.memory.following(
                self._scope(division), id_, self._ahead
            ):
                # What this run has learnt is newer than what lies in the store.
                if other not in pending and (division, other) not in self._recent:
                    self._recent.put((division, other), _decode(value))
            found = self._recent.get(key)
        # That there is none is remembered too: a document has many lines.
        self._recent.put(key, found)
        return found

    def save(self) -> None:
        """Bring what was learnt since the last time into the store."""
        for division, entries in self._pending.items():
            if entries:
                if self._sparse and (stored := self._stored_of(division)):
                    stored.add(entries)
                packed = {id_: _encode(texts) for id_, texts in entries.items()}
                self._store.memory.put_many(self._scope(division), packed)
        self._pending.clear()

    def _may_be_stored(self, division: int, id_: str) -> bool:
        stored = self._stored_of(division) if self._sparse else None
        return stored is None or id_ in stored

    def _stored_of(self, division: int) -> _Stored | None:
        """What this run has stored, if nothing had been before; else None."""
        if division not in self._stored:
            first = self._store.memory.is_empty(self._scope(division))
            self._stored[division] = _Stored() if first else None
        return self._stored[division]

    def _scope(self, division: int) -> str:
        return memory_scope(division, self._name)


class _Stored:
    """Keys, in a megabyte however many: of a key that was added it never says it was not."""

    def __init__(self) -> None:
        self._marks = bytearray(1 << 20)

    def add(self, keys: Iterable[str]) -> None:
        """Take up keys."""
        for key in keys:
            place = hash(key)
            self._marks[place >> 3 & 0xFFFFF] |= 1 << (place & 7)

    def __contains__(self, key: str) -> bool:
        place = hash(key)
        return bool(self._marks[place >> 3 & 0xFFFFF] & 1 << (place & 7))


class _Recent:
    """The entries met last, at most `most`, in two halves of which the older one is dropped."""

    def __init__(self, most: int) -> None:
        self._half = max(1, most // 2)
        self._newer: dict[tuple[int, str], tuple[str, ...] | None] = {}
        self._older: dict[tuple[int, str], tuple[str, ...] | None] = {}

    def __contains__(self, key: tuple[int, str]) -> bool:
        return key in self._newer or key in self._older

    def __len__(self) -> int:
        return len(self._newer.keys() | self._older.keys())

    def get(self, key: tuple[int, str]) -> tuple[str, ...] | None:
        """The entry, which now counts as met last."""
        if key in self._newer:
            return self._newer[key]
        if key not in self._older:
            return None
        found = self._older[key]
        self.put(key, found)
        return found

    def put(self, key: tuple[int, str], texts: tuple[str, ...] | None) -> None:
        """Take up an entry, in place of what was known of its key."""
        if len(self._newer) >= self._half:
            self._older, self._newer = self._newer, {}
        self._newer[key] = texts
