"""Which header a line belongs to, and which item an order line orders: learnt now, needed later.

A line often comes without its header (only the line changed), and an invoice line may name nothing
but the order line it bills. Both are remembered in the store, packed: some 100 bytes per document,
appended at each STATE, read back per division only when something is missing in memory.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from s2p_store import Store

__all__ = ["Header", "Index"]

_SYSTEM = "exactonline"
_PACK = 5000
"""Entries per stored row."""


class Header(NamedTuple):
    """What the mapper needs of a document's header, as it came; "" where it has none."""

    supplier: str = ""
    day: str = ""
    number: str = ""
    currency: str = ""
    modified: str = ""


class Index:
    """From a GUID to a few short texts, per division, kept under one name in the store.

    `remember` decides whether entries learnt in this run also stay in memory (headers: their lines
    follow) or only go to the store (order lines: seldom asked for, and there may be millions).
    """

    def __init__(self, store: Store, name: str, *, remember: bool) -> None:
        self._store = store
        self._name = name
        self._remember = remember
        self._known: defaultdict[int, dict[str, tuple[str, ...]]] = defaultdict(dict)
        self._complete: set[int] = set()
        self._pending: defaultdict[int, list[str]] = defaultdict(list)

    def learn(self, division: int, id_: str, texts: tuple[str, ...]) -> None:
        """Take up one entry; a later one replaces an earlier one."""
        if self._remember or division in self._complete:
            self._known[division][id_] = texts
        pending = self._pending[division]
        pending.append("\t".join((id_, *texts)))
        if len(pending) >= _PACK:
            self.save()

    def find(self, division: int, id_: str) -> tuple[str, ...] | None:
        """The texts of an entry, from this run or an earlier one."""
        found = self._known[division].get(id_)
        if found is None and division not in self._complete:
            self._complete.add(division)
            self.save()
            # What this run has learnt is newer than what lies in the store.
            self._known[division] = dict(self._load(division)) | self._known[division]
            found = self._known[division].get(id_)
        return found

    def save(self) -> None:
        """Bring what was learnt since the last time into the store."""
        for division, lines in self._pending.items():
            if lines:
                # The store gives packs back in the order they came: a later one is newer.
                pack = {"id": uuid.uuid4().hex, "entries": "\n".join(lines)}
                self._store.reference.merge(_SYSTEM, str(division), self._name, [pack])
        self._pending.clear()

    def _load(self, division: int) -> Iterator[tuple[str, tuple[str, ...]]]:
        packs = self._store.reference.load(_SYSTEM, str(division), self._name)
        entries: dict[str, tuple[str, ...]] = {}
        for pack in packs:
            for line in pack["entries"].split("\n"):
                id_, *texts = line.split("\t")
                entries[id_] = tuple(texts)
        if len(packs) > 1 + 2 * (len(entries) // _PACK):
            self._store.reference.save(_SYSTEM, str(division), self._name, _packed(entries))
        yield from entries.items()


def _packed(entries: dict[str, tuple[str, ...]]) -> Iterable[dict[str, str]]:
    lines = ["\t".join((id_, *texts)) for id_, texts in entries.items()]
    for number, start in enumerate(range(0, len(lines), _PACK)):
        yield {"id": f"{number:08}", "entries": "\n".join(lines[start : start + _PACK])}
