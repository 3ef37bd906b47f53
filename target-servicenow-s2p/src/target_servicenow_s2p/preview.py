"""What a run would change, record by record, without changing it.

Values that may tell about a person are not shown: a report ends in a log. Shown are codes, amounts,
dates, choices and flags; of other columns only that they differ.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from s2p_staging.definitions import KEY_SEPARATOR
from servicenow_client import chunks, one_of
from target_servicenow_s2p.staged import natural_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from s2p_staging.columns import Table
    from servicenow_client import ServiceNowClient
    from target_servicenow_s2p.rows import Row

__all__ = ["Preview", "difference"]

_SHOWN: Final = 20
"""Records shown per table and kind; all are counted."""
_CALLS_PER_BATCH: Final = 3
"""Stage, and ask twice what became of it."""
_CALLS_ONE_BY_ONE: Final = 50


def difference(table: Table, before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Say what differs between two versions of a row, by label. Pure."""
    told = []
    for spec in table.written:
        old, new = before.get(spec.label, ""), after.get(spec.label, "")
        if old == new or spec.label in table.not_compared or spec.label not in after:
            continue
        told.append(
            f"{spec.label}: {old or 'nothing'} → {new or 'nothing'}" if spec.telling else spec.label
        )
    return told


@dataclass(slots=True)
class Preview:
    """Collects what would be sent; tells it at the end."""

    batch_size: int
    _new: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    _changed: dict[str, list[tuple[Table, Row]]] = field(default_factory=lambda: defaultdict(list))
    _refused: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    _held: Counter[tuple[str, str]] = field(default_factory=Counter)
    _rows: Counter[str] = field(default_factory=Counter)
    _alone: set[str] = field(default_factory=set)

    def note(self, table: Table, row: Row, *, known: bool) -> None:
        """Take a row that would be sent; ``known``: an earlier version is in ServiceNow."""
        name = table.output.name
        self._rows[name] += 1
        if table.one_by_one or table.output.load_method == "table":
            self._alone.add(name)
        if known and len(self._changed[name]) < _SHOWN:
            self._changed[name].append((table, row))
        elif not known and len(self._new[name]) < _SHOWN:
            self._new[name].append(row.key)

    def refuse(self, row: Row, problem: str) -> None:
        """Take a row that could not be sent."""
        if len(self._refused[row.output.name]) < _SHOWN:
            self._refused[row.output.name].append(f"{row.key}: {problem}")

    def hold(self, row: Row) -> None:
        """Take a row that would wait."""
        for reason in row.origin.reasons or ("no reason given",):
            self._held[row.output.name, reason] += 1

    @property
    def calls(self) -> int:
        """About how many calls the run would make to stage it all."""
        return sum(
            _CALLS_PER_BATCH
            * -(-rows // (_CALLS_ONE_BY_ONE if name in self._alone else self.batch_size))
            for name, rows in self._rows.items()
        )

    def lines(self, client: ServiceNowClient | None) -> Iterator[str]:
        """Yield one line per record shown, table by table.

        Args:
            client: asked for the versions staged before.
        """
        for name in dict.fromkeys((*self._new, *self._changed, *self._refused)):
            for key in self._new.get(name, ()):
                yield f"{name} {key}: new"
            changed = self._changed.get(name, [])
            before = _staged_before(client, changed) if client and changed else {}
            for table, row in changed:
                known = before.get(row.key)
                told = difference(table, known, row.values) if known is not None else []
                yield f"{name} {row.key}: changed{': ' if told else ''}{'; '.join(told)}"
            for problem in self._refused.get(name, ()):
                yield f"{name} {problem}: would be refused"
        for (name, reason), rows in sorted(self._held.items()):
            yield f"{name}: {rows} would wait: {reason}"


def _staged_before(
    client: ServiceNowClient, changed: list[tuple[Table, Row]]
) -> dict[str, dict[str, str]]:
    """Read the newest staged version of each row, by natural key; by label."""
    table = changed[0][0]
    if not table.key_elements:
        return {}
    labels = {element: label for label, element in table.elements.items()}
    found: dict[str, dict[str, str]] = {}
    newest: dict[str, str] = {}
    for piece in chunks(sorted({row.key.split(KEY_SEPARATOR)[0] for _, row in changed})):
        rows = client.staged_rows(
            table.output.staging_table,
            one_of(table.key_elements[0], piece),
            (*labels, "sys_created_on"),
        )
        for staged in rows:
            key, created = natural_key(table, staged), staged.values.get("sys_created_on", "")
            if created >= newest.get(key, ""):
                newest[key] = created
                found[key] = {label: staged.values.get(name, "") for name, label in labels.items()}
    return found
