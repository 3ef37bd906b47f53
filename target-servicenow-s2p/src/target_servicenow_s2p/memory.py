"""What is remembered of records that other records point to.

A line arrives alone on an incremental run and knows its order or invoice by a GUID only. What it
needs of it is kept in the store, in the ledger's table under names of its own (``remembered:…``),
and the most recent part of it in memory.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final

import msgspec

from s2p_store import LedgerEntry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from s2p_store import Store

__all__ = ["Memory"]

_PREFIX: Final = "remembered:"
_MOST: Final = 20_000
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


def _utc_now() -> datetime:
    return datetime.now(timezone.utc)


class Memory:
    """Values by stream and record id, for any number of records in bounded memory."""

    def __init__(
        self,
        store: Store,
        run_id: str,
        *,
        writes: bool = True,
        now: Callable[[], datetime] = _utc_now,
        most: int = _MOST,
    ) -> None:
        self._store = store
        self._run_id = run_id
        self._writes = writes
        self._now = now
        self._most = most
        self._recent: OrderedDict[tuple[str, str], Mapping[str, Any]] = OrderedDict()

    def recall(self, stream: str, ids: Iterable[str]) -> dict[str, Mapping[str, Any]]:
        """Return what is remembered of these records, by id; unknown ones are left out."""
        found: dict[str, Mapping[str, Any]] = {}
        missing: list[str] = []
        for record_id in set(ids):
            known = self._recent.get((stream, record_id))
            if known is None:
                missing.append(record_id)
            else:
                found[record_id] = known
        if missing:
            for record_id, entry in self._store.ledger.get_many(_PREFIX + stream, missing).items():
                values = _decode(entry.message or "{}")
                found[record_id] = values
                self._keep(stream, record_id, values)
        return found

    def remember(self, stream: str, records: Mapping[str, Mapping[str, Any]]) -> None:
        """Remember values by record id; what is known already costs no write."""
        known = self.recall(stream, records)
        new = {key: dict(values) for key, values in records.items() if known.get(key) != values}
        if not new:
            return
        if self._writes:
            now = self._now()
            self._store.ledger.put_many(
                LedgerEntry(
                    table=_PREFIX + stream,
                    natural_key=record_id,
                    source_version=None,
                    content_hash=None,
                    state="done",
                    import_set=None,
                    row=None,
                    outcome=None,
                    target_sys_id=None,
                    message=_encode(values).decode(),
                    run_id=self._run_id,
                    updated_at=now,
                )
                for record_id, values in new.items()
            )
        for record_id, values in new.items():
            self._keep(stream, record_id, values)

    def _keep(self, stream: str, record_id: str, values: Mapping[str, Any]) -> None:
        self._recent[stream, record_id] = values
        self._recent.move_to_end((stream, record_id))
        while len(self._recent) > self._most:
            self._recent.popitem(last=False)
