"""Likely targets of a code that found none: ranked for a person, who decides. Pure.

Two things speak for a target: that its code is like the one that was sought, and that its name is.
Names are compared by their words in any order; words of four languages that mean the same in a
chart of accounts count as the same word (`glossary.yaml`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

import yaml
from rapidfuzz import fuzz

from s2p_mapping.normalise import normalise_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from s2p_mapping.reference import Entry

__all__ = ["Suggestion", "concepts", "suggest"]

_NAME_WEIGHT: Final = 0.75
"""Codes of two charts are seldom alike by meaning; names are."""
_LEAST: Final = 40.0
_SHORTEST_HALF: Final = 2
_LINKS: Final = ("", "s", "e", "en", "n")
"""What stands between the halves of a Dutch or German compound."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One target that a code may have meant; `score` is from 0 to 100."""

    entry: Entry
    score: float


def suggest(
    code: str, name: str, entries: Iterable[Entry], day: date, most: int = 5
) -> list[Suggestion]:
    """The likeliest of the entries that are open on a day, best first; none below 40.

    The order of the entries does not change the result.
    """
    sought = concepts(name)
    found = [
        Suggestion(entry, score)
        for entry in entries
        if entry.open_on(day) and entry.code != code  # the same code needs no rule
        for score in [_score(code, sought, entry)]
        if score >= _LEAST
    ]
    found.sort(key=lambda each: (-each.score, each.entry.code, each.entry.sys_id))
    return found[:most]


def _score(code: str, sought: str, entry: Entry) -> float:
    by_code = fuzz.ratio(code, entry.code)
    offered = concepts(entry.name)
    if not sought or not offered:
        return round(by_code * (1 - _NAME_WEIGHT), 1)
    # All words in common count full; words only one of them has weigh against it.
    by_name = (fuzz.token_set_ratio(sought, offered) + fuzz.token_sort_ratio(sought, offered)) / 2
    return round(by_name * _NAME_WEIGHT + by_code * (1 - _NAME_WEIGHT), 1)


@cache
def concepts(name: str) -> str:
    """A name with each word it has in the glossary put as what it means, compounds taken apart."""
    return " ".join(meant for word in normalise_name(name).split() for meant in _meaning(word))


def _meaning(word: str) -> tuple[str, ...]:
    words = _glossary()
    if word in words:
        return (words[word],)
    for end in range(len(word) - _SHORTEST_HALF, _SHORTEST_HALF - 1, -1):
        tail = words.get(word[end:])
        if tail is None:
            continue
        for link in _LINKS:
            head = words.get(word[:end].removesuffix(link)) if word[:end].endswith(link) else None
            if head is not None:
                return head, tail
    return (word,)


@cache
def _glossary() -> Mapping[str, str]:
    text = files("s2p_mapping").joinpath("glossary.yaml").read_text(encoding="utf-8")
    groups: dict[str, list[str]] = yaml.safe_load(text)
    return {word: meaning for meaning, words in groups.items() for word in words}
