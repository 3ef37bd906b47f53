"""What Exact's entities consist of: property lists, kinds of values, JSON schemas. Pure data.

``entities.json`` is a reduced copy of Exact's documented entities (July 2025, with additions of
December 2025): resource path, then property name to Edm type, in Exact's own order. Navigation
properties and binary data are left out.
"""

from __future__ import annotations

import json
import re
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from exactonline_client import Kind

__all__ = ["ENTITIES", "json_schema", "kind_of"]

ENTITIES: Final[Mapping[str, Mapping[str, str]]] = json.loads(
    files("tap_exactonline").joinpath("entities.json").read_text(encoding="utf-8")
)

# Moments in time; every other Edm.DateTime of these entities is a day, sent as its midnight.
_INSTANTS: Final = frozenset(
    {
        "Approved",
        "ControlledDate",
        "Created",
        "DeletedDate",
        "DivisionHRLinkUnlinkDate",
        "DivisionMoveDate",
        "Modified",
    }
)

# Columns that Exact keeps as fixed-width text come padded, left or right.
_PADDED: Final = re.compile(
    r"(?:Code|Cost[cC]enter|Cost[uU]nit|Country|Currency|Journal|Language|Legislation"
    r"|PaymentCondition(?:Purchase|Sales)?|State|Unit)$"
)

_KINDS: Final[Mapping[str, Kind]] = {
    "Boolean": "flag",
    "Byte": "number",
    "Double": "number",
    "Guid": "guid",
    "Int16": "number",
    "Int32": "number",
    "Int64": "int64",
}

_TYPES: Final = {
    "Boolean": "boolean",
    "Byte": "integer",
    "Double": "number",
    "Guid": "string",
    "Int16": "integer",
    "Int32": "integer",
    "Int64": "integer",
    "String": "string",
}


def kind_of(name: str, edm: str) -> Kind:
    """Give how the client has to convert a property."""
    if edm == "DateTime":
        return "instant" if name in _INSTANTS else "date"
    if edm == "String":
        return "code" if _PADDED.search(name) else "text"
    return _KINDS[edm]


def json_schema(properties: Mapping[str, str], keys: Collection[str]) -> dict[str, Any]:
    """Give the JSON schema of a stream.

    Args:
        properties: name to Edm type.
        keys: properties that are never null.
    """
    return {
        "type": "object",
        "properties": {name: _schema(name, edm, keys) for name, edm in properties.items()},
        "required": list(keys),
    }


def _schema(name: str, edm: str, keys: Collection[str]) -> dict[str, Any]:
    if edm == "DateTime":
        kind = "date-time" if name in _INSTANTS else "date"
        return {"type": ["string", "null"], "format": kind}
    return {"type": [_TYPES[edm]] if name in keys else [_TYPES[edm], "null"]}
