"""Something happens at one exact call: nobody waits, and nobody is lucky."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["Tripwire"]


class Tripwire:
    """Stands before a stand-in and acts when the call it waits for comes."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._wires: list[_Wire] = []
        self._lock = threading.Lock()

    def on(
        self, match: str, act: Callable[[], object], *, nth: int = 1, after: bool = False
    ) -> threading.Event:
        """Call `act` at the nth call that fits; `after` it was handled, before it is answered.

        Before, the call is not handled at all. Returns what is set once it has happened.
        """
        wire = _Wire(re.compile(match), act, nth, after)
        self._wires.append(wire)
        return wire.happened

    def watch(self, match: str, act: Callable[[], object], *, nth: int = 1) -> threading.Event:
        """Call `act` just before the nth call that fits is handled as if nothing had been."""
        wire = _Wire(re.compile(match), act, nth, after=False, lets_pass=True)
        self._wires.append(wire)
        return wire.happened

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        wire = self._struck(scope)
        if wire is None:
            await self._app(scope, receive, send)
        elif wire.lets_pass:
            wire.strike()
            await self._app(scope, receive, send)
        else:
            if wire.after:
                await self._app(scope, receive, _nowhere)
            wire.strike()
            scope["extensions"]["s2p_sandbox.transport"].abort()

    def _struck(self, scope: Scope) -> _Wire | None:
        if scope["type"] != "http":
            return None
        line = f"{scope['method']} {scope['path']}"
        with self._lock:
            for wire in self._wires:
                if wire.pattern.search(line) and not wire.happened.is_set():
                    wire.left -= 1
                    if wire.left == 0:
                        return wire
        return None


async def _nowhere(_message: object) -> None:
    """Send nothing: who asked has gone."""


@dataclass
class _Wire:
    pattern: re.Pattern[str]
    act: Callable[[], object]
    left: int
    after: bool
    lets_pass: bool = False
    happened: threading.Event = field(default_factory=threading.Event)

    def strike(self) -> None:
        self.happened.set()  # first: what happens may let the test go on
        self.act()
