"""What a record is worth, so that amounts can be added up from Exact Online to ServiceNow; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from s2p_staging.expressions import Scope, Write

__all__ = ["Amount"]


@dataclass(frozen=True, slots=True)
class Amount:
    """Where the amount of a row and its currency come from.

    Attributes:
        column: label of the column that holds it; empty if no column does.
        currency: label of the column that holds its currency.
        written: what gives both where no column does.
    """

    column: str = ""
    currency: str = ""
    written: tuple[Write, Write] | None = None

    def of(
        self, scopes: Sequence[Scope], columns: Mapping[str, Sequence[str]]
    ) -> tuple[Sequence[str], Sequence[str]]:
        """Return the amounts of rows and their currencies, as texts; empty where there is none.

        Args:
            scopes: the records.
            columns: label → what its column is filled with, row by row.
        """
        if self.written is not None:
            amount, currency = self.written
            return amount(scopes), currency(scopes)
        # What the row says: it costs nothing to evaluate, and follows the setting `tables`.
        nothing = [""] * len(scopes)
        return columns.get(self.column, nothing), columns.get(self.currency, nothing)
