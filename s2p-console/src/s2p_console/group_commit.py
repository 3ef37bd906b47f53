"""Many small writes in few transactions: each waits until its own is on disk.

A commit costs a sync of the disk, some hundred a second at best. What arrives while one is under
way goes into the next together.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["GroupCommit"]

_T = TypeVar("_T")
_MOST = 1000


class GroupCommit(Generic[_T]):
    """Hands what is put to one writer, in groups."""

    def __init__(self, write: Callable[[Sequence[_T]], object]) -> None:
        """Prepare; ``write`` runs in a thread and raises if nothing was kept."""
        self._write = write
        self._waiting: asyncio.Queue[tuple[_T, asyncio.Future[None]]] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def put(self, item: _T) -> None:
        """Return when the item is kept.

        Raises:
            Exception: what the write raised.
        """
        if self._task is None:
            self._task = asyncio.create_task(self._work())
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.put_nowait((item, kept))
        await kept

    async def close(self) -> None:
        """Write what waits, then end."""
        if self._task is None:
            return
        await self._waiting.join()
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def _work(self) -> None:
        while True:
            group = [await self._waiting.get()]
            while len(group) < _MOST and not self._waiting.empty():
                group.append(self._waiting.get_nowait())
            error: Exception | None = None
            try:
                await asyncio.to_thread(self._write, [item for item, _ in group])
            except Exception as caught:  # noqa: BLE001 - handed to each that waits
                error = caught
            for _, kept in group:
                self._waiting.task_done()
                if kept.done():  # its client has gone
                    continue
                if error is None:
                    kept.set_result(None)
                else:
                    kept.set_exception(error)
