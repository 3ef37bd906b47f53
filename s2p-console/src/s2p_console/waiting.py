"""Held lines: which of them are meant, and what would free them. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from s2p_console.errors import ConsoleError, NotFoundError
from s2p_console.reasons import DIMENSIONS
from s2p_console.wording import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from s2p_store import Hold

__all__ = ["Cause", "Group", "Wanted", "causes", "find_one", "grouped", "key_text"]

_SHORTEST_PREFIX: Final = 6


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which held lines are meant; None takes all.

    Attributes:
        stream: the stream's name.
        division: the division's code.
        reason: a reason code, in any case.
        dimension: what kind of thing they wait for, e.g. `cost_center`.
        code: which one of that kind.
        document: the document's number.
    """

    stream: str | None = None
    division: int | None = None
    reason: str | None = None
    dimension: str | None = None
    code: str | None = None
    document: str | None = None

    @staticmethod
    def waits_for(text: str | None) -> tuple[str | None, str | None]:
        """Read `cost_center` or `cost_center:CC12` as dimension and code.

        Raises:
            ConsoleError: it names no dimension there is.
        """
        if text is None:
            return None, None
        dimension, _, code = text.partition(":")
        dimension = dimension.strip().lower().replace("-", "_")
        if dimension not in DIMENSIONS:
            raise ConsoleError(
                f"--waiting-for takes one of {', '.join(DIMENSIONS)}, with a code if you like: "
                "cost_center:CC12."
            )
        return dimension, code.strip() or None

    def fits(self, hold: Hold) -> bool:
        """Tell whether this hold is meant."""
        return (
            self.stream in (None, hold.stream)
            and self.division in (None, hold.division)
            and (self.reason is None or self.reason.upper() in hold.reasons)
            and self.document in (None, hold.document)
            and (self.dimension is None or any(map(self._fits_cause, causes(hold))))
        )

    def _fits_cause(self, cause: Cause) -> bool:
        return cause.dimension == self.dimension and self.code in (None, cause.code)


@dataclass(frozen=True, slots=True, order=True)
class Cause:
    """One thing that stands in the way: a reason, and the code it speaks of, if any."""

    reason: str
    dimension: str = ""
    code: str = ""


@dataclass(slots=True)
class Group:
    """The lines of one division that one cause holds; a line with two causes is in two groups.

    Attributes:
        division: the division's code.
        cause: what holds them.
        lines: how many.
        amounts: their sums by currency, exact.
        without_amount: how many lines carry no amount.
        since: when the oldest began to wait (aware, UTC).
    """

    division: int
    cause: Cause
    lines: int = 0
    amounts: dict[str, Decimal] = field(default_factory=dict)
    without_amount: int = 0
    since: datetime | None = None

    def add(self, hold: Hold) -> None:
        """Count one line."""
        self.lines += 1
        if hold.amount is None:
            self.without_amount += 1
        else:
            currency = hold.currency or ""
            self.amounts[currency] = self.amounts.get(currency, Decimal(0)) + hold.amount
        if self.since is None or hold.held_at < self.since:
            self.since = hold.held_at

    @property
    def weight(self) -> Decimal:
        """The largest sum in any one currency, by which groups are ranked."""
        return max((abs(amount) for amount in self.amounts.values()), default=Decimal(0))


def causes(hold: Hold) -> Iterator[Cause]:
    """Give what holds a line: each reason with what it waits for, if anything."""
    for reason, dimension, code in hold.causes:
        yield Cause(reason, dimension or "", code or "")


def grouped(holds: Iterable[Hold]) -> list[Group]:
    """Give the groups, largest amount first, then most lines."""
    groups: dict[tuple[int, Cause], Group] = {}
    for hold in holds:
        for cause in causes(hold):
            key = (hold.division, cause)
            groups.setdefault(key, Group(hold.division, cause)).add(hold)
    return sorted(
        groups.values(), key=lambda each: (-each.weight, -each.lines, each.division, each.cause)
    )


def key_text(hold: Hold) -> str:
    """Give the key under which `held show` finds a line again."""
    return f"{hold.stream}/{hold.division}/{hold.source_id}"


def find_one(holds: Iterable[Hold], key: str) -> Hold:
    """Find the line a key means: as listed, the source id alone, or a unique beginning of it.

    Raises:
        NotFoundError: no line, or more than one.
    """
    sought = key.strip().lower()
    short = len(sought) >= _SHORTEST_PREFIX
    beginning: list[Hold] = []
    for hold in holds:
        if sought in (key_text(hold).lower(), hold.source_id.lower()):
            return hold
        if short and hold.source_id.lower().startswith(sought):
            beginning.append(hold)
    if not beginning:
        raise NotFoundError(
            f"No held line has the key {plain(key)!r}. `s2p held list --lines` shows the keys."
        )
    if len(beginning) > 1:
        raise NotFoundError(
            f"{len(beginning)} held lines begin with {plain(key)!r}. Give more of the key."
        )
    return beginning[0]
