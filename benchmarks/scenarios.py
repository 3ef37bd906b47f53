"""What is measured: each plugin alone, the whole pipe, a stock pipe, a Meltano run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from benchmarks.measure import BenchmarkError, Command, Run, Server, run_pipe, served
from benchmarks.orders import DIVISION, HEADER_FIELDS, LINE_FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Bench", "Stages"]

_BIN = Path(sys.executable).parent
_REFERENCE = ("divisions", "gl_accounts", "cost_centers", "item_groups", "items", "accounts")
_SELECTED = {"purchase_orders": HEADER_FIELDS, "purchase_order_lines": LINE_FIELDS}
_PREFIXES = ("TAP_", "MAPPER_", "TARGET_", "S2P_", "MELTANO_", "SINGER_")
_TAP, _MAPPER, _TARGET = "tap-exactonline", "mapper-glcostcenter", "target-servicenow-s2p"


@dataclass(frozen=True, slots=True)
class Stages:
    """Each plugin alone, over the same records: tap to nowhere, file to nowhere, file to server."""

    tap: Run
    mapper: Run
    target: Run


class Bench:
    """Runs scenarios, each in a fresh folder with a fresh store and fresh stand-ins."""

    def __init__(self) -> None:
        self._environment = {
            name: value for name, value in os.environ.items() if not name.startswith(_PREFIXES)
        }
        self._environment["PYTHONPATH"] = str(Path(__file__).parent.parent)
        self._key = self._run_quietly("s2p", "key").strip()
        self._catalog = self._make_catalog()

    def pipe(self, records: int, *, regular: bool = False) -> Run:
        """Run tap | mapper | target over a first load."""
        with self._place(records, regular=regular) as (folder, servers):
            commands = [self._plugin(folder, name) for name in (_TAP, _MAPPER, _TARGET)]
            return _whole(self._run(commands, folder, servers), records)

    def tap(self, records: int, *, regular: bool = False) -> Run:
        """Run the tap to nowhere."""
        with self._place(records, regular=regular) as (folder, servers):
            return self._run([self._plugin(folder, _TAP)], folder, servers)

    def stages(self, records: int) -> Stages:
        """Run each plugin alone, on what the one before it wrote into a file."""
        with self._place(records) as (folder, servers):
            runs = []
            source: Path | None = None
            for name in (_TAP, _MAPPER, _TARGET):
                sink = folder / f"{name}.jsonl"
                command = self._plugin(folder, name)
                runs.append(self._run([command], folder, servers, source=source, sink=sink))
                source = sink
            # Writing the file is not the tap's work: measured again without, with a store that
            # knows nothing of the first time.
            return Stages(self.tap(records), runs[1], _whole(runs[2], records))

    def stock(self, records: int) -> Run:
        """Run a plain SDK pipe over the same rows."""
        with self._place(records) as (folder, servers):
            exact, servicenow = servers
            settings = {
                "tap": {"api_url": exact.url},
                "mapper": {},
                "target": {"instance_url": servicenow.url},
            }
            commands = []
            for name, given in settings.items():
                path = folder / f"{name}.json"
                path.write_text(json.dumps(given))
                module = f"benchmarks.stock.{name}"
                arguments = (sys.executable, "-m", module, "--config", str(path))
                commands.append(Command(f"stock {name}", arguments))
            return _whole(self._run(commands, folder, servers), records)

    def pysnc(self, rows: int, *, batch: bool) -> Run:
        """Stage rows with ServiceNow's own client, one by one or by the Batch API."""
        with self._place(0) as (folder, servers):
            options = ["--batch"] if batch else []
            arguments = [sys.executable, "-m", "benchmarks.pysnc_loader", servers[1].url]
            command = Command("pysnc", (*arguments, str(rows), *options))
            return _whole(self._run([command], folder, servers), rows)

    def meltano(self, records: int) -> Run:
        """Run the same pipe through `meltano run`, in a project of its own."""
        with self._place(records) as (folder, servers):
            plugins = {
                kind: [self._meltano_plugin(folder, name)]
                for kind, name in (("extractors", _TAP), ("mappers", _MAPPER), ("loaders", _TARGET))
            }
            document = {
                "default_environment": "bench",
                "environments": [{"name": "bench"}],
                "project_id": "benchmark",
                "send_anonymous_usage_stats": False,
                "elt": {"buffer_size": 10485760},
                "plugins": plugins,
            }
            (folder / "meltano.yml").write_text(json.dumps(document))  # JSON is YAML too
            arguments = (str(_BIN / "meltano"), "run", "--no-install")
            command = Command("meltano", (*arguments, _TAP, "glcostcenter", _TARGET))
            return _whole(self._run([command], folder, servers), records)

    # Parts

    @contextmanager
    def _place(self, records: int, *, regular: bool = False) -> Iterator[tuple[Path, list[Server]]]:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="s2p-bench-")))
            options = ["--regular"] if regular else []
            module = "benchmarks.exact_stand_in"
            exact = stack.enter_context(served("Exact Online", module, str(records), *options))
            module = "benchmarks.servicenow_stand_in"
            servicenow = stack.enter_context(served("ServiceNow", module))
            self._write_settings(folder, exact.url, servicenow.url)
            yield folder, [exact, servicenow]

    def _write_settings(self, folder: Path, exact: str, servicenow: str) -> None:
        store = {"store_url": f"sqlite:///{folder}/store.db", "store_key": self._key}
        client = {"client_id": "client", "client_secret": "not-a-secret"}
        settings: dict[str, dict[str, Any]] = {
            _TAP: {
                "api_url": exact,
                **client,
                "refresh_token": "refresh-0",
                "divisions": [DIVISION],
                **store,
            },
            _MAPPER: {
                "servicenow_instance_url": servicenow,
                **{f"servicenow_{name}": value for name, value in client.items()},
                **store,
            },
            _TARGET: {"instance_url": servicenow, **client, **store},
        }
        for name, given in settings.items():
            (folder / f"{name}.json").write_text(json.dumps(given))
        (folder / "catalog.json").write_text(json.dumps(self._catalog))

    def _plugin(self, folder: Path, name: str) -> Command:
        arguments = [str(_BIN / name), "--config", str(folder / f"{name}.json")]
        if name == _TAP:
            arguments += ["--catalog", str(folder / "catalog.json")]
        return Command(name, tuple(arguments))

    def _meltano_plugin(self, folder: Path, name: str) -> dict[str, Any]:
        config = json.loads((folder / f"{name}.json").read_text())
        plugin: dict[str, Any] = {
            "name": name,
            "namespace": name.replace("-", "_"),
            "executable": str(_BIN / name),
            "settings": [{"name": setting} for setting in config],
        }
        if name == _MAPPER:
            return {**plugin, "mappings": [{"name": "glcostcenter", "config": config}]}
        if name == _TAP:
            plugin["capabilities"] = ["catalog", "discover", "state"]
            plugin["catalog"] = str(folder / "catalog.json")
        return {**plugin, "config": config}

    def _run(
        self,
        commands: list[Command],
        folder: Path,
        servers: list[Server],
        *,
        source: Path | None = None,
        sink: Path | None = None,
    ) -> Run:
        return run_pipe(
            commands,
            folder=folder,
            environment=self._environment,
            source=source,
            sink=sink,
            servers=servers,
        )

    def _make_catalog(self) -> dict[str, Any]:
        catalog: dict[str, Any] = json.loads(self._run_quietly(_TAP, "--discover"))
        for stream in catalog["streams"]:
            name = stream["tap_stream_id"]
            fields = _SELECTED.get(name)
            for entry in stream["metadata"]:
                wanted = name in _REFERENCE or fields is not None
                if entry["breadcrumb"] and fields is not None:
                    wanted = entry["breadcrumb"][1] in fields
                entry["metadata"]["selected"] = wanted
        return catalog

    def _run_quietly(self, command: str, *arguments: str) -> str:
        done = subprocess.run(
            [_BIN / command, *arguments],
            capture_output=True,
            text=True,
            check=False,
            env=self._environment,
        )
        if done.returncode:
            raise BenchmarkError(f"{command} ended with {done.returncode}:\n{done.stderr[-2000:]}")
        return done.stdout


def _whole(run: Run, records: int) -> Run:
    """Refuse a run that was fast because it did not do its work."""
    if run.rows < records:
        raise BenchmarkError(f"Only {run.rows} of {records} records arrived: nothing was measured.")
    return run
