"""Whether two versions of a row hold the same; pure."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["compared", "digest", "digest_of"]

_encode = msgspec.json.Encoder(order="sorted").encode


def compared(values: Mapping[str, str], left_out: frozenset[str]) -> bytes:
    """Write down what counts when two versions are compared: what is not empty nor left out."""
    return _encode(
        {name: value for name, value in values.items() if value and name not in left_out}
    )


def digest(written: bytes) -> str:
    """Return the digest of what `compared` wrote."""
    return blake2b(written, digest_size=16).hexdigest()


def digest_of(values: Mapping[str, str], left_out: frozenset[str] = frozenset()) -> str:
    """Return a digest that is equal for equal values, whatever their order."""
    return digest(compared(values, left_out))
