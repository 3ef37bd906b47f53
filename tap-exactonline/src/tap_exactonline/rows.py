"""From a row of one endpoint to a record of one stream, compiled once. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exactonline_client import RowConverter
from tap_exactonline.entities import kind_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from tap_exactonline.definitions import Endpoint, StreamDefinition

__all__ = ["RowPlan"]


class RowPlan:
    """What to ask an endpoint for, and how its rows become records.

    Attributes:
        select: names for ``$select``, in Exact's order.
        hidden: properties that records carry for the tap's own use, not selected by the user.
    """

    __slots__ = (
        "_absent",
        "_aliases",
        "_convert",
        "_has_division",
        "_named",
        "hidden",
        "select",
    )

    def __init__(
        self, definition: StreamDefinition, endpoint: Endpoint, selected: Collection[str]
    ) -> None:
        """Compile.

        Args:
            definition: the stream.
            endpoint: where its rows are read.
            selected: properties the user wants; keys and bookmark come in any case.
        """
        needed = {*definition.keys, definition.replication_key, *definition.always}
        wanted = [name for name in definition.properties if name in selected or name in needed]
        own: set[str] = {definition.modified} & set(endpoint.properties)
        self._named = [
            (name, code, words)
            for name, (code, words) in definition.named.items()
            if name in wanted
        ]
        own.update(code for _, code, _ in self._named)
        if endpoint.by:
            own.add(endpoint.by)
        if endpoint.rows:
            own.add("LineNumber")
        self.hidden = tuple(sorted(own - set(wanted)))
        sources = {name: endpoint.aliases.get(name, name) for name in (*wanted, *self.hidden)}
        asked = {*sources.values(), "Division"}
        self.select = tuple(name for name in endpoint.properties if name in asked)
        self._aliases = tuple((name, source) for name, source in sources.items() if name != source)
        self._has_division = "Division" in definition.keys
        self._convert = RowConverter(
            endpoint.resource,
            {
                source: kind_of(source, endpoint.properties[source])
                for source in sources.values()
                if source in endpoint.properties
            },
        )
        self._absent = dict.fromkeys(
            name for name, source in sources.items() if source not in endpoint.properties
        )

    def convert(self, row: Mapping[str, Any], division: int) -> dict[str, Any]:
        """Give the record of a row, hidden properties included."""
        record = self._convert(row)
        record.update(self._absent)
        for name, source in self._aliases:
            record[name] = record.pop(source)
        for name, code, words in self._named:
            record[name] = words.get(record[code])
        if self._has_division:
            record["Division"] = division
        return record
