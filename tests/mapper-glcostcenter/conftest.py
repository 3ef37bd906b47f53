"""A ServiceNow of a few tables and the mapper as a process between two pipes."""

from __future__ import annotations

import base64
import io
import itertools
import json
import os
import subprocess
import sys
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from mapper_glcostcenter.mapper import MapperGLCostCenter
from mapper_glcostcenter.mapping import Requirements
from mapper_glcostcenter.session import Session
from s2p_mapping.reference import Catalogue, Entry, Reference
from s2p_mapping.resolve import Resolver
from s2p_singer import BufferedMessageWriter
from s2p_store import Store, generate_key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mapper_glcostcenter.checks import Checks

USER, PASSWORD = "mapper", "s3cret-password"


class ServiceNow:
    """Tables by name, rows by sys_id; answers the Table API's keyset reads with Basic."""

    def __init__(self) -> None:
        self.tables: defaultdict[str, dict[str, dict[str, str]]] = defaultdict(dict)
        self.display: dict[str, str] = {}
        self.requests: list[str] = []
        self.hidden: set[str] = set()
        self.omitted: set[str] = set()
        self.asked, self.silent = threading.Event(), threading.Event()
        self.silent.set()
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                status, body = stand_in.answer(self.path, self.headers.get("Authorization", ""))
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:  # noqa: ANN401 - as the base class has it
                """Stay silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def columns(self, table: str, columns: dict[str, str]) -> None:
        for element, label in columns.items():
            self.add(
                "sys_dictionary",
                f"{table}.{element}",
                name=table,
                element=element,
                column_label=label,
                internal_type="string",
                max_length="100",
                mandatory="false",
                reference="",
            )

    def add(self, table: str, sys_id: str, **values: str) -> None:
        self.tables[table][sys_id] = {"sys_id": sys_id, **values}

    def answer(self, path: str, authorization: str) -> tuple[int, dict[str, Any]]:
        expected = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if authorization != expected:
            return 401, {"error": {"message": "User Not Authenticated", "detail": ""}}
        self.asked.set()
        self.silent.wait(30)
        parts = urlsplit(path)
        table = parts.path.rpartition("/")[2]
        self.requests.append(table)
        if table in self.hidden:
            return 403, {"error": {"message": "Insufficient rights", "detail": ""}}
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        after = ""
        rows = sorted(self.tables[table].items())
        for condition in asked.get("sysparm_query", "").split("^"):
            if condition.startswith("sys_id>"):
                after = condition.removeprefix("sys_id>")
            elif condition.startswith("nameIN"):
                names = condition.removeprefix("nameIN").split(",")
                rows = [row for row in rows if row[1]["name"] in names]
        fields = asked.get("sysparm_fields", "").split(",")
        fields = [name for name in fields if f"{table}.{name}" not in self.omitted]
        page = [row for sys_id, row in rows if sys_id > after]
        page = page[: int(asked.get("sysparm_limit", "1000"))]
        shown = asked.get("sysparm_display_value") == "all"
        return 200, {"result": [self._row(row, fields, shown=shown) for row in page]}

    def _row(self, row: dict[str, str], fields: list[str], *, shown: bool) -> dict[str, Any]:
        values = {name: row.get(name, "") for name in fields} if fields != [""] else row
        if not shown:
            return values
        return {
            name: {"value": value, "display_value": self.display.get(value, value)}
            for name, value in values.items()
        }


GL_COLUMNS = {
    "gl_account": "Ledger account",
    "display_name": "Account Name",
    "inactive": "Inactive",
    "erp_source": "ERP source",
}
CC_COLUMNS = {
    "account_number": "Account number",
    "code": "Code",
    "name": "Name",
    "valid_from": "Valid from",
    "valid_to": "Valid to",
    "erp_source": "ERP source",
}


@pytest.fixture
def servicenow() -> Iterator[ServiceNow]:
    stand_in = ServiceNow()
    stand_in.columns("sn_fin_gl_account", GL_COLUMNS)
    stand_in.columns("cmn_cost_center", CC_COLUMNS)
    stand_in.add("sn_fin_erp_source", "erp1", name="EXACT-101")
    gl = {"gl_account": "7000", "display_name": "Purchases", "inactive": "false"}
    stand_in.add("sn_fin_gl_account", "g7000", erp_source="erp1", **gl)
    stand_in.add("cmn_cost_center", "c1", account_number="CC1", name="Logistics", erp_source="erp1")
    yield stand_in
    stand_in.stop()


@dataclass
class Outcome:
    """What a run of the mapper left behind."""

    code: int
    stdout: bytes
    stderr: str

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stdout.splitlines()]

    def records(self, stream: str) -> list[dict[str, Any]]:
        return [
            message["record"]
            for message in self.messages
            if message["type"] == "RECORD" and message["stream"] == stream
        ]

    @property
    def errors(self) -> list[str]:
        return [line for line in self.stderr.splitlines() if "ERROR" in line]


@dataclass
class Mapper:
    """Runs the mapper with its settings in a folder of its own."""

    folder: Path
    config: dict[str, Any]
    monkeypatch: pytest.MonkeyPatch
    environment: dict[str, str] = field(default_factory=dict)
    runs: int = 0
    written: bytes = b""

    def command(self) -> list[str]:
        path = self.folder / "config.json"
        path.write_text(json.dumps(self.config))
        return [sys.executable, "-m", "mapper_glcostcenter", "--config", str(path)]

    def start(self, **pipes: Any) -> subprocess.Popen[bytes]:  # noqa: ANN401 - as Popen has them
        self.runs += 1
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("S2P_", "MELTANO_"))},
            "S2P_RUN_ID": f"run-{self.runs}",
            **self.environment,
        }
        return subprocess.Popen(
            self.command(),
            cwd=self.folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            **pipes,
        )

    def run(self, *messages: dict[str, Any] | bytes) -> Outcome:
        """Run as a process, through its command."""
        process = self.start()
        stdout, stderr = process.communicate(self.encode(*messages), timeout=60)
        return Outcome(process.returncode, stdout, stderr.decode())

    def feed(self, *messages: dict[str, Any] | bytes) -> Outcome:
        """Run within this process: much faster, and errors come as what they are."""
        self.runs += 1
        written: list[bytes] = []

        class Writer(BufferedMessageWriter):
            def flush(self) -> None:
                written.append(bytes(self._buffer))
                self._buffer.clear()

        self.monkeypatch.chdir(self.folder)
        self.monkeypatch.setenv("S2P_RUN_ID", f"run-{self.runs}")
        plugin = MapperGLCostCenter(config=dict(self.config), message_writer=Writer())
        try:
            plugin.listen(io.BytesIO(self.encode(*messages)))
        finally:
            self.written = b"".join(written)
        return Outcome(0, self.written, "")

    @staticmethod
    def encode(*messages: dict[str, Any] | bytes) -> bytes:
        return b"".join(
            message if isinstance(message, bytes) else json.dumps(message).encode() + b"\n"
            for message in messages
        )

    def store(self) -> Store:
        return Store.open(f"sqlite:///{self.folder}/store.db", self.config["store_key"])


@pytest.fixture
def mapper(tmp_path: Path, servicenow: ServiceNow, monkeypatch: pytest.MonkeyPatch) -> Mapper:
    config = {
        "servicenow_instance_url": servicenow.url,
        "servicenow_auth_method": "basic",
        "servicenow_username": USER,
        "servicenow_password": PASSWORD,
        "store_url": f"sqlite:///{tmp_path}/store.db",
        "store_key": generate_key(),
    }
    return Mapper(tmp_path, config, monkeypatch)


NOW = datetime(2026, 6, 15, tzinfo=timezone.utc)


def resolver(*accounts: str) -> Resolver:
    """A ServiceNow with account 7000, and these."""
    entries = [Entry(code, "", f"g{code}") for code in ("7000", *accounts)]
    return Resolver(Reference({"EXACT-1": Catalogue(entries)}, {}))


STATE = ("STATE", {"x": 1})
"""What `Runs` takes among the records of a run."""


class Runs:
    """Runs of the mapper's core, without ServiceNow, on one store."""

    def __init__(self, folder: Path) -> None:
        self._folder, self.key = folder, generate_key()
        self._numbers, self._stores = itertools.count(), 0
        self.messages: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        return f"sqlite:///{self._folder}/store{self._stores or ''}.db"

    def forget(self) -> None:
        """Go on with a new store."""
        self._stores += 1

    def store(self) -> Store:
        return Store.open(self.url, self.key)

    def __call__(
        self,
        *records: tuple[str, dict[str, Any]],
        checks: Checks | None = None,
        accounts: tuple[str, ...] = (),
        whole_documents: bool = False,
    ) -> list[dict[str, Any]]:
        """Take records and states, in their order; give the records that are written."""
        self.messages = []
        with self.store() as store:
            session = Session(
                store,
                resolver(*accounts),
                Requirements(),
                write=lambda line: self.messages.append(json.loads(line)),
                flush=lambda: None,
                run_id=f"run-{next(self._numbers)}",
                clock=lambda: NOW,
                stage_held=True,
                checks=checks,
                whole_documents=whole_documents,
            )
            reading = None
            for stream, record in records:
                if (stream, record) == STATE:
                    session.take(Mapper.encode({"type": "STATE", "value": record}))
                    continue
                if stream != reading:
                    reading = stream
                    head = {"type": "SCHEMA", "stream": stream, "schema": {}}
                    session.take(Mapper.encode(head))
                if record:
                    values = {"Division": 1, **record}
                    message = {"type": "RECORD", "stream": stream, "record": values}
                    session.take(Mapper.encode(message))
            session.finish()
        return [each["record"] for each in self.messages if each["type"] == "RECORD"]


@pytest.fixture
def give(tmp_path: Path) -> Runs:
    """Let runs of the mapper take records."""
    return Runs(tmp_path)
