"""The receiver of Exact Online's webhooks, as an ASGI application."""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING, Final

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from s2p_console.deliveries import TOPICS, content_of, event_of
from s2p_store import StoreError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from s2p_store import InboxEvent

__all__ = ["PATH", "Receiver"]

PATH: Final = "/webhooks/exactonline"
_LARGEST: Final = 64 * 1024
"""Bytes of a body; a delivery has some hundred."""

_log = logging.getLogger("s2p webhooks")


class Receiver:
    """Takes deliveries: what is genuine is kept before it is answered, the rest is refused.

    Attributes:
        counts: what came, by what became of it.
    """

    def __init__(
        self,
        secrets: Sequence[str],
        keep: Callable[[InboxEvent], Awaitable[None]],
        kept: Callable[[InboxEvent], object],
    ) -> None:
        """Prepare.

        Args:
            secrets: webhook secrets of the app registration.
            keep: returns when the event is on disk.
            kept: told each event that is.
        """
        self._secrets = secrets
        self._keep = keep
        self._kept = kept
        self.counts: Counter[str] = Counter()
        self.app = Starlette(
            routes=[
                Route(PATH, self._take, methods=["POST"]),
                Route("/healthz", self._health, methods=["GET"]),
            ]
        )

    async def _take(self, request: Request) -> Response:
        try:
            body = await _body(request)
        except ClientDisconnect:
            # Nobody is there to be answered; a delivery that broke off is made again.
            return self._answer("broken off", 400)
        if body is None:
            return self._answer("too large", 413)
        if not body:
            # Exact tries the address with nothing when a subscription is made.
            return self._answer("validation", 200)
        content = content_of(body, self._secrets)
        if content is None:
            return self._answer("not genuine", 401)
        return await self._take_genuine(event_of(content))

    async def _take_genuine(self, event: InboxEvent | None) -> Response:
        if event is None:
            # It is Exact's own: repeating it would not make it readable.
            _log.warning("A genuine delivery cannot be read and was left out.")
            return self._answer("unreadable", 200)
        if event.topic not in TOPICS:
            return self._answer("other topics", 200)
        try:
            await self._keep(event)
        except StoreError as error:
            _log.error("%s Exact Online was asked to deliver again later.", error)
            return self._answer("not kept", 503)
        self._kept(event)
        return self._answer("kept", 200)

    async def _health(self, _: Request) -> Response:
        return JSONResponse({"status": "ok", "deliveries": dict(self.counts)})

    def _answer(self, what: str, status: int) -> Response:
        self.counts[what] += 1
        return PlainTextResponse("", status)


async def _body(request: Request) -> bytes | None:
    """Read the body; None if it is too large, of which no more is read than that."""
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > _LARGEST:
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST:
            return None
    return bytes(body)
