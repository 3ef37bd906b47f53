"""Making a tap from its command line."""

from __future__ import annotations

import json
from typing import IO, TYPE_CHECKING, Any, TypeVar

from s2p_singer.errors import SettingError

if TYPE_CHECKING:
    from singer_sdk import Tap
    from singer_sdk.plugin_base import _ConfigInput

    TapType = TypeVar("TapType", bound=Tap)

__all__ = ["tap_from"]


def tap_from(
    cls: type[TapType],
    config: _ConfigInput | None,
    state: IO[str] | None,
    catalog: IO[str] | None,
) -> TapType:
    """Make the tap that the options name; the SDK's own form also runs it.

    Raises:
        SettingError: state or catalog is no JSON object.
    """
    cls.print_version(print_fn=cls.logger.info)
    return cls(
        config=config.config if config else None,
        state=None if state is None else _load(state, "--state"),
        catalog=None if catalog is None else _load(catalog, "--catalog"),
        parse_env_config=config.parse_env if config else False,
        validate_config=True,
    )


def _load(file: IO[str], option: str) -> dict[str, Any]:
    """Read a JSON object given on the command line."""
    try:
        document = json.load(file)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise SettingError(f"The file given as {option} is not a JSON object. Correct it.")
    return document
