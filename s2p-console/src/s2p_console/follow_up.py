"""A run of the pipeline after changes were announced: once it is quiet, one at a time.

The command runs with the divisions that were touched. It shares a lock of the store with every
other run that takes it (`s2p run`), so that a run by schedule and one by webhook never meet.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shlex
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

from s2p_store import StoreError, StoreLockTimeout

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

__all__ = ["RUN_LOCK", "FollowUp"]

RUN_LOCK: Final = "pipeline run"
DIVISIONS: Final = "TAP_EXACTONLINE_DIVISIONS"
_AT_THE_LATEST: Final = 4.0
"""Times the quiet period after which a run begins although it is not quiet."""

_BETWEEN_LOOKS: Final = 1.0
_AFTER_AN_ERROR: Final = 30.0

_log = logging.getLogger("s2p webhooks")


class FollowUp:
    """Starts the command for the divisions that were touched."""

    def __init__(
        self,
        command: str,
        quiet_seconds: float,
        lock: Callable[[], AbstractContextManager[None]],
    ) -> None:
        """Prepare.

        Args:
            command: as in a shell, without its syntax.
            quiet_seconds: how long nothing must come before it is started.
            lock: excludes other runs; does not wait for them.
        """
        self._command = shlex.split(command)
        self._quiet = quiet_seconds
        self._lock = lock
        self._touched: set[int] = set()
        self._came = asyncio.Event()
        self._held = ExitStack()

    def touch(self, division: int) -> None:
        """Note a change."""
        self._touched.add(division)
        self._came.set()

    async def work(self) -> None:
        """Start runs until cancelled; one that is under way then is asked to end."""
        while True:
            await self._came.wait()
            await self._quiet_period()
            await self._turn()
            divisions, self._touched = sorted(self._touched), set()
            try:
                await self._run(divisions)
            finally:
                await asyncio.to_thread(self._held.close)

    async def _quiet_period(self) -> None:
        """Return when nothing has come for a while, or when it has not been quiet for too long."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._quiet * _AT_THE_LATEST
        while self._came.is_set():
            self._came.clear()
            await asyncio.sleep(min(self._quiet, max(deadline - loop.time(), 0.0)))
            if loop.time() >= deadline:
                self._came.clear()
                return

    async def _turn(self) -> None:
        """Take the lock once no other run has it, looking again and again: waiting can be left."""
        while True:
            try:
                await asyncio.to_thread(self._held.enter_context, self._lock())
            except StoreLockTimeout:
                await asyncio.sleep(_BETWEEN_LOOKS)
            except StoreError as error:
                _log.error("%s The run that changes ask for is tried again.", error)
                await asyncio.sleep(_AFTER_AN_ERROR)
            else:
                return

    async def _run(self, divisions: list[int]) -> None:
        names = ", ".join(map(str, divisions))
        _log.info("Starting a run for division %s.", names)
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command, env={**os.environ, DIVISIONS: json.dumps(divisions)}
            )
        except OSError as error:
            _log.error("The command of --run cannot be started: %s.", error.strerror)
            return
        try:
            code = await process.wait()
        except asyncio.CancelledError:
            process.terminate()
            await process.wait()
            raise
        if code:
            _log.error(
                "The run for division %s ended with code %d; what it did not read stays in the "
                "inbox for the next one.",
                names,
                code,
            )
        else:
            _log.info("The run for division %s is done.", names)
