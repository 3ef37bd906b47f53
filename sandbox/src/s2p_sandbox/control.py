"""The control plane both systems answer under ``/_sandbox/``: JSON in, JSON out.

=====================  ==========================================================================
``GET status``         time, calls per endpoint, row counts, faults, switches
``POST reset``         back to the seeds: rows, tokens, limits, faults, switches, clock
``POST faults``        one fault ``{"kind", "match", "times", "after", "params"}`` or a list of them
``DELETE faults``      all faults off
``POST switches``      ``{"name": value, …}``; ``GET switches`` shows them
``POST advance``       "a week later": the next week's changes to the data, the clock with them
``POST clock``         ``{"advance_seconds": n}``
=====================  ==========================================================================

It is meant for loopback and asks for no password.
"""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from dataclasses import dataclass, field, fields
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse
from starlette.routing import Route

from s2p_sandbox.faults import Fault, UnknownFaultError
from s2p_sandbox.switches import SwitchBoard, SwitchError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from s2p_sandbox.clock import Clock
    from s2p_sandbox.faults import FaultBook

__all__ = ["PREFIX", "Control", "with_control"]

PREFIX = "/_sandbox"
_IDENTIFIER = re.compile(r"guid'[^']*'|(?<=/)\d+(?=/)|(?<=/)[0-9a-f]{32}(?=/|$)")


@dataclass(slots=True)
class Control:
    """What a system lends to its control plane.

    Attributes:
        rows: row counts for the status page, by resource or table.
        reset: puts the system's own state back to its seeds.
        advance: applies the next week's changes and says what it did; None where the system has
            no data of its own that changes.
        extra: further routes under the prefix: name → handler of ``POST`` with a JSON object.
    """

    clock: Clock
    faults: FaultBook
    switches: SwitchBoard[Any]
    rows: Callable[[], Mapping[str, int]]
    reset: Callable[[], None]
    advance: Callable[[], Mapping[str, Any]] | None = None
    extra: Mapping[str, Callable[[dict[str, Any]], Mapping[str, Any]]] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, method: str, path: str) -> None:
        """Count one call, identifiers and division left out of the path."""
        with self.lock:
            self.calls[f"{method} {_IDENTIFIER.sub('*', path)}"] += 1


def with_control(app: ASGIApp, control: Control) -> ASGIApp:
    """The application with its control plane in front; every other call is counted."""
    plane = _plane(control)

    async def routed(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(PREFIX + "/"):
            await plane(scope, receive, send)
            return
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        control.count(scope["method"], scope["path"])

        async def dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                # The server's own clock, which tests and users can move.
                date = format_datetime(control.clock.now(), usegmt=True).encode()
                message["headers"] = [*message.get("headers", []), (b"date", date)]
            await send(message)

        await app(scope, receive, dated)

    return routed


def _plane(control: Control) -> ASGIApp:
    def status(_body: Any) -> Mapping[str, Any]:  # noqa: ANN401  # any JSON
        return {
            "now": control.clock.now().isoformat(),
            "calls": dict(sorted(control.calls.items())),
            "rows": dict(control.rows()),
            "faults": control.faults.listed(),
            "switches": control.switches.listed(),
        }

    def reset(_body: Any) -> Mapping[str, Any]:  # noqa: ANN401
        control.faults.clear()
        control.switches.reset()
        control.clock.reset()
        control.calls.clear()
        control.reset()
        return {"reset": True}

    def add_faults(body: Any) -> Mapping[str, Any]:  # noqa: ANN401
        for wanted in body if isinstance(body, list) else [body]:
            control.faults.add(_fault(wanted))
        return {"faults": control.faults.listed()}

    def clear_faults(_body: Any) -> Mapping[str, Any]:  # noqa: ANN401
        control.faults.clear()
        return {"faults": []}

    def switches(body: Any) -> Mapping[str, Any]:  # noqa: ANN401
        control.switches.set(**(body or {}))
        return control.switches.listed()

    def clock(body: Any) -> Mapping[str, Any]:  # noqa: ANN401
        control.clock.advance(float((body or {}).get("advance_seconds", 0)))
        return {"now": control.clock.now().isoformat()}

    def advance(_body: Any) -> Mapping[str, Any]:  # noqa: ANN401
        return {} if control.advance is None else control.advance()

    return Starlette(
        routes=[
            Route(f"{PREFIX}/status", _json(status)),
            Route(f"{PREFIX}/reset", _json(reset), methods=["POST"]),
            Route(f"{PREFIX}/faults", _json(add_faults), methods=["POST"]),
            Route(f"{PREFIX}/faults", _json(clear_faults), methods=["DELETE"]),
            Route(f"{PREFIX}/switches", _json(switches), methods=["GET", "POST"]),
            Route(f"{PREFIX}/clock", _json(clock), methods=["POST"]),
            Route(f"{PREFIX}/advance", _json(advance), methods=["POST"]),
            *(
                Route(f"{PREFIX}/{name}", _json(handler), methods=["POST"])
                for name, handler in control.extra.items()
            ),
        ]
    )


def _json(handler: Callable[[Any], Mapping[str, Any]]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        raw = await request.body()
        try:
            body = json.loads(raw) if raw else None
            # In a worker thread: a reset reloads the seeds, and calls must be answered meanwhile.
            return JSONResponse(await run_in_threadpool(handler, body))
        except (SwitchError, UnknownFaultError, ValueError, TypeError) as error:
            return JSONResponse({"error": str(error)}, status_code=400)

    return endpoint


def _fault(wanted: Any) -> Fault:  # noqa: ANN401  # any JSON
    names = {one.name for one in fields(Fault)}
    if not isinstance(wanted, dict) or "kind" not in wanted or not names.issuperset(wanted):
        raise UnknownFaultError(f"A fault is an object of {', '.join(sorted(names))}: {wanted!r}.")
    return Fault(**wanted)
