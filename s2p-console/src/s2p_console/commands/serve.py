"""`s2p webhooks serve`: receive what Exact Online tells."""

from __future__ import annotations

import asyncio
import logging
import shlex
import signal
import socket
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

import click
import uvicorn
from typing_extensions import override

from s2p_console.desk import Desk, on_desk
from s2p_console.errors import ServeError, SettingError
from s2p_console.follow_up import RUN_LOCK, FollowUp
from s2p_console.group_commit import GroupCommit
from s2p_console.receiver import PATH, Receiver
from s2p_console.settings import SHARED, TAP

if TYPE_CHECKING:
    from collections.abc import Generator

    from s2p_store import InboxEvent, Store

__all__ = ["serve"]

_BACKLOG: Final = 2048
_log = logging.getLogger("s2p webhooks")


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8080, show_default=True, help="Port; 0 takes a free one.")
@click.option("--run", "command", metavar="COMMAND", help="Run this after changes have come.")
@click.option(
    "--quiet-seconds",
    default=5.0,
    show_default=True,
    type=click.FloatRange(min=0.0),
    help="How long nothing must come before --run is started.",
)
@on_desk
def serve(desk: Desk, /, *, host: str, port: int, command: str | None, quiet_seconds: float) -> int:
    """Receive deliveries at POST /webhooks/exactonline until SIGINT or SIGTERM.

    Exact wants a public HTTPS address of the domain of the app's redirect URI: put a reverse proxy
    or a tunnel in front. A delivery is answered when it is on disk. S2P_WEBHOOK_SECRET is the
    webhook secret of the app registration; several, separated by commas, while it is changed.
    """
    secret = desk.settings.find(SHARED, "webhook_secret") or ""
    secrets = [part.strip() for part in secret.split(",") if part.strip()]
    if not secrets:
        raise SettingError(
            "S2P_WEBHOOK_SECRET is missing: it is the webhook secret of the app registration at "
            "Exact Online, not the client secret."
        )
    if command is not None:
        _check(command)
    _tell_on_standard_error()
    divisions = desk.settings.whole_numbers(TAP, "divisions")
    with desk.any_store() as store:
        return asyncio.run(_serve(store, secrets, host, port, command, quiet_seconds, divisions))


def _tell_on_standard_error() -> None:
    """Let this command's own words through, not those of every library at work."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    _log.handlers[:] = [handler]
    _log.setLevel(logging.INFO)
    _log.propagate = False


def _check(command: str) -> None:
    try:
        words = shlex.split(command)
    except ValueError:
        words = []
    if not words:
        raise SettingError("--run takes a command, for instance 'meltano run procure-to-pay'.")


async def _serve(  # noqa: PLR0913, PLR0917 - one for each option
    store: Store,
    secrets: list[str],
    host: str,
    port: int,
    command: str | None,
    quiet_seconds: float,
    divisions: tuple[int, ...],
) -> int:
    follow_up = None
    if command is not None:
        follow_up = FollowUp(command, quiet_seconds, lambda: store.lock(RUN_LOCK))
    ours = frozenset(divisions)

    def kept(event: InboxEvent) -> None:
        # A subscription may outlive the wish to read its division.
        if follow_up is not None and (not ours or event.division in ours):
            follow_up.touch(event.division)

    for waiting in store.inbox.waiting():
        kept(waiting.event)
    writer: GroupCommit[InboxEvent] = GroupCommit(store.inbox.put)
    receiver = Receiver(secrets, writer.put, kept)
    config = uvicorn.Config(
        receiver.app, log_level="warning", access_log=False, lifespan="off", backlog=_BACKLOG
    )
    server = _Server(config)
    listening = _listen(host, port)
    _log.info("Listening on http://%s:%d%s.", host, listening.getsockname()[1], PATH)
    runs = asyncio.create_task(follow_up.work()) if follow_up is not None else None
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, server.stop, number)
    await server.serve(sockets=[listening])
    await writer.close()
    if runs is not None:
        runs.cancel()
        with suppress(asyncio.CancelledError):
            await runs
    counted = ", ".join(f"{number} {what}" for what, number in sorted(receiver.counts.items()))
    _log.info("Stopped. Deliveries: %s.", counted or "none")
    return 128 + server.signal if server.signal else 0


class _Server(uvicorn.Server):
    """A server that ends by signal with the exit code all commands here end with."""

    signal: int = 0

    def stop(self, number: int) -> None:
        """End in order: what is being taken is answered."""
        self.signal = number
        self.should_exit = True

    @contextmanager
    @override
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave signals to the caller: uvicorn would raise them again at the end."""
        yield


def _listen(host: str, port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
        made.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        made.close()
        why = error.strerror if isinstance(error, OSError) else "no such port"
        raise ServeError(
            f"Port {port} of {host} cannot be listened on ({why}): choose another with --host and "
            "--port."
        ) from error
    return made
