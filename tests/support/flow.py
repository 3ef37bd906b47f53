"""The plain pipe with a hand on each process: every line passes through the test."""

from __future__ import annotations

import signal
import subprocess
import threading
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

__all__ = ["STEPS", "Ended", "Flow"]

STEPS = ("tap-exactonline", "mapper-glcostcenter", "target-servicenow-s2p")
LIMIT = 120.0
"""Seconds after which a pipe that does not end is a failure."""


@dataclass(frozen=True)
class Ended:
    """How a pipe ended: exit codes and what was logged, by plugin; states, the last one last."""

    codes: dict[str, int]
    logs: dict[str, str]
    states: list[str]

    @property
    def log(self) -> str:
        """All logs, one after the other."""
        return "\n".join(self.logs.values())

    @property
    def ok(self) -> bool:
        """Whether every plugin ended well."""
        return not any(self.codes.values())

    def errors(self) -> list[str]:
        """Lines at level ERROR or above, in the order of the pipe."""
        return [line for line in self.log.splitlines() if "| ERROR" in line or "| CRITICAL" in line]


@dataclass
class Flow:
    """Runs the three plugins at once; lines are handed from one to the next by threads.

    Attributes:
        folder: working directory; logs are written here.
        environment: of all three.
        on_line: plugin → (number of lines it has written, what to do then).
        room: plugin → bytes that any file it writes may have: beyond, the disk is full.
    """

    folder: Path
    environment: Mapping[str, str]
    arguments: Mapping[str, list[str]] = field(default_factory=dict)
    on_line: Mapping[str, tuple[int, Callable[[Flow], object]]] = field(default_factory=dict)
    room: Mapping[str, int] = field(default_factory=dict)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    states: list[str] = field(default_factory=list)
    _threads: list[threading.Thread] = field(default_factory=list)
    _logs: list[IO[bytes]] = field(default_factory=list)

    def start(self) -> Flow:
        """Start the plugins."""
        for step in STEPS:
            log = (self.folder / f"{step}.log").open("wb")
            self._logs.append(log)
            room = self.room.get(step)
            limit = (
                [] if room is None else ["bash", "-c", f'ulimit -f {room >> 10}; exec "$@"', "-"]
            )
            self.processes[step] = subprocess.Popen(
                [*limit, step, "--config=ENV", *self.arguments.get(step, ())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=self.folder,
                env=dict(self.environment),
            )
        first = self.processes[STEPS[0]].stdin
        assert first is not None
        first.close()
        for step, following in zip(STEPS, (*STEPS[1:], None), strict=True):
            thread = threading.Thread(target=self._relay, args=(step, following), daemon=True)
            thread.start()
            self._threads.append(thread)
        return self

    def signal(self, step: str, number: int) -> None:
        """Send a signal to one plugin."""
        self.processes[step].send_signal(number)

    def kill(self, step: str) -> None:
        """End one plugin as a power cut would."""
        self.signal(step, signal.SIGKILL)
        self.processes[step].wait(LIMIT)

    def end(self) -> Ended:
        """Wait until all have ended."""
        try:
            for thread in self._threads:
                thread.join(LIMIT)
            codes = {step: process.wait(LIMIT) for step, process in self.processes.items()}
        finally:
            for process in self.processes.values():
                process.kill()
                process.wait()
                for pipe in (process.stdin, process.stdout):
                    if pipe is not None:
                        _close(pipe)
            for log in self._logs:
                log.close()
        logs = {step: (self.folder / f"{step}.log").read_text(errors="replace") for step in STEPS}
        return Ended(codes, logs, self.states)

    def _relay(self, step: str, following: str | None) -> None:
        source = self.processes[step].stdout
        sink: Any = None if following is None else self.processes[following].stdin
        number, act = self.on_line.get(step, (0, None))
        assert source is not None
        for seen, line in enumerate(source, 1):
            if sink is None:
                self.states.append(line.decode())
            else:
                try:
                    sink.write(line)
                    sink.flush()
                except BrokenPipeError:
                    break  # what reads has gone: what writes is told in the same way
            if seen == number and act is not None:
                act(self)
        if sink is not None:
            _close(sink)
        _close(source)


def _close(pipe: IO[bytes]) -> None:
    try:
        pipe.close()
    except BrokenPipeError:
        return
