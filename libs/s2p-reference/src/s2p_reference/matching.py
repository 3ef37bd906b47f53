"""Which record of ServiceNow is which of Exact, when they meet for the first time. Pure.

By code, then by a name that only one of each has, the rest for a person. A record that has a likely
twin in Exact (a code that differs in case, signs or leading zeros, a name that is there too) is
never taken for a new one.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from s2p_mapping.normalise import normalise_name
from s2p_reference.values import squeezed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from s2p_reference.entities import Item

__all__ = ["Matches", "match"]


@dataclass(frozen=True, slots=True)
class Matches:
    """What came out.

    Attributes:
        pairs: (Exact's, ServiceNow's), found by code or by unique name.
        unsure: ServiceNow's with the codes of the likely twins in Exact; without any where
            ServiceNow itself has it twice.
        new: ServiceNow's that Exact has nothing like.
    """

    pairs: Sequence[tuple[Item, Item]]
    unsure: Sequence[tuple[Item, tuple[str, ...]]]
    new: Sequence[Item]


def match(
    exact: Collection[Item], servicenow: Collection[Item], taken: Collection[str] = ()
) -> Matches:
    """Match records that are not linked yet.

    Args:
        exact: all of Exact's in one division.
        servicenow: ServiceNow's that have no partner yet.
        taken: Exact's IDs that have a partner already; they still count as likely twins.
    """
    taken = frozenset(taken)
    free = [item for item in exact if item.id not in taken]
    pairs = _unique_pairs(free, servicenow, lambda item: item.code)
    left = {one.id for one, _ in pairs}
    right = {other.id for _, other in pairs}
    # A name may only speak where no code does: of the whole of Exact, for it must be unique there.
    by_name = _unique_pairs(exact, servicenow, lambda item: normalise_name(item.name))
    codes = {item.code for item in exact}
    pairs += [
        (one, other)
        for one, other in by_name
        if one.id not in taken
        and one.id not in left
        and other.id not in right
        and other.code not in codes
    ]
    right = {other.id for _, other in pairs}
    rest = [item for item in servicenow if item.id not in right]
    likely = _Likely(exact)
    doubled = _Likely(servicenow)
    unsure: list[tuple[Item, tuple[str, ...]]] = []
    new: list[Item] = []
    for item in rest:
        twins = tuple(sorted({twin.code for twin in likely.of(item)}))
        if twins or any(other.id != item.id for other in doubled.by_code(item)):
            unsure.append((item, twins))
        else:
            new.append(item)
    return Matches(pairs, unsure, new)


class _Likely:
    """Items that a person might take for a given one."""

    def __init__(self, items: Iterable[Item]) -> None:
        self._codes = _grouped(items, lambda item: squeezed(item.code))
        self._names = _grouped(self._all(), lambda item: normalise_name(item.name))

    def by_code(self, item: Item) -> Sequence[Item]:
        """Those whose code a person would take for this one's."""
        return self._codes.get(squeezed(item.code), ())

    def of(self, item: Item) -> Sequence[Item]:
        """Those by code or by name; a name without letters is like no other."""
        name = normalise_name(item.name)
        return [*self.by_code(item), *(self._names.get(name, ()) if name else ())]

    def _all(self) -> list[Item]:
        return [item for items in self._codes.values() for item in items]


def _unique_pairs(
    exact: Iterable[Item], servicenow: Iterable[Item], key: Callable[[Item], str]
) -> list[tuple[Item, Item]]:
    ours, theirs = _grouped(exact, key), _grouped(servicenow, key)
    return [
        (ours[value][0], items[0])
        for value, items in theirs.items()
        if value and len(items) == 1 and len(ours.get(value, ())) == 1
    ]


def _grouped(items: Iterable[Item], key: Callable[[Item], str]) -> Mapping[str, list[Item]]:
    groups: defaultdict[str, list[Item]] = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return groups
