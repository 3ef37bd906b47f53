"""The hash chain of the audit trail (pure).

Each batch of events carries sha256(previous hash, its own number, the bytes of its events in
order). Who alters, adds, drops or reorders anything breaks the chain from there on; who cuts
batches off the end contradicts the head, which is kept apart.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["FIRST_HASH", "AuditProblem", "Batch", "StoredEvent", "batch_hash", "problems"]

FIRST_HASH = "0" * 64

# run_id, at, stream, division, source_id, kind, natural_key, detail: all as they lie in the table
EventValues = tuple[str, str, str, "int | None", "str | None", str, "str | None", str]

_NO_MORE: tuple[int | None, Iterable[StoredEvent]] = (None, ())
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Batch:
    """One link: the events of one `append`."""

    number: int
    previous_hash: str
    hash: str
    events: int


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One event as it lies in the table."""

    batch: int
    position: int
    values: EventValues


@dataclass(frozen=True, slots=True)
class AuditProblem:
    """One finding about the trail: the batch where it shows, and a sentence."""

    batch: int
    message: str

    def __str__(self) -> str:
        return self.message


def batch_hash(previous_hash: str, number: int, events: Sequence[EventValues]) -> str:
    """Hash one batch; equal input gives equal hex digits on every machine and version."""
    digest = hashlib.sha256(previous_hash.encode())
    digest.update(_encode([number, events]))
    return digest.hexdigest()


def problems(
    batches: Iterable[Batch], events: Iterable[StoredEvent], head: Batch | None
) -> Iterator[AuditProblem]:
    """Compare the links with what they claim; both inputs in rising order.

    `head` is the last batch as the head row remembers it (its `events` is not looked at);
    None if that row is gone.
    """
    by_batch = groupby(events, key=lambda event: event.batch)
    waiting, group = next(by_batch, _NO_MORE)
    number, previous = 0, FIRST_HASH
    for batch in batches:
        if batch.number != number + 1:
            yield _missing(number + 1, batch.number - 1)
        elif batch.previous_hash != previous:
            yield AuditProblem(
                batch.number, f"Batch {batch.number} does not follow the one before it."
            )
        while waiting is not None and waiting < batch.number:
            yield _without_batch(waiting)
            waiting, group = next(by_batch, _NO_MORE)
        if waiting == batch.number:
            yield from _within(batch, list(group))
            waiting, group = next(by_batch, _NO_MORE)
        else:
            yield from _within(batch, [])
        number, previous = batch.number, batch.hash
    while waiting is not None:
        yield _without_batch(waiting)
        waiting, group = next(by_batch, _NO_MORE)
    yield from _at_the_end(number, previous, head)


def _within(batch: Batch, found: Sequence[StoredEvent]) -> Iterator[AuditProblem]:
    if len(found) != batch.events:
        yield AuditProblem(
            batch.number,
            f"Batch {batch.number} was written with {batch.events} events and has {len(found)}.",
        )
    elif [event.position for event in found] != list(range(len(found))):
        yield AuditProblem(batch.number, f"The events of batch {batch.number} were renumbered.")
    elif batch_hash(batch.previous_hash, batch.number, [e.values for e in found]) != batch.hash:
        yield AuditProblem(batch.number, f"Batch {batch.number} was altered after it was written.")


def _at_the_end(number: int, previous: str, head: Batch | None) -> Iterator[AuditProblem]:
    if head is None:
        yield AuditProblem(number, "The head of the audit trail is gone.")
    elif head.number > number:
        yield _missing(number + 1, head.number)
    elif head.number != number or head.hash != previous:
        yield AuditProblem(number, "The head of the audit trail does not match its last batch.")


def _without_batch(number: int) -> AuditProblem:
    return AuditProblem(number, f"The events of batch {number} belong to no batch.")


def _missing(first: int, last: int) -> AuditProblem:
    if first >= last:
        return AuditProblem(first, f"Batch {first} is missing.")
    return AuditProblem(first, f"Batches {first} to {last} are missing.")
