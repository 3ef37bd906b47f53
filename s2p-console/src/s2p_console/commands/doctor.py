"""`s2p doctor`: is everything set up as it must be?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from exactonline_client import ExactError, utc_now
from s2p_console.desk import Desk, as_json, on_desk
from s2p_console.doctor import exactonline
from s2p_console.doctor.findings import Finding, Level, as_data, as_table, exit_code
from s2p_console.exact import connected
from s2p_console.output import show, working, write_json
from s2p_console.settings import TAP

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["doctor"]


@click.group(invoke_without_command=True)
@click.pass_context
def doctor(context: click.Context) -> None:
    """Look at registration, login, rights and limits, and say what to do about each finding.

    Ends with 2 if anything needs attention.
    """
    if context.invoked_subcommand is None:
        context.exit(context.invoke(exact_online, json_=False))


@doctor.command("exactonline")
@as_json
@on_desk
def exact_online(desk: Desk, /, *, json_: bool) -> int:
    """Examine the way to Exact Online; about twenty calls for the first division."""
    with working("Asking Exact Online"):
        findings = list(_exact_online(desk))
    return _told(findings, json_=json_)


def _exact_online(desk: Desk) -> Iterator[Finding]:
    client_id, _ = desk.settings.need(TAP, "client_id", "client_secret")
    yield from exactonline.examine_settings(desk.settings)
    with desk.any_store() as store, connected(desk.settings, store) as client:
        patient = exactonline.Patient(desk.settings, store, client, client_id)
        try:
            yield from exactonline.examine(patient)
        except ExactError as error:
            yield Finding("login", Level.ERROR, str(error))
            yield from exactonline.examine_login(store, client_id, utc_now())


def _told(findings: Sequence[Finding], *, json_: bool) -> int:
    if json_:
        write_json(as_data(findings))
    else:
        show(as_table(findings))
    return exit_code(findings)
