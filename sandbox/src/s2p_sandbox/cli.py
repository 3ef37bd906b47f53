"""The ``s2p-sandbox`` command: serve both systems, and steer the ones that are served."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from s2p_sandbox.clock import Clock
from s2p_sandbox.environment import plugin_environment, write_env_file
from s2p_sandbox.remote import Remote, RemoteError, find
from s2p_sandbox.server import serve as serve_app

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

__all__ = ["main"]

_SYSTEMS = ("exact", "servicenow")


def _default_data() -> Path:
    in_checkout = Path("sandbox", "pyproject.toml").exists()
    return Path("sandbox", ".data") if in_checkout else Path(".s2p-sandbox")


def _data_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--data",
        type=click.Path(file_okay=False, path_type=Path),
        default=_default_data,
        show_default="sandbox/.data in the checkout, else .s2p-sandbox",
        help="Folder of the sandbox's state.",
    )(command)


def _remote_options(command: Callable[..., Any]) -> Callable[..., Any]:
    command = click.option("--servicenow-url", help="Root address of a running ServiceNow.")(
        command
    )
    command = click.option("--exact-url", help="Root address of a running Exact Online.")(command)
    return _data_option(command)


def _on_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--on", "system", type=click.Choice(_SYSTEMS), default="exact", show_default=True
    )(command)


@click.group()
def main() -> None:
    """Exact Online and ServiceNow on this machine, to build and try a pipeline against."""


@main.command()
@_data_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--exact-port", default=0, help="Port of Exact Online; a free one by default.")
@click.option("--servicenow-port", default=0, help="Port of ServiceNow; a free one by default.")
@click.option("--tls", is_flag=True, help="Serve HTTPS with a self-signed certificate.")
@click.option(
    "--env-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the plugins' environment variables here once both systems answer.",
)
def serve(  # noqa: PLR0913, PLR0917  # one parameter per option
    data: Path,
    host: str,
    exact_port: int,
    servicenow_port: int,
    tls: bool,  # noqa: FBT001  # click's flag
    env_file: Path | None,
) -> None:
    """Serve both systems until SIGINT or SIGTERM."""
    from s2p_sandbox import exact, servicenow  # noqa: PLC0415  # quick --help

    ended = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        ended.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    noted = data / "sandbox.json"
    certificate = (data / "certificate.pem").resolve() if tls else None
    try:
        data.mkdir(parents=True, exist_ok=True)
        clock = Clock(data / "clock.json")
        exact_app = exact.app(data, clock)
        servicenow_app = servicenow.app(data, clock)
        with ExitStack() as stack:
            options: dict[str, Any] = {"tls": tls, "certificate_dir": data}
            exact_url = stack.enter_context(serve_app(exact_app, host, exact_port, **options))
            servicenow_url = stack.enter_context(
                serve_app(servicenow_app, host, servicenow_port, **options)
            )
            _note(noted, exact_url, servicenow_url, certificate)
            stack.callback(noted.unlink, missing_ok=True)
            if env_file is not None:
                named = plugin_environment(exact_app, exact_url, servicenow_url, certificate)
                write_env_file(env_file, named)
            click.echo(f"exact-online {exact_url}")
            click.echo(f"servicenow {servicenow_url}")
            ended.wait()
    except (OSError, sqlite3.Error) as error:
        raise click.ClickException(f"The sandbox cannot serve: {error}.") from error


def _note(path: Path, exact_url: str, servicenow_url: str, certificate: Path | None) -> None:
    shown = None if certificate is None else str(certificate)
    facts = {
        "exact": exact_url,
        "servicenow": servicenow_url,
        "certificate": shown,
        "pid": os.getpid(),
    }
    path.write_text(json.dumps(facts, indent=1), encoding="utf-8")


@main.command()
@_remote_options
def status(data: Path, exact_url: str | None, servicenow_url: str | None) -> None:
    """Print time, calls per endpoint, row counts, faults and switches of both systems as JSON."""
    remote = _find(data, exact_url, servicenow_url)
    _show({system: _call(remote, system, "GET", "status") for system in _running(remote)})


@main.command()
@_remote_options
def reset(data: Path, exact_url: str | None, servicenow_url: str | None) -> None:
    """Put both systems back to their seeds: rows, tokens, limits, faults, switches and clock."""
    remote = _find(data, exact_url, servicenow_url)
    for system in _running(remote):
        _call(remote, system, "POST", "reset")


@main.command()
@_remote_options
def advance(data: Path, exact_url: str | None, servicenow_url: str | None) -> None:
    """Let a week pass: renamed suppliers, changed and deleted orders, new documents."""
    _show(_call(_find(data, exact_url, servicenow_url), "exact", "POST", "advance"))


@main.command()
@_remote_options
@click.argument("seconds", type=float)
def clock(data: Path, exact_url: str | None, servicenow_url: str | None, seconds: float) -> None:
    """Move the clock of both systems forward by SECONDS: tokens age, limits start anew."""
    remote = _find(data, exact_url, servicenow_url)
    _show(_call(remote, _running(remote)[0], "POST", "clock", {"advance_seconds": seconds}))


@main.command()
@_remote_options
@_on_option
@click.argument("kind", required=False)
@click.option("--match", default="", help="Regular expression on 'METHOD /path?query'.")
@click.option(
    "--times", default=1, show_default=True, help="Requests it strikes; 0: until cleared."
)
@click.option("--after", default=0, show_default=True, help="Matching requests that pass first.")
@click.option("--param", "params", multiple=True, help="name=value (JSON, else text); repeatable.")
@click.option("--clear", is_flag=True, help="Switch all faults of the system off first.")
def fault(  # noqa: PLR0913, PLR0917  # one parameter per option
    data: Path,
    exact_url: str | None,
    servicenow_url: str | None,
    system: str,
    kind: str | None,
    match: str,
    times: int,
    after: int,
    params: tuple[str, ...],
    clear: bool,  # noqa: FBT001
) -> None:
    """Switch the fault KIND on; without a KIND, list the faults that wait."""
    remote = _find(data, exact_url, servicenow_url)
    if clear:
        _call(remote, system, "DELETE", "faults")
    if kind is not None:
        wanted = {
            "kind": kind,
            "match": match,
            "times": times or None,
            "after": after,
            "params": _pairs(params),
        }
        _call(remote, system, "POST", "faults", wanted)
    _show(_call(remote, system, "GET", "status")["faults"])


@main.command()
@_remote_options
@_on_option
@click.argument("changes", nargs=-1)
def switch(
    data: Path,
    exact_url: str | None,
    servicenow_url: str | None,
    system: str,
    changes: tuple[str, ...],
) -> None:
    """Set switches, each CHANGE a name=value; without one, list them."""
    remote = _find(data, exact_url, servicenow_url)
    method = "POST" if changes else "GET"
    _show(_call(remote, system, method, "switches", _pairs(changes) if changes else None))


def _pairs(texts: tuple[str, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise click.UsageError(f"'{text}' is no name=value.")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


def _find(data: Path, exact_url: str | None, servicenow_url: str | None) -> Remote:
    try:
        return find(data, exact_url, servicenow_url)
    except RemoteError as error:
        raise click.ClickException(str(error)) from error


def _running(remote: Remote) -> list[str]:
    return [system for system in _SYSTEMS if remote.url(system)]


def _call(remote: Remote, system: str, method: str, name: str, body: object = None) -> Any:  # noqa: ANN401
    try:
        return remote.call(system, method, name, body)
    except RemoteError as error:
        raise click.ClickException(str(error)) from error


def _show(found: object) -> None:
    click.echo(json.dumps(found, indent=2))
