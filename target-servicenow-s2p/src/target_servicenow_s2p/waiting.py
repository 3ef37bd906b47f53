"""Wait for input without standing still.

While the plugin before us is slow, outcomes of what was sent come back, and their STATE is due:
waiting for a line is cut into short pieces for as long as something is on its way.
"""

from __future__ import annotations

import io
import os
import select
from typing import IO, TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from s2p_singer import Termination

__all__ = ["lines_of"]

_CHUNK: Final = 1 << 18
_SECONDS: Final = 0.2


def lines_of(
    source: IO[Any] | Iterable[bytes],
    termination: Termination,
    idle: Callable[[], bool],
) -> Iterator[bytes | str]:
    """Yield the lines of a source; a signal takes effect while waiting for more.

    Args:
        source: a file, a pipe, or any iterable of lines.
        termination: when a signal may take effect.
        idle: called while nothing comes; returns whether it wants to be called again.
    """
    descriptor = _descriptor(source)
    if descriptor is None:
        for line in source:
            termination.check()
            yield line
        return
    rest = b""
    while True:
        _wait(descriptor, termination, idle)
        chunk = os.read(descriptor, _CHUNK)
        if not chunk:
            break
        # JSON holds no bare carriage return, so this splits at line ends only, and keeps them.
        lines = (rest + chunk).splitlines(keepends=True)
        rest = b"" if lines[-1].endswith(b"\n") else lines.pop()
        yield from lines
    if rest:
        yield rest


def _wait(descriptor: int, termination: Termination, idle: Callable[[], bool]) -> None:
    """Return when there is something to read or the other end is closed."""
    if select.select([descriptor], [], [], 0)[0]:
        termination.check()
        return
    while True:
        # Outside the wait a signal is only remembered: `idle` writes to the store.
        pause = _SECONDS if idle() else None
        with termination.interruptible():
            ready, _, _ = select.select([descriptor], [], [], pause)
        if ready:
            return


def _descriptor(source: object) -> int | None:
    fileno = getattr(source, "fileno", None)
    if fileno is None:
        return None
    try:
        return int(fileno())
    except (io.UnsupportedOperation, ValueError):
        return None
