"""What ServiceNow owns is not staged over what it has; a record that is new there gets it all."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from msgspec.structs import replace as row_with

from s2p_mapping.dimensions import COST_CENTER, GL_ACCOUNT
from s2p_reference.entities import ENTITIES, SERVICENOW
from s2p_reference.known import EVERY, SYSTEM
from s2p_reference.ownership import ONLY_SERVICENOW
from s2p_staging.digests import compared, digest
from target_servicenow_s2p.disputed import MAPPER, Disputed
from target_servicenow_s2p.errors import OwnershipImpossible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from s2p_reference.ownership import Ownership
    from s2p_staging.columns import Table
    from s2p_store import LedgerEntry, Store
    from target_servicenow_s2p.rows import Row

__all__ = ["Owned", "with_owners"]

_DIMENSIONS: Final = {"gl_accounts": GL_ACCOUNT, "cost_centers": COST_CENTER}


def with_owners(table: Table, ownership: Ownership) -> Table:
    """Give a table with the labels of what ServiceNow owns, by division.

    Raises:
        OwnershipImpossible: its transform map would empty what is left out.
    """
    output = table.output
    entity = ENTITIES.get(output.closes or output.name)
    if entity is None or not output.owned:
        return table
    said: dict[int | None, frozenset[str]] = {}
    always = {label for name in ONLY_SERVICENOW for label in output.owned.get(name, ())}
    for division in (None, *ownership.divisions):
        owners = ownership.all_of(division, entity)
        theirs = {name for name, owner in owners.items() if owner == SERVICENOW}
        said[division] = frozenset(one for name in theirs for one in output.owned.get(name, ()))
    if table.copies_empty:
        named = sorted(frozenset[str]().union(*said.values()))
        if named:
            raise OwnershipImpossible(
                f"A transform map of {output.staging_table} copies empty fields, so what "
                f"ServiceNow owns ({', '.join(named)}) would be emptied. Switch 'Copy empty "
                "fields' off in it, or give these fields to exactonline in the setting ownership."
            )
        return table
    return replace(table, theirs={place: labels | always for place, labels in said.items()})


class Owned:
    """Leaves out of a row what ServiceNow owns, where it has the record."""

    def __init__(self, store: Store, instance_url: str) -> None:
        """Prepare; reads nothing."""
        self._store = store
        self._host = urlsplit(instance_url).netloc
        self._pairs: dict[tuple[str, int], frozenset[str]] = {}
        self._disputed = Disputed(store, instance_url)

    def left_out(
        self, table: Table, rows: Mapping[str, Row], known: Mapping[str, LedgerEntry]
    ) -> dict[str, Row]:
        """Give the rows as they are to be staged; one that would end nothing any more is left out.

        Args:
            table: where they go.
            rows: of one output, by natural key.
            known: what the ledger says of them.
        """
        if not table.theirs:
            return dict(rows)
        found: dict[str, Row] = {}
        closes = table.output.closes
        nothing = {*table.output.key, *table.output.provenance}
        for key, row in rows.items():
            theirs = table.servicenows(row.origin.division).intersection(row.values)
            if theirs and (closes or self._is_there(table, row, known.get(key))):
                values = {name: text for name, text in row.values.items() if name not in theirs}
                if closes and self._ends_nothing(table, values, nothing):
                    continue
                found[key] = row_with(row, values=values)
            else:
                found[key] = row
            if not closes:
                found[key] = self._without_disputed(table, found[key], row, known.get(key))
        return found

    def _without_disputed(
        self, table: Table, row: Row, whole: Row, entry: LedgerEntry | None
    ) -> Row:
        """Leave out what a person has to decide about; the row is another one for the ledger."""
        code = row.values[table.output.key[0]]
        fields = self._disputed.fields(table.output.name, whole, code, entry)
        labels = {label for name in fields for label in table.output.owned.get(name, ())}
        if labels.isdisjoint(row.values):
            return row
        values = {label: text for label, text in row.values.items() if label not in labels}
        written = compared(values, table.left_out(row.origin.division))
        return row_with(row, values=values, digest=digest(written), size=len(written))

    @staticmethod
    def _ends_nothing(table: Table, values: Mapping[str, str], nothing: set[str]) -> bool:
        owned = {label for labels in table.output.owned.values() for label in labels}
        return not (values.keys() - nothing) & owned

    def _is_there(self, table: Table, row: Row, entry: LedgerEntry | None) -> bool:
        """Whether ServiceNow has the record: staged well before, paired, or seen there."""
        stream, division = table.output.name, row.origin.division
        code, *rest = (row.values[label] for label in table.output.key)
        if any((code, source) in self._seen for source in rest):
            return True
        if entry is not None and entry.state == "done":
            return not self._missed(stream, rest, entry)
        return division is not None and row.origin.source_id in self._paired(stream, division)

    def _missed(self, stream: str, sources: Sequence[str], entry: LedgerEntry) -> bool:
        """Whether the mapper has read ServiceNow since, and did not find it: it was deleted."""
        at = self._store.reference.saved_at(MAPPER, self._host, _DIMENSIONS[stream])
        told = {source for _, source in self._seen}
        return at is not None and at > entry.updated_at and not told.isdisjoint(sources)

    def _paired(self, stream: str, division: int) -> frozenset[str]:
        if (stream, division) not in self._pairs:
            links = self._store.pairs.links(stream, division)
            self._pairs[stream, division] = frozenset(link.exact_id for link in links)
        return self._pairs[stream, division]

    @cached_property
    def _seen(self) -> frozenset[tuple[str, str]]:
        """Code and ERP source of what ServiceNow was last seen to have."""
        load = self._store.reference.load
        found: set[tuple[str, str]] = set()
        for stream, dimension in _DIMENSIONS.items():
            entity = ENTITIES[stream]
            for row in load(SYSTEM, EVERY, stream):
                found.add((entity.code(row), str(row.get("erp_source"))))
            for row in load(MAPPER, self._host, dimension):
                sources = (row["erp_source"], *row["erp_names"])
                found.update((row["code"], source) for source in sources)
        return frozenset(found)
