"""The target fed in this process, against the sandbox's Exact Online over real HTTP."""

from __future__ import annotations

import io
import json
import os
import signal
import uuid
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
import requests

from s2p_sandbox.clock import Clock
from s2p_sandbox.exact.application import ExactOnline, app
from s2p_sandbox.faults import Fault
from s2p_sandbox.server import serve
from s2p_store import Store, generate_key
from target_exactonline.target import TargetExactOnline

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

SCHEMA = {"type": "object", "properties": {"sys_id": {"type": "string"}}}


@dataclass
class Feed:
    """Runs the target over records and shows what there is then."""

    exact: ExactOnline
    url: str
    folder: Path
    key: str = field(default_factory=generate_key)
    settings: dict[str, Any] = field(default_factory=dict)
    states: list[Any] = field(default_factory=list)

    def config(self, **changes: object) -> dict[str, Any]:
        registration = self.exact.registration
        return {
            "api_url": self.url,
            "client_id": registration.client_id,
            "client_secret": registration.client_secret,
            "refresh_token": registration.refresh_token,
            "store_url": f"sqlite:///{self.folder / 'store.db'}",
            "store_key": self.key,
            "request_timeout": 10,
            "ownership": {"description": "servicenow", "end_date": "servicenow"},
            **self.settings,
            **changes,
        }

    def run(
        self,
        centers: Iterable[Mapping[str, object]] = (),
        accounts: Iterable[Mapping[str, object]] = (),
        *,
        version: int | None = None,
        **changes: object,
    ) -> str:
        """Run once; gives the sentence it ended with, empty if it ended well.

        With a version the records are all there are.
        """
        messages: list[Mapping[str, object]] = []
        for stream, records in (("gl_accounts", accounts), ("cost_centers", centers)):
            shape = {"stream": stream, "schema": SCHEMA, "key_properties": ["sys_id"]}
            messages.append({"type": "SCHEMA", **shape})
            of = {} if version is None else {"version": version}
            messages += [
                {"type": "RECORD", "stream": stream, "record": record, **of} for record in records
            ]
            if of:
                messages.append({"type": "ACTIVATE_VERSION", "stream": stream, **of})
        messages.append({"type": "STATE", "value": {"upto": len(self.states)}})
        text = "".join(json.dumps(message) + "\n" for message in messages)
        out = io.StringIO()
        try:
            with redirect_stdout(out):
                target = TargetExactOnline(config=self.config(**changes))
                target.listen(io.BytesIO(text.encode()))  # type: ignore[arg-type]
        except Exception as error:  # noqa: BLE001 - the tests look at whatever it is
            sentence = str(error) or type(error).__name__
        else:
            sentence = ""
        self.states += [json.loads(line) for line in out.getvalue().splitlines()]
        return sentence

    def rows(self, resource: str, division: int = 101) -> dict[str, dict[str, Any]]:
        return {
            row.values["Code"]: dict(row.values)
            for row in self.exact.store.all_of(resource, division)
        }

    def load(self, resource: str, *rows: Mapping[str, Any], division: int = 101) -> None:
        moment = {"Modified": datetime(2026, 3, 2, 12)}  # noqa: DTZ001 - Exact's wall clock
        made = [{"ID": str(uuid.uuid4()), **moment, **row} for row in rows]
        self.exact.load(resource, made, division)

    def store(self) -> Store:
        return Store.open(f"sqlite:///{self.folder / 'store.db'}", self.key)

    def cases(self) -> list[tuple[str, str, str, str]]:
        with self.store() as store:
            return [(case.stream, case.code, case.field, case.kind) for case in store.pairs.cases()]

    def choose(self, choice: str) -> None:
        with self.store() as store:
            for case in store.pairs.cases():
                store.pairs.choose(case, choice)

    def writes(self) -> int:
        """How many POSTs and PUTs Exact has had."""
        return sum(
            number
            for call, number in self.calls().items()
            if call.startswith(("POST /api/v1", "PUT"))
        )

    def calls(self) -> dict[str, int]:
        """How often each call came, identifiers left out."""
        found: dict[str, int] = requests.get(f"{self.url}/_sandbox/status", timeout=20).json()[
            "calls"
        ]
        return found

    def fault(self, kind: str, match: str, **more: object) -> None:
        self.exact.faults.add(Fault(kind, match, **more))  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def _as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep runs apart, and give back the signal handlers that a target installs."""
    for name in list(os.environ):
        if name.startswith(("TARGET_EXACTONLINE_", "S2P_", "MELTANO_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("S2P_RUN_ID", "test-run")
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def feed(tmp_path: Path) -> Iterator[Feed]:
    """One small division, 101, to be filled by the test."""
    exact = app(tmp_path, Clock(), seeds=False)
    exact.add_division(101, "Small", Country="NL")
    with serve(exact) as url:
        yield Feed(exact, url, tmp_path)
