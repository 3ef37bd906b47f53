"""The real transport against a real socket."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from servicenow_client.http import NoAnswer, Request, RequestsTransport

if TYPE_CHECKING:
    from collections.abc import Iterator


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    cookies: list[str | None]
    release: threading.Event

    def do_GET(self) -> None:
        type(self).cookies.append(self.headers.get("Cookie"))
        if self.path.startswith("/drop"):
            self.close_connection = True
            return
        if self.path.startswith("/hang"):
            type(self).release.wait(10)
            self.close_connection = True
            return
        body = b"{}"
        self.send_response(302 if self.path == "/away" else 200)
        if self.path == "/away":
            self.send_header("Location", "/elsewhere")
        self.send_header("Set-Cookie", "JSESSIONID=1; Path=/")
        length = 10 if self.path == "/short" else len(body)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(body)
        if self.path == "/short":
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    Handler.cookies = []
    Handler.release = threading.Event()
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.daemon_threads = True
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        Handler.release.set()
        running.shutdown()
        thread.join()


@pytest.fixture
def transport(server: ThreadingHTTPServer) -> Iterator[RequestsTransport]:
    made = RequestsTransport(f"http://127.0.0.1:{server.server_port}", timeout=0.3)
    yield made
    made.close()


def test_no_cookie_is_ever_sent_back(transport: RequestsTransport) -> None:
    for _ in range(3):
        assert transport(Request("GET", "/x", {"a": "b^c"})).status == 200
    assert Handler.cookies == [None, None, None]


def test_a_redirect_is_not_followed(transport: RequestsTransport) -> None:
    assert transport(Request("GET", "/away")).headers["location"] == "/elsewhere"


@pytest.mark.parametrize(
    ("path", "kind"), [("/drop", "dropped"), ("/short", "dropped"), ("/hang", "timeout")]
)
def test_a_lost_answer_is_told_apart(transport: RequestsTransport, path: str, kind: str) -> None:
    with pytest.raises(NoAnswer) as caught:
        transport(Request("GET", path))
    assert caught.value.kind == kind


def test_a_closed_port_means_nothing_was_sent() -> None:
    transport = RequestsTransport("http://127.0.0.1:9", timeout=1)
    with pytest.raises(NoAnswer) as caught:
        transport(Request("GET", "/"))
    assert caught.value.kind == "unsent"
    transport.close()
