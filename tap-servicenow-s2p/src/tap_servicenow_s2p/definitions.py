"""What each stream is: its table, its properties, its schema. Pure."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - msgspec reads the annotation
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from s2p_staging.definitions import documented

__all__ = ["OUTCOMES", "SYSTEM", "Kind", "StreamDefinition", "staging_tables", "streams"]

Kind = Literal["text", "flag", "date", "moment", "source"]
OUTCOMES: Final = "staging_outcomes"
SYSTEM: Final[Mapping[str, Kind]] = {
    "sys_id": "text",
    "sys_created_on": "moment",
    "sys_created_by": "text",
    "sys_updated_on": "moment",
    "sys_updated_by": "text",
    "sys_mod_count": "text",
}
"""Columns every table has."""
_OUTCOME: Final[Mapping[str, Kind]] = {
    "sys_import_set": "text",
    "sys_import_row": "text",
    "sys_import_state": "text",
    "sys_import_state_comment": "text",
    "sys_target_table": "text",
    "sys_target_sys_id": "text",
}
"""What a staging row says of itself (columns of ``sys_import_set_row``)."""
_TYPES: Final[Mapping[Kind, dict[str, Any]]] = {
    "text": {"type": ["string", "null"]},
    "flag": {"type": ["boolean", "null"]},
    "date": {"type": ["string", "null"], "format": "date"},
    "moment": {"type": ["string", "null"], "format": "date-time"},
    "source": {"type": ["string", "null"], "description": "Name of the ERP source"},
}


class StreamDefinition(Struct, frozen=True, forbid_unknown_fields=True):
    """One stream.

    Attributes:
        name: of the stream.
        table: ServiceNow's table; empty for the outcomes, which come from all staging tables.
        columns: own columns with their kind; None stands for text.
        whole: it is small enough to be read whole now and then, which alone shows deletions.
    """

    name: str
    table: str
    columns: Mapping[str, Kind | None]
    whole: bool = False

    @property
    def kinds(self) -> dict[str, Kind]:
        """All properties read from a row, with their kinds."""
        return {**SYSTEM, **{name: kind or "text" for name, kind in self.columns.items()}}

    def schema(self) -> dict[str, Any]:
        """The JSON schema of a record."""
        properties = {name: dict(_TYPES[kind]) for name, kind in self.kinds.items()}
        properties["sys_id"] = {"type": "string"}
        properties["sys_updated_on"] = {"type": "string", "format": "date-time"}
        if self.name == OUTCOMES:
            properties["staging_table"] = {"type": "string"}
        return {"type": "object", "properties": properties}


@cache
def streams() -> tuple[StreamDefinition, ...]:
    """All streams, in the order they are emitted."""
    raw = files("tap_servicenow_s2p").joinpath("streams.yaml").read_bytes()
    read = msgspec.yaml.decode(raw, type=list[StreamDefinition])
    return (*read, StreamDefinition(OUTCOMES, "", dict(_OUTCOME)))


@cache
def staging_tables() -> tuple[str, ...]:
    """The documented staging tables that records are staged in."""
    return tuple(
        sorted(
            {
                output.staging_table
                for stream in documented()
                for output in stream.outputs
                if output.load_method == "import_set"
            }
        )
    )
