"""`s2p run`: a run of the pipeline that no other one meets."""

from __future__ import annotations

import signal
import subprocess
from datetime import datetime
from typing import TYPE_CHECKING

import click

from s2p_console.desk import Desk, on_desk
from s2p_console.errors import ExitCode, ServeError
from s2p_console.follow_up import RUN_LOCK
from s2p_console.schedule_log import note_run
from s2p_console.schedules import Ran
from s2p_store import StoreLockTimeout

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["run"]


@click.command(context_settings={"ignore_unknown_options": True})
@click.option(
    "--wait",
    default=0.0,
    show_default=True,
    type=click.FloatRange(min=0.0),
    help="Seconds to wait for a run that is under way.",
)
@click.option("--schedule", help="Name of the schedule that this is a run of, see `s2p schedule`.")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@on_desk
def run(desk: Desk, /, *, wait: float, schedule: str | None, command: tuple[str, ...]) -> int:
    """Run COMMAND unless another run is under way: for cron, beside `webhooks serve --run`.

    Ends with the exit code of the command; with 2, and without running it, if another run did not
    end in time.
    """
    with desk.any_store() as store:
        try:
            with store.lock(RUN_LOCK, wait):
                if schedule is None:
                    return _run(command)
                began = datetime.now()  # noqa: DTZ005 - schedules keep the machine's time
                note_run(store, schedule, Ran(began))
                code = _run(command)
                note_run(store, schedule, Ran(began, datetime.now(), code))  # noqa: DTZ005 - as above
                return code
        except StoreLockTimeout:
            click.echo("Another run is under way: nothing was started.", err=True)
            return ExitCode.ATTENTION
        except OSError as error:
            raise ServeError(f"'{command[0]}' cannot be started: {error.strerror}.") from error


def _run(command: tuple[str, ...]) -> int:
    """Run the command to its end, also when this process is told to end: the lock is its lock."""
    started: list[subprocess.Popen[bytes]] = []
    asked = False

    def end(_signum: int, _frame: FrameType | None) -> None:
        # A signal between the fork and the name for the new process waits until it has one.
        nonlocal asked
        asked = True
        for process in started:
            process.terminate()

    # A terminal sends SIGINT to both; SIGTERM comes here alone and has to be passed on.
    before = {
        signal.SIGINT: signal.signal(signal.SIGINT, lambda *_: None),
        signal.SIGTERM: signal.signal(signal.SIGTERM, end),
    }
    try:
        with subprocess.Popen(command) as process:  # noqa: S603 - the operator's own command
            started.append(process)
            if asked:
                process.terminate()
            code = process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 128 - code if code < 0 else code
