"""Does everything that was read have its place? Pure.

Of a run: each record that was read was staged, was unchanged, waits, was refused, or was left out
on purpose. Of the whole: each record that is in ServiceNow according to the ledger is there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from s2p_console.settings import MAPPER, TAP, TARGET
from s2p_console.wording import amounts, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from s2p_store import Hold, RunReport

__all__ = [
    "RUN_COLUMNS",
    "STATE_COLUMNS",
    "Passage",
    "Stock",
    "passages",
    "run_cells",
    "run_data",
    "state_cells",
    "state_data",
    "troubles",
    "waiting",
]

_STAGED: Final = ("inserted", "updated", "ignored", "pending")
_EXCLUDED: Final = ("not_written", "duplicates")
_REFUSED: Final = ("failed", "skipped")
RUN_COLUMNS: Final = (
    "stream",
    "read",
    "staged",
    "unchanged",
    "held",
    "refused",
    "left out",
    "unaccounted",
)
STATE_COLUMNS: Final = (
    "division",
    "staging table",
    "in ServiceNow",
    "refused",
    "parked",
    "on its way",
    "held",
    "held amount",
    "found there",
    "missing there",
)


@dataclass(frozen=True, slots=True)
class Passage:
    """What became of the records of one stream in one run; `gap` is what nothing accounts for."""

    stream: str
    read: int
    staged: int
    unchanged: int
    held: int
    refused: int
    left_out: int
    gap: int


@dataclass(slots=True)
class Stock:
    """What is on record of one division's records of one staging table.

    Attributes:
        states: ledger state → records.
        held: lines that wait, and their amounts by currency.
        found: records of the ledger that ServiceNow has; None if it was not asked.
        missing: natural keys of those it does not have.
    """

    division: int
    table: str
    states: Mapping[str, int]
    held: int = 0
    amounts: dict[str, Decimal] = field(default_factory=dict)
    found: int | None = None
    missing: list[str] = field(default_factory=list)


def passages(report: RunReport) -> list[Passage]:
    """Account for each stream that the target read in a run.

    What the tap read and the mapper or the target did not is unaccounted for, too: a plugin ended
    before it had taken it. Lines that are released count as read once more.
    """
    found = []
    for stream, by_plugin in report.counts.items():
        target = by_plugin.get(TARGET, {})
        if "read" not in target and "read" not in by_plugin.get(TAP, {}):
            continue  # a further table of a stream, or another pipe
        kept = 0
        mapper = by_plugin.get(MAPPER, {})
        if mapper.get("held") and not target.get("held"):
            kept = mapper["held"]  # hold_mode local: they lie in the store alone
        before = max(by_plugin.get(plugin, {}).get("read", 0) for plugin in (TAP, MAPPER))
        # What the mapper lets go comes on top of what it read, and the target reads both.
        read = max(before + mapper.get("released", 0), target.get("read", 0))
        sums = {
            name: sum(target.get(each, 0) for each in counters)
            for name, counters in (
                ("staged", _STAGED),
                ("refused", _REFUSED),
                ("left_out", _EXCLUDED),
            )
        }
        unchanged, held = target.get("unchanged", 0), target.get("held", 0) + kept
        gap = read - unchanged - held - sum(sums.values())
        found.append(Passage(stream, read, unchanged=unchanged, held=held, gap=gap, **sums))
    return found


def waiting(holds: Iterable[Hold]) -> dict[tuple[int, str], tuple[int, dict[str, Decimal]]]:
    """Count and sum what waits, by division and stream."""
    found: dict[tuple[int, str], tuple[int, dict[str, Decimal]]] = {}
    for hold in holds:
        lines, sums = found.get((hold.division, hold.stream), (0, {}))
        if hold.amount is not None:
            currency = hold.currency or ""
            sums[currency] = sums.get(currency, Decimal(0)) + hold.amount
        found[hold.division, hold.stream] = (lines + 1, sums)
    return found


def run_cells(passage: Passage) -> list[str]:
    """Give a row of `RUN_COLUMNS`."""
    numbers = (
        passage.read,
        passage.staged,
        passage.unchanged,
        passage.held,
        passage.refused,
        passage.left_out,
        passage.gap,
    )
    return [plain(passage.stream), *(f"{number:,}" if number else "-" for number in numbers)]


def run_data(passage: Passage) -> dict[str, Any]:
    """Give it as JSON takes it."""
    names = ("stream", "read", "staged", "unchanged", "held", "refused", "left_out")
    return {**{name: getattr(passage, name) for name in names}, "unaccounted": passage.gap}


def state_cells(stock: Stock) -> list[str]:
    """Give a row of `STATE_COLUMNS`."""
    states = stock.states
    numbers = (
        states.get("done", 0),
        states.get("failed", 0),
        states.get("parked", 0),
        states.get("sent", 0) + states.get("sending", 0),
        stock.held,
    )
    there = ["", ""] if stock.found is None else [f"{stock.found:,}", f"{len(stock.missing):,}"]
    return [
        str(stock.division),
        plain(stock.table),
        *(f"{number:,}" if number else "-" for number in numbers),
        amounts(stock.amounts),
        *there,
    ]


def state_data(stock: Stock) -> dict[str, Any]:
    """Give it as JSON takes it."""
    return {
        "division": stock.division,
        "staging_table": stock.table,
        "states": dict(stock.states),
        "held": stock.held,
        "held_amounts": stock.amounts,
        "found_in_servicenow": stock.found,
        "missing_in_servicenow": stock.missing,
    }


def troubles(passed: Iterable[Passage], stocks: Iterable[Stock]) -> Iterator[str]:
    """Say what does not add up, one sentence each."""
    for one in passed:
        if one.gap > 0:
            yield f"{one.gap:,} records of {plain(one.stream)} were read and have no outcome."
        elif one.gap < 0:
            yield f"{plain(one.stream)} has {-one.gap:,} outcomes more than records were read."
    for stock in stocks:
        if stock.missing:
            some = ", ".join(map(plain, stock.missing[:5]))
            more = " and others" if len(stock.missing) > 5 else ""  # noqa: PLR2004 - as many as above
            yield (
                f"{len(stock.missing):,} records of {plain(stock.table)} in division "
                f"{stock.division} are not in ServiceNow any more: {some}{more}."
            )
