"""The sandbox's clock: real time plus an offset that survives a restart."""

from __future__ import annotations

import json
import threading
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["Clock"]


def _system_now() -> datetime:
    return datetime.now(timezone.utc)


class Clock:
    """Aware UTC time that can be moved forward, shared by both systems.

    Args:
        path: JSON file that keeps the offset in seconds; None keeps it in memory only.
        real: where real time comes from; tests pass a fixed one.
    """

    def __init__(
        self, path: Path | None = None, real: Callable[[], datetime] = _system_now
    ) -> None:
        self._path = path
        self._real = real
        self._lock = threading.Lock()
        self._offset = timedelta(seconds=self._stored_seconds())

    def now(self) -> datetime:
        """The sandbox's time, aware, in UTC."""
        return self._real() + self._offset

    def advance(self, seconds: float) -> None:
        """Move the time forward by that many seconds; the tokens of both systems grow older."""
        with self._lock:
            self._offset += timedelta(seconds=seconds)
            self._store()

    def reset(self) -> None:
        """Return to real time."""
        with self._lock:
            self._offset = timedelta()
            self._store()

    def _stored_seconds(self) -> float:
        if self._path is None or not self._path.exists():
            return 0.0
        return float(json.loads(self._path.read_text(encoding="utf-8"))["offset_seconds"])

    def _store(self) -> None:
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps({"offset_seconds": self._offset.total_seconds()}), "utf-8")
        fresh.replace(self._path)
