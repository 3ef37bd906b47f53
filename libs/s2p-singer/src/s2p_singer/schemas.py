"""What a target insists on in a SCHEMA message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from s2p_singer.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["keys_of_schema"]


def keys_of_schema(message: Mapping[str, Any]) -> tuple[str, ...]:
    """Give the key properties of a stream that is announced.

    Raises:
        InputError: the message holds no JSON schema with properties.
    """
    schema, stream = message["schema"], message["stream"]
    if not isinstance(schema, dict) or not isinstance(schema.get("properties", {}), dict):
        raise InputError(
            f"The SCHEMA message of stream '{stream}' holds no JSON schema. The plugin before "
            "this one in the pipe wrote it."
        )
    if "properties" not in schema:
        raise InputError(
            f"The SCHEMA message of stream '{stream}' lacks properties. The plugin before "
            "this one in the pipe wrote it."
        )
    return tuple(message.get("key_properties") or ())
