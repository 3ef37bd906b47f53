"""Results of the Import Set API, and what became of staged rows.

HTTP 201 says only that rows were staged. One row has one result *per transform map*; in a
finished import set a row can appear once per map (support article KB0747613).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from servicenow_client.errors import explanation

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

__all__ = [
    "OUTCOME_FIELDS",
    "PENDING",
    "ImportResult",
    "ImportSet",
    "MapResult",
    "RowOutcome",
    "import_result",
    "merge_outcomes",
    "row_outcome",
]

PENDING: Final = "pending"
OUTCOME_FIELDS: Final = (
    "sys_id",
    "sys_import_set",
    "sys_import_row",
    "sys_import_state",
    "sys_import_state_comment",
    "sys_target_table",
    "sys_target_sys_id",
)
_TEXT_ONLY: Final = frozenset({str})
_WEIGHT: Final = {"pending": 5, "error": 4, "inserted": 3, "updated": 2, "ignored": 1, "skipped": 0}


@dataclass(frozen=True, slots=True)
class MapResult:
    """What one transform map did with one row.

    Attributes:
        status: inserted, updated, ignored, skipped or error.
        message: ServiceNow's own words, bounded in length.
    """

    transform_map: str
    table: str
    sys_id: str
    status: str
    message: str


@dataclass(frozen=True, slots=True)
class ImportResult:
    """The answer to one row sent alone."""

    import_set: str
    staging_table: str
    results: tuple[MapResult, ...]

    @property
    def decisive(self) -> MapResult:
        """The result that counts when several maps ran: an error, else the largest effect."""
        return max(self.results, key=lambda result: _WEIGHT.get(result.status, 4))


@dataclass(frozen=True, slots=True)
class ImportSet:
    """The answer to many rows sent at once: no result per row yet."""

    import_set_id: str
    multi_import_set_id: str


class RowOutcome(Struct, frozen=True, gc=False):
    """One staging row as it stands.

    Attributes:
        state: pending, inserted, updated, ignored, skipped or error.
        values: the further columns that were asked for.
    """

    sys_id: str
    import_set_id: str
    row: int
    state: str
    message: str
    target_table: str
    target_sys_id: str
    values: Mapping[str, str]


def import_result(data: Mapping[str, Any]) -> ImportResult | None:
    """Read the body of a single-row import; None where it holds no result."""
    rows = data.get("result")
    if not isinstance(rows, list):
        return None
    results = tuple(
        MapResult(
            _text(row.get("transform_map")),
            _text(row.get("table")),
            _text(row.get("sys_id")),
            _text(row.get("status")).lower() or "error",
            explanation(row.get("error_message"), row.get("status_message")),
        )
        for row in rows
        if isinstance(row, dict)
    )
    if not results:
        return None
    return ImportResult(_text(data.get("import_set")), _text(data.get("staging_table")), results)


def row_outcome(row: Mapping[str, Any]) -> RowOutcome:
    """Read one staging row as the Table API returns it."""
    texts = dict(row)
    if not _TEXT_ONLY.issuperset(map(type, texts.values())):
        texts = {name: _text(value) for name, value in row.items()}
    own = [texts.pop(name, "") for name in OUTCOME_FIELDS]
    sys_id, import_set, number, state, comment, target_table, target_sys_id = own
    number = number.replace(",", "")
    return RowOutcome(
        sys_id,
        import_set,
        int(number) if number.isdecimal() else 0,
        state.lower() or PENDING,
        explanation(comment) if comment else "",
        target_table,
        target_sys_id,
        texts,
    )


def merge_outcomes(outcomes: Iterable[RowOutcome], key: Sequence[str]) -> list[RowOutcome]:
    """Keep one outcome per source row where several transform maps ran.

    Args:
        outcomes: rows of one import set.
        key: columns among ``values`` that identify the source row; without any, rows of the
            same number are one.

    Returns:
        Per source row the outcome that counts: pending, then error, then the largest effect.
    """
    kept: dict[Hashable, RowOutcome] = {}
    for outcome in outcomes:
        identity: Hashable
        if key:
            identity = tuple(outcome.values.get(name, "") for name in key)
        else:
            identity = outcome.row or outcome.sys_id
        known = kept.get(identity)
        if known is None or _WEIGHT.get(outcome.state, 4) > _WEIGHT.get(known.state, 4):
            kept[identity] = outcome
    return list(kept.values())


def _text(value: object) -> str:
    if isinstance(value, dict):
        value = value.get("value", "")
    return value if isinstance(value, str) else ("" if value is None else str(value))
