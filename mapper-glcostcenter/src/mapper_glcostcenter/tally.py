"""Counts what becomes of lines, for the coverage of the run; at its end tells and keeps it.

In the store lies the coverage of the last run that had lines, per division, so that its size does
not grow with the number of runs; and every code that was ever met, so that a new one is noticed.
A run that dies tells nothing, and its codes are new to the next one.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from mapper_glcostcenter.streams import AMOUNTS, NULL
from s2p_mapping.coverage import Coverage

if TYPE_CHECKING:
    from datetime import datetime

    from mapper_glcostcenter.documents import Header
    from mapper_glcostcenter.mapping import LineMapping
    from s2p_mapping.rules import RuleSet
    from s2p_store import Store

__all__ = ["CODES", "COVERAGE", "PLUGIN", "Tally"]

logger = logging.getLogger("mapper-glcostcenter")

PLUGIN = "mapper-glcostcenter"
COVERAGE, CODES = "coverage", "codes"
"""Entities of the reference snapshot, one scope per division."""

_ENOUGH = 20_000
"""Different answers counted one by one; then they are summed up by code."""
_MOST_TOLD = 10


class Tally:
    """All lines that one run decides about: those it read, and those that had been waiting."""

    def __init__(self) -> None:
        # By identity, the quickest key there is; the mapping is kept so that no other can have it.
        self._counts: dict[tuple[int, int, str], list[Any]] = {}
        self._divisions: defaultdict[int, Coverage] = defaultdict(Coverage)

    def count(
        self,
        division: int,
        mapping: LineMapping,
        fields: Any,  # noqa: ANN401 - a record of a line stream, made per stream
        header: Header | None,
    ) -> None:
        """Count one line."""
        amount, currency = _amount(fields, header)
        key = (division, id(mapping), currency)
        count = self._counts.get(key)
        if count is None:
            if len(self._counts) >= _ENOUGH:
                self._sum_up()
            self._counts[key] = [mapping, 1, amount]
        else:
            count[1] += 1
            count[2] += amount

    def finish(self, store: Store, rules: RuleSet, run_id: str, now: datetime) -> None:
        """Tell the coverage of the run and keep it in the store."""
        self._sum_up()
        for division, coverage in sorted(self._divisions.items()):
            scope = str(division)
            known = {row["id"] for row in store.reference.load(PLUGIN, scope, CODES)}
            new = {pair for pair in coverage.named if ":".join(pair) not in known}
            coverage.first_seen = new
            head = {"run_id": run_id, "rules": rules.digest}
            with store.transaction():
                store.reference.save(PLUGIN, scope, COVERAGE, [head, *coverage.rows()], at=now)
                met = [{"id": ":".join(pair), "run_id": run_id} for pair in sorted(new)]
                if met:
                    store.reference.merge(PLUGIN, scope, CODES, met)
            _tell(division, coverage, rules)

    def _sum_up(self) -> None:
        for (division, _, currency), (mapping, lines, amount) in self._counts.items():
            self._divisions[division].count(mapping.asked, lines, currency, amount)
        self._counts.clear()


def _amount(fields: Any, header: Header | None) -> tuple[Decimal, str]:  # noqa: ANN401 - as above
    """Absolute amount and currency as in a hold; 0 where the line has none."""
    for name in AMOUNTS:
        raw = getattr(fields, name)
        if raw is NULL:
            continue
        try:
            amount = Decimal(bytes(raw).decode())
        except InvalidOperation:  # null, or text
            continue
        if name == "AmountDC":
            return abs(amount), ""
        return abs(amount), fields.Currency or (header.currency if header else "")
    return Decimal(0), ""


def _tell(division: int, coverage: Coverage, rules: RuleSet) -> None:
    for dimension, share in coverage.totals().items():
        amounts = ", ".join(
            f"{mapped} of {total} {currency}".rstrip()
            for currency, (total, mapped) in sorted(share.amounts.items())
            if total
        )
        logger.info(
            "Coverage of %s in division %d: %d of %d codes, %d of %d lines mapped; amount %s.",
            dimension.replace("_", " "),
            division,
            share.mapped_codes,
            share.codes,
            share.mapped_lines,
            share.lines,
            amounts or "unknown",
        )
    if new := sorted(coverage.first_seen):
        told = ", ".join(f"{dimension} {code}" for dimension, code in new[:_MOST_TOLD])
        more = f" and {len(new) - _MOST_TOLD} more" if len(new) > _MOST_TOLD else ""
        logger.info("First seen in division %d: %s%s.", division, told, more)
    mine = [rule for rule in rules if rule.division in (None, division)]
    if unused := [rule for rule in mine if rule.key not in coverage.rules]:
        logger.info("Rules not used in division %d: %d of %d.", division, len(unused), len(mine))
