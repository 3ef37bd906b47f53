"""A finding, and how findings are shown. Pure."""

from __future__ import annotations

import enum
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from s2p_console.errors import ExitCode
from s2p_console.output import Listing

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Finding", "Level", "as_data", "as_table", "exit_code"]


class Level(str, enum.Enum):
    """How much a finding matters."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        check: what was looked at, for instance ``scope`` or ``vault``.
        level: whether it is as it should be.
        what: what was found, in a sentence.
        remedy: what to do; empty where nothing is to be done.
        division: which one it is about, None for all.
    """

    check: str
    level: Level
    what: str
    remedy: str = ""
    division: int | None = None


def exit_code(findings: Sequence[Finding]) -> ExitCode:
    """Give how the command ends: with 2 where something needs attention."""
    fine = all(finding.level is Level.OK for finding in findings)
    return ExitCode.DONE if fine else ExitCode.ATTENTION


def as_data(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Give the findings as JSON takes them."""
    return [{**asdict(finding), "level": finding.level.value} for finding in findings]


def as_table(findings: Sequence[Finding]) -> Listing:
    """Give the findings as a table, the worst at the end, where one looks first."""
    order = list(Level)
    rows = [
        [
            finding.level.value,
            finding.check,
            "" if finding.division is None else str(finding.division),
            " ".join(filter(None, (finding.what, finding.remedy))),
        ]
        for finding in sorted(findings, key=lambda one: order.index(one.level))
    ]
    return Listing(("", "check", "division", "finding"), rows, right=("division",))
