"""Where a held row waits, so that nobody takes it for one to be transformed.

The rows of an import set that is *asynchronous* and still *loading* are pending and are not
transformed (documentation, *Import set mode*); midnight ends synchronous sets only. The other place
is a table of the instance's own, which has no transform map (`s2p_staging.held_tables`).
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, ClassVar, Final

from s2p_staging.held_tables import TITLE, resolve_held_table
from servicenow_client import AmbiguousWrite, Forbidden, NotFound, Rejected, all_of, equals

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from s2p_staging.columns import Table
    from s2p_staging.definitions import Output
    from s2p_staging.held_tables import HeldTable
    from servicenow_client import ServiceNowClient
    from target_servicenow_s2p.rows import Row

__all__ = ["LoadingSet", "LoadingSets", "OwnTable", "held_tables_of", "may_be_repeated"]

_TRIES: Final = 4


@dataclass(frozen=True, slots=True)
class LoadingSet:
    """An import set of a staging table that stays loading."""

    table: str
    import_set: str | None
    released: ClassVar[Mapping[str, str]] = {
        "sys_import_state": "skipped",
        "sys_import_state_comment": "Released: the record was staged on its own.",
    }

    def values(self, table: Table, row: Row) -> dict[str, str]:
        """Return what a held row holds here."""
        return {
            **table.by_element(row.values),
            "sys_import_set": str(self.import_set),
            "sys_import_state": "pending",
            "sys_import_state_comment": "Held: " + ", ".join(row.origin.reasons),
        }


@dataclass(frozen=True, slots=True)
class OwnTable:
    """A table of the instance's own."""

    held: HeldTable
    import_set: ClassVar[str | None] = None

    @property
    def table(self) -> str:
        """Its name."""
        return self.held.name

    def values(self, table: Table, row: Row) -> dict[str, str]:
        """Return what a held row holds here."""
        del table  # the columns are this table's own
        return self.held.held(row.values, row.origin.reasons)


class LoadingSets:
    """The import sets in which held rows wait, each made at first need."""

    def __init__(self, client: ServiceNowClient) -> None:
        self._client = client
        self._sets: dict[str, str | None] = {}

    def of(self, table: Table) -> LoadingSet | None:
        """Return the set of a staging table; None if ServiceNow refuses one."""
        staging = table.output.staging_table
        if staging not in self._sets:
            self._sets[staging] = self._open(staging) if table.key_elements else None
        import_set = self._sets[staging]
        return LoadingSet(staging, import_set) if import_set else None

    def close(self, staging: str) -> None:
        """Use the set of a staging table no more: it does not take all rows."""
        self._sets[staging] = None

    def _open(self, staging: str) -> str | None:
        found = self._find(staging)
        if found is not None:
            return found
        wanted = {
            "table_name": staging,
            "mode": "asynchronous",
            "state": "loading",
            "short_description": TITLE,
        }
        for left in reversed(range(_TRIES)):
            try:
                made = self._client.insert("sys_import_set", wanted)
            except AmbiguousWrite as doubt:
                found = self._find(staging)
                if found is not None or not may_be_repeated(doubt):
                    return found
                if not left:
                    raise
            except (Forbidden, NotFound, Rejected):
                return None
            else:
                break
        # A column that an ACL protects is ignored silently: a set that is not loading would be
        # transformed.
        stays = made.get("state") == "loading" and made.get("mode") == "asynchronous"
        return str(made["sys_id"]) if stays else None

    def _find(self, staging: str) -> str | None:
        condition = all_of(
            equals("table_name", staging),
            equals("short_description", TITLE),
            equals("state", "loading"),
            equals("mode", "asynchronous"),
        )
        fields = ("table_name", "short_description", "state", "mode")
        try:
            for row in self._client.query("sys_import_set", condition, fields):
                # An invalid part of a query is ignored, so each row is checked.
                if (row.get("table_name"), row.get("short_description")) == (staging, TITLE) and (
                    row.get("state"),
                    row.get("mode"),
                ) == ("loading", "asynchronous"):
                    return str(row["sys_id"])
        except (Forbidden, NotFound):
            return None
        return None


def held_tables_of(client: ServiceNowClient, outputs: Iterable[Output]) -> dict[str, HeldTable]:
    """Make sure that the tables for held rows are fit for it, and find their columns.

    Returns:
        Output name → its table, for those that have one.

    Raises:
        HeldTableUnfit: rows there might be transformed, or could not be told apart.
    """
    outputs = [output for output in outputs if output.held_table]
    if not outputs:
        return {}
    names = {output.held_table for output in outputs}
    try:
        columns = client.columns(names)
    except (Forbidden, NotFound):
        columns = {}
    staged = {output.staging_table for output in outputs}
    try:
        maps = client.transform_map_names(names | staged)
    except (Forbidden, NotFound):
        maps = {}
    return {
        output.name: resolve_held_table(
            output,
            columns.get(output.held_table, ()),
            # Where even the map of the staging table is hidden, none can be seen.
            maps.get(output.held_table) if maps.get(output.staging_table) else None,
        )
        for output in outputs
    }


def may_be_repeated(error: Exception) -> bool:
    """Tell whether a write that left no trace may succeed next time: a refusal may not."""
    return isinstance(error, AmbiguousWrite) and error.status != HTTPStatus.FORBIDDEN
