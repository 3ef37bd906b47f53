"""Running processes and taking their measure: seconds, CPU seconds, peak memory, calls."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.request import urlopen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["BenchmarkError", "Command", "ProcessUse", "Run", "Server", "run_pipe", "served"]

_NULL = Path(os.devnull)
_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024


class BenchmarkError(Exception):
    """A measured process failed; the message ends with what it said."""


@dataclass(frozen=True, slots=True)
class Command:
    """One process of a pipe."""

    name: str
    arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProcessUse:
    """What one process used: peak resident bytes, CPU seconds (user and system)."""

    name: str
    peak_bytes: int
    cpu_seconds: float


@dataclass(frozen=True, slots=True)
class Run:
    """One pipe, once: its wall-clock seconds, its processes, calls and CPU share per server.

    ``rows`` is how many rows the servers took in.
    """

    seconds: float
    processes: tuple[ProcessUse, ...]
    calls: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    server_load: Mapping[str, float] = field(default_factory=dict)
    rows: int = 0


class Server:
    """A stand-in in a process of its own."""

    def __init__(self, name: str, port: int) -> None:
        self.name = name
        self.url = f"http://127.0.0.1:{port}"

    def told(self) -> dict[str, Any]:
        """Calls served by kind, and CPU seconds, since it started."""
        with urlopen(f"{self.url}/_bench", timeout=10) as answer:
            told: dict[str, Any] = json.load(answer)
        return told


@contextmanager
def served(name: str, module: str, *arguments: str) -> Iterator[Server]:
    """Run a stand-in as long as the block lasts."""
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            if not line:
                raise BenchmarkError(f"The stand-in {name} did not start.")
            yield Server(name, int(line))
        finally:
            process.terminate()


def run_pipe(  # noqa: PLR0913 - a pipe has this many ends
    commands: Sequence[Command],
    *,
    folder: Path,
    environment: Mapping[str, str],
    source: Path | None = None,
    sink: Path | None = None,
    servers: Sequence[Server] = (),
) -> Run:
    """Run commands connected by pipes, as a shell does, and measure them.

    Args:
        commands: in the order of the pipe.
        folder: working directory; what each says on stderr is kept there.
        environment: of all of them.
        source: standard input of the first.
        sink: standard output of the last; thrown away by default.
        servers: stand-ins they talk to.

    Raises:
        BenchmarkError: one of them failed.
    """
    before = {server.name: server.told() for server in servers}
    started = time.perf_counter()
    with ExitStack() as stack:
        given: IO[bytes] | None = stack.enter_context((source or _NULL).open("rb"))
        result = stack.enter_context((sink or _NULL).open("wb"))
        processes = []
        for command in commands:
            last = command is commands[-1]
            process = subprocess.Popen(
                command.arguments,
                stdin=given,
                stdout=result if last else subprocess.PIPE,
                stderr=stack.enter_context((folder / f"{command.name}.log").open("wb")),
                cwd=folder,
                env=dict(environment),
            )
            if given is not None:
                given.close()  # the pipe's other end must see it when a reader dies
            given = process.stdout
            processes.append(process)
        uses = tuple(
            _wait(process, command, folder)
            for process, command in zip(processes, commands, strict=True)
        )
    seconds = time.perf_counter() - started
    calls, load, rows = {}, {}, 0
    for server in servers:
        told, first = server.told(), before[server.name]
        rows += told["rows"] - first["rows"]
        load[server.name] = (told["cpu_seconds"] - first["cpu_seconds"]) / seconds
        calls[server.name] = {
            kind: count - first["calls"].get(kind, 0) for kind, count in told["calls"].items()
        }
    return Run(seconds, uses, calls, load, rows)


def _wait(process: subprocess.Popen[bytes], command: Command, folder: Path) -> ProcessUse:
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        said = (folder / f"{command.name}.log").read_text(errors="replace")[-2000:]
        raise BenchmarkError(f"{command.name} ended with {process.returncode}:\n{said}")
    cpu = used.ru_utime + used.ru_stime
    return ProcessUse(command.name, used.ru_maxrss * _MAXRSS_UNIT, cpu)
