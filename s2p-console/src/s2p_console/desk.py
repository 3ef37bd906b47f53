"""What every command is given: the settings, read when first needed, and the moment."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import click

from s2p_console.surroundings import existing_store, new_or_existing_store, read_settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from s2p_console.settings import Settings
    from s2p_store import Store

__all__ = ["Desk", "as_json", "on_desk"]

_F = TypeVar("_F", bound="Callable[..., Any]")


class Desk:
    """One call of the command."""

    def __init__(self, config: Path | None) -> None:
        """Remember the configuration file; nothing is read yet."""
        self._config = config

    @cached_property
    def settings(self) -> Settings:
        """The settings, of the file, the environment and `.env`."""
        return read_settings(self._config)

    def store(self) -> Store:
        """Open the store that there is."""
        return existing_store(self.settings)

    def any_store(self) -> Store:
        """Open the store, making it if there is none."""
        return new_or_existing_store(self.settings)


on_desk = click.make_pass_decorator(Desk)
"""Gives the command its desk as first argument."""


def as_json(command: _F) -> _F:
    """Add the option `--json`."""
    return click.option(
        "--json", "json_", is_flag=True, help="Print JSON, for programs, instead of a table."
    )(command)
