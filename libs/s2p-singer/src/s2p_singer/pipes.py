"""More room between the plugins of a pipe.

A Linux pipe holds 64 KiB, a few dozen records: whenever one plugin pauses (a commit, an answer, a
page) its neighbours stop at once, and two cores do the work of one. With a megabyte they go on.
"""

from __future__ import annotations

import fcntl
import os
import stat
from contextlib import suppress
from typing import Final

__all__ = ["widen_pipes"]

ROOM: Final = 1 << 20
"""Bytes; what Linux allows any user by default."""


def widen_pipes(*descriptors: int) -> None:
    """Give those of the descriptors that are pipes more room, where the system lets us."""
    resize = getattr(fcntl, "F_SETPIPE_SZ", 1031)
    for descriptor in descriptors:
        with suppress(OSError):
            if stat.S_ISFIFO(os.fstat(descriptor).st_mode):
                fcntl.fcntl(descriptor, resize, ROOM)
