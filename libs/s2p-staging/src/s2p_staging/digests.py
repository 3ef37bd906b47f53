"""Whether two versions of a row hold the same; pure."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["compared", "compared_rows", "digest", "digest_of"]

_encode = msgspec.json.Encoder(order="sorted").encode
_encode_in_order = msgspec.json.Encoder().encode


def compared(values: Mapping[str, str], left_out: frozenset[str]) -> bytes:
    """Write down what counts when two versions are compared: what is not empty nor left out."""
    return _encode(
        {name: value for name, value in values.items() if value and name not in left_out}
    )


def compared_rows(
    labels: Sequence[str], columns: Sequence[Sequence[str]], left_out: frozenset[str]
) -> list[bytes]:
    """Write down the same of each row of a portion, given as columns in the order of labels."""
    kept = {
        label: texts
        for label, texts in sorted(zip(labels, columns, strict=True))
        if label not in left_out
    }
    rows = zip(*kept.values(), strict=True) if kept else [()] * len(columns[0])
    return [  # in order of labels already: sorted once, not in each row
        _encode_in_order({name: text for name, text in zip(kept, row, strict=True) if text})
        for row in rows
    ]


def digest(written: bytes) -> str:
    """Return the digest of what `compared` wrote."""
    return blake2b(written, digest_size=16).hexdigest()


def digest_of(values: Mapping[str, str], left_out: frozenset[str] = frozenset()) -> str:
    """Return a digest that is equal for equal values, whatever their order."""
    return digest(compared(values, left_out))
