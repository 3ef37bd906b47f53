"""What is found when a staging table is looked at. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s2p_console.doctor.findings import Finding, Level
from s2p_staging.columns import resolve
from s2p_staging.errors import ColumnsUnresolved

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from s2p_staging.columns import Table
    from s2p_staging.definitions import Output
    from servicenow_client import Column, TransformMap

__all__ = ["examine_table"]


def examine_table(
    output: Output,
    columns: Sequence[Column],
    maps: Sequence[TransformMap] | None,
    *,
    takes_names: bool,
) -> Iterator[Finding]:
    """Look at one output's table.

    Args:
        output: what is to be staged.
        columns: of its table; the dictionary is readable, so none means there is no such table.
        maps: of its table; None where they cannot be read.
        takes_names: what ``sys_rest_insert_multiple`` says.
    """
    name = output.staging_table
    if not columns:
        yield _missing(output)
        return
    try:
        table = resolve(output, columns, maps or (), takes_names=takes_names)
    except ColumnsUnresolved as error:
        yield Finding("columns", Level.ERROR, str(error))
        return
    left_out = sorted(table.skipped - output.provenance)
    if left_out:
        yield Finding(
            "columns",
            Level.OK,
            f"{name} has no column for {', '.join(left_out)}: left out.",
        )
    if table.one_by_one:
        yield Finding(
            "columns",
            Level.OK,
            f"{name} is loaded row by row, as one of its labels stands twice: fifty rows a call.",
        )
    if maps is not None and output.load_method == "import_set":
        yield from _maps(output, table, maps)
    if not left_out and not table.one_by_one:
        yield Finding("columns", Level.OK, f"{name}: all {len(table.written)} columns are there.")


def _missing(output: Output) -> Finding:
    if output.where_present:
        return Finding(
            "tables",
            Level.OK,
            f"The instance has no {output.staging_table}: no {output.name}.",
        )
    return Finding(
        "tables",
        Level.ERROR,
        f"The instance has no table {output.staging_table}, or the user may not read its columns.",
        f"Install the Source-to-Pay application that brings it, or set tables.{output.name}."
        "enabled to false.",
    )


def _maps(output: Output, table: Table, maps: Sequence[TransformMap]) -> Iterator[Finding]:
    name = output.staging_table
    active = [one for one in maps if one.active]
    if not active:
        yield Finding(
            "transform maps",
            Level.ERROR,
            f"{name} has no active transform map: what is staged there becomes nothing.",
            "Activate the one that ships with the application.",
        )
        return
    if len(active) > 1:
        yield Finding(
            "transform maps",
            Level.OK,
            f"{name} has {len(active)} active transform maps "
            f"({', '.join(one.name for one in active)}); a row counts once.",
        )
    if table.copies_empty and output.owned:
        yield Finding(
            "transform maps",
            Level.WARNING,
            f"A transform map of {name} copies empty fields: what ServiceNow owns there cannot be "
            "left alone.",
            "Switch 'Copy empty fields' off in it.",
        )
    for one in active:
        wanted = set(table.key_elements)
        found = set(one.coalesces_on)
        if not found:
            yield Finding(
                "transform maps",
                Level.ERROR,
                f"The transform map '{one.name}' of {name} does not coalesce: a record that is "
                "staged again becomes a second record.",
                f"Set coalesce on {', '.join(table.key_elements) or ', '.join(output.key)}.",
            )
        elif wanted and not found <= wanted:
            yield Finding(
                "transform maps",
                Level.WARNING,
                f"The transform map '{one.name}' of {name} coalesces on "
                f"{', '.join(sorted(found))}, where {', '.join(table.key_elements)} identify a "
                "record.",
                "Make sure that no two records share these.",
            )
