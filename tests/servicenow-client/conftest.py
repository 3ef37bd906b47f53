"""A stand-in for the network: scripted answers, recorded requests, a clock moved by sleep."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import parse_qs

import pytest

from servicenow_client import Answer, NoAnswer, Patience, Request, ServiceNowClient, connect

JSON = {"content-type": "application/json;charset=UTF-8"}


def answer(status: int, body: object = None, **headers: str) -> Answer:
    raw = b"" if body is None else json.dumps(body).encode()
    return Answer(status, {**JSON, **{k.replace("_", "-"): v for k, v in headers.items()}}, raw)


def page(*rows: dict[str, Any]) -> Answer:
    return answer(200, {"result": list(rows)})


def html(text: str, status: int = 200) -> Answer:
    return Answer(status, {"content-type": "text/html"}, text.encode())


@dataclass
class Network:
    """Plays a script; the token endpoint is served apart from it."""

    script: list[Answer | NoAnswer] = field(default_factory=list)
    token_script: list[Answer | NoAnswer] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    forms: list[dict[str, list[str]]] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    now: float = 1_700_000_000.0

    def __call__(self, request: Request) -> Answer:
        if request.path == "/oauth_token.do":
            self.forms.append(parse_qs((request.body or b"").decode()))
            if self.token_script:
                return self._play(self.token_script.pop(0))
            return answer(200, {"access_token": f"token-{len(self.forms)}", "expires_in": 1799})
        self.requests.append(request)
        if not self.script:
            pytest.fail(f"unexpected {request.method} {request.path} {dict(request.params)}")
        return self._play(self.script.pop(0))

    @staticmethod
    def _play(event: Answer | NoAnswer) -> Answer:
        if isinstance(event, NoAnswer):
            raise event
        return event

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def client(self, **settings: object) -> ServiceNowClient:
        merged: dict[str, Any] = {
            "client_id": "me",
            "client_secret": "hush-hush",
            "patience": Patience(attempts=4, total=600.0),
            **settings,
        }
        return connect(
            "https://acme.service-now.com",
            transport=self,
            clock=lambda: self.now,
            sleep=self.sleep,
            rng=Random(7),
            **merged,
        )


@pytest.fixture
def network() -> Network:
    return Network()


@pytest.fixture
def client(network: Network) -> ServiceNowClient:
    return network.client()


Play = Callable[..., Answer]
