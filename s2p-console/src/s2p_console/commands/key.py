"""`s2p key`: a new store key, and the change from one to another."""

from __future__ import annotations

from datetime import datetime, timezone

import click

from s2p_console.desk import Desk, on_desk
from s2p_store import AuditEvent, generate_key

__all__ = ["key"]


@click.group(invoke_without_command=True)
@click.pass_context
def key(context: click.Context) -> None:
    """Print a new store key and nothing else.

    Keep it safe and set it as S2P_STORE_KEY for all plugins: without it the stored login and the
    held records cannot be read again. S2P_STORE_KEY=file:PATH reads it from a file.
    """
    if context.invoked_subcommand is None:
        click.echo(generate_key())


@key.command()
@on_desk
def rotate(desk: Desk, /) -> None:
    """Encrypt everything in the store again with the first of several keys.

    Put a new key before the old one, S2P_STORE_KEY=NEW,OLD, for all plugins; they read with both
    and write with the new one. Then run this, and take the old key out. Everything is encrypted
    again, or nothing: it can be interrupted and repeated.
    """
    with desk.store() as store:
        changed = store.rotate()
        at = datetime.now(timezone.utc)
        event = AuditEvent(
            "s2p key rotate", at, "store", None, None, "key_changed", None, {"values": changed}
        )
        store.audit.append([event])
    click.echo(
        f"{changed} values are encrypted with the first key now. Take the others out of "
        "S2P_STORE_KEY, for all plugins.",
        err=True,
    )
