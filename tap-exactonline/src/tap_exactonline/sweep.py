"""Finding what is gone where Exact tells of no deletion: by comparing keys.

Cost centers and the like are read whole in every run: whatever is missing was deleted. Of invoices
and entries all keys are read now and then, ``sweep_days`` apart. What is known lies in the store;
what was found gone is told again until a state comes back that covers it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

import msgspec

from tap_exactonline.key_set import KeySet

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from s2p_store.memory import Memory

__all__ = ["SWEPT", "Found", "Sweeps", "is_due"]

SWEPT: Final[Mapping[str, str]] = {
    "cost_centers": "Costcenters",
    "cost_units": "Costunits",
    "item_groups": "ItemGroups",
    "payment_conditions": "PaymentConditions",
    "vat_codes": "VATCodes",
    "purchase_invoices": "PurchaseInvoices",
    "purchase_entries": "PurchaseEntries",
    "bank_entries": "BankEntries",
}
"""Stream → the name of its entity, where ``sync/Deleted`` has no type for it. Lines go with their
headers."""

_FEW: Final = 20
"""Of so few records all may be gone without any doubt."""


class _Stored(msgspec.Struct):
    """What is known of one stream of one division.

    Attributes:
        number: of the latest comparison.
        keys: as ``KeySet.packed`` gives them.
        gone: what that comparison found gone.
        doubted: it found so much gone that it was not told yet.
    """

    number: int
    keys: bytes
    gone: list[str]
    doubted: bool = False


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Stored).decode


@dataclass(frozen=True, slots=True)
class Found:
    """The outcome of a comparison.

    Attributes:
        number: to be noted in the state that covers ``gone``.
        gone: keys to be told as deleted.
        doubtful: how many more are gone than can be believed at once; told only if it stays so.
    """

    number: int
    gone: list[str]
    doubtful: int = 0


def is_due(entry: Mapping[str, Any], today: date, days: int) -> bool:
    """Tell whether the keys of a stream are to be read.

    Args:
        entry: what the state of the deletions says of the stream's latest comparison.
        today: Exact's date.
        days: how many days apart; 0: never.
    """
    try:
        last = date.fromisoformat(entry["on"])
    except (KeyError, TypeError, ValueError):
        return bool(days)
    return days > 0 and today - last >= timedelta(days=days)


@dataclass(slots=True)
class Sweeps:
    """The known keys of one login, in the store."""

    memory: Memory
    client_id: str
    _added: dict[tuple[int, str], KeySet] = field(default_factory=dict)
    _whole: dict[tuple[int, str], KeySet] = field(default_factory=dict)

    def add(self, division: int, stream: str, keys: Iterable[str]) -> None:
        """Note records that were read."""
        self._added.setdefault((division, stream), KeySet()).add(keys)

    def read_whole(self, division: int, stream: str, keys: Iterable[str]) -> None:
        """Note all the records there are."""
        self._whole[division, stream] = KeySet(keys)

    def whole(self, division: int, stream: str) -> KeySet | None:
        """Give all the records there are, if they were read in this run."""
        return self._whole.get((division, stream))

    def compare(self, division: int, stream: str, now: KeySet, covered: int | None) -> Found:
        """Compare what there is with what was known, and remember it.

        Args:
            division: its code.
            stream: its name.
            now: all keys there are.
            covered: number of the comparison that the given state covers.
        """
        known = self._load(division, stream)
        if known is None:
            self._save(division, stream, _Stored(0, now.packed(), []))
            return Found(0, [])
        before = KeySet.unpacked(known.keys) or KeySet()
        before.add(self._added.pop((division, stream), ()))
        gone = before.minus(now)
        if len(before) >= _FEW and len(gone) * 2 > len(before) and not known.doubted:
            doubted = _Stored(known.number, before.packed(), known.gone, doubted=True)
            self._save(division, stream, doubted)
            return Found(known.number, [], len(gone))
        if covered != known.number:
            # Whoever was told last time did not keep it; what is there again is not gone.
            gone = sorted({*gone, *KeySet(known.gone).minus(now)})
        packed = now.packed()
        if gone or known.doubted or packed != known.keys:
            known = _Stored(known.number + bool(gone), packed, gone or known.gone)
            self._save(division, stream, known)
        return Found(known.number, gone)

    def save(self) -> None:
        """Remember what was read and not compared."""
        for (division, stream), keys in self._added.items():
            known = self._load(division, stream) or _Stored(0, b"", [])
            whole = KeySet.unpacked(known.keys) or KeySet()
            whole.add(keys)
            known.keys = whole.packed()
            self._save(division, stream, known)
        self._added.clear()

    def _load(self, division: int, stream: str) -> _Stored | None:
        key = f"{division} {stream}"
        stored = self.memory.get_many(self._scope, [key]).get(key)
        try:
            return _decode(stored) if stored else None
        except msgspec.MsgspecError:
            return None

    def _save(self, division: int, stream: str, known: _Stored) -> None:
        self.memory.put_many(self._scope, {f"{division} {stream}": _encode(known)})

    @property
    def _scope(self) -> str:
        return f"exactonline keys {self.client_id}"
