"""Reads the input line by line, without decoding it, and says when it pauses."""

from __future__ import annotations

import os
import select
import sys
from typing import IO, TYPE_CHECKING, Any

from typing_extensions import override

from s2p_singer import MessageReader

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterator

    from s2p_singer import Termination

__all__ = ["LineReader"]

_PIECE = 1 << 18
"""Bytes asked for at once: a few times what a pipe holds."""


class LineReader(MessageReader):
    """Hands whole lines to `converse`, which decodes only what it needs of them.

    Used without `converse`, it is the ordinary message reader.
    """

    def __init__(self) -> None:
        super().__init__()
        self.converse: Callable[[IO[bytes] | None], Counter[str]] | None = None

    @override
    def process_lines(
        self,
        file_input: IO[bytes] | None,
        callbacks: dict[str, Callable[[dict[str, Any]], None]],
    ) -> Counter[str]:
        if self.converse is None:
            return super().process_lines(file_input, callbacks)
        return self.converse(file_input)

    @staticmethod
    def lines(
        file_input: IO[bytes] | IO[str] | None,
        termination: Termination,
        on_pause: Callable[[], None],
    ) -> Iterator[bytes]:
        """The lines of a file, or of standard input.

        `on_pause` is called before waiting for input that has not come yet. A signal takes effect
        between two lines.

        Raises:
            Terminated: a signal has arrived.
        """
        if file_input is not None:
            for line in file_input:
                termination.check()
                yield line.encode() if isinstance(line, str) else line
            return
        descriptor = sys.stdin.fileno()
        rest = b""
        while True:
            if not select.select([descriptor], [], [], 0)[0]:
                on_pause()
            with termination.interruptible():
                piece = os.read(descriptor, _PIECE)
            if not piece:
                break
            *whole, rest = (rest + piece).split(b"\n")
            for line in whole:
                yield line + b"\n"
                termination.check()
        if rest:
            yield rest
