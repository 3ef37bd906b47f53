"""Which division an ERP source of ServiceNow is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from s2p_reference.errors import ReferenceSettingError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Places", "read_places"]

_PREFIX: Final = "EXACT-"


@dataclass(frozen=True, slots=True)
class Places:
    """What the settings `erp_sources` and `divisions` say.

    Attributes:
        named: ERP source → division.
        only: the divisions that are wanted; empty for all.
    """

    named: Mapping[str, int] = field(default_factory=dict)
    only: frozenset[int] = frozenset()

    def division_of(self, erp_source: object) -> int | None:
        """Give the division of an ERP source; None if it is none of Exact's, or not wanted."""
        if not isinstance(erp_source, str):
            return None
        division = self.named.get(erp_source)
        if division is None:
            number = erp_source.removeprefix(_PREFIX)
            if number == erp_source or not (number.isascii() and number.isdigit()):
                return None
            division = int(number)
            if division in self.named.values():
                return None  # it has another name
        return division if not self.only or division in self.only else None


def read_places(erp_sources: Mapping[str, Any], divisions: Iterable[int] = ()) -> Places:
    """Read the settings.

    Raises:
        ReferenceSettingError: a division is no number, or two of them share an ERP source.
    """
    named: dict[str, int] = {}
    for division, source in erp_sources.items():
        if not (division.isascii() and division.isdigit()):
            raise ReferenceSettingError(
                f"Setting 'erp_sources' names '{division}', which is no division: write its code."
            )
        if source in named:
            raise ReferenceSettingError(
                f"Setting 'erp_sources' gives '{source}' to two divisions: it could not be told "
                "where a record belongs. Give each its own."
            )
        named[str(source)] = int(division)
    return Places(named, frozenset(divisions))
