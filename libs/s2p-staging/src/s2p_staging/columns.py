"""Which columns the instance has behind the documented labels; pure.

Column names of most staging tables are not published, so the instance's dictionary decides. A
label that stands twice is told apart by what its column feeds in the transform map.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from s2p_staging.digests import digest_of
from s2p_staging.errors import ColumnsUnresolved

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from s2p_staging.definitions import Field, Output
    from servicenow_client import Column, TransformMap

__all__ = ["Table", "resolve"]


@dataclass(frozen=True, slots=True)
class Table:
    """How one output reaches its staging table on this instance.

    Attributes:
        elements: label → column name, empty where the dictionary cannot be read.
        skipped: optional labels the instance does not have.
        by_name: rows must be keyed by column name.
        takes_names: ``insertMultiple`` expects column names for this table.
        maps: how many active transform maps it has; 0 where that is unknown.
        coalesces: whether a map matches existing records; True where that is unknown.
        always_coalesces: whether each active map is known to: a row staged twice has one effect.
        limits: label → longest text its column takes.
        spelled: label → how the instance spells it, where that is otherwise than here.
        copies_empty: an active map empties a column of the record where the row's is empty.
        theirs: division → labels of what ServiceNow owns there; under None those of all others.
            They are not compared, and staged with a new record only.
        written: the fields the instance has columns for.
        not_compared: labels left out when two versions of a row are compared, of any division.
        key_elements: columns of the natural key; empty where they are unknown.
    """

    output: Output
    elements: Mapping[str, str]
    skipped: frozenset[str] = frozenset()
    by_name: bool = False
    takes_names: bool = False
    maps: int = 0
    coalesces: bool = True
    limits: Mapping[str, int] = field(default_factory=dict)
    spelled: Mapping[str, str] = field(default_factory=dict)
    copies_empty: bool = False
    theirs: Mapping[int | None, frozenset[str]] = field(default_factory=dict)
    always_coalesces: bool = False
    written: Sequence[Field] = field(init=False)
    not_compared: frozenset[str] = field(init=False)
    key_elements: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        left_out = self.output.volatile | self.skipped
        object.__setattr__(self, "not_compared", left_out)
        written = [spec for spec in self.output.fields if spec.label not in self.skipped]
        object.__setattr__(self, "written", written)
        names = [self.elements.get(label, "") for label in self.output.key]
        object.__setattr__(self, "key_elements", tuple(names) if all(names) else ())

    @property
    def one_by_one(self) -> bool:
        """Rows keyed by name go one by one unless ``insertMultiple`` takes names."""
        return self.by_name and not self.takes_names

    def servicenows(self, division: int | None) -> frozenset[str]:
        """Labels of what ServiceNow owns in a division."""
        return self.theirs.get(division, self.theirs.get(None, frozenset()))

    def left_out(self, division: int | None) -> frozenset[str]:
        """Labels left out when two versions of a row of a division are compared."""
        theirs = self.servicenows(division)
        return self.not_compared | theirs if theirs else self.not_compared

    def payload(self, values: Mapping[str, str]) -> Mapping[str, str]:
        """Key a row's values as ServiceNow takes them for this table."""
        if self.by_name or self.takes_names:
            return {self.elements[label]: value for label, value in values.items()}
        if self.spelled:
            return {self.spelled.get(label, label): value for label, value in values.items()}
        return values

    def digest_of_staged(self, staged: Mapping[str, str], division: int | None = None) -> str:
        """Return the digest of a staged row's values by column name, comparable to a row's."""
        values = {label: staged.get(name, "") for label, name in self.elements.items()}
        return digest_of(values, self.left_out(division))

    def by_element(self, values: Mapping[str, str]) -> dict[str, str]:
        """Key a row's values by column name; labels without a known column are left out."""
        return {
            self.elements[label]: value for label, value in values.items() if label in self.elements
        }


