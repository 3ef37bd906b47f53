"""What would free held lines: likely targets for each code they wait for. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from s2p_console.errors import ConsoleError
from s2p_console.reasons import named
from s2p_console.waiting import grouped
from s2p_console.wording import amounts, plain
from s2p_mapping.rules import Rule
from s2p_mapping.suggest import suggest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import date

    from s2p_console.waiting import Group
    from s2p_mapping.reference import Reference
    from s2p_mapping.suggest import Suggestion
    from s2p_store import Hold

__all__ = ["COLUMNS", "Sought", "accepted", "as_data", "cells", "sought_codes"]

COLUMNS = ("division", "code", "name", "lines", "amount", "likely target", "score", "lines such as")
_MAPPED = frozenset({"gl_account", "cost_center"})
_EXAMPLES = 3


@dataclass(slots=True)
class Sought:
    """One code that lines wait for, with what it may have meant."""

    group: Group
    name: str
    suggestions: Sequence[Suggestion]
    examples: list[str] = field(default_factory=list)


def sought_codes(
    holds: Iterable[Hold],
    reference: Reference,
    erp_sources: Mapping[int, str],
    names: Callable[[int, str], Mapping[str, str]],
    day: date,
) -> list[Sought]:
    """Give each code that lines wait for, the one with the largest amount first.

    Args:
        holds: the lines that wait.
        reference: ServiceNow's accounts and cost centers.
        erp_sources: division → ERP source.
        names: Exact's names by code, of a division and dimension.
        day: on which targets should be open.
    """
    lines = list(holds)
    documents: dict[tuple[int, str, str], list[str]] = {}
    for hold in lines:
        for _, dimension, code in hold.causes:
            if dimension and code and hold.document:
                found = documents.setdefault((hold.division, dimension, code), [])
                if hold.document not in found and len(found) < _EXAMPLES:
                    found.append(hold.document)
    result = []
    for group in grouped(lines):
        cause = group.cause
        if cause.dimension not in _MAPPED or not cause.code:
            continue
        name = names(group.division, cause.dimension).get(cause.code, "")
        catalogue = reference.catalogue(
            cause.dimension, erp_sources.get(group.division, f"EXACT-{group.division}")
        )
        result.append(
            Sought(
                group,
                name,
                suggest(cause.code, name, catalogue, day),
                documents.get((group.division, cause.dimension, cause.code), []),
            )
        )
    return result


def cells(sought: Sought) -> list[list[str]]:
    """Give rows of `COLUMNS`: the code beside its likeliest target, the others below."""
    group, cause = sought.group, sought.group.cause
    rows = [
        ["", "", "", "", "", f"{plain(one.entry.code)} {plain(one.entry.name)}", f"{one.score:.0f}",
         ""]
        for one in sought.suggestions
    ] or [["", "", "", "", "", "nothing alike", "", ""]]  # fmt: skip
    head = [
        str(group.division),
        named(cause.dimension, cause.code),
        plain(sought.name),
        str(group.lines),
        amounts(group.amounts),
    ]
    rows[0] = [*head, *rows[0][5:7], ", ".join(map(plain, sought.examples))]
    return rows


def as_data(sought: Sought) -> dict[str, Any]:
    """Give it as JSON takes it."""
    cause = sought.group.cause
    return {
        "division": sought.group.division,
        "dimension": cause.dimension,
        "code": cause.code,
        "name": sought.name,
        "reason": cause.reason,
        "lines": sought.group.lines,
        "amounts": sought.group.amounts,
        "documents": sought.examples,
        "suggestions": [
            {"code": one.entry.code, "name": one.entry.name, "score": one.score}
            for one in sought.suggestions
        ],
    }


def accepted(text: str, division: int | None, note: str) -> Rule:
    """Read what was accepted, `cost_center:CC12=CC40`, as a rule.

    Raises:
        ConsoleError: it is not of that form.
    """
    what, found, target = text.partition("=")
    dimension, colon, code = what.partition(":")
    dimension = dimension.strip().lower().replace("-", "_")
    if not (found and colon and code.strip() and target.strip()) or dimension not in _MAPPED:
        raise ConsoleError(
            f"--accept takes gl_account:CODE=TARGET or cost_center:CODE=TARGET, not {plain(text)!r}"
        )
    return Rule(dimension, code.strip(), target.strip(), division, note=note)
