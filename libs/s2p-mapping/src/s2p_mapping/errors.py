"""What is wrong with a rules file.

* Exception
  x RulesFileError    the file cannot be read, or has wrong rows; or a rule cannot be added to it
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Problem", "RulesFileError"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: the remedy, and where (None: no line or column to name)."""

    remedy: str
    line: int | None = None
    column: str | None = None

    @override
    def __str__(self) -> str:
        if self.line is None:
            return self.remedy
        where = f"line {self.line}" + (f", column {self.column}" if self.column else "")
        return f"{where}: {self.remedy}"


class RulesFileError(Exception):
    """The rules file cannot be used; `problems` has one entry per bad cell or row."""

    def __init__(self, name: str, problems: Sequence[Problem]) -> None:
        self.name = name
        self.problems = tuple(problems)
        told = "; ".join(map(str, problems))
        super().__init__(f"Rules file {name}: {told}. Nothing was read or mapped.")
