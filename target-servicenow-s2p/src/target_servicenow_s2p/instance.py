"""What is asked of the ServiceNow instance once, before the first row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s2p_reference.ownership import Ownership
from s2p_staging.columns import Table, resolve
from servicenow_client import Forbidden, NotFound
from target_servicenow_s2p.owned import with_owners

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from logging import Logger

    from s2p_staging.definitions import Output
    from servicenow_client import Column, ServiceNowClient, TransformMap

__all__ = ["Instance"]


class Instance:
    """The staging tables of one instance, resolved output by output when first needed."""

    def __init__(
        self,
        client: ServiceNowClient,
        outputs: Iterable[Output],
        logger: Logger,
        ownership: Ownership | None = None,
    ) -> None:
        self._client = client
        self._ownership = ownership or Ownership()
        self._outputs = {output.name: output for output in outputs}
        self._logger = logger
        self._tables: dict[str, Table | None] = {}
        self._columns: Mapping[str, Sequence[Column]] | None = None
        self._maps: Mapping[str, Sequence[TransformMap]] = {}
        self._keys: Mapping[str, str] = {}
        self._said_origin = False

    def table(self, name: str) -> Table | None:
        """Return the table of an output, by the output's or by the staging table's name.

        None for one that nobody defined, or that this instance does not have and may lack.

        Raises:
            ColumnsUnresolved: the instance lacks a needed column.
            OwnershipImpossible: its transform map would empty what ServiceNow owns.
        """
        # By its staging table a row is taken for one of the records, not for what ends one.
        records = (one for one in self._outputs.values() if not one.closes)
        output = self._outputs.get(name) or next(
            (one for one in records if one.staging_table == name), None
        )
        if output is None:
            return None
        if output.name not in self._tables:
            self._tables[output.name] = self._resolve(output)
        return self._tables[output.name]

    def _resolve(self, output: Output) -> Table | None:
        if self._columns is None:
            self._columns = self._ask()
        staging = output.staging_table
        if output.where_present and not self._columns.get(staging):
            self._logger.info(
                "The instance has no table %s: %s are left out.", staging, output.name
            )
            return None
        table = resolve(
            output,
            self._columns.get(staging, ()),
            self._maps.get(staging, ()),
            takes_names=self._keys.get(staging) == "name",
        )
        untold = table.skipped & output.provenance
        if (missing := table.skipped - untold) and table.elements:
            self._logger.info(
                "%s has no column for %s: left out.", staging, ", ".join(sorted(missing))
            )
        if untold and not self._said_origin:
            self._said_origin = True
            self._logger.info(
                "Staging tables have no columns that tell where a row comes from: the audit trail "
                "alone does. `s2p servicenow prepare` names what to add."
            )
        if not table.coalesces and output.load_method == "import_set":
            self._logger.warning(
                "No transform map of %s coalesces: a record staged again becomes a second record "
                "in ServiceNow. Set coalesce on %s.",
                staging,
                " and ".join(output.key),
            )
        return with_owners(table, self._ownership)

    def _ask(self) -> Mapping[str, Sequence[Column]]:
        tables = sorted({output.staging_table for output in self._outputs.values()})
        columns: Mapping[str, Sequence[Column]]
        try:
            columns = self._client.columns(tables)
        except (Forbidden, NotFound):
            columns = {}
        if not any(columns.values()):
            self._logger.warning(
                "sys_dictionary cannot be read: the documented column labels are used. Let the "
                "integration user read it, so that ambiguous writes can be looked up."
            )
        self._keys = self._client.insert_multiple_keys(tables)
        try:
            self._maps = self._client.transform_maps_by_table(tables)
        except (Forbidden, NotFound):
            self._maps = {}
        return columns
