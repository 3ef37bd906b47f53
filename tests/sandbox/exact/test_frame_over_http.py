"""The frame both systems stand on, over real TCP connections."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest
import requests
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from s2p_sandbox.clock import Clock
from s2p_sandbox.database import Database
from s2p_sandbox.faults import Fault, FaultBook, FaultMiddleware, UnknownFaultError
from s2p_sandbox.server import serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from starlette.requests import Request

handled: list[str] = []


async def _thing(request: Request) -> JSONResponse:
    handled.append(request.method)
    return JSONResponse({"text": "x" * 2000})


@pytest.fixture
def book() -> FaultBook:
    handled.clear()
    return FaultBook(kinds=["own"])


@pytest.fixture
def url(book: FaultBook) -> Iterator[str]:
    app = Starlette(routes=[Route("/thing", _thing, methods=["GET", "POST"])])
    with serve(FaultMiddleware(app, book)) as root:
        yield root + "/thing"


def test_connection_dropped_before_handling(url: str, book: FaultBook) -> None:
    book.add(Fault("drop_before", "POST /thing"))
    with pytest.raises(requests.ConnectionError):
        requests.post(url, json={}, timeout=5)
    assert handled == []
    assert requests.post(url, json={}, timeout=5).status_code == 200


def test_connection_dropped_after_handling(url: str, book: FaultBook) -> None:
    book.add(Fault("drop_after"))
    with pytest.raises(requests.ConnectionError):
        requests.post(url, json={}, timeout=5)
    assert handled == ["POST"]


def test_truncated_body_is_noticed_by_the_client(url: str, book: FaultBook) -> None:
    book.add(Fault("truncate"))
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        requests.get(url, timeout=5)


def test_timeout_holds_the_connection(url: str, book: FaultBook) -> None:
    book.add(Fault("timeout", params={"seconds": 30}))
    with pytest.raises(requests.ReadTimeout):
        requests.get(url, timeout=0.2)


def test_status_and_html(url: str, book: FaultBook) -> None:
    book.add(Fault("status", params={"code": 503, "headers": {"Retry-After": 7}, "body": "busy"}))
    book.add(Fault("html"))
    busy = requests.get(url, timeout=5)
    assert (busy.status_code, busy.headers["Retry-After"], busy.text) == (503, "7", "busy")
    page = requests.get(url, timeout=5)
    assert page.headers["Content-Type"].startswith("text/html")
    assert "<html>" in page.text


def test_a_fault_skips_and_counts(book: FaultBook) -> None:
    book.add(Fault("own", "^GET /a", times=2, after=1))
    struck = [book.take("GET", "/a") is not None for _ in range(5)]
    assert struck == [False, True, True, False, False]
    assert book.take("GET", "/b") is None


def test_an_unknown_fault_names_the_known_ones(book: FaultBook) -> None:
    with pytest.raises(UnknownFaultError, match="drop_after"):
        book.add(Fault("earthquake"))


def test_tls(book: FaultBook, tmp_path: Path) -> None:
    app = Starlette(routes=[Route("/thing", _thing)])
    with serve(FaultMiddleware(app, book), tls=True, certificate_dir=tmp_path) as root:
        reply = requests.get(f"{root}/thing", verify=str(tmp_path / "certificate.pem"), timeout=5)
    assert root.startswith("https://")
    assert reply.ok


def test_clock_survives_a_restart(tmp_path: Path) -> None:
    clock = Clock(tmp_path / "clock.json")
    clock.advance(600)
    again = Clock(tmp_path / "clock.json")
    assert 598 < (again.now() - Clock().now()).total_seconds() < 602


def test_a_failed_transaction_leaves_nothing(tmp_path: Path) -> None:
    database = Database(tmp_path / "d.db", "CREATE TABLE IF NOT EXISTS t (n INTEGER PRIMARY KEY)")
    with pytest.raises(sqlite3.IntegrityError), database.transaction() as connection:
        connection.executemany("INSERT INTO t VALUES (?)", [(1,), (1,)])
    with database.read() as connection:
        assert connection.execute("SELECT count(*) FROM t").fetchone()[0] == 0
    database.close()


def test_a_firewall_stops_what_holds_its_word(url: str, book: FaultBook) -> None:
    book.add(Fault("firewall", times=None, params={"word": "<script"}))
    stopped = requests.post(url, json={"text": "<script>"}, timeout=5)
    assert stopped.status_code == 403
    assert stopped.headers["Content-Type"].startswith("text/html")
    assert handled == []
    assert requests.post(url, json={"text": "paper"}, timeout=5).status_code == 200
    assert handled == ["POST"]
