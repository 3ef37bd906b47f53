"""`s2p key`."""

from __future__ import annotations

import click

from s2p_store import generate_key

__all__ = ["key"]


@click.command()
def key() -> None:
    """Print a new store key and nothing else.

    Keep it safe and set it as S2P_STORE_KEY for all plugins: without it the stored login and the
    held records cannot be read again.
    """
    click.echo(generate_key())
