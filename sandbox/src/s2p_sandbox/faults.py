"""Faults that can be switched on: what a network and a busy server do to a client.

Kinds common to both systems, with their parameters:

=============  ====================================================================================
``status``     answer with ``code`` (default 500), ``headers`` and ``body``, nothing handled
``html``       answer 200 with an HTML page (``body``), nothing handled
``timeout``    hold the connection for ``seconds`` (default 300), then close it, nothing handled
``slow``       wait ``seconds`` (default 1), then handle
``drop_before``  close the connection, nothing handled
``drop_after``   handle, commit, close the connection without an answer
``firewall``   answer a request whose body holds ``word`` with an HTML page, ``code`` (default 403),
               nothing handled; let others pass
``truncate``   handle, send half of the body under the full Content-Length, close the connection
=============  ====================================================================================

Closing is a TCP close that the client sees, not an error reply. Every other kind belongs to one
of the systems, which finds the fault under ``scope["s2p_sandbox.fault"]``.
"""

from __future__ import annotations

import asyncio
import re
import threading
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = [
    "COMMON_KINDS",
    "FAULT_KEY",
    "TRANSPORT_KEY",
    "Fault",
    "FaultBook",
    "FaultMiddleware",
    "UnknownFaultError",
]

COMMON_KINDS = frozenset(
    {"status", "html", "timeout", "slow", "drop_before", "drop_after", "truncate", "firewall"}
)
FAULT_KEY = "s2p_sandbox.fault"
TRANSPORT_KEY = "s2p_sandbox.transport"
_BLOCKED_PAGE = "<!DOCTYPE html><html><body><h1>Request blocked</h1></body></html>"
_MAINTENANCE_PAGE = "<!DOCTYPE html><html><body><h1>We will be back soon</h1></body></html>"


class UnknownFaultError(ValueError):
    """A fault was asked for whose kind or pattern means nothing here."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault that waits for its request.

    Attributes:
        kind: what happens, see the module's table.
        match: regular expression searched in ``METHOD /path?query`` (query as sent).
        times: how many requests it strikes; None strikes until it is cleared.
        params: what the kind needs.
        after: how many matching requests pass unharmed first.
    """

    kind: str
    match: str = ""
    times: int | None = 1
    params: Mapping[str, Any] = field(default_factory=dict)
    after: int = 0


@dataclass(slots=True)
class _Waiting:
    fault: Fault
    pattern: re.Pattern[str]
    to_skip: int
    left: int | None


class FaultBook:
    """The faults of one system that are switched on; the first that fits strikes."""

    def __init__(self, kinds: Iterable[str] = ()) -> None:
        self.kinds = COMMON_KINDS | frozenset(kinds)
        self._waiting: list[_Waiting] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        """Switch a fault on.

        Raises:
            UnknownFaultError: the kind does not exist here or the pattern is malformed.
        """
        if fault.kind not in self.kinds:
            known = ", ".join(sorted(self.kinds))
            raise UnknownFaultError(f"There is no fault '{fault.kind}' here. Known: {known}.")
        try:
            pattern = re.compile(fault.match)
        except re.error as error:
            raise UnknownFaultError(
                f"'{fault.match}' is no regular expression: {error}."
            ) from error
        with self._lock:
            self._waiting.append(_Waiting(fault, pattern, fault.after, fault.times))

    def clear(self) -> None:
        """Switch all faults off."""
        with self._lock:
            self._waiting.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """The fault that strikes this request, counted as used; None when it passes."""
        line = f"{method} {path}"
        with self._lock:
            for waiting in self._waiting:
                if not waiting.pattern.search(line):
                    continue
                if waiting.to_skip > 0:
                    waiting.to_skip -= 1
                    continue
                if waiting.left is not None:
                    waiting.left -= 1
                    if waiting.left <= 0:
                        self._waiting.remove(waiting)
                return waiting.fault
        return None

    def listed(self) -> list[dict[str, Any]]:
        """The faults still waiting, as JSON-ready objects with the strikes left."""
        with self._lock:
            return [{**asdict(one.fault), "left": one.left} for one in self._waiting]


