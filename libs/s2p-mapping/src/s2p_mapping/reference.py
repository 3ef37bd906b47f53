"""ServiceNow's side: the GL accounts and cost centers a line may be mapped to.

Facts: `sn_fin_gl_account` and `cmn_cost_center`, each row belonging to one ERP source; an invoice
line names its cost center by account number and its account by GL account, both with ERP source.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING

from s2p_mapping.dimensions import COST_CENTER, GL_ACCOUNT
from s2p_mapping.normalise import normalise_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["Catalogue", "Duplicate", "Entry", "Reference"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One GL account or cost center of ServiceNow. The validity includes its first and last day."""

    code: str
    name: str
    sys_id: str
    active: bool = True
    valid_from: date | None = None
    valid_to: date | None = None

    def open_on(self, day: date) -> bool:
        """Whether a document of that day may be booked on it."""
        return (
            self.active
            and (self.valid_from is None or self.valid_from <= day)
            and (self.valid_to is None or day <= self.valid_to)
        )


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A row that came twice (by "id"), or different rows that share a code or a normalised name."""

    dimension: str
    erp_source: str
    by: str
    value: str
    sys_ids: tuple[str, ...]


class Catalogue:
    """The entries of one dimension under one ERP source; the same row given twice counts once."""

    __slots__ = ("_by_code", "_by_name", "_entries", "_repeated")

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._entries: dict[str, Entry] = {}
        self._repeated: dict[str, tuple[Entry, ...]] = {}
        for entry in entries:
            if entry.sys_id in self._entries:
                self._repeated[entry.sys_id] = (entry,)
            self._entries[entry.sys_id] = entry
        self._by_code = _grouped((entry.code, entry) for entry in self)
        self._by_name: dict[str, tuple[Entry, ...]] | None = None

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)

    def by_code(self, code: str) -> tuple[Entry, ...]:
        """All entries with exactly this code."""
        return self._by_code.get(code, ())

    def by_name(self, name: str) -> tuple[Entry, ...]:
        """All entries whose normalised name is that of `name`; none for a name without letters."""
        return self._names().get(normalise_name(name), ())

    def duplicates(self) -> Iterator[tuple[str, str, tuple[Entry, ...]]]:
        """What occurs more than once: ("id", "code" or "name", the value, the entries)."""
        for sys_id, repeated in self._repeated.items():
            yield "id", sys_id, repeated
        for by, index in (("code", self._by_code), ("name", self._names())):
            for value, entries in index.items():
                if len(entries) > 1:
                    yield by, value, entries

    def _names(self) -> dict[str, tuple[Entry, ...]]:
        if self._by_name is None:
            named = ((normalise_name(entry.name), entry) for entry in self)
            self._by_name = _grouped((name, entry) for name, entry in named if name)
        return self._by_name


def _grouped(pairs: Iterable[tuple[str, Entry]]) -> dict[str, tuple[Entry, ...]]:
    groups: defaultdict[str, tuple[Entry, ...]] = defaultdict(tuple)
    for key, entry in pairs:
        groups[key] += (entry,)
    return dict(groups)


_EMPTY = Catalogue()


@dataclass(frozen=True, slots=True)
class Reference:
    """All that exists in ServiceNow, per ERP source.

    Keys are whatever an ERP source is known by (name, display value, sys_id), all leading to the
    same catalogue. `shared_cost_centers` replaces `cost_centers` where the table has no ERP source
    column: its cost centers serve every ERP source.
    """

    gl_accounts: Mapping[str, Catalogue] = field(default_factory=dict)
    cost_centers: Mapping[str, Catalogue] = field(default_factory=dict)
    shared_cost_centers: Catalogue | None = None

    def catalogue(self, dimension: str, erp_source: str) -> Catalogue:
        """The entries of a dimension under an ERP source; empty if ServiceNow has none."""
        if dimension == GL_ACCOUNT:
            return self.gl_accounts.get(erp_source, _EMPTY)
        if dimension == COST_CENTER:
            if self.shared_cost_centers is not None:
                return self.shared_cost_centers
            return self.cost_centers.get(erp_source, _EMPTY)
        return _EMPTY

    def catalogues(self) -> Iterator[tuple[str, str, Catalogue]]:
        """Each catalogue once: its dimension, a name of its ERP source, the catalogue."""
        shared = {"*": self.shared_cost_centers} if self.shared_cost_centers is not None else {}
        for dimension, named in (
            (GL_ACCOUNT, self.gl_accounts),
            (COST_CENTER, {**self.cost_centers, **shared}),
        ):
            # The name that came last is one for people; the first is mostly a sys_id.
            once = {id(catalogue): (name, catalogue) for name, catalogue in named.items()}
            for name, catalogue in once.values():
                yield dimension, name, catalogue

    def boundaries(self) -> Iterator[date]:
        """The days on which an entry opens or closes."""
        for _, _, catalogue in self.catalogues():
            for entry in catalogue:
                if entry.valid_from:
                    yield entry.valid_from
                if entry.valid_to and entry.valid_to < date.max:
                    yield entry.valid_to + timedelta(days=1)

    def duplicates(self) -> Iterator[Duplicate]:
        """What occurs more than once, in the order of the tables."""
        for dimension, erp_source, catalogue in self.catalogues():
            for by, value, entries in catalogue.duplicates():
                sys_ids = tuple(sorted(entry.sys_id for entry in entries))
                yield Duplicate(dimension, erp_source, by, value, sys_ids)
