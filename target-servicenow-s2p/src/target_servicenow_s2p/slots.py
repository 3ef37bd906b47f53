"""Tell the batches of a dead run from those of a living one.

Every running target holds one of a few numbered locks for as long as it lives and writes that
number into its intents. An intent whose lock can be taken belongs to a process that has died.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack
from typing import TYPE_CHECKING, Final

from s2p_store import StoreLockTimeout
from target_servicenow_s2p.errors import TargetError

if TYPE_CHECKING:
    from typing_extensions import Self

    from s2p_store import Store

__all__ = ["Slot"]

_SLOTS: Final = 32
_NAME: Final = "target-servicenow-s2p"


class Slot(AbstractContextManager["Slot"]):
    """One of the locks, held until closed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._held = ExitStack()
        self.number = self._take()

    def _take(self) -> int:
        for number in range(_SLOTS):
            try:
                self._held.enter_context(self._lock(number))
            except StoreLockTimeout:
                continue
            return number
        raise TargetError(
            f"{_SLOTS} targets use this store at the same time: let one end, then run again."
        )

    def is_dead(self, number: int) -> bool:
        """Whether no living process but this one holds the lock of that number."""
        if number == self.number:
            return True
        try:
            with self._lock(number):
                return True
        except StoreLockTimeout:
            return False

    def _lock(self, number: int) -> AbstractContextManager[None]:
        return self._store.vault.lock(_NAME, f"slot-{number}", timeout=0.0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the lock go."""
        self._held.close()
