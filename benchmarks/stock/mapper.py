"""A plain InlineMapper with a look-up, default settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import typing as th
from singer_sdk.mapper_base import InlineMapper
from singer_sdk.singerlib import (
    ActivateVersionMessage,
    RecordMessage,
    SchemaMessage,
    StateMessage,
)
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterable

    from singer_sdk.singerlib import Message

_COST_CENTERS = {f"CC{number:03d}": f"c{number:031d}" for number in range(50)}


class StockMapper(InlineMapper):
    """Adds one property, found by a code."""

    name = "stock-mapper"
    config_jsonschema: ClassVar[dict[str, Any]] = th.PropertiesList().to_dict()

    @override
    def map_schema_message(self, message_dict: dict[str, Any]) -> Iterable[Message]:
        message_dict["schema"]["properties"]["cost_center_sys_id"] = {"type": ["string", "null"]}
        yield SchemaMessage.from_dict(message_dict)

    @override
    def map_record_message(self, message_dict: dict[str, Any]) -> Iterable[Message]:
        record = message_dict["record"]
        code = (record.get("CostCenter") or "").strip()
        record["cost_center_sys_id"] = _COST_CENTERS.get(code)
        yield RecordMessage.from_dict(message_dict)

    @override
    def map_state_message(self, message_dict: dict[str, Any]) -> Iterable[Message]:
        yield StateMessage.from_dict(message_dict)

    @override
    def map_activate_version_message(self, message_dict: dict[str, Any]) -> Iterable[Message]:
        yield ActivateVersionMessage.from_dict(message_dict)


if __name__ == "__main__":
    StockMapper.cli()
