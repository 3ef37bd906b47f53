from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
import requests
from click.testing import CliRunner, Result

from s2p_console.cli import s2p
from s2p_sandbox import servicenow
from s2p_sandbox.clock import Clock
from s2p_sandbox.server import serve
from s2p_store import AuditEvent, Hold, LedgerEntry, Store, generate_key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Make:
    """Records as the plugins leave them in the store."""

    t0 = datetime(2026, 11, 20, 8, 0, tzinfo=timezone.utc)
    header = "5f0b0000-0000-4000-8000-0000000000e1"
    reasons: ClassVar = {"cost_center": "COST_CENTER_MISSING", "gl_account": "GL_ACCOUNT_INACTIVE"}

    @staticmethod
    def line_id(number: int) -> str:
        return f"5f0b0000-0000-4000-8000-{number:012d}"

    def hold(self, number: int, *codes: tuple[str, str], **changes: object) -> Hold:
        values: dict[str, Any] = {
            "stream": "purchase_entry_lines",
            "division": 1234567,
            "source_id": self.line_id(number),
            "source_modified": self.t0,
            "reasons": tuple(self.reasons[dimension] for dimension, _ in codes),
            "waiting_for": tuple(codes),
            "amount": Decimal("100.10"),
            "currency": "EUR",
            "document": "26700012",
            "run_id": "run-1",
            "held_at": self.t0,
            "record": {
                "ID": self.line_id(number),
                "EntryID": self.header,
                "AmountFC": Decimal("100.10"),
                "Description": "Taxi of Mr Jansen",
            },
        }
        return Hold(**{**values, **changes})

    def event(self, kind: str, key: str | None, seconds: int = 0, **changes: object) -> AuditEvent:
        values: dict[str, Any] = {
            "run_id": "run-1",
            "at": self.t0 + timedelta(seconds=seconds),
            "stream": "purchase_entries",
            "division": 1234567,
            "source_id": self.header,
            "kind": kind,
            "natural_key": key,
            "detail": {},
        }
        return AuditEvent(**{**values, **changes})

    def entry(self, key: str, state: str, **changes: object) -> LedgerEntry:
        values: dict[str, Any] = {
            "table": "sn_fin_staging",
            "natural_key": key,
            "source_version": "1",
            "content_hash": "0",
            "state": state,
            "import_set": "ISET1",
            "row": "1",
            "outcome": "inserted",
            "target_sys_id": "a" * 32,
            "message": None,
            "run_id": "run-1",
            "updated_at": self.t0 + timedelta(minutes=5),
        }
        return LedgerEntry(**{**values, **changes})


@dataclass
class House:
    """A working directory with a store, and the command to be run in it."""

    folder: Path
    key: str
    environment: dict[str, str | None] = field(default_factory=dict)
    sandbox: Any = None

    @property
    def url(self) -> str:
        return f"sqlite:///{self.folder / 'store.db'}"

    def open(self) -> Store:
        return Store.open(self.url, self.key)

    def control(self, path: str, **body: object) -> None:
        """Tell the stand-in what to have, and how to be."""
        answer = requests.post(f"{self.sandbox}/_sandbox/{path}", json=body, timeout=60)
        assert answer.status_code == 200, answer.text

    def run(self, *arguments: str, stdin: str | None = None, **environment: str | None) -> Result:
        return CliRunner().invoke(
            s2p, arguments, input=stdin, env={**self.environment, **environment}
        )


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.chdir(tmp_path)
    ours = ("S2P_", "TAP_EXACTONLINE_", "MAPPER_GLCOSTCENTER_", "TARGET_", "COLUMNS")
    for name in [name for name in os.environ if name.startswith(ours)]:
        monkeypatch.delenv(name)
    made = House(tmp_path, generate_key())
    made.environment = {"S2P_STORE_URL": made.url, "S2P_STORE_KEY": made.key}
    return made


@pytest.fixture
def store(house: House) -> Iterator[Store]:
    with house.open() as opened:
        yield opened


@pytest.fixture
def make() -> Make:
    return Make()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A stand-in for ServiceNow."""
    folder = tmp_path_factory.mktemp("servicenow")
    with serve(servicenow.app(folder, Clock(), seeds=False)) as url:
        yield url


@pytest.fixture
def target(house: House, served: str) -> House:
    """A house whose target is set up, with an instance that has what a division needs."""
    house.sandbox = served
    house.control("reset")
    house.control("rows", table="sn_fin_erp_source", rows=[{"name": "EXACT-101"}])
    source = {"ref": ["sn_fin_erp_source", "name", "EXACT-101"]}
    for table in ("sn_fin_gl_account", "cmn_cost_center"):
        house.control("rows", table=table, rows=[{"erp_source": source}])
    house.environment |= {
        "TARGET_SERVICENOW_S2P_INSTANCE_URL": served,
        "TARGET_SERVICENOW_S2P_CLIENT_ID": servicenow.TEST_ACCESS.client_id,
        "TARGET_SERVICENOW_S2P_CLIENT_SECRET": servicenow.TEST_ACCESS.client_secret,
        "TAP_EXACTONLINE_DIVISIONS": "[101]",
    }
    return house