def resolve(
    output: Output,
    columns: Sequence[Column],
    maps: Sequence[TransformMap],
    *,
    takes_names: bool = False,
) -> Table:
    """Find the columns of one output.

    Args:
        output: what is to be filled.
        columns: the staging table's columns; empty if the dictionary cannot be read.
        maps: its transform maps; empty if they cannot be read.
        takes_names: what ``sys_rest_insert_multiple`` says.

    Raises:
        ColumnsUnresolved: a required label is missing or ambiguous.
    """
    active = [found for found in maps if found.active]
    coalesces = not active or any(found.coalesces_on for found in active)
    always = bool(active) and all(found.coalesces_on for found in active)
    if not columns:
        by_names = takes_names or output.load_method == "table"
        if by_names or any(spec.column or len(spec.labels) > 1 for spec in output.fields):
            raise ColumnsUnresolved(
                f"The columns of {output.staging_table} cannot be read, and its rows must be keyed "
                "by column name: let the integration user read sys_dictionary."
            )
        skipped = frozenset(spec.label for spec in output.fields if not spec.required)
        return Table(
            output, {}, skipped, maps=len(active), coalesces=coalesces, always_coalesces=always
        )
    by_label: dict[str, list[str]] = {}
    for column in columns:
        by_label.setdefault(column.label.strip().casefold(), []).append(column.element)
    names = {column.element for column in columns}
    feeds = {entry.target_field: entry.source_field for one in active for entry in one.fields}
    elements: dict[str, str] = {}
    skip: set[str] = set()
    by_name = False
    # Fields that say what they feed come first, so that of two columns of one label the other
    # one is left for the other field.
    for spec in sorted(output.fields, key=lambda one: -len(one.labels)):
        free = {
            label: [name for name in found if name not in elements.values()]
            for label, found in by_label.items()
        }
        element, named = _find(spec, free, by_label, names, feeds)
        if element:
            elements[spec.label] = element
            by_name = by_name or named
        elif spec.required and not _given_away(output, spec, by_label, free):
            raise _unresolved(output, spec, by_label)
        else:
            skip.add(spec.label)
    lengths = {column.element: column.max_length for column in columns}
    shown = {column.element: column.label for column in columns}
    return Table(
        output,
        elements,
        frozenset(skip),
        by_name,
        takes_names,
        len(active),
        coalesces,
        {
            label: lengths[element]
            for label, element in elements.items()
            if lengths.get(element, 0) > 0
        },
        # A label in another case is found, and then sent as the instance has it: what it cannot
        # place is dropped without a word.
        {label: shown[element] for label, element in elements.items() if shown[element] != label},
        any(found.copies_empty for found in active),
        always_coalesces=always,
    )


def _find(
    spec: Field,
    free: Mapping[str, list[str]],
    by_label: Mapping[str, list[str]],
    names: set[str],
    feeds: Mapping[str, str],
) -> tuple[str, bool]:
    """Return the column of a field, and whether naming it by its label would not do."""
    if spec.column:
        return (spec.column if spec.column in names else ""), True
    for label in spec.labels:
        folded = label.casefold()
        candidates = free.get(folded, [])
        ambiguous = len(by_label.get(folded, [])) > 1
        fed = feeds.get(spec.feeds, "")
        if spec.feeds and fed in candidates and (ambiguous or label != spec.label):
            return fed, True
        if len(candidates) == 1 and (label == spec.label or not spec.feeds):
            return candidates[0], ambiguous or label != spec.label
    return "", False


def _given_away(
    output: Output,
    spec: Field,
    by_label: Mapping[str, list[str]],
    free: Mapping[str, list[str]],
) -> bool:
    """Whether the instance has the label, but its only column belongs to another field.

    Of the supplier's two company codes an instance may have one: then it is the supplier's code.
    """
    labels = [label.casefold() for label in spec.labels]
    known = any(by_label.get(label) for label in labels)
    return (
        known
        and not any(free.get(label) for label in labels)
        and not spec.column
        and spec.label not in output.key
    )


def _unresolved(
    output: Output, spec: Field, by_label: Mapping[str, list[str]]
) -> ColumnsUnresolved:
    twice = sorted({name for label in spec.labels for name in by_label.get(label.casefold(), [])})
    remedy = (
        f"in the setting tables.{output.name}.fields name the column, "
        f'{{"{spec.label}": {{"column": "<name>"}}}}, or leave it out, {{"{spec.label}": ""}}'
    )
    if len(twice) > 1:
        return ColumnsUnresolved(
            f"Table {output.staging_table} has the label of '{spec.label}' on several columns "
            f"({', '.join(twice)}), and no transform map tells which is meant: {remedy}."
        )
    return ColumnsUnresolved(
        f"Table {output.staging_table} has no column labelled '{spec.label}': {remedy}, or let the "
        "integration user read all of sys_dictionary."
    )
