"""The tap against the stand-in instance, over real HTTP on loopback."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
import requests

from s2p_sandbox import servicenow
from s2p_sandbox.clock import Clock
from s2p_sandbox.server import serve
from tap_servicenow_s2p.tap import TapServiceNowS2P

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from s2p_sandbox.server import Application


@dataclass
class Output:
    """What a run wrote."""

    messages: list[dict[str, Any]]
    error: BaseException | None = None

    @property
    def state(self) -> dict[str, Any]:
        states = [one["value"] for one in self.messages if one["type"] == "STATE"]
        return dict(states[-1]) if states else {}

    def records(self, stream: str) -> list[dict[str, Any]]:
        return [
            one["record"]
            for one in self.messages
            if one["type"] == "RECORD" and one["stream"] == stream
        ]


@dataclass
class Runner:
    """Runs the tap and speaks to the instance behind it."""

    url: str
    folder: Path
    clock: Clock
    settings: dict[str, Any] = field(default_factory=dict)

    def __call__(
        self, *streams: str, state: Mapping[str, Any] | None = None, **settings: object
    ) -> Output:
        tap = TapServiceNowS2P(
            config={
                "instance_url": self.url,
                "client_id": servicenow.TEST_ACCESS.client_id,
                "client_secret": servicenow.TEST_ACCESS.client_secret,
                "store_url": f"sqlite:///{self.folder}/store.db",
                **self.settings,
                **settings,
            },
            state=dict(state) if state else None,
        )
        if streams:
            for name, stream in tap.streams.items():
                stream.metadata[()].selected = name in streams
        raw = io.BytesIO()
        out = io.TextIOWrapper(raw, encoding="utf-8", write_through=True)
        error: BaseException | None = None
        try:
            with redirect_stdout(out):
                tap.run()
        except Exception as raised:  # noqa: BLE001 - the test looks at it
            error = raised
        return Output([json.loads(line) for line in raw.getvalue().splitlines()], error)

    def control(self, path: str, body: object = None, method: str = "POST") -> Any:  # noqa: ANN401 - JSON
        answer = requests.request(method, f"{self.url}/_sandbox/{path}", json=body, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def add(self, table: str, *rows: Mapping[str, object], key: tuple[str, ...] = ()) -> list[str]:
        answer = self.control("rows", {"table": table, "rows": list(rows), "key": list(key)})
        return list(answer.get("sys_ids", ()))

    def switch(self, **values: object) -> None:
        self.control("switches", values)

    def later(self, seconds: float) -> None:
        self.control("clock", {"advance_seconds": seconds})


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Clock]]:
    clock = Clock()
    instance: Application = servicenow.app(tmp_path_factory.mktemp("sn"), clock, seeds=False)
    with serve(instance) as url:
        yield url, clock


@pytest.fixture
def runner(served: tuple[str, Clock], tmp_path: Path) -> Runner:
    url, clock = served
    found = Runner(url, tmp_path, clock)
    found.control("reset")
    return found
