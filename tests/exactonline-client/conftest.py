# ruff: noqa: ANN001, ANN201, ANN401, ARG002 - stand-ins take what the real ones take
from __future__ import annotations

import json
import random
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from exactonline_client import App, ExactAuth, ExactClient, Tokens
from exactonline_client.transport import Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROOT = "https://exact.example"
START = datetime(2026, 6, 25, 14, 19, 37, tzinfo=timezone.utc)


@dataclass
class Time:
    """A clock that only sleeping moves."""

    now: datetime = START
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)


@dataclass
class MemoryStore:
    tokens: Tokens | None = None
    saved: list[Tokens] = field(default_factory=list)
    locked: int = 0
    on_lock: Callable[[], None] | None = None

    def load(self) -> Tokens | None:
        return self.tokens

    def save(self, tokens: Tokens) -> None:
        self.tokens = tokens
        self.saved.append(tokens)

    @contextmanager
    def lock(self):
        self.locked += 1
        if self.on_lock:
            self.on_lock()
        yield


@dataclass
class Wire:
    """Stands in for the transport: answers from a function, and remembers what was asked."""

    answer: Callable[[str], Reply | Exception] | None = None
    answer_form: Callable[[Mapping[str, str]], Reply | Exception] | None = None
    asked: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    forms: list[Mapping[str, str]] = field(default_factory=list)

    def get(self, url: str, headers: Mapping[str, str], *, what: str) -> Reply:
        self.asked.append(url)
        self.tokens.append(headers["Authorization"].removeprefix("Bearer "))
        return _give(self.answer(url))

    def post_form(self, url: str, form: Mapping[str, str], *, what: str) -> Reply:
        self.forms.append(form)
        return _give(self.answer_form(form))

    def close(self) -> None:
        pass


def _give(answer: Reply | Exception) -> Reply:
    if isinstance(answer, Exception):
        raise answer
    return answer


def reply(document: Any = None, *, status: int = 200, headers=None, body: bytes | None = None):
    if body is None:
        body = b"" if document is None else json.dumps(document).encode()
    return Reply(status, headers or {}, body)


def rows(*values: dict, next_url: str | None = None):
    data: dict[str, Any] = {"results": list(values)}
    if next_url:
        data["__next"] = next_url
    return reply({"d": data})


def error(status: int, text: str, headers=None):
    body = {"error": {"code": "", "message": {"lang": "", "value": text}}}
    return reply(body, status=status, headers=headers)


def token_answer(number: int):
    return reply(
        {
            "access_token": f"access-{number}",
            "refresh_token": f"refresh-{number}",
            "token_type": "bearer",
            "expires_in": "600",
        }
    )


@pytest.fixture
def kit():
    """What the tests of this folder build with."""

    class Kit:
        root = ROOT
        start = START
        reply = staticmethod(reply)
        rows = staticmethod(rows)
        error = staticmethod(error)
        token_answer = staticmethod(token_answer)

        def __init__(self) -> None:
            self.time = Time()
            self.store = MemoryStore(Tokens("access-1", "refresh-1", issued_at=START))
            self.wire = Wire()
            self.calls: list[int | None] = []

        def auth(self) -> ExactAuth:
            return ExactAuth(
                ROOT,
                App("client", "client-secret", "https://app.example/callback"),
                self.store,
                transport=self.wire,
                clock=self.time,
                sleep=self.time.sleep,
            )

        def client(self, **options: Any) -> ExactClient:
            return ExactClient(
                ROOT,
                auth=self.auth(),
                clock=self.time,
                sleep=self.time.sleep,
                rng=random.Random(7),
                transport=self.wire,
                on_call=self.calls.append,
                **options,
            )

        def script(self, *answers: Any) -> None:
            """Answer one call after another."""
            queue = iter(answers)
            self.wire.answer = lambda _url: next(queue)

        def script_forms(self, *answers: Any) -> None:
            queue = iter(answers)
            self.wire.answer_form = lambda _form: next(queue)

    return Kit()
