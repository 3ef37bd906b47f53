"""A table of the instance's own in which held rows wait; pure.

It has no transform map, so nothing can become of a row there; and no import set, so ServiceNow's
clean-up leaves it alone. Its columns are found by the labels of the staging table's columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from s2p_staging.errors import DefinitionError, HeldTableUnfit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from s2p_staging.definitions import Output
    from servicenow_client import Column

__all__ = [
    "LOADING_SET",
    "OWN_TABLE",
    "REASONS",
    "STATUS",
    "TITLE",
    "WAYS",
    "HeldTable",
    "check_held_tables",
    "resolve_held_table",
]

LOADING_SET: Final = "loading_set"
OWN_TABLE: Final = "own_table"
WAYS: Final = (LOADING_SET, OWN_TABLE)
"""How a held row is kept from being transformed: values of the setting `park_held`."""
TITLE: Final = "Held lines (Exact Online)"
"""Short description of the import sets in which held rows wait."""
REASONS: Final = "Hold reasons"
STATUS: Final = "Hold status"
_READ_AGAIN: Final = "accounts"


@dataclass(frozen=True, slots=True)
class HeldTable:
    """Where the held rows of one output wait.

    Attributes:
        name: the table.
        elements: label of the staging column → column here; those it lacks are left out.
        reasons: column that takes the reasons.
        status: column that takes *held* or *released*.
    """

    name: str
    elements: Mapping[str, str]
    reasons: str
    status: str

    def held(self, values: Mapping[str, str], reasons: Iterable[str]) -> dict[str, str]:
        """Return what a held row holds here, from its values by label."""
        return {
            **{element: values.get(label, "") for label, element in self.elements.items()},
            self.reasons: ", ".join(reasons),
            self.status: "held",
        }

    @property
    def released(self) -> dict[str, str]:
        """What changes when the record was staged on its own."""
        return {self.status: "released"}


def check_held_tables(outputs: Iterable[Output], way: str) -> None:
    """Make sure that the settings `park_held` and `tables` fit each other.

    Raises:
        DefinitionError: held rows have no table of their own, or one that rows are staged in.
    """
    outputs = list(outputs)
    staged = {output.staging_table for output in outputs}
    named = [output for output in outputs if output.held_table]
    for output in named:
        setting = f"Setting 'tables.{output.name}.held_table'"
        if output.held_table in staged:
            raise DefinitionError(
                f"{setting} names {output.held_table}, in which rows are staged to be transformed: "
                "name a table without a transform map."
            )
        if output.name == _READ_AGAIN:
            raise DefinitionError(
                f"{setting} is not possible: a supplier that waits is read again from its staging "
                "table. Leave it out."
            )
    if way == OWN_TABLE and not named:
        raise DefinitionError(
            f"Setting 'park_held' is {OWN_TABLE}, but no stream has a table for held rows: name "
            "them in tables.<stream>.held_table, for instance tables.purchase_entry_lines."
            "held_table."
        )


def resolve_held_table(
    output: Output, columns: Sequence[Column], maps: Mapping[str, bool] | None
) -> HeldTable:
    """Find the columns of an output's own table, and make sure that nothing transforms it.

    Args:
        output: whose held rows it takes; it names a table.
        columns: of that table; empty if the dictionary shows none.
        maps: its transform maps, name → active; None if it cannot be seen whether it has any.

    Raises:
        HeldTableUnfit: rows there might be transformed, or could not be told apart.
    """
    name, setting = output.held_table, f"tables.{output.name}.held_table"
    if not columns:
        raise HeldTableUnfit(
            f"Held rows cannot wait in {name} ({setting}): sys_dictionary shows no columns of it. "
            "Create the table, or let the integration user read sys_dictionary."
        )
    if maps is None:
        raise HeldTableUnfit(
            f"Held rows must not wait in {name} ({setting}): it cannot be seen whether it has a "
            "transform map. Let the integration user read sys_transform_map."
        )
    if active := sorted(one for one, is_active in maps.items() if is_active):
        raise HeldTableUnfit(
            f"Held rows must not wait in {name} ({setting}): its transform map '{active[0]}' is "
            "active, and a held row must never be transformed. Deactivate the map, or name another "
            "table."
        )
    found: dict[str, list[str]] = {}
    for column in columns:
        found.setdefault(column.label.strip().casefold(), []).append(column.element)
    needed = (*output.key, REASONS, STATUS)
    if missing := [label for label in needed if len(found.get(label.casefold(), ())) != 1]:
        raise HeldTableUnfit(
            f"Held rows cannot wait in {name} ({setting}): it needs one text column each labelled "
            f"{', '.join(missing)}. Add them."
        )
    elements = {
        spec.label: found[spec.label.casefold()][0]
        for spec in output.fields
        if len(found.get(spec.label.casefold(), ())) == 1
    }
    return HeldTable(name, elements, found[REASONS.casefold()][0], found[STATUS.casefold()][0])