class FaultMiddleware:
    """Carries out the common faults around a system's application (the outermost layer)."""

    def __init__(self, app: ASGIApp, book: FaultBook) -> None:
        self._app = app
        self._book = book

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request pass or let the fault that waits for it strike."""
        if scope["type"] != "http" or scope["path"].startswith("/_sandbox/"):
            await self._app(scope, receive, send)
            return
        query = scope["query_string"].decode("latin-1")
        target = f"{scope['path']}?{query}" if query else scope["path"]
        fault = self._book.take(scope["method"], target)
        if fault is None:
            await self._app(scope, receive, send)
            return
        await self._strike(fault, scope, receive, send)

    async def _strike(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        params = fault.params
        if fault.kind == "status":
            headers = {str(k): str(v) for k, v in dict(params.get("headers", {})).items()}
            body = str(params.get("body", ""))
            await _reply(scope, receive, send, int(params.get("code", 500)), headers, body)
        elif fault.kind == "html":
            headers = {"Content-Type": "text/html; charset=utf-8"}
            body = str(params.get("body", _MAINTENANCE_PAGE))
            await _reply(scope, receive, send, 200, headers, body)
        elif fault.kind == "firewall":
            payload = await _consume(receive)
            if str(params.get("word", "")).encode() in payload:
                headers = {"Content-Type": "text/html; charset=utf-8"}
                code = int(params.get("code", 403))
                again = _replayed(payload, receive)
                await _reply(scope, again, send, code, headers, _BLOCKED_PAGE)
            else:
                await self._app(scope, _replayed(payload, receive), send)
        elif fault.kind == "timeout":
            await asyncio.sleep(float(params.get("seconds", 300)))
            await _drop(scope)
        elif fault.kind == "slow":
            await asyncio.sleep(float(params.get("seconds", 1)))
            await self._app(scope, receive, send)
        elif fault.kind == "drop_before":
            await _drop(scope)
        elif fault.kind == "drop_after":
            await _handled(self._app, scope, receive)
            await _drop(scope)
        elif fault.kind == "truncate":
            await _truncate(await _handled(self._app, scope, receive), scope, send)
        else:
            scope[FAULT_KEY] = fault
            await self._app(scope, receive, send)


async def _reply(  # noqa: PLR0913, PLR0917  # the ASGI triple plus the reply's three parts
    scope: Scope, receive: Receive, send: Send, status: int, headers: dict[str, str], body: str
) -> None:
    del scope
    await _consume(receive)
    raw = body.encode()
    named = {name.lower(): value for name, value in headers.items()}
    named["content-length"] = str(len(raw))
    listed = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in named.items()]
    await send({"type": "http.response.start", "status": status, "headers": listed})
    await send({"type": "http.response.body", "body": raw})


async def _consume(receive: Receive) -> bytes:
    """Read the request's body: an answer that overtakes it would break the connection."""
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message["type"] == "http.request" and message.get("more_body", False)
    return body


def _replayed(body: bytes, receive: Receive) -> Receive:
    """A body that was read already, to be read once more; then what really comes."""
    left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return left.pop() if left else await receive()

    return again


async def _handled(app: ASGIApp, scope: Scope, receive: Receive) -> list[Message]:
    sent: list[Message] = []

    async def collect(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, collect)
    return sent


async def _truncate(sent: list[Message], scope: Scope, send: Send) -> None:
    body = b"".join(message.get("body", b"") for message in sent[1:])
    start = dict(sent[0])
    kept = [pair for pair in start["headers"] if pair[0].lower() != b"content-length"]
    start["headers"] = [*kept, (b"content-length", str(len(body)).encode())]
    await send(start)
    await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
    await _drop(scope, flush=True)


async def _drop(scope: Scope, *, flush: bool = False) -> None:
    """Close the TCP connection under the request; with ``flush``, after what was written."""
    transport: asyncio.Transport | None = scope.get("extensions", {}).get(TRANSPORT_KEY)
    if transport is None:
        raise RuntimeError("Connections can only be dropped under s2p_sandbox.server.serve().")
    if flush:
        transport.close()
    else:
        transport.abort()
    # The protocol learns of the loss in the loop's next round; only then may the call end quietly.
    for _ in range(10):
        await asyncio.sleep(0.001)
