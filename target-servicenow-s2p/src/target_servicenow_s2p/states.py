"""STATE messages wait until everything before them is settled; pure.

The input is cut into epochs, each ended by a STATE. A thing that is on its way (a record being
read, a row being staged) is owed to its epoch. A state may leave when nothing is owed to its
epoch or an earlier one.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["StateQueue"]


class StateQueue:
    """Which state may be written."""

    def __init__(self) -> None:
        self._epoch = 0
        self._owed: dict[int, int] = {}
        self._waiting: deque[tuple[int, Mapping[str, Any]]] = deque()

    @property
    def epoch(self) -> int:
        """The epoch that what arrives now belongs to."""
        return self._epoch

    @property
    def owed(self) -> int:
        """How many things are on their way."""
        return sum(self._owed.values())

    @property
    def waiting(self) -> int:
        """How many states wait."""
        return len(self._waiting)

    def owe(self, epoch: int, count: int = 1) -> None:
        """Note that so many more things of this epoch are on their way."""
        if count:
            self._owed[epoch] = self._owed.get(epoch, 0) + count

    def settle(self, epoch: int, count: int = 1) -> None:
        """Note that so many things of this epoch have an outcome or are safely recorded."""
        left = self._owed.get(epoch, 0) - count
        if left < 0:
            raise ValueError(f"epoch {epoch} is settled more often than owed")
        if left:
            self._owed[epoch] = left
        else:
            self._owed.pop(epoch, None)

    def arrive(self, state: Mapping[str, Any]) -> None:
        """Take a STATE; what arrives after it belongs to the next epoch."""
        if self._waiting and self._waiting[-1][0] == self._epoch:
            self._waiting.pop()
        self._waiting.append((self._epoch, state))
        if self._owed.get(self._epoch):
            self._epoch += 1

    def release(self) -> Mapping[str, Any] | None:
        """Return the newest state before which everything is settled, if there is a new one."""
        oldest = min(self._owed) if self._owed else None
        released = None
        while self._waiting and (oldest is None or self._waiting[0][0] < oldest):
            released = self._waiting.popleft()[1]
        return released
