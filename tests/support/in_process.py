"""Both jobs of the reference data in this process, plugin by plugin, by a clock that is moved."""

from __future__ import annotations

import io
import json
import threading
import uuid
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from mapper_glcostcenter.mapper import MapperGLCostCenter
from s2p_sandbox import servicenow
from s2p_singer import BufferedMessageWriter
from s2p_store import Store, generate_key
from tap_exactonline.tap import TapExactOnline
from tap_servicenow_s2p.tap import TapServiceNowS2P
from target_exactonline.target import TargetExactOnline
from target_servicenow_s2p import TargetServiceNowS2P

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import pytest

    from s2p_sandbox.clock import Clock
    from s2p_sandbox.exact import ExactOnline

__all__ = ["Jobs"]

FORWARD = ("divisions", "gl_accounts", "cost_centers", "cost_units", "item_groups",
           "payment_conditions", "vat_codes", "deletions")  # fmt: skip
BACK = ("gl_accounts", "cost_centers")
_waiter = threading.Event()


class _Gathering(BufferedMessageWriter):
    """Keeps lines instead of writing them to standard output."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()

    def flush(self) -> None:
        self.written += self._buffer
        self._buffer.clear()


@dataclass
class Jobs:
    """Runs `reference-data` and `reference-to-exactonline` on one store."""

    exact: ExactOnline
    exact_url: str
    servicenow_url: str
    folder: Path
    clock: Clock
    monkeypatch: pytest.MonkeyPatch
    ownership: dict[str, Any] = field(default_factory=dict)
    back_settings: dict[str, Any] = field(default_factory=dict)
    states: dict[str, Any] = field(default_factory=dict)
    key: str = field(default_factory=generate_key)

    def __post_init__(self) -> None:
        """Let everything that works with Exact go by the stand-ins' clock."""
        for module in ("tap_exactonline.session", "target_exactonline.session"):
            path = f"{module}.connect"
            self.monkeypatch.setattr(path, partial(_connect(), clock=self.clock.now))
        self.monkeypatch.chdir(self.folder)
        self.monkeypatch.setattr(TargetServiceNowS2P, "sleep", staticmethod(_moment))

    def forward(self) -> None:
        """Bring Exact's reference data to ServiceNow."""
        self._begin()
        lines = self._tap(TapExactOnline, self._exactly(divisions=[101]), FORWARD)
        writer = _Gathering()
        config = {f"servicenow_{name}": value for name, value in self._instance().items()}
        mapper = MapperGLCostCenter(config={**config, **self._stored()}, message_writer=writer)
        mapper.listen(io.BytesIO(lines))
        target = TargetServiceNowS2P(
            config={**self._instance(), **self._stored(), "ownership": self.ownership}
        )
        self._target("forward", target, bytes(writer.written))

    def back(self) -> None:
        """Bring ServiceNow's to Exact."""
        self._begin()
        lines = self._tap(TapServiceNowS2P, {**self._instance(), **self._stored()}, BACK)
        target = TargetExactOnline(
            config=self._exactly(ownership=self.ownership, **self.back_settings)
        )
        self._target("back", target, lines)

    def store(self) -> Store:
        """The store that all share."""
        return Store.open(self._stored()["store_url"], self.key)

    def _begin(self) -> None:
        self.monkeypatch.setenv("S2P_RUN_ID", str(uuid.uuid4()))

    def _tap(self, tap: Any, config: dict[str, Any], streams: Iterable[str]) -> bytes:  # noqa: ANN401 - either
        name = "forward" if tap is TapExactOnline else "back"
        made = tap(config=config, state=self.states.get(name))
        for stream in made.streams.values():
            stream.metadata[()].selected = stream.name in streams
        raw = io.BytesIO()
        out = io.TextIOWrapper(raw, encoding="utf-8", write_through=True)
        with redirect_stdout(out):
            made.run()
            made.writer.flush()
        lines = raw.getvalue()
        out.detach()
        return lines

    def _target(self, name: str, target: Any, lines: bytes) -> None:  # noqa: ANN401 - either
        out = io.StringIO()
        with redirect_stdout(out):
            target.listen(io.BytesIO(lines))
        states = out.getvalue().splitlines()
        if states:
            self.states[name] = json.loads(states[-1])

    def _exactly(self, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - settings
        registration = self.exact.registration
        return {
            "api_url": self.exact_url,
            "client_id": registration.client_id,
            "client_secret": registration.client_secret,
            "refresh_token": registration.refresh_token,
            **self._stored(),
            **more,
        }

    def _instance(self) -> dict[str, Any]:
        return {
            "instance_url": self.servicenow_url,
            "client_id": servicenow.TEST_ACCESS.client_id,
            "client_secret": servicenow.TEST_ACCESS.client_secret,
        }

    def _stored(self) -> dict[str, Any]:
        return {"store_url": f"sqlite:///{self.folder}/store.db", "store_key": self.key}


def _connect() -> Any:  # noqa: ANN401 - what the plugins call
    from exactonline_client import connect  # noqa: PLC0415 - the one that is not patched

    return connect


def _moment(seconds: float) -> None:
    """Wait a moment where the plugins would wait long."""
    _waiter.wait(min(seconds, 0.01))
