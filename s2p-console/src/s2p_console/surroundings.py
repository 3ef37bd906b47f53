"""Where settings come from on this machine, and the way to the store they name."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from dotenv import dotenv_values, find_dotenv

from s2p_console.errors import NotFoundError, SettingError
from s2p_console.settings import Settings, by_plugin
from s2p_store import Store
from s2p_store.urls import parse_store_url

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

__all__ = ["existing_store", "new_or_existing_store", "read_settings"]


def read_settings(config: Path | None) -> Settings:
    """Read the environment, `.env` here or above, and the configuration file if there is one.

    Raises:
        SettingError: the file cannot be read as what it should be.
    """
    return Settings(_environment(), {} if config is None else _config_file(config))


def existing_store(settings: Settings) -> Store:
    """Open the store that a run has filled, with its key if one is set.

    Raises:
        NotFoundError: there is none; looking must not make an empty one in the wrong folder.
        StoreError: it cannot be opened.
    """
    place = parse_store_url(settings.store_url, Path.cwd())
    if place.path is not None and not place.path.exists():
        raise NotFoundError(
            f"There is no store at {place.label} yet. Run this in the folder of the Meltano "
            "project, or say in S2P_STORE_URL where the store is; the first run makes it."
        )
    return Store.open(settings.store_url, settings.store_key)


def new_or_existing_store(settings: Settings) -> Store:
    """Open the store, making it if there is none.

    Raises:
        StoreError: it cannot be opened.
    """
    return Store.open(settings.store_url, settings.store_key)


def _environment() -> Mapping[str, str]:
    path = find_dotenv(usecwd=True)
    try:
        written = dotenv_values(path) if path else {}
    except UnicodeDecodeError:
        raise SettingError(f"The file {path} is not UTF-8 text. Save it as UTF-8.") from None
    return {
        **{name: value for name, value in written.items() if value is not None},
        **os.environ,
    }


def _config_file(path: Path) -> dict[str, dict[str, Any]]:
    try:
        document = msgspec.json.decode(path.read_bytes())
    except msgspec.DecodeError as error:
        raise SettingError(f"The configuration file {path} is not valid JSON: {error}.") from None
    except OSError as error:
        raise SettingError(
            f"The configuration file {path} cannot be read: {error.strerror}."
        ) from None
    return by_plugin(document)
