"""What is sent together, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from s2p_staging.columns import Table
    from target_servicenow_s2p.rows import Row

__all__ = ["GOOD", "PENDING", "Batch", "Result"]

GOOD = frozenset({"inserted", "updated", "ignored"})
"""Outcomes after which the primary record is as it should be."""
PENDING = "pending"


@dataclass(slots=True, eq=False)
class Batch:
    """Rows for one staging table, each natural key once.

    Attributes:
        id: unique, names the intent in the ledger.
        import_set: sys_id, once ServiceNow has said it.
        intent: what the ledger says of it, once it was written down.
    """

    id: str
    table: Table
    rows: Sequence[Row]
    import_set: str | None = None
    intent: str | None = None
    keys: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self.keys = frozenset(row.key for row in self.rows)


class Result(Struct, frozen=True, gc=False):
    """What became of one row.

    Attributes:
        outcome: inserted, updated, ignored, skipped, error, or pending when the time to wait
            for a transform is over.
    """

    row: Row
    outcome: str
    message: str = ""
    import_set: str | None = None
    staging_row: str | None = None
    target_table: str | None = None
    target_sys_id: str | None = None
