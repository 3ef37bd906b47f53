"""What holds a record, and when it takes the place of another version of itself (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

__all__ = ["Known", "Put", "causes", "decide"]


class Put(Enum):
    """What putting a hold does to what is there."""

    REPLACE = "replace"  # nothing there, a newer version, or one that had been released
    EXPLAIN = "explain"  # same version, other reasons: the record keeps its place in the queue
    IGNORE = "ignore"  # the same again, or an older version that arrives late


@dataclass(frozen=True, slots=True)
class Known:
    """What versioning looks at."""

    source_modified: datetime | None
    reasons: tuple[str, ...]
    waiting_for: tuple[tuple[str, str], ...]
    released: bool = False


def decide(there: Known | None, new: Known) -> Put:
    """Say what `new` does to what is `there`.

    A version without a time cannot be compared and counts as newer, so that nothing is lost.
    """
    if there is None:
        return Put.REPLACE
    if there.source_modified is None or new.source_modified is None:
        return Put.REPLACE
    if new.source_modified != there.source_modified:
        return Put.REPLACE if new.source_modified > there.source_modified else Put.IGNORE
    if there.released:
        return Put.REPLACE
    if (new.reasons, new.waiting_for) == (there.reasons, there.waiting_for):
        return Put.IGNORE
    return Put.EXPLAIN


def causes(
    reasons: Sequence[str], waiting_for: Sequence[Sequence[str]]
) -> Iterator[tuple[str, str | None, str | None]]:
    """Give each reason with each (dimension, code) it speaks of, (None, None) if there is none.

    A reason speaks of the dimension it begins with: COST_CENTER_MISSING of cost centers. What no
    reason begins with (the item that should have given the GL account) belongs to the first reason
    that is left without.
    """
    unnamed = [
        pair
        for pair in waiting_for
        if not any(reason.startswith(pair[0].upper()) for reason in reasons)
    ]
    for reason in dict.fromkeys(reasons):
        fitting = [pair for pair in waiting_for if reason.startswith(pair[0].upper())]
        if not fitting:
            fitting, unnamed = unnamed, []
        if not fitting:
            yield reason, None, None
        for dimension, code in dict.fromkeys(map(tuple, fitting)):
            yield reason, dimension, code
