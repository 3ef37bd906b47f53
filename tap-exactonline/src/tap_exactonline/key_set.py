"""Very many GUIDs in little memory: sixteen bytes each. Pure."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["KeySet"]

_SIZE: Final = 16
_BUCKETS: Final = 256


class KeySet:
    """A set of GUIDs; the same one may be added more than once.

    They lie in buckets by their first byte, so that comparing two sets needs a bucket at a time.
    """

    __slots__ = ("_buckets",)

    def __init__(self, guids: Iterable[str] = ()) -> None:
        """Make a set of ``guids``."""
        self._buckets = [bytearray() for _ in range(_BUCKETS)]
        self.add(guids)

    def add(self, guids: Iterable[str]) -> None:
        """Add GUIDs as Exact writes them; what is none is left out."""
        for guid in guids:
            try:
                key = bytes.fromhex(guid.replace("-", ""))
            except ValueError:
                continue
            if len(key) == _SIZE:
                self._buckets[key[0]] += key

    def __iter__(self) -> Iterator[str]:
        """Give each GUID once, lower case, in order."""
        for bucket in self._buckets:
            yield from map(_text, sorted(_keys(bucket)))

    def __len__(self) -> int:
        return sum(len(_keys(bucket)) for bucket in self._buckets)

    def minus(self, other: KeySet) -> list[str]:
        """Give the GUIDs that the other set lacks, in order."""
        pairs = zip(self._buckets, other._buckets, strict=True)
        return [_text(key) for own, its in pairs for key in sorted(_keys(own) - _keys(its))]

    def packed(self) -> bytes:
        """Give a form for the store."""
        whole = b"".join(b"".join(sorted(_keys(bucket))) for bucket in self._buckets)
        return zlib.compress(whole, 1)

    @classmethod
    def unpacked(cls, data: bytes) -> KeySet | None:
        """Read what ``packed`` gave; None if it is anything else."""
        try:
            whole = zlib.decompress(data)
        except zlib.error:
            return None
        if len(whole) % _SIZE:
            return None
        made = cls()
        for start in range(0, len(whole), _SIZE):
            made._buckets[whole[start]] += whole[start : start + _SIZE]
        return made


def _keys(bucket: bytearray) -> set[bytes]:
    whole = bytes(bucket)
    return {whole[start : start + _SIZE] for start in range(0, len(whole), _SIZE)}


def _text(key: bytes) -> str:
    digits = key.hex()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
