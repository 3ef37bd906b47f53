"""Messages on their way out, in the order they came, though some places are not decided yet.

What becomes of a line may depend on lines that come later. It keeps its place, and whatever comes
after it waits behind it: nothing overtakes, and no STATE leaves before what it covers.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Outbox", "Place"]


class Place:
    """Where messages will stand, mostly one. None: it is not decided which."""

    __slots__ = ("messages",)

    def __init__(self) -> None:
        self.messages: Sequence[bytes] | None = None


class Outbox:
    """A queue that is empty as long as every place is decided.

    Args:
        write: takes one message.
    """

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write
        self._waiting: deque[bytes | Place | Callable[[], None]] = deque()

    def put(self, message: bytes) -> None:
        """Write a message after everything before it."""
        if self._waiting:
            self._waiting.append(message)
        else:
            self._write(message)

    def then(self, action: Callable[[], None]) -> None:
        """Do something once everything before it has been written."""
        if self._waiting:
            self._waiting.append(action)
        else:
            action()

    def reserve(self) -> Place:
        """Keep a place for what is not decided yet."""
        place = Place()
        self._waiting.append(place)
        return place

    def decide(self, place: Place, messages: Sequence[bytes]) -> None:
        """Say what stands in a place."""
        place.messages = messages

    def advance(self) -> None:
        """Write what waited for nothing but what is decided now."""
        waiting = self._waiting
        while waiting:
            first = waiting[0]
            if isinstance(first, Place):
                if first.messages is None:
                    return
                for message in first.messages:
                    self._write(message)
            elif isinstance(first, bytes):
                self._write(first)
            else:
                first()
            waiting.popleft()
