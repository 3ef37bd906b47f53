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
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

__all__ = ["RUN_LOCK", "FollowUp"]

RUN_LOCK: Final = "pipeline run"
DIVISIONS: Final = "TAP_EXACTONLINE_DIVISIONS"
_AT_THE_LATEST: Final = 4.0
"""Times the quiet period after which a run begins although it is not quiet."""

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
            lock: excludes other runs; waits for them.
        """
        self._command = shlex.split(command)
        self._quiet = quiet_seconds
        self._lock = lock
        self._touched: set[int] = set()
        self._came = asyncio.Event()
        self._process: asyncio.subprocess.Process | None = None

    def touch(self, division: int) -> None:
        """Note a change."""
        self._touched.add(division)
        self._came.set()

    async def work(self) -> None:
        """Start runs until cancelled; one that is under way then is asked to end."""
        try:
            while True:
                await self._came.wait()
                await self._quiet_period()
                divisions, self._touched = sorted(self._touched), set()
                await self._run(divisions)
        finally:
            if self._process is not None and self._process.returncode is None:
                self._process.terminate()
                await self._process.wait()

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

    async def _run(self, divisions: list[int]) -> None:
        names = ", ".join(map(str, divisions))
        lock = self._lock()
        await asyncio.to_thread(lock.__enter__)
        try:
            _log.info("Starting a run for division %s.", names)
            self._process = await asyncio.create_subprocess_exec(
                *self._command, env={**os.environ, DIVISIONS: json.dumps(divisions)}
            )
            code = await self._process.wait()
        except OSError as error:
            _log.error("The command of --run cannot be started: %s.", error.strerror)
            return
        finally:
            await asyncio.to_thread(lock.__exit__, None, None, None)
        if code:
            _log.error(
                "The run for division %s ended with code %d; what it did not read stays in the "
                "inbox for the next one.",
                names,
                code,
            )
        else:
            _log.info("The run for division %s is done.", names)
