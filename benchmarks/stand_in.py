"""The least HTTP server that a real client is content with: one process, kept connections.

It counts its calls and its own CPU time, so that a report can show that it was not in the way.
``GET /_bench`` answers with both, and with the rows taken in. It prints its port as the first line
and ends when told to.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Reply", "Request", "StandIn", "serve"]

_JSON = "application/json; charset=utf-8"
_REASONS = {200: "OK", 201: "Created", 403: "Forbidden", 404: "Not Found"}


@dataclass(frozen=True, slots=True)
class Request:
    """One request; query values are the first of their name."""

    method: str
    path: str
    query: Mapping[str, str]
    host: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer; ``kind`` is what it is counted under, ``rows`` how many it took in."""

    kind: str
    body: bytes
    status: int = 200
    rows: int = 0


class StandIn(Protocol):
    """Answers requests."""

    def answer(self, request: Request) -> Reply:
        """Give the answer to one request."""


class _Connection(asyncio.Protocol):
    def __init__(self, stand_in: StandIn, calls: Counter[str], rows: Counter[str]) -> None:
        self._stand_in = stand_in
        self._calls = calls
        self._rows = rows
        self._gathered = bytearray()
        self._needed = 0
        self._transport: asyncio.WriteTransport | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    @override
    def data_received(self, data: bytes) -> None:
        self._gathered += data
        while len(self._gathered) >= self._needed:
            end = self._gathered.find(b"\r\n\r\n")
            if end < 0:
                return
            first, *lines = self._gathered[:end].decode("latin-1").split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in lines if ": " in line)
            whole = end + 4 + int(headers.get("content-length", "0"))
            if len(self._gathered) < whole:
                self._needed = whole
                return
            body = bytes(self._gathered[end + 4 : whole])
            del self._gathered[:whole]
            self._needed = 0
            self._respond(first, headers, body)
            if not self._gathered:
                return

    def _respond(self, first: str, headers: Mapping[str, str], body: bytes) -> None:
        method, target, _ = first.split(" ", 2)
        parts = urlsplit(target)
        if parts.path == "/_bench":
            told = {
                "calls": self._calls,
                "rows": sum(self._rows.values()),
                "cpu_seconds": time.process_time(),
            }
            reply = Reply("", json.dumps(told).encode())
        else:
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            host = headers.get("host", "")
            reply = self._stand_in.answer(Request(method, unquote(parts.path), query, host, body))
            self._calls[reply.kind] += 1
            self._rows[reply.kind] += reply.rows
        head = (
            f"HTTP/1.1 {reply.status} {_REASONS.get(reply.status, 'Other')}\r\n"
            f"Content-Type: {_JSON}\r\nContent-Length: {len(reply.body)}\r\n\r\n"
        )
        assert self._transport is not None
        self._transport.writelines((head.encode("latin-1"), reply.body))


def serve(stand_in: StandIn) -> None:
    """Serve on a free port of loopback until SIGTERM or SIGINT."""
    asyncio.run(_serve(stand_in))


async def _serve(stand_in: StandIn) -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    calls: Counter[str] = Counter()
    rows: Counter[str] = Counter()
    server = await loop.create_server(lambda: _Connection(stand_in, calls, rows), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await ended.wait()
    server.close()
    sys.stdout.close()
