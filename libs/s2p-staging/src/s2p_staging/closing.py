"""Outputs that end what another output has staged: what they take over from it. Pure.

A deletion knows of a record little more than its id. Where its row has to go, and by which columns
it is found there, is what the other output says, and what the setting `tables` says of that one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from s2p_staging.errors import DefinitionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from s2p_staging.definitions import _FieldFile, _OutputFile, _Override, _StreamFile

__all__ = ["follow", "inherit"]


def inherit(streams: Iterable[_StreamFile]) -> list[_StreamFile]:
    """Give every closing output the staging table, key and labels of the one it closes.

    Raises:
        DefinitionError: there is no such output.
    """
    streams = list(streams)
    named = {output.name: output for stream in streams for output in stream.outputs}
    return [
        replace(stream, outputs=[_inherited(output, named) for output in stream.outputs])
        for stream in streams
    ]


def _inherited(output: _OutputFile, named: Mapping[str, _OutputFile]) -> _OutputFile:
    if not output.closes:
        return output
    closed = named.get(output.closes)
    if closed is None:
        raise DefinitionError(f"Output {output.name} closes {output.closes}, which does not exist.")
    fields: dict[str, str | _FieldFile] = {}
    for label, given in output.fields.items():
        spec = closed.fields.get(label)
        if isinstance(given, str) and spec is not None and not isinstance(spec, str):
            fields[label] = replace(spec, value=given)
        else:
            fields[label] = given
    return replace(
        output,
        staging_table=closed.staging_table,
        load_method=closed.load_method,
        key=closed.key,
        after=[*output.after, closed.name],
        fields=fields,
        owned=closed.owned,
        where_present=closed.where_present,
    )


def follow(output: _OutputFile, own: _Override, closed: _Override) -> _Override:
    """Lay what a setting says of the closed output under what it says of the closing one.

    Expressions stay the closing one's: those of the other are about a record that is gone. Where
    the setting has left nothing that ends a record, or a key that is not known, it is off.
    """
    fields = {
        label: given if isinstance(given, str) else replace(given, value="")
        for label, given in closed.fields.items()
        if label in output.fields and (not given if isinstance(given, str) else given.column)
    }
    fields = {**fields, **own.fields}
    key = own.key or closed.key or output.key
    written = {label for label in {**output.fields, **fields} if fields.get(label, label)}
    ends = written > set(key)
    return replace(
        own,
        staging_table=own.staging_table or closed.staging_table,
        load_method=own.load_method or closed.load_method,
        fields=fields,
        enabled=own.enabled and closed.enabled and ends,
        key=key,
    )
