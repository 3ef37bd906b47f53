"""What a run would read, from where and with how many calls; told without a call. Pure.

Calls are those of the runs before: of the latest run that read the same way. Where there was none,
one call a stream is the least, as one answers how much there is.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from tap_exactonline.definitions import Endpoint, StreamDefinition

__all__ = ["Knowledge", "Step", "as_json", "as_table", "plan"]

_FAST_PAGE: Final = 1000
_PAGE: Final = 60
_HEADINGS: Final = ("division", "stream", "endpoint", "changes by", "from", "rows a call", "calls")


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What earlier runs left behind about one division.

    Attributes:
        state: of a stream, empty where it was not read yet.
        calls: of a stream, read whole or not, in the latest run; None where there was none.
        refused: whether Exact refused an endpoint within the last hour.
    """

    state: Callable[[str], Mapping[str, Any]]
    calls: Callable[[str, bool], int | None]
    refused: Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Step:
    """One stream of one division.

    Attributes:
        division: its code, None for the one the user has open at the login.
        stream: its name.
        endpoint: path after the division.
        changes_by: how changes are found.
        since: from where.
        rows_a_call: rows of a page.
        calls: how many are expected; None where it came along with another stream.
        known: whether an earlier run tells so; else it is the least.
    """

    division: int | None
    stream: str
    endpoint: str
    changes_by: str
    since: str
    rows_a_call: int
    calls: int | None
    known: bool


def plan(
    definitions: Iterable[StreamDefinition],
    divisions: Sequence[int | None],
    known: Callable[[int | None], Knowledge],
    start: str | None,
) -> list[Step]:
    """Give the steps of a run, in its order.

    Args:
        definitions: the selected streams, in order.
        divisions: those to read.
        known: what earlier runs left behind about a division.
        start: the setting ``start_date``.
    """
    streams = {definition.name: definition for definition in definitions}
    return [
        _step(streams, definition, division, known(division), start)
        for definition in streams.values()
        for division in divisions
    ]


def _step(
    streams: Mapping[str, StreamDefinition],
    definition: StreamDefinition,
    division: int | None,
    known: Knowledge,
    start: str | None,
) -> Step:
    endpoint = _endpoint(definition, known)
    with_stream = definition.lines_of
    if with_stream is None and definition.beside and endpoint is definition.endpoint:
        with_stream = definition.beside
    state = known.state(definition.name)
    if endpoint is definition.fallback:
        inner = state.get("fallback")
        state = inner if isinstance(inner, dict) else {}
    bookmark = state.get("replication_key_value")
    whole = endpoint.by is None or bookmark is None
    calls = known.calls(definition.name, whole)
    page = _FAST_PAGE if endpoint.resource.startswith(("bulk/", "sync/")) else _PAGE
    if with_stream in streams:
        by, calls_expected = f"with {with_stream}", None
    else:
        by, calls_expected = endpoint.by or "all rows each time", 1 if calls is None else calls
    return Step(
        division,
        definition.name,
        endpoint.resource,
        by,
        _since(endpoint, bookmark, start),
        page,
        calls_expected,
        calls is not None,
    )


def _endpoint(definition: StreamDefinition, known: Knowledge) -> Endpoint:
    if definition.fallback and known.refused(definition.endpoint.resource):
        return definition.fallback
    return definition.endpoint


def _since(endpoint: Endpoint, bookmark: object, start: str | None) -> str:
    if endpoint.by is None:
        return "-"
    if bookmark is None:
        return start or "the beginning"
    return f"row version {bookmark}" if endpoint.by == "Timestamp" else str(bookmark)


def as_table(steps: Sequence[Step]) -> str:
    """Give the steps as text in columns, with the sum of each division below."""
    rows = [_HEADINGS, *map(_cells, steps)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(_HEADINGS))]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return "\n".join([*lines, "", *_sums(steps)])


def as_json(steps: Sequence[Step]) -> str:
    """Give the steps as a JSON array."""
    return msgspec.json.format(msgspec.json.encode([asdict(step) for step in steps])).decode()


def _cells(step: Step) -> tuple[str, ...]:
    calls = "-" if step.calls is None else f"{step.calls}{'' if step.known else ' or more'}"
    return (
        _name(step.division),
        step.stream,
        step.endpoint,
        step.changes_by,
        step.since,
        str(step.rows_a_call),
        calls,
    )


def _sums(steps: Sequence[Step]) -> Iterator[str]:
    for division in dict.fromkeys(step.division for step in steps):
        own = [step for step in steps if step.division == division and step.calls is not None]
        more = "" if all(step.known for step in own) else " or more"
        total = sum(step.calls or 0 for step in own)
        yield f"Division {_name(division)}: {total} calls{more}, of Exact's 60 a minute."


def _name(division: int | None) -> str:
    return "the user's" if division is None else str(division)
