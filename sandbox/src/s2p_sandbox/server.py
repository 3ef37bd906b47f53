"""Serves an ASGI application over real HTTP from a thread, for tests and for the command."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import threading
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import uvicorn
from typing_extensions import override
from uvicorn.protocols.http.h11_impl import H11Protocol

from s2p_sandbox.certificates import write_certificate
from s2p_sandbox.faults import TRANSPORT_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["serve"]

_GRACE_SECONDS = 0.4


class _Protocol(H11Protocol):
    """Shows the application its TCP connection, so that a fault can close it."""

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        inner = self.app

        async def with_transport(scope: Scope, receive: Receive, send: Send) -> None:
            scope.setdefault("extensions", {})[TRANSPORT_KEY] = transport
            await inner(scope, receive, send)

        self.app = with_transport


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()
        self.loop: asyncio.AbstractEventLoop | None = None

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.loop = asyncio.get_running_loop()
        self.ready.set()

    def cut_off(self) -> None:
        """End what is still being answered; to be called on the server's own loop."""
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        for task in list(self.server_state.tasks):
            task.cancel()


@contextlib.contextmanager
def serve(
    app: ASGIApp,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    tls: bool = False,
    certificate_dir: Path | None = None,
) -> Iterator[str]:
    """Serve until the block ends; yields the root URL without a trailing slash.

    Args:
        app: the application; a request may still be in its hands when the block ends.
        host: the address to listen on.
        port: 0 takes a free one.
        tls: serve HTTPS with a self-signed certificate for ``host`` and localhost.
        certificate_dir: where ``certificate.pem`` and ``key.pem`` are kept or made; a temporary
            folder when None.

    Raises:
        OSError: the port is taken or the address is not this machine's.
    """
    listener = socket.create_server((host, port), family=_family(host), backlog=128)
    # Accepted connections inherit it; without, a small reply waits 40 ms for an acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with listener, TemporaryDirectory() as scratch:
        files: dict[str, str] = {}
        if tls:
            certificate, key = write_certificate(certificate_dir or Path(scratch), host)
            files = {"ssl_certfile": str(certificate), "ssl_keyfile": str(key)}
        config = uvicorn.Config(
            app,
            http=_Protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            # The applications give their own, of the sandbox's clock.
            date_header=False,
            timeout_keep_alive=75,
            **files,  # type: ignore[arg-type]  # only the two file names
        )
        # Dropped connections are meant; uvicorn would report each as an error.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        server = _Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        if not server.ready.wait(timeout=20):
            raise OSError(f"The server on {host}:{port} did not start.")
        shown = f"[{host}]" if ":" in host else host
        try:
            yield f"{'https' if tls else 'http'}://{shown}:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            _join(server, thread)


def _join(server: _Server, thread: threading.Thread) -> None:
    thread.join(_GRACE_SECONDS)
    if thread.is_alive() and server.loop is not None:
        with contextlib.suppress(RuntimeError):  # the loop ended a moment before
            server.loop.call_soon_threadsafe(server.cut_off)
    thread.join(_GRACE_SECONDS * 10)


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
