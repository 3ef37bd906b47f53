# ruff: noqa: ANN401 - config, state and rows are JSON
"""The tap against the sandbox, over real HTTP on loopback."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import uuid
from collections import defaultdict
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from s2p_sandbox.clock import Clock
from s2p_sandbox.exact.application import ExactOnline, app
from s2p_sandbox.server import serve
from s2p_store import generate_key
from tap_exactonline.tap import TapExactOnline

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NO_LIMITS = {"minutely_limit": 10**6, "daily_limit": 10**6, "error_limit": 10**6}


@dataclass
class Output:
    """What a run of the tap wrote."""

    messages: list[dict[str, Any]]
    error: BaseException | None = None
    stderr: str = ""
    text: str = ""
    code: int = 0

    @property
    def state(self) -> dict[str, Any] | None:
        states = [message["value"] for message in self.messages if message["type"] == "STATE"]
        return states[-1] if states else None

    def records(self, stream: str) -> list[dict[str, Any]]:
        return [
            message["record"]
            for message in self.messages
            if message["type"] == "RECORD" and message["stream"] == stream
        ]

    def counts(self) -> dict[str, int]:
        counts: dict[str, int] = defaultdict(int)
        for message in self.messages:
            if message["type"] == "RECORD":
                counts[message["stream"]] += 1
        return dict(counts)


def _parse(text: str) -> list[dict[str, Any]]:
    return [json.loads(line, parse_float=Decimal) for line in text.splitlines()]


@dataclass
class Runner:
    """Runs the tap against one sandbox, with one store."""

    exact: ExactOnline
    url: str
    folder: Path
    key: str = field(default_factory=generate_key)

    def config(self, **changes: Any) -> dict[str, Any]:
        registration = self.exact.registration
        config = {
            "api_url": self.url,
            "client_id": registration.client_id,
            "client_secret": registration.client_secret,
            "refresh_token": registration.refresh_token,
            "divisions": sorted(self.exact.regions()),
            "store_url": f"sqlite:///{self.folder / 'store.db'}",
            "store_key": self.key,
            "request_timeout": 10,
        }
        return {**config, **changes}

    def catalog(self, *streams: str, without: tuple[str, ...] = ()) -> dict[str, Any]:
        """Select some streams, and of those all properties but some."""
        catalog = TapExactOnline(config={}, validate_config=False).catalog_dict
        for stream in catalog["streams"]:
            for entry in stream["metadata"]:
                if not entry["breadcrumb"]:
                    entry["metadata"]["selected"] = stream["tap_stream_id"] in streams
                elif entry["breadcrumb"][1] in without:
                    entry["metadata"]["selected"] = False
        return catalog

    def run(
        self,
        *streams: str,
        state: dict[str, Any] | None = None,
        catalog: dict[str, Any] | None = None,
        **changes: Any,
    ) -> Output:
        """Run in this process; an error that would end the plugin is in the output."""
        if streams and catalog is None:
            catalog = self.catalog(*streams)
        buffer = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
        error: BaseException | None = None
        with redirect_stdout(buffer):
            tap = TapExactOnline(
                config=self.config(**changes),
                state=json.loads(json.dumps(state)) if state else None,
                catalog=catalog,
            )
            try:
                tap.run()
            except Exception as caught:  # noqa: BLE001 - the tests look at whatever it is
                error = caught
            tap.writer.flush()
        buffer.seek(0)
        return Output(_parse(buffer.read()), error)

    def command(self, *arguments: str, config: dict[str, Any] | None = None) -> list[str]:
        path = self.folder / f"config-{uuid.uuid4().hex}.json"
        path.write_text(json.dumps(self.config() if config is None else config))
        return [sys.executable, "-m", "tap_exactonline", "--config", str(path), *arguments]

    def process(
        self, *arguments: str, config: dict[str, Any] | None = None, raw: bool = False
    ) -> Output:
        """Run as a user does; ``raw`` if what it prints are no messages."""
        done = subprocess.run(
            self.command(*arguments, config=config),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            cwd=self.folder,
            env=clean_environment(),
        )
        messages = [] if raw else _parse(done.stdout)
        return Output(messages, None, done.stderr, done.stdout, done.returncode)


def clean_environment(**more: str) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TAP_EXACTONLINE_", "S2P_", "MELTANO_"))
    }
    return {**kept, **more}


@pytest.fixture(autouse=True)
def _as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep runs apart, and give back the signal handlers that a tap installs."""
    for name in list(os.environ):
        if name.startswith(("TAP_EXACTONLINE_", "S2P_", "MELTANO_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("S2P_RUN_ID", "test-run")
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ExactOnline, str]]:
    """Three divisions of published data; tests only read it."""
    exact = app(tmp_path_factory.mktemp("exact"), Clock())
    exact.switches.set(**NO_LIMITS)
    with serve(exact) as url:
        yield exact, url


@pytest.fixture
def seeded_runner(seeded: tuple[ExactOnline, str], tmp_path: Path) -> Runner:
    exact, url = seeded
    exact.reset()
    exact.switches.set(**NO_LIMITS)
    return Runner(exact, url, tmp_path)


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[Runner]:
    """One small division, 101, to be filled by the test."""
    exact = app(tmp_path, Clock(), seeds=False)
    exact.switches.set(**NO_LIMITS)
    exact.add_division(101, "Small", Country="NL")
    with serve(exact) as url:
        yield Runner(exact, url, tmp_path)


def guid(kind: int, number: int) -> str:
    return f"{kind:08x}-0000-4000-8000-{number:012x}"


@pytest.fixture
def rows() -> Any:
    """Makes rows of the regular resources; ``Modified`` is the wall clock."""

    class Rows:
        guid = staticmethod(guid)
        base = datetime(2026, 3, 2, 12)  # noqa: DTZ001 - a wall clock has no zone

        def entries(self, count: int, lines: int = 2, first: int = 0) -> Any:
            for number in range(first, first + count):
                moment = self.base + timedelta(minutes=number)
                yield (
                    "purchaseentry/PurchaseEntries",
                    {
                        "EntryID": guid(1, number),
                        "Division": 101,
                        "EntryNumber": number,
                        "AmountDC": Decimal("10.10"),
                        "EntryDate": self.base.replace(hour=0),
                        "Modified": moment,
                        "Created": moment,
                    },
                )
                for line in range(lines):
                    yield (
                        "purchaseentry/PurchaseEntryLines",
                        {
                            "ID": guid(2, number * 1000 + line),
                            "EntryID": guid(1, number),
                            "Division": 101,
                            "LineNumber": line + 1,
                            "AmountFC": Decimal("5.05"),
                        },
                    )

        def many(self, resource: str, kind: int, count: int, first: int = 0, **values: Any) -> Any:
            for number in range(first, first + count):
                moment = self.base + timedelta(minutes=number)
                yield (
                    resource,
                    {
                        "ID": guid(kind, number),
                        "_division": 101,
                        "Modified": moment,
                        **values,
                    },
                )

    return Rows()
