"""An empty Exact Online with two divisions, asked in-process."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from s2p_sandbox.clock import Clock
from s2p_sandbox.exact import ExactOnline, app

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NL, BE = 100, 200
START = datetime(2026, 7, 1, 10, 0, 30, tzinfo=timezone.utc)


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401  # any JSON
        return json.loads(self.body)

    @property
    def rows(self) -> list[dict[str, Any]]:
        inner = self.json["d"]
        return inner["results"] if isinstance(inner, dict) else inner

    @property
    def next(self) -> str | None:
        return self.json["d"].get("__next")

    @property
    def error(self) -> str:
        return str(self.json["error"]["message"]["value"])


@dataclass
class Asker:
    """Asks the application as a client with a valid token would."""

    exact: ExactOnline
    clock: Clock
    token: str = ""
    accept: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, target: str, body: bytes = b"", **headers: str) -> Reply:
        return asyncio.run(self._ask(method, target, body, headers))

    def get(self, target: str, **options: str) -> Reply:
        query = urlencode({f"${name}": value for name, value in options.items()})
        return self.ask("GET", f"/api/v1/{target}" + (f"?{query}" if query else ""))

    def every_page(self, target: str, **options: str) -> list[list[dict[str, Any]]]:
        reply = self.get(target, **options)
        pages = [reply.rows]
        while (following := reply.next) is not None:
            reply = self.ask("GET", following.removeprefix("http://sandbox"))
            pages.append(reply.rows)
        return pages

    def send(self, method: str, target: str, values: object, **headers: str) -> Reply:
        return self.ask(method, f"/api/v1/{target}", json.dumps(values).encode(), **headers)

    def refresh(self, token: str, **more: str) -> Reply:
        registration = self.exact.registration
        form = {
            "grant_type": "refresh_token",
            "refresh_token": token,
            "client_id": registration.client_id,
            "client_secret": registration.client_secret,
            **more,
        }
        kept = {name: value for name, value in form.items() if value}
        return self.ask("POST", "/api/oauth2/token", urlencode(kept).encode())

    def login(self) -> None:
        reply = self.refresh(self.exact.refresh_token())
        assert reply.status == 200, reply.body
        self.token = reply.json["access_token"]

    async def _ask(self, method: str, target: str, body: bytes, more: dict[str, str]) -> Reply:
        path, _, query = target.partition("?")
        headers = {"host": "sandbox", "accept": self.accept, **self.headers, **more}
        if self.token:
            headers.setdefault("authorization", f"Bearer {self.token}")
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query.encode(),
            "scheme": "http",
            "headers": [(k.encode(), v.encode()) for k, v in headers.items() if v],
        }
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body}

        async def send(message: object) -> None:
            sent.append(message)

        await self.exact(scope, receive, send)
        found = {k.decode().lower(): v.decode() for k, v in sent[0]["headers"]}
        return Reply(sent[0]["status"], found, b"".join(one.get("body", b"") for one in sent[1:]))


@pytest.fixture
def clock() -> Clock:
    return Clock(real=lambda: START)


@pytest.fixture
def exact(tmp_path: Path, clock: Clock) -> Iterator[ExactOnline]:
    system = app(tmp_path, clock, seeds=False)
    system.add_division(NL, "Een B.V.", "nl", Country="NL", Currency="EUR")
    system.add_division(BE, "Deux S.A.", "be", Country="BE", Currency="EUR")
    yield system
    system.store.database.close()


@pytest.fixture
def client(exact: ExactOnline, clock: Clock) -> Asker:
    asker = Asker(exact, clock)
    asker.login()
    return asker
