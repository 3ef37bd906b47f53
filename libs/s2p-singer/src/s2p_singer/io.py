"""Singer messages in and out, fast and exact.

Numbers with a fraction are read as `Decimal` and written with the same digits. Reading is by bytes,
writing is buffered and flushed before a STATE line leaves, so that no state overtakes its records.
Measured against the SDK's own reader and writer: see the project's benchmarks.
"""

from __future__ import annotations

import sys
from collections import Counter
from decimal import Decimal
from typing import IO, TYPE_CHECKING, Any, ClassVar
from weakref import WeakSet

import msgspec
from singer_sdk.singerlib.encoding.base import GenericSingerReader, GenericSingerWriter
from singer_sdk.singerlib.encoding.simple import Message
from typing_extensions import override

from s2p_singer.errors import InputError, PipeClosedError
from s2p_singer.runs import RUN_ID, run_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

__all__ = [
    "BufferedMessageWriter",
    "MessageReader",
    "encode_line",
    "flush_writers",
    "write_state",
]

FLUSH_AT = 1 << 16
"""Bytes gathered before a write: the capacity of a pipe on Linux."""

_decoder = msgspec.json.Decoder(float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number")


def encode_line(message: Mapping[str, Any]) -> bytes:
    """One Singer message as one line, newline included."""
    return _encoder.encode(message) + b"\n"


def write_state(state: Mapping[str, Any]) -> None:
    """Write a target's STATE to standard output at once.

    Raises:
        PipeClosedError: whoever keeps the states no longer reads, which click would pass over.
    """
    try:
        sys.stdout.write(encode_line(state).decode())
        sys.stdout.flush()
    except BrokenPipeError:
        raise PipeClosedError from None


class MessageReader(GenericSingerReader[bytes]):
    """Reads Singer messages from standard input, or from any file of lines, text or bytes.

    `line_number` counts from 1; `line` is the message being processed, as it came.
    """

    def __init__(self) -> None:
        super().__init__()
        self.line_number = 0
        self.line: bytes | str = b""

    @property
    @override
    def default_input(self) -> IO[bytes]:
        return sys.stdin.buffer

    @override
    def process_lines(
        self,
        file_input: IO[bytes] | None,
        callbacks: dict[str, Callable[[dict[str, Any]], None]],
    ) -> Counter[str]:
        """Hand each message to the callback of its type.

        Raises:
            InputError: a line is not a JSON object, has no type, or has one that Singer lacks.
        """
        stats: Counter[str] = Counter()
        for line in file_input or self.default_input:
            self.line_number += 1
            self.line = line
            if not line or line.isspace():
                continue
            message = self.deserialize_json(line)
            kind: Any = message.get("type")
            if not isinstance(kind, str) or kind not in callbacks:
                what = (
                    f"the unknown type '{kind:.40}'" if isinstance(kind, str) else "no message type"
                )
                raise InputError(f"Line {self.line_number} of the input has {what}. {_ADVICE}")
            callbacks[kind](message)
            stats[kind] += 1
        return stats

    @override
    def deserialize_json(self, line: bytes | str) -> dict[str, Any]:
        try:
            message = _decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            end = line[-1:]
            cut = "" if end in (b"\n", "\n") else " It ends in the middle of the message."
            raise InputError(
                f"Line {self.line_number} of the input is not valid JSON.{cut} {_ADVICE}",
            ) from None
        if not isinstance(message, dict):
            raise InputError(
                f"Line {self.line_number} of the input is not a JSON object. {_ADVICE}",
            )
        return message

    @staticmethod
    @override
    def assert_line_requires(line_dict: dict[str, Any], requires: set[str]) -> None:
        # The SDK quotes the whole message in its complaint; a record's contents must not be logged.
        if missing := sorted(requires - line_dict.keys()):
            kind, stream = line_dict.get("type"), line_dict.get("stream")
            of_stream = f" of stream '{stream}'" if stream else ""
            raise InputError(
                f"A {kind} message{of_stream} lacks {', '.join(missing)}. {_ADVICE}",
            )


_ADVICE = "The plugin before this one in the pipe wrote it; nothing after the last STATE was taken."


class BufferedMessageWriter(GenericSingerWriter[bytes, Message]):
    """Writes Singer messages to standard output in large pieces.

    What is not a RECORD is flushed with it, so SCHEMA and STATE reach the next plugin at once.
    """

    _all: ClassVar[WeakSet[BufferedMessageWriter]] = WeakSet()

    def __init__(self) -> None:
        super().__init__()
        self._buffer = bytearray()
        self._all.add(self)

    @override
    def serialize_message(self, message: Message) -> bytes:
        members = message.to_dict()
        if message.type == "SCHEMA":
            members = {"type": "SCHEMA", RUN_ID: run_id(), **members}
        return encode_line(members)

    @override
    def write_message(self, message: Message) -> None:
        self.write_line(self.serialize_message(message), flush=message.type != "RECORD")

    def write_record(
        self,
        stream: str,
        record: Mapping[str, Any],
        time_extracted: datetime | str | None = None,
        version: int | None = None,
    ) -> None:
        """Write a RECORD without building a message object first."""
        message: dict[str, Any] = {"type": "RECORD", "stream": stream, "record": record}
        if time_extracted is not None:
            message["time_extracted"] = time_extracted
        if version is not None:
            message["version"] = version
        self.write_line(encode_line(message))

    def write_line(self, line: bytes, *, flush: bool = False) -> None:
        """Write one encoded line, newline included."""
        self._buffer += line
        if flush or len(self._buffer) >= FLUSH_AT:
            self.flush()

    def flush(self) -> None:
        """Hand everything gathered to standard output.

        Raises:
            PipeClosedError: the next plugin no longer reads.
        """
        if self._buffer:
            # The buffer is emptied first: after a broken pipe a second flush must not repeat it.
            data, self._buffer = self._buffer, bytearray()
            try:
                sys.stdout.buffer.write(data)
                sys.stdout.buffer.flush()
            except BrokenPipeError:
                # Left as it is, click would take it for a reader that has seen enough (`| head`).
                raise PipeClosedError from None

    @classmethod
    def flush_all(cls) -> None:
        """Flush every writer of this process."""
        for writer in cls._all:
            writer.flush()


flush_writers = BufferedMessageWriter.flush_all
