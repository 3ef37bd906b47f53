"""`s2p servicenow prepare`: columns in which staged rows tell where they come from."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Final

import click

from s2p_console.desk import Desk, as_json, on_desk
from s2p_console.doctor.servicenow import outputs_of
from s2p_console.errors import ConsoleError, ExitCode
from s2p_console.output import Listing, show, working, write_json
from s2p_console.servicenow import connected
from s2p_console.settings import TARGET
from s2p_staging.provenance import LONGEST, parts
from servicenow_client import AmbiguousWrite, Forbidden

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from s2p_console.settings import Settings
    from s2p_staging.provenance import Part
    from servicenow_client import Column, ServiceNowClient

__all__ = ["missing_columns", "servicenow"]

_DICTIONARY: Final = "sys_dictionary"
_ROLE: Final = "admin, or personalize_dictionary"


class NotPreparedError(ConsoleError):
    """ServiceNow refused a column; the sentence says whose right is missing."""


@dataclass(frozen=True, slots=True)
class Missing:
    """A column that a staging table should have."""

    table: str
    label: str
    column: str
    length: int = LONGEST
    added: bool = False


def missing_columns(
    table: str, columns: Iterable[Column], wanted: Iterable[Part], prefix: str
) -> list[Missing]:
    """Tell which columns a table lacks; one of the same label is the same column. Pure."""
    labels = {column.label.strip().casefold() for column in columns}
    return [
        Missing(table, part.label, f"{prefix}{part.column}")
        for part in wanted
        if part.label.strip().casefold() not in labels
    ]


@click.group()
def servicenow() -> None:
    """Set up the ServiceNow instance."""


@servicenow.command()
@click.option("--apply", "apply_", is_flag=True, help=f"Add the columns; needs {_ROLE}.")
@click.option(
    "--prefix",
    default="u_",
    show_default=True,
    help="What the names of new columns begin with on the instance.",
)
@as_json
@on_desk
def prepare(desk: Desk, /, *, apply_: bool, prefix: str, json_: bool) -> int:
    """Name the columns that staging tables lack to tell where a row comes from.

    They take the source record's id, its last change and who made it, the division and the run.
    Nothing is changed without --apply. Ends with 2 if columns are missing.
    """
    with (
        working("Asking ServiceNow"),
        desk.any_store() as store,
        connected(desk.settings, store) as client,
    ):
        found = _missing(desk.settings, client, prefix)
        if apply_:
            found = [_add(client, one) for one in found]
    if json_:
        write_json([asdict(one) for one in found])
    elif found:
        rows = [[one.table, one.label, one.column, "added" if one.added else ""] for one in found]
        show(
            Listing(("table", "label", f"column (String, {LONGEST})", ""), rows),
            *([] if apply_ else [f"Add them in ServiceNow, or with --apply ({_ROLE})."]),
        )
    else:
        show("Every staging table has its columns.")
    return ExitCode.DONE if apply_ or not found else ExitCode.ATTENTION


def _missing(settings: Settings, client: ServiceNowClient, prefix: str) -> list[Missing]:
    wanted: Sequence[Part] = parts(settings.mapping(TARGET, "provenance"))
    tables = sorted(
        {one.staging_table for one in outputs_of(settings) if one.load_method == "import_set"}
    )
    columns = client.columns(tables)
    if not any(columns.values()):
        raise NotPreparedError(
            "sys_dictionary cannot be read, so it is unknown which columns there are: let the "
            "integration user read it."
        )
    return [
        one
        for table in tables
        if columns[table]  # a table the instance does not have needs none
        for one in missing_columns(table, columns[table], wanted, prefix)
    ]


def _add(client: ServiceNowClient, one: Missing) -> Missing:
    """Add one column. Doing it again after an interruption finds what is there already."""
    values = {
        "name": one.table,
        "element": one.column,
        "column_label": one.label,
        "internal_type": "string",
        "max_length": str(one.length),
        "active": "true",
    }
    try:
        client.insert(_DICTIONARY, values)
    except (AmbiguousWrite, Forbidden) as error:
        # It may have been made all the same: only looking tells.
        if any(column.element == one.column for column in client.columns([one.table])[one.table]):
            return replace(one, added=True)
        raise NotPreparedError(
            f"ServiceNow lets this user add no column to {one.table} ({error}). Run it once with a "
            f"user that has the role {_ROLE} (TARGET_SERVICENOW_S2P_AUTH_METHOD=basic and its name "
            "and password in the environment), or let an administrator add what is listed without "
            "--apply."
        ) from None
    return replace(one, added=True)
