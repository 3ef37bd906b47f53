"""`make demo`: the main run, end to end, on real input, with nothing set up beforehand.

Starts the sandbox, runs `meltano run tap-exactonline glcostcenter target-servicenow-s2p` against it
with a store of its own, shows what was staged, held and why, and stops everything it started, also
on Ctrl-C. What it leaves lies in `.s2p/demo`, so that the commands it names can look at it.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
import uuid
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.request import urlopen

from rich.console import Console

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / ".venv" / "bin"
HOME = ROOT / ".s2p" / "demo"
PIPELINE = ("tap-exactonline", "glcostcenter", "target-servicenow-s2p")
START_TIMEOUT = 60.0
"""Seconds the sandbox may take to load its seed data on a slow machine."""
LOOK_EVERY = 1.0
"""Seconds between two looks at how far the run is."""

console = Console(highlight=False)


class DemoError(Exception):
    """The demo could not go on; the sentence says why and where to look."""


def main() -> int:
    """Run the demo; return the exit code."""
    signal.signal(signal.SIGTERM, _raise_interrupt)
    started = time.monotonic()
    try:
        with ExitStack() as stack:
            _fresh_home()
            console.print("[bold]Starting the sandbox[/]: Exact Online and ServiceNow stand-ins")
            settings = stack.enter_context(_sandbox())
            environment = _environment(settings)
            console.print(f"[bold]Running[/] meltano run {' '.join(PIPELINE)}")
            _run_pipeline(environment)
            console.print()
            _call("s2p", "runs", "--last", environment=environment)
    except KeyboardInterrupt:
        console.print("\nStopped; nothing is left running.")
        return 130
    except DemoError as error:
        console.print(f"[red]{error}[/]")
        return 1
    console.print(f"\nDone in {time.monotonic() - started:.0f} s. To look further:\n")
    console.print(_further())
    return 0


def _raise_interrupt(_signum: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _fresh_home() -> None:
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(parents=True, mode=0o700)


@contextmanager
def _sandbox() -> Iterator[dict[str, str]]:
    """Run the sandbox; yield the settings it hands out for the plugins."""
    env_file, log = HOME / "sandbox.env", HOME / "sandbox.log"
    arguments = ["serve", "--data", str(HOME / "sandbox"), "--env-file", str(env_file)]
    with log.open("wb") as output, _process("s2p-sandbox", *arguments, output=output) as process:
        deadline = time.monotonic() + START_TIMEOUT
        while not env_file.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise DemoError(f"The sandbox did not start; its last words are in {_short(log)}.")
            time.sleep(0.1)
        yield _read_env(env_file)


def _environment(settings: dict[str, str]) -> dict[str, str]:
    """The environment of the run: the sandbox's settings and a store of the demo's own."""
    key = subprocess.run([BIN / "s2p", "key"], capture_output=True, text=True, check=True)  # noqa: S603 - our own command
    own = {
        **settings,
        "S2P_STORE_URL": f"sqlite:///{HOME / 'store.db'}",
        "S2P_STORE_KEY": key.stdout.strip(),
        "S2P_RUN_ID": str(uuid.uuid4()),
        "MELTANO_DATABASE_URI": f"sqlite:///{HOME / 'meltano.db'}",
        "MELTANO_SEND_ANONYMOUS_USAGE_STATS": "false",
        "MELTANO_CLI_DISABLE_VERSION_CHECK": "true",
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
    }
    _write_env(HOME / "env", own)
    return {**os.environ, **own}


def _run_pipeline(environment: dict[str, str]) -> None:
    """Run Meltano and show how far it is until it ends.

    Raises:
        DemoError: the run failed.
    """
    log = HOME / "meltano.log"
    arguments = ["--log-format=plain", "run", "--no-install", *PIPELINE]
    with (
        log.open("wb") as output,
        _process(
            "meltano",
            *arguments,
            output=output,
            environment=environment,
        ) as process,
    ):
        _show_progress(process, environment)
    if process.returncode != 0:
        raise DemoError(f"The run failed.\n{_last_errors(log)}\nThe whole log: {_short(log)}")


def _show_progress(process: subprocess.Popen[bytes], environment: dict[str, str]) -> None:
    systems = {
        "Exact Online": environment["TAP_EXACTONLINE_API_URL"],
        "ServiceNow": environment["TARGET_SERVICENOW_S2P_INSTANCE_URL"],
    }
    started = time.monotonic()
    with console.status("") as status:
        while process.poll() is None:
            time.sleep(LOOK_EVERY)
            calls = " · ".join(f"{name} {_calls(url)} calls" for name, url in systems.items())
            line = f"{time.monotonic() - started:4.0f} s  {calls}"
            status.update(line)
            if not console.is_terminal and int(time.monotonic() - started) % 10 == 0:
                console.print(line)


def _calls(url: str) -> int | str:
    try:
        with urlopen(f"{url}/_sandbox/status", timeout=5) as answer:  # noqa: S310 - our own loopback server
            status: dict[str, Any] = json.load(answer)
    except (OSError, ValueError):
        return "…"
    return sum(status.get("calls", {}).values())


@contextmanager
def _process(
    name: str,
    *arguments: str,
    output: IO[bytes],
    environment: dict[str, str] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command of ours in a process group of its own; it has ended when this returns."""
    process = None
    try:
        with _interrupts_wait():
            process = subprocess.Popen(  # noqa: S603 - our own command
                [BIN / name, *arguments],
                cwd=ROOT,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        yield process
    finally:
        if process is not None:
            _end(process)


@contextmanager
def _interrupts_wait() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM wait until the block is done.

    An interrupt between the fork and the name for the new process would leave it running: it is in
    a group of its own, and nobody would know its number.
    """
    asked = False

    def remember(_signum: int, _frame: FrameType | None) -> None:
        nonlocal asked
        asked = True

    before = {signum: signal.signal(signum, remember) for signum in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)
    if asked:
        raise KeyboardInterrupt


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask the whole group to stop, and insist after ten seconds."""
    for signum in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, signum)
            process.wait(timeout=10)
        except ProcessLookupError:
            process.wait()
            return
        except subprocess.TimeoutExpired:
            continue


def _call(name: str, *arguments: str, environment: dict[str, str]) -> None:
    subprocess.run([BIN / name, *arguments], cwd=ROOT, env=environment, check=False)  # noqa: S603 - our own command


def _last_errors(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()
    errors = [line for line in lines if "ERROR" in line or "error" in line.lower()[:60]]
    return "\n".join((errors or lines)[-5:])


def _further() -> str:
    env = _short(HOME / "env")
    return f"""  set -a; . {env}; set +a; PATH=.venv/bin:$PATH
  s2p held list              what is held, and what would free it
  s2p audit show             what became of each record
  s2p explain 10001          the life of one purchase order
  less {_short(HOME / "meltano.log")}

This first load also staged accounts and cost centers that ServiceNow lacked; the next run
releases the lines that waited for them (README: "try it by hand")."""


def _read_env(path: Path) -> dict[str, str]:
    settings = {}
    for line in path.read_text().splitlines():
        name, found, value = line.removeprefix("export ").partition("=")
        if found:
            settings[name] = "".join(shlex.split(value))
    return settings


def _write_env(path: Path, settings: dict[str, str]) -> None:
    path.touch(mode=0o600)
    path.write_text("".join(f"{name}={shlex.quote(value)}\n" for name, value in settings.items()))


def _short(path: Path) -> str:
    return str(path.relative_to(ROOT))


if __name__ == "__main__":
    sys.exit(main())
