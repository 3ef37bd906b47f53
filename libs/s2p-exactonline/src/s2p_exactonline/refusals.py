"""What Exact refused within the last hour, remembered across runs in the store."""

from __future__ import annotations

import threading
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from exactonline_client import Refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from s2p_store.memory import Memory

__all__ = ["RefusalLog"]

_MOST = 10
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[tuple[datetime, int]]).decode


class RefusalLog:
    """Satisfies ``exactonline_client.ErrorLog``; safe to use from several threads.

    Runs that overlap may miss each other's latest refusal: the limit kept is half of Exact's.
    """

    def __init__(self, memory: Memory, client_id: str) -> None:
        """Prepare; reads nothing yet."""
        self._memory = memory
        self._scope = f"exactonline refusals {client_id}"
        self._known: dict[str, list[Refusal]] = {}
        self._turn = threading.Lock()

    def refusals(self, division: int, endpoint: str) -> Sequence[Refusal]:
        """Give the latest ones, the oldest first."""
        key = f"{division} {endpoint}"
        with self._turn:
            if key not in self._known:
                self._known[key] = self._read(key)
            return tuple(self._known[key])

    def note(self, division: int, endpoint: str, refusal: Refusal) -> None:
        """Remember one more."""
        key = f"{division} {endpoint}"
        with self._turn:
            known = self._known[key] = [*self._read(key), refusal][-_MOST:]
            value = _encode([(one.at, one.status) for one in known])
            self._memory.put_many(self._scope, {key: value})

    def _read(self, key: str) -> list[Refusal]:
        stored = self._memory.get_many(self._scope, [key]).get(key)
        try:
            return [Refusal(at, status) for at, status in _decode(stored)] if stored else []
        except msgspec.MsgspecError:
            return []
