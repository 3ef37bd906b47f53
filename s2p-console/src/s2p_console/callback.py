"""The end of a login where the redirect URI leads, through a tunnel, to this machine.

One small server that waits for one address: the one with the state that was sent along. Whatever
else comes is answered with 404 and forgotten.
"""

from __future__ import annotations

import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlsplit

from typing_extensions import override

from s2p_console.errors import LoginError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["address_of", "await_callback"]

_PAGE: Final = b"""<!doctype html><meta charset="utf-8"><title>s2p login</title>
<p>The answer has arrived. You can close this page and go back to the terminal.</p>
"""
_GOOD_FOR: Final = 1800.0


def address_of(text: str) -> tuple[str, int]:
    """Read ``HOST:PORT`` or ``PORT`` (on the loopback address).

    Raises:
        LoginError: it is neither.
    """
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or not 0 <= int(port) <= 65535:  # noqa: PLR2004 - the last port
        raise LoginError("--listen takes PORT or HOST:PORT, for instance 8080 or 127.0.0.1:8080.")
    return host or "127.0.0.1", int(port)


def await_callback(
    address: tuple[str, int],
    redirect_uri: str,
    state: str,
    *,
    ready: Callable[[int], object],
    clock: Callable[[], float] = time.monotonic,
) -> str:
    """Wait for the browser and give the whole address it was sent to, under the redirect URI.

    Args:
        address: host and port to listen on; port 0 takes a free one.
        redirect_uri: the app's; its path is the one that counts, a tunnel may add its own.
        state: what must come back.
        ready: told the port once the server listens.
        clock: gives seconds.

    Raises:
        LoginError: the port is taken, or nothing came in half an hour.
    """
    found: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = urlsplit(self.path).query
            fits = parse_qs(query).get("state") == [state]
            if fits:
                found.append(f"{redirect_uri.partition('?')[0]}?{query}")
            self.send_response(200 if fits else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(_PAGE) if fits else 0))
            self.end_headers()
            if fits:
                self.wfile.write(_PAGE)

        @override
        def log_message(self, *_arguments: Any) -> None:
            """Say nothing: the address holds the code."""

    try:
        # Browsers open connections ahead and send nothing on them: each has a thread of its own.
        server = ThreadingHTTPServer(address, Handler)
    except OSError as error:
        raise LoginError(
            f"Port {address[1]} of {address[0]} cannot be listened on ({error.strerror}): name "
            "another one with --listen, and lead the tunnel there."
        ) from error
    with server:
        server.timeout = 1.0
        ready(server.server_port)
        deadline = clock() + _GOOD_FOR
        while not found:
            server.handle_request()
            if clock() > deadline:
                raise LoginError("Nobody came back from Exact Online within 30 minutes.")
    return found[0]
