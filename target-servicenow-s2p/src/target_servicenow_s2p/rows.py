"""From a record to the rows it becomes; pure.

What is made for every record is a `msgspec.Struct`: making one costs a fortieth of a frozen
dataclass.
"""

from __future__ import annotations

from itertools import compress, repeat
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct
from msgspec.structs import replace
from typing_extensions import override

from s2p_staging.digests import compared, compared_rows, digest
from s2p_staging.functions import text_of, yesno
from s2p_store import to_units

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from s2p_staging.columns import Table
    from s2p_staging.definitions import Output
    from s2p_staging.expressions import Scope

__all__ = [
    "LARGEST_ROW",
    "Origin",
    "Row",
    "division_of",
    "origin_of",
    "rows_of",
    "with_values",
]

LARGEST_ROW: Final = 8126
"""Bytes a staging row may have in ServiceNow's database (documentation, *Maximum row size*)."""


class Origin(Struct, frozen=True, gc=False):
    """Which version of which record of Exact Online a row comes from, and how it was mapped.

    Attributes:
        document: the number people know it by, where its natural key does not tell.
    """

    stream: str
    division: int | None
    source_id: str | None
    version: str | None
    held: bool = False
    reasons: tuple[str, ...] = ()
    rule: str | None = None
    gl_account: str | None = None
    cost_center: str | None = None
    document: str | None = None


class Row(Struct, frozen=True, gc=False):
    """One row for one staging table.

    Attributes:
        key: natural key, unique within the staging table.
        values: label → text.
        digest: of the values that are compared between versions.
        epoch: which part of the input it came with, see `states`.
        size: bytes of the row as it is sent, names included.
        units: what the record is worth in `currency`, as whole ten-thousandths; None for nothing.
        known_set: import set of what the ledger knows about this key already.
        parked_row: staging row in which an earlier, held version waits.
        cut: labels of the values that were longer than their columns.
        refused: why ServiceNow refused it in an earlier run, for a row that is tried again.
    """

    output: Output
    key: str
    values: Mapping[str, str]
    digest: str
    origin: Origin
    epoch: int
    size: int = 0
    units: int | None = None
    currency: str = ""
    known_set: str | None = None
    parked_row: str | None = None
    cut: tuple[str, ...] = ()
    refused: str | None = None

    @override
    def __repr__(self) -> str:
        # The values may name a person, and a repr ends in a log sooner or later.
        return f"Row({self.output.name}, {self.key})"


def origin_of(
    stream: str, record: Mapping[str, Any], document: object = None, source_id: object = None
) -> Origin:
    """Read where a record comes from; every part may be missing.

    Args:
        stream: its stream.
        record: as it came.
        document: the number people know it by.
        source_id: of the record in question, where it is not this one.
    """
    reasons = record.get("s2p_hold_reasons")
    return Origin(
        stream,
        division_of(stream, record),
        _text(source_id or record.get("s2p_source_id") or record.get("ID")),
        _text(record.get("s2p_source_modified") or record.get("Modified")),
        record.get("s2p_mapping_status") == "held",
        tuple(map(str, reasons)) if isinstance(reasons, list) else (),
        _text(record.get("s2p_mapping_rule")),
        _text(record.get("s2p_gl_account")),
        _text(record.get("s2p_cost_center")),
        _text(document),
    )


def division_of(stream: str, record: Mapping[str, Any]) -> int | None:
    """Return the division a record belongs to, if it tells."""
    division = record.get("Division")
    if division is None and stream == "divisions":
        division = record.get("Code")
    return _whole(division)


def rows_of(
    table: Table, scopes: Sequence[Scope], origins: Sequence[Origin], epochs: Sequence[int]
) -> list[Row]:
    """Return the rows of a portion of records, without those that this output does not take.

    Text longer than its column is cut here as ServiceNow would cut it, so that what was staged
    can be recognised; values of the natural key are never cut.
    """
    output = table.output
    if output.when is not None:
        taken = [yesno(output.when(scope)) == "true" for scope in scopes]
        scopes = list(compress(scopes, taken))
        origins = list(compress(origins, taken))
        epochs = list(compress(epochs, taken))
    labels = [spec.label for spec in table.written]
    columns = [spec.write(scopes) for spec in table.written]
    cuttable = [None if label in output.key else table.limits.get(label) for label in labels]
    cuts = _fit(columns, cuttable)
    amounts: Iterable[int | None] = repeat(None, len(scopes))
    currencies: Iterable[str] = repeat("", len(scopes))
    if output.amount is not None:
        worth, currencies = output.amount.of(scopes, dict(zip(labels, columns, strict=True)))
        amounts = map(to_units, worth)
    contents = _contents(table, labels, columns, origins)
    rows = []
    for texts, written, origin, epoch, units, currency in zip(
        zip(*columns, strict=True),
        contents,
        origins,
        epochs,
        amounts,
        currencies,
        strict=True,
    ):
        values = dict(zip(labels, texts, strict=True))
        key = output.natural_key(values)
        rows.append(
            Row(
                output,
                key,
                values,
                digest(written),
                origin,
                epoch,
                len(written),
                units,
                "" if units is None else currency,
            )
        )
    for position, places in cuts.items():
        rows[position] = replace(rows[position], cut=tuple(labels[place] for place in places))
    return rows


def _contents(
    table: Table,
    labels: Sequence[str],
    columns: Sequence[Sequence[str]],
    origins: Sequence[Origin],
) -> list[bytes]:
    """Write down what of each row counts when two versions are compared."""
    if not table.theirs:
        return compared_rows(labels, columns, table.not_compared)
    return [  # what ServiceNow owns, and so what counts, differs from division to division
        compared(dict(zip(labels, texts, strict=True)), table.left_out(origin.division))
        for texts, origin in zip(zip(*columns, strict=True), origins, strict=True)
    ]


def with_values(table: Table, row: Row, values: Mapping[str, str]) -> Row:
    """Return a row with some values changed."""
    changed = {**row.values, **values}
    written = compared(changed, table.left_out(row.origin.division))
    return replace(row, values=changed, digest=digest(written), size=len(written))


def _fit(columns: list[list[str]], limits: Sequence[int | None]) -> dict[int, list[int]]:
    """Cut texts to their column's length, in place; tell which row had which columns cut."""
    cuts: dict[int, list[int]] = {}
    for place, (texts, longest) in enumerate(zip(columns, limits, strict=True)):
        if longest is None or not texts or max(map(len, texts)) <= longest:
            continue
        for position, text in enumerate(texts):
            if len(text) > longest:
                cuts.setdefault(position, []).append(place)
        columns[place] = [text[:longest] for text in texts]
    return cuts


def _whole(value: object) -> int | None:
    if type(value) is int and value >= 0:
        return value
    text = text_of(value)
    return int(text) if text.isdecimal() else None


def _text(value: object) -> str | None:
    return None if value is None else text_of(value) or None
