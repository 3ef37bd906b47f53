"""Webhook subscriptions that have gone silent, told by who noticed to who makes them anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from s2p_store.memory import Memory

__all__ = ["forget_silent", "mark_silent", "silent_among"]

_SCOPE: Final = "exactonline silent subscriptions"


def mark_silent(memory: Memory, division: int, topic: str) -> None:
    """Note that a subscription does not tell what it should."""
    memory.put_many(_SCOPE, {_key(division, topic): b"silent"})


def forget_silent(memory: Memory, division: int, topic: str) -> None:
    """Note that a subscription was made anew."""
    memory.put_many(_SCOPE, {_key(division, topic): b""})


def silent_among(memory: Memory, places: Iterable[tuple[int, str]]) -> frozenset[tuple[int, str]]:
    """Give those of the divisions and topics whose subscription was noted as silent."""
    named = {_key(*place): place for place in places}
    found = memory.get_many(_SCOPE, named)
    return frozenset(named[key] for key, value in found.items() if value)


def _key(division: int, topic: str) -> str:
    return f"{division} {topic}"
