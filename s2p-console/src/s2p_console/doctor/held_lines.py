"""How held lines are kept from being transformed, and whether the instance lets them wait so.

Whether the user may create an import set or a row shows with the first held line only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from s2p_console.doctor.findings import Finding, Level
from s2p_staging.errors import StagingError
from s2p_staging.held_tables import (
    LOADING_SET,
    OWN_TABLE,
    TITLE,
    WAYS,
    check_held_tables,
    resolve_held_table,
)
from servicenow_client import Forbidden, NotFound, Rejected, equals

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from s2p_staging.definitions import Output
    from servicenow_client import Column, ServiceNowClient

__all__ = ["examine_held_lines"]

_CHECK: Final = "held lines"
_SETS: Final = "sys_import_set"
_WAITING: Final = ("loading", "asynchronous")
_UNREADABLE: Final = (Forbidden, NotFound, Rejected)


def examine_held_lines(
    client: ServiceNowClient, outputs: Sequence[Output], way: str
) -> Iterator[Finding]:
    """Tell which way is in use, and whether it is possible."""
    if way not in WAYS:
        yield Finding(
            _CHECK,
            Level.ERROR,
            f"The setting park_held is '{way}', which is no way to park held lines.",
            f"Set it to {' or '.join(WAYS)}.",
        )
        return
    try:
        check_held_tables(outputs, way)
    except StagingError as error:
        yield Finding(_CHECK, Level.ERROR, str(error))
        return
    yield from _own_tables(client, outputs, way) if way == OWN_TABLE else _loading_sets(client)


def _loading_sets(client: ServiceNowClient) -> Iterator[Finding]:
    told = (
        f"Held lines wait in asynchronous import sets that stay loading (park_held: {LOADING_SET})"
    )
    try:
        sets = list(
            client.query(
                _SETS,
                equals("short_description", TITLE),
                ("short_description", "number", "table_name", "state", "mode"),
            )
        )
    except _UNREADABLE as error:
        yield Finding(
            _CHECK,
            Level.WARNING,
            f"Held lines stay in the store only, as {_SETS} cannot be used: {error}",
            f"Let the integration user read and create {_SETS}, or name tables of your own "
            f"(park_held: {OWN_TABLE}).",
        )
        return
    ours = [one for one in sets if one.get("short_description") == TITLE]
    moved = [one for one in ours if (one.get("state"), one.get("mode")) != _WAITING]
    for one in moved:
        yield Finding(
            _CHECK,
            Level.ERROR,
            f"The import set {one.get('number')} of held lines for {one.get('table_name')} is "
            f"{one.get('mode')} and {one.get('state')}: somebody or something loaded it, and its "
            "rows may have been transformed.",
            "Look at its rows, and keep whatever loads import sets away from it; or name tables of "
            f"your own (park_held: {OWN_TABLE}).",
        )
    if not moved:
        yield Finding(_CHECK, Level.OK, f"{told}; there are {len(ours)} of them now.")


def _own_tables(client: ServiceNowClient, outputs: Sequence[Output], way: str) -> Iterator[Finding]:
    own = [output for output in outputs if output.held_table]
    columns: Mapping[str, Sequence[Column]] = {}
    maps: Mapping[str, Mapping[str, bool]] = {}
    try:
        columns = client.columns({output.held_table for output in own})
        maps = client.transform_map_names(
            {name for output in own for name in (output.held_table, output.staging_table)}
        )
    except _UNREADABLE:
        pass  # told with each table
    for output in own:
        seen = maps.get(output.held_table) if maps.get(output.staging_table) else None
        try:
            found = resolve_held_table(output, columns.get(output.held_table, ()), seen)
        except StagingError as error:
            yield Finding(_CHECK, Level.ERROR, str(error))
        else:
            yield Finding(
                _CHECK,
                Level.OK,
                f"Held lines of {output.name} wait in {found.name}, which has no active transform "
                f"map (park_held: {way}); {len(found.elements)} of their columns are there.",
            )
    yield Finding(_CHECK, Level.OK, "Held records of other streams stay in the store only.")
