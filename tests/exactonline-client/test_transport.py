# ruff: noqa: ANN001, ANN201, ARG001 - what fixtures give stands in conftest.py
from __future__ import annotations

import gzip
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from exactonline_client import ConnectionFailed, Transport


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/redirect":
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1:1/")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif self.path == "/half":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b'{"d":')
            self.close_connection = True
        elif self.path == "/gone":
            self.close_connection = True
        elif self.path == "/slow":
            self.server.release.wait(20)
            self.close_connection = True
        else:
            body = gzip.compress(b'{"d":[]}')
            self.send_response(200)
            self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        pass


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as it:
        it.daemon_threads = True
        it.release = threading.Event()
        thread = threading.Thread(target=it.serve_forever, args=(0.02,))
        thread.start()
        yield it
        it.release.set()
        it.shutdown()
        thread.join()


@pytest.fixture
def root(server) -> str:
    return f"http://127.0.0.1:{server.server_port}"


@pytest.fixture
def transport(root):
    it = Transport(root, timeout=5)
    yield it
    it.close()


def test_bodies_arrive_unpacked(transport, root) -> None:
    answer = transport.get(f"{root}/", {"Accept-Encoding": "gzip"}, what="x")
    assert (answer.status, answer.body) == (200, b'{"d":[]}')


def test_redirects_are_not_followed(transport, root) -> None:
    assert transport.get(f"{root}/redirect", {}, what="x").status == 302


@pytest.mark.parametrize("path", ["/half", "/gone"])
def test_a_broken_answer_may_have_been_received_there(transport, root, path) -> None:
    with pytest.raises(ConnectionFailed, match="broke off") as caught:
        transport.get(f"{root}{path}", {}, what="crm/Accounts")
    assert caught.value.sent


def test_silence_ends(root) -> None:
    with pytest.raises(ConnectionFailed, match="request_timeout") as caught:
        Transport(root, timeout=0.2).get(f"{root}/slow", {}, what="x")
    assert caught.value.sent


def test_nothing_listening_means_nothing_sent() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        root = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ConnectionFailed, match="Cannot reach") as caught:
            Transport(root, timeout=2).post_form(f"{root}/api/oauth2/token", {"a": "b"}, what="x")
    assert not caught.value.sent


def test_an_unknown_host_is_named(monkeypatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    with pytest.raises(ConnectionFailed, match=r"exact\.invalid"):
        Transport("http://exact.invalid", timeout=2).get("http://exact.invalid/", {}, what="x")


def test_surroundings_are_read_once(monkeypatch, root, tmp_path) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    transport = Transport("https://exact.example")
    assert transport._session.verify == str(tmp_path / "ca.pem")
    assert transport._session.proxies["https"] == "http://proxy.example:3128"
    assert not transport._session.trust_env
