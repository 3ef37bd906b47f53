"""The plain pipe `tap | mapper | target` against a sandbox of its own, each as its own process."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Pipeline", "Run", "sandbox"]

BIN = Path(sys.executable).parent
STEPS = ("tap-exactonline", "mapper-glcostcenter", "target-servicenow-s2p")
BACK = ("tap-servicenow-s2p", "target-exactonline")
OUTCOMES = ("tap-servicenow-s2p", "target-s2p-store")


@dataclass(frozen=True)
class Run:
    """How one run of the pipe ended."""

    run_id: str
    codes: tuple[int, ...]
    logs: str
    summary: dict[str, Any]

    def stream(self, name: str) -> dict[str, int]:
        """Counters of one stream; all zero if the run did not see it."""
        rows = {row["stream"]: row for row in self.summary["streams"]}
        return rows.get(name, dict.fromkeys(self.summary["total"], 0))


class Pipeline:
    """A project directory with a store and a state, pointed at a sandbox."""

    def __init__(self, home: Path, settings: dict[str, str], key: str | None = None) -> None:
        self.home = home
        self.settings = settings
        self.state = home / "state.json"
        if key is None:
            made = subprocess.run([BIN / "s2p", "key"], capture_output=True, text=True, check=True)
            key = made.stdout.strip()
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("S2P_")},
            **settings,
            "S2P_STORE_URL": f"sqlite:///{home / 'store.db'}",
            "S2P_STORE_KEY": key,
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        }

    def run(self, **settings: str) -> Run:
        """Run the main pipe once, keep its last state as Singer's runners do, and sum it up."""
        return self._pipe(STEPS, self.state, **settings)

    def outcomes(self) -> Run:
        """Note what became of documents in ServiceNow."""
        return self._pipe(OUTCOMES, self.home / "outcomes.json")

    def back(self, **settings: str) -> Run:
        """Write back to Exact what ServiceNow owns of accounts and cost centers."""
        return self._pipe(BACK, self.home / "back.json", **settings)

    def _pipe(self, steps: Sequence[str], kept: Path, **settings: str) -> Run:
        run_id = str(uuid.uuid4())
        state = ["--state", str(kept)] if kept.exists() else []
        commands = [shlex.join([step, "--config=ENV"]) for step in steps]
        commands[0] += " " + shlex.join(state)
        piped = " | ".join(
            f"{command} 2>{step}.log" for command, step in zip(commands, steps, strict=True)
        )
        done = subprocess.run(
            ["/bin/bash", "-c", f'{piped} > states; echo "${{PIPESTATUS[@]}}"'],
            cwd=self.home,
            env={**self.environment, "S2P_RUN_ID": run_id, **settings},
            capture_output=True,
            text=True,
            check=True,
        )
        states = (self.home / "states").read_text().splitlines()
        if states:
            kept.write_text(states[-1])
        return Run(
            run_id=run_id,
            codes=tuple(int(code) for code in done.stdout.split()),
            logs="".join((self.home / f"{step}.log").read_text() for step in steps),
            summary=self.s2p("runs", "--run", run_id),
        )

    def s2p(self, *arguments: str) -> Any:  # noqa: ANN401 - JSON of any shape
        """What an `s2p … --json` command prints."""
        done = subprocess.run(
            [BIN / "s2p", *arguments, "--json"],
            cwd=self.home,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return json.loads(done.stdout) if done.stdout else None

    def shown(self, *arguments: str) -> str:
        """What an `s2p` command prints for a person, on a wide screen."""
        done = subprocess.run(
            [BIN / "s2p", *arguments],
            cwd=self.home,
            env={**self.environment, "COLUMNS": "200"},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout

    def control(
        self, system: str, action: str, *, method: str = "POST", **body: object
    ) -> dict[str, Any]:
        """Ask one stand-in's control plane: `system` is "exact" or "servicenow"."""
        request = Request(
            f"{self.url(system)}/_sandbox/{action}",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
            method=method,
        )
        with urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def status(self, system: str) -> dict[str, Any]:
        """Calls, rows and switches of one stand-in."""
        with urlopen(f"{self.url(system)}/_sandbox/status", timeout=60) as answer:
            return json.load(answer)

    def url(self, system: str) -> str:
        """Root URL of one stand-in."""
        names = {
            "exact": "TAP_EXACTONLINE_API_URL",
            "servicenow": "TARGET_SERVICENOW_S2P_INSTANCE_URL",
        }
        return self.settings[names[system]]

    def rows(self, table: str, query: str = "", **parameters: str) -> list[dict[str, Any]]:
        """Rows of a ServiceNow table as its Table API shows them, reference links left out."""
        token = Request(
            f"{self.url('servicenow')}/oauth_token.do",
            data=urlencode(
                {
                    "grant_type": "client_credentials",
                    "client_id": self.settings["TARGET_SERVICENOW_S2P_CLIENT_ID"],
                    "client_secret": self.settings["TARGET_SERVICENOW_S2P_CLIENT_SECRET"],
                },
            ).encode(),
        )
        with urlopen(token, timeout=60) as answer:
            bearer = json.load(answer)["access_token"]
        options = {
            "sysparm_query": query,
            "sysparm_limit": "100000",
            "sysparm_exclude_reference_link": "true",
            **parameters,
        }
        request = Request(
            f"{self.url('servicenow')}/api/now/table/{table}?{urlencode(options)}",
            headers={"Authorization": f"Bearer {bearer}", "Accept": "application/json"},
        )
        with urlopen(request, timeout=60) as answer:
            rows: list[dict[str, Any]] = json.load(answer)["result"]
        return rows

    def next_minute(self) -> None:
        """Let Exact's clock minute pass, so that its limit is fresh."""
        self.control("exact", "clock", advance_seconds=61)


@contextmanager
def sandbox(home: Path) -> Iterator[dict[str, str]]:
    """Serve both stand-ins with their seeds; yield the settings they hand out for the plugins."""
    home.mkdir(parents=True, exist_ok=True)
    env_file = home / "sandbox.env"
    process = subprocess.Popen(
        [BIN / "s2p-sandbox", "serve", "--data", home / "data", "--env-file", env_file],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        # Both URLs are printed once both servers answer and the file is written.
        assert process.stdout is not None
        printed = [process.stdout.readline() for _ in range(2)]
        assert env_file.exists(), printed
        yield dict(
            shlex.split(line)[1].split("=", 1) for line in env_file.read_text().splitlines() if line
        )
    finally:
        process.terminate()
        process.wait(timeout=30)
        assert process.stdout is not None
        process.stdout.close()
