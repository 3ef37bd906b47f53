"""`s2p doctor`: is everything set up as it must be?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from exactonline_client import ExactError, utc_now
from s2p_console.desk import Desk, as_json, on_desk
from s2p_console.doctor import exactonline, servicenow
from s2p_console.doctor.findings import Finding, Level, as_data, as_table, exit_code
from s2p_console.exact import connected
from s2p_console.output import show, working, write_json
from s2p_console.servicenow import connected as to_servicenow
from s2p_console.settings import TAP, TARGET

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["doctor"]


@click.group(invoke_without_command=True)
@click.pass_context
def doctor(context: click.Context) -> None:
    """Look at registration, login, rights and limits, and say what to do about each finding.

    Alone it examines each of the two systems that is configured. Ends with 2 if anything needs
    attention.
    """
    if context.invoked_subcommand is None:
        desk: Desk = context.obj
        both = ((exact_online, TAP, "client_id"), (service_now, TARGET, "instance_url"))
        known = [one for one, plugin, name in both if desk.settings.find(plugin, name)]
        # With neither configured the first says what is missing.
        codes = [context.invoke(one, json_=False) for one in known or [exact_online]]
        context.exit(max(codes))


@doctor.command("exactonline")
@as_json
@on_desk
def exact_online(desk: Desk, /, *, json_: bool) -> int:
    """Examine the way to Exact Online; about twenty calls for the first division."""
    with working("Asking Exact Online"):
        findings = list(_exact_online(desk))
    return _told(findings, json_=json_)


@doctor.command("servicenow")
@as_json
@on_desk
def service_now(desk: Desk, /, *, json_: bool) -> int:
    """Examine the way to ServiceNow: sign-in, rights, tables, maps, prerequisites, time zone."""
    with (
        working("Asking ServiceNow"),
        desk.any_store() as store,
        to_servicenow(desk.settings, store) as client,
    ):
        findings = list(servicenow.examine(servicenow.Patient(desk.settings, client)))
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
