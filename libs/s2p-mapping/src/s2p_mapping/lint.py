"""What a person should know about a rules file before a run does: pure, and never a guess.

A rule is called unreachable only if there is no code, day and division for which it would decide.
That is found out by asking the rule set itself about every place where an answer can change.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from s2p_mapping.dimensions import COST_CENTER, GL_ACCOUNT
from s2p_mapping.rules import NONE, SAME, Conditions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from s2p_mapping.reference import Reference
    from s2p_mapping.rules import Rule, RuleSet

__all__ = ["Finding", "check"]

_NOBODY = "\x00"
"""A supplier, item group and cost center that no rule asks for."""
_LAST = "\U0010ffff"
"""Comes after every character of a code: what a longer prefix cannot begin with."""
_ELSEWHERE = -1
"""Stands for the divisions there may be, where none is known."""
_MOST_LOOKS = 5_000
"""Codes looked at for one rule; a range that others cover in more pieces is left in peace."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to look at: its kind, where in the file, and the sentence that says what to do.

    Kinds: broken row, overlap, unreachable, dead target, inactive target, unknown division.
    """

    kind: str
    line: int | None
    column: str | None
    text: str


def check(
    rules: RuleSet,
    reference: Reference | None,
    divisions: Mapping[int, str],
    today: date,
) -> list[Finding]:
    """All findings, by line.

    Args:
        rules: as read; each rule knows its line.
        reference: ServiceNow's accounts and cost centers; None if they were never read, so that
            nothing can be said about targets.
        divisions: the divisions that are known, each with its ERP source; if none are known,
            nothing can be said about divisions.
        today: the day on which targets should be open.
    """
    found = [*_overlaps(rules), *_unreachable(rules, divisions)]
    if divisions:
        found += _unknown_divisions(rules, divisions)
    if reference is not None:
        found += _targets(rules, reference, divisions, today)
    return sorted(found, key=lambda finding: (finding.line or 0, finding.kind, finding.text))


def _unknown_divisions(rules: RuleSet, divisions: Mapping[int, str]) -> Iterator[Finding]:
    known = ", ".join(map(str, sorted(divisions)))
    for rule in rules:
        if rule.division is not None and rule.division not in divisions:
            yield Finding(
                "unknown division",
                rule.line,
                "division",
                f"Division {rule.division} is neither configured nor was it ever read; known are "
                f"{known}. Correct the number, or remove the rule.",
            )


def _targets(
    rules: RuleSet, reference: Reference, divisions: Mapping[int, str], today: date
) -> Iterator[Finding]:
    for rule in rules:
        if rule.dimension not in (GL_ACCOUNT, COST_CENTER):
            continue
        if rule.target == NONE or (rule.target == SAME and not rule.is_code):
            continue  # what passes through is judged line by line
        target = rule.source if rule.target == SAME else rule.target
        day = min(max(today, rule.valid_from or date.min), rule.valid_to or date.max)
        missing, closed = set(), set()
        for division in [rule.division] if rule.division is not None else divisions:
            source = divisions.get(division)
            if source is None:
                continue
            entries = reference.catalogue(rule.dimension, source).by_code(target)
            if not entries:
                missing.add(source)
            elif not any(entry.open_on(day) for entry in entries):
                closed.add(source)
        what = rule.dimension.replace("_", " ").replace("gl ", "GL ")
        for kind, sources, said in (
            ("dead target", missing, "does not exist"),
            ("inactive target", closed, f"is not open on {day}"),
        ):
            if sources:
                yield Finding(
                    kind,
                    rule.line,
                    "target",
                    f"{what} {target} {said} in ServiceNow under {', '.join(sorted(sources))}. "
                    "Lines this rule decides about are held there: name an open one, or open it.",
                )


def _overlaps(rules: RuleSet) -> Iterator[Finding]:
    """Ranges and prefixes that cross without one lying within the other, and lead elsewhere.

    A code within a range, or a range within a prefix, is how exceptions are written. These are not:
    which of the two decides about what they share, follows from their widths alone.
    """
    lengths = {len(rule.bounds[0]) for rule in rules if rule.bounds}
    alike: defaultdict[tuple[object, ...], list[tuple[str, str, Rule]]] = defaultdict(list)
    for rule in rules:
        dated = rule.valid_from is not None or rule.valid_to is not None
        asked = (rule.supplier, rule.item_group, rule.cost_center)
        for low, high in _spans(rule, lengths):
            key = (rule.dimension, rule.division, dated, asked, len(low))
            alike[key].append((low, high, rule))
    for group in alike.values():
        group.sort(key=lambda each: (each[0], each[1], each[2].line))
        open_: list[tuple[str, str, Rule]] = []
        for low, high, rule in group:
            open_ = [each for each in open_ if each[1] >= low]
            for other_low, other_high, other in open_:
                inside = other_low <= low and high <= other_high
                inside = inside or (low <= other_low and other_high <= high)
                if not inside and rule.target != other.target and _meet(rule, other):
                    first, second = sorted((rule, other), key=lambda each: each.line)
                    yield Finding(
                        "overlap",
                        second.line,
                        "source",
                        f"{second.source} and {first.source} of line {first.line} share the codes "
                        f"{low}-{min(high, other_high)} and lead to different targets. Part them.",
                    )
            open_.append((low, high, rule))


def _spans(rule: Rule, lengths: Iterable[int]) -> Iterator[tuple[str, str]]:
    """First and last number, of each length, for which a range or a prefix stands."""
    if rule.bounds:
        yield rule.bounds
    elif rule.source.endswith("*"):
        prefix = rule.source[:-1]
        for size in lengths:
            if len(prefix) < size and (not prefix or prefix.isdecimal()):
                yield prefix.ljust(size, "0"), prefix.ljust(size, "9")


def _meet(one: Rule, other: Rule) -> bool:
    """Whether both are in force on some day."""
    begin = max(one.valid_from or date.min, other.valid_from or date.min)
    return begin <= min(one.valid_to or date.max, other.valid_to or date.max)


def _unreachable(rules: RuleSet, divisions: Mapping[int, str]) -> Iterator[Finding]:
    for rule in rules:
        scopes = [rule.division] if rule.division is not None else [*divisions] or [_ELSEWHERE]
        first = _instead(rules, rule, scopes)
        if first is not None:
            where = " in every known division" if rule.division is None and divisions else ""
            lines = ", ".join(map(str, sorted({each.line for each in first})))
            yield Finding(
                "unreachable",
                rule.line,
                "source",
                f"This rule can never decide: line {lines} always comes first{where}. "
                "Remove it, or narrow the other.",
            )


def _instead(rules: RuleSet, rule: Rule, scopes: Sequence[int]) -> set[Rule] | None:
    """The rules that always come before this one; None if it decides somewhere.

    Where it does not decide about a code, it does not up to the end of the nearest of those that
    do: there the next look is due.
    """
    first: set[Rule] = set()
    code: str | None = rule.bounds[0] if rule.bounds else rule.source
    if rule.source.endswith("*"):
        # Longer prefixes and ranges leave the one code free, other rules of this prefix neither.
        code = rule.source[:-1] + _LAST
    for _ in range(_MOST_LOOKS):
        if code is None:
            return first
        winners = _winners(rules, rule, code, scopes)
        if winners is None:
            return None
        first |= winners
        code = _next(rule, code, winners)
    return None


def _winners(rules: RuleSet, rule: Rule, code: str, scopes: Sequence[int]) -> set[Rule] | None:
    """The rules that decide about a code in place of this one; None if it does itself."""
    asked = Conditions(
        rule.supplier or _NOBODY, rule.item_group or _NOBODY, rule.cost_center or _NOBODY
    )
    winners: set[Rule] = set()
    for division in scopes:
        covering = [
            other
            for scope in (division, None)
            for other in rules.covering(rule.dimension, code, scope)
        ]
        for day in _days(rule, covering):
            winner = rules.find(rule.dimension, code, division, day, asked)
            if winner == rule or winner is None:
                return None
            winners.add(winner)
    return winners


def _next(rule: Rule, code: str, winners: Iterable[Rule]) -> str | None:
    """The next code of a range about which others may decide; None if there is none."""
    if rule.bounds is None:
        return None
    size, high = len(code), rule.bounds[1]
    ends = [
        each.source[:-1].ljust(size, "9")
        if each.source.endswith("*")
        else (each.bounds or (code, code))[1]
        for each in winners
    ]
    after = f"{int(min(ends)) + 1:0{size}d}"
    return after if len(after) == size and after <= high else None


def _days(rule: Rule, others: Iterable[Rule]) -> list[date]:
    """Days of the rule, at least one of every period within which all others agree."""
    first, last = rule.valid_from or date.min, rule.valid_to or date.max
    found = {first}
    for other in others:
        if other.valid_to and other.valid_to < date.max:
            found.add(other.valid_to + timedelta(days=1))
        if other.valid_from:
            found.add(other.valid_from)
    return sorted(day for day in found if first <= day <= last)
