"""Does everything that was read in a run have its place? Pure.

Each record that was read was staged, was unchanged, waits, was refused, or was left out on purpose:
by stream, from the plugin that read it first to the one that saw its outcome.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from s2p_console.settings import MAPPER, TAP, TARGET
from s2p_console.wording import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from s2p_store import RunReport

__all__ = ["RUN_COLUMNS", "Passage", "passages", "run_cells", "run_data", "run_troubles"]

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


def run_troubles(passed: Iterable[Passage]) -> Iterator[str]:
    """Say what does not add up, one sentence each."""
    for one in passed:
        if one.gap > 0:
            yield f"{one.gap:,} records of {plain(one.stream)} were read and have no outcome."
        elif one.gap < 0:
            yield f"{plain(one.stream)} has {-one.gap:,} outcomes more than records were read."
