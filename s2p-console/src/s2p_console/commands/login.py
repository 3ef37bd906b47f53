"""`s2p login`: the consent of a user at Exact Online, once, for all that share the store.

The tokens are kept exactly where `tap-exactonline` looks for them: vault entry
(`exactonline`, client id), payload of `exactonline_client.Tokens`.
"""

from __future__ import annotations

import getpass
import os
import secrets
import sys
import webbrowser
from typing import TYPE_CHECKING, Any, Final

import click

from exactonline_client import (
    App,
    ExactError,
    LoginNeeded,
    Tokens,
    Transport,
    authorise_url,
    exchange_code,
    utc_now,
)
from exactonline_client.deferral import signals_deferred
from s2p_console.callback import address_of, await_callback
from s2p_console.consent import Pending, code_of
from s2p_console.desk import Desk, on_desk
from s2p_console.errors import LoginError
from s2p_console.exact import connected, root_of
from s2p_console.settings import TAP, Settings
from s2p_exactonline import SYSTEM, Grant, save_grant
from s2p_store import AuditEvent, StoreError

if TYPE_CHECKING:
    from s2p_store import Store

__all__ = ["login"]

_PENDING: Final = "exactonline-login"
_TIMEOUT: Final = 120.0


@click.command()
@click.option("--no-browser", is_flag=True, help="Do not try to open a browser.")
@click.option(
    "--print-url",
    is_flag=True,
    help="Only print the address for the consent; go on with --redirect-url.",
)
@click.option(
    "--redirect-url",
    metavar="URL",
    help="The address the browser was sent to after a login begun before (good for 30 minutes).",
)
@click.option(
    "--listen",
    metavar="[HOST:]PORT",
    help="Take the answer here: the app's redirect URI is a tunnel to this port.",
)
@click.option("--force-login", is_flag=True, help="Make Exact ask for user and password again.")
@on_desk
def login(  # noqa: PLR0913 - one for each option
    desk: Desk,
    /,
    *,
    no_browser: bool,
    print_url: bool,
    redirect_url: str | None,
    listen: str | None,
    force_login: bool,
) -> None:
    """Log in at Exact Online and keep the tokens, encrypted, in the store.

    Exact shows the user which divisions the app may reach and then sends the browser to the app's
    redirect URI; that address is asked for here. The page itself need not exist. A new login ends
    the earlier one of the same app and user.
    """
    app, root = _app(desk.settings), root_of(desk.settings)
    place = address_of(listen) if listen else None
    with desk.any_store() as store:
        if redirect_url is not None:
            state = _pending_state(store, app)
        else:
            state = secrets.token_urlsafe(24)
            address = authorise_url(root, app, state=state, force_login=force_login)
            # Also proves, before anyone gives consent, that tokens can be kept.
            pending = Pending(state, utc_now())
            store.vault.save(_PENDING, app.client_id, pending.to_payload())
            browser = not (no_browser or print_url)
            if place is not None:
                redirect_url = await_callback(
                    place,
                    app.redirect_uri or "",
                    state,
                    ready=lambda port: _ask_on(port, address, browser=browser),
                )
            else:
                _ask_for_consent(address, browser=browser)
                if print_url:
                    return
                redirect_url = _pasted()
        code = code_of(redirect_url, state, app.redirect_uri or "")
        timeout = desk.settings.seconds(TAP, "request_timeout", _TIMEOUT)
        _exchange(store, app, Transport(root, timeout=timeout), root, code)
        click.echo(f"Logged in. The tokens are kept, encrypted, in {store.label}.", err=True)
        _learn_grant(desk.settings, store, app)


def _app(settings: Settings) -> App:
    client_id, client_secret, redirect_uri = settings.need(
        TAP, "client_id", "client_secret", "redirect_uri"
    )
    return App(client_id, client_secret, redirect_uri)


def _pending_state(store: Store, app: App) -> str:
    pending = Pending.from_payload(store.vault.load(_PENDING, app.client_id))
    if pending is None or not pending.is_current(utc_now()):
        raise LoginError(
            "No login was begun here in the last 30 minutes. Begin one with "
            "`s2p login --print-url`, then come back with the address the browser was sent to."
        )
    return pending.state


def _ask_for_consent(address: str, *, browser: bool) -> None:
    click.echo("Give consent at Exact Online at this address:", err=True)
    click.echo(address)
    if browser and _has_desktop():
        webbrowser.open(address)


def _ask_on(port: int, address: str, *, browser: bool) -> None:
    click.echo(f"Waiting for the answer on port {port}.", err=True)
    _ask_for_consent(address, browser=browser)


def _learn_grant(settings: Settings, store: Store, app: App) -> None:
    """Remember who gave consent to what; a login is a login without it, too."""
    try:
        with connected(settings, store) as client:
            me = client.me()
            division = client.current_division()
            rows = client.divisions(division, ("Code", "Description"))
    except ExactError as error:
        click.echo(f"What it gives access to could not be read yet. {error}", err=True)
        _note_login(store, app, {})
        return
    codes = tuple(row["Code"] for row in rows)
    save_grant(store.vault, app.client_id, Grant(division, me.get("UserID"), codes))
    _note_login(store, app, {"user": me.get("UserID"), "divisions": list(codes)})
    names = ", ".join(f"{row['Code']} {row.get('Description') or ''}".strip() for row in rows)
    click.echo(f"Divisions: {names or 'none'}. Open in the user's browser: {division}.", err=True)


def _note_login(store: Store, app: App, found: dict[str, Any]) -> None:
    """Note in the trail who on this machine logged in, for which app and user (by their ids)."""
    detail = {"actor": getpass.getuser(), "client_id": app.client_id, **found}
    event = AuditEvent("s2p login", utc_now(), SYSTEM, None, None, "login", None, detail)
    store.audit.append([event])


def _has_desktop() -> bool:
    """Without one a text browser would take over the terminal."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _pasted() -> str:
    try:
        pasted: str = click.prompt(
            "Then paste the whole address the browser was sent to", err=True, prompt_suffix=":\n"
        )
    except click.Abort:
        raise LoginError(
            "No address was pasted. After the consent, within 30 minutes, finish with "
            "`s2p login --redirect-url ADDRESS`."
        ) from None
    return pasted


def _exchange(store: Store, app: App, transport: Transport, root: str, code: str) -> None:
    """Turn the code into tokens and keep them, with no other process on the old ones meanwhile."""
    with store.vault.lock(SYSTEM, app.client_id), signals_deferred():
        try:
            tokens = exchange_code(transport, root, app, code, now=utc_now())
        except LoginNeeded:
            raise LoginError(
                "Exact Online did not take the login code: it is good for three minutes and for "
                "one use. Begin again with `s2p login`."
            ) from None
        finally:
            transport.close()
        _keep(store, app, tokens)
    store.vault.save(_PENDING, app.client_id, {})


def _keep(store: Store, app: App, tokens: Tokens) -> None:
    try:
        store.vault.save(SYSTEM, app.client_id, tokens.to_payload())
    except StoreError as error:
        raise LoginError(
            f"Exact Online gave tokens, but they could not be kept, and any earlier login has "
            f"ended with them. {error} Then run `s2p login` again."
        ) from error
