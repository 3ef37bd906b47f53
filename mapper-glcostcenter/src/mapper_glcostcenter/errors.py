"""What ends the mapper with one clear line.

* UserError (s2p_singer)
  + RulesFileError       the rules file cannot be read or has wrong rows
  + ReferenceTableError  ServiceNow's tables lack what the mapper needs
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from s2p_singer import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ReferenceTableError", "RulesFileError"]


class RulesFileError(UserError):
    """The rules file cannot be used; `problems` has one entry per bad cell or row."""

    def __init__(self, name: str, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(f"Rules file {name}: {'; '.join(problems)}. Nothing was read or mapped.")


class ReferenceTableError(UserError):
    """ServiceNow's GL accounts or cost centers cannot be read in a form that can be used."""
