"""`s2p audit`: what happened to which record, and whether the trail is whole."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timezone
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from rich.text import Text

from s2p_console import trail
from s2p_console.desk import Desk, as_json, on_desk
from s2p_console.errors import ExitCode
from s2p_console.output import (
    Listing,
    destination,
    show,
    working,
    write_csv,
    write_json,
    write_json_rows,
)
from s2p_console.wording import count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from s2p_store import AuditEvent, Store

__all__ = ["audit"]

_F = TypeVar("_F", bound="Callable[..., Any]")
_MOST: int = 200


def _filters(command: _F) -> _F:
    options = (
        click.option("--document", help="Number or GUID of a document; takes its lines in."),
        click.option("--source-id", help="GUID or code of one record in Exact Online."),
        click.option("--natural-key", help="Key of one record in ServiceNow."),
        click.option("--run", "run_id", help="Only this run."),
        click.option("--division", type=int, help="Only this division."),
        click.option("--kind", help="Only this kind, e.g. staged, held, failed."),
        click.option("--stream", help="Only this stream, e.g. purchase_entry_lines."),
        click.option("--code", help="Only what speaks of this GL account or cost center."),
        click.option("--since", help="From then on: 2026-06-01, 2026-06-01T08:00, or 2d, 8h, 30m."),
        click.option("--until", help="Before then, in the same form."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _events(  # noqa: PLR0913 - one argument per option
    store: Store,
    *,
    document: str | None,
    source_id: str | None,
    natural_key: str | None,
    run_id: str | None,
    division: int | None,
    kind: str | None,
    stream: str | None,
    code: str | None,
    since: str | None,
    until: str | None,
    newest_first: bool = False,
) -> Iterator[AuditEvent]:
    now = datetime.now(timezone.utc)
    found = store.audit.events(
        natural_key=natural_key,
        source_id=source_id,
        run_id=run_id,
        division=division,
        stream=stream,
        since=trail.moment_of(since, now),
        until=trail.moment_of(until, now),
        newest_first=newest_first,
    )
    if code is not None:
        found = filter(trail.speaks_of_code(code), found)
    if kind is not None:
        found = (event for event in found if event.kind == kind)
    return found if document is None else filter(trail.speaks_of(document), found)


@click.group()
def audit() -> None:
    """The audit trail: append-only, chained by hashes."""


@audit.command("show")
@_filters
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=_MOST,
    show_default=True,
    help="At most so many, the newest.",
)
@as_json
@on_desk
def show_(desk: Desk, /, *, limit: int, json_: bool, **filters: Any) -> None:  # noqa: ANN401 - options
    """Show what happened, in time order."""
    with desk.store() as store:
        newest = islice(_events(store, newest_first=True, **filters), limit + 1)
        events = deque(newest)
    more = len(events) > limit
    if more:
        events.pop()
    events.reverse()
    if json_:
        write_json([trail.event_data(event) for event in events])
    elif events:
        rows = [trail.event_cells(event) for event in events]
        show(Listing(trail.EVENT_COLUMNS, rows, spare=("run", "division")))
    else:
        show(Text("Nothing is recorded that fits."))
    if more:
        click.echo(f"Only the newest {count(limit, 'event')}; see --limit.", err=True)


@audit.command()
@as_json
@on_desk
def verify(desk: Desk, /, *, json_: bool) -> int:
    """Recompute the chain of hashes. Exit code 2 if anything was altered, added or removed."""
    with desk.store() as store, working("Recomputing the chain"):
        problems = store.audit.verify()
    if json_:
        found = [{"batch": problem.batch, "message": problem.message} for problem in problems]
        write_json({"intact": not problems, "problems": found})
    elif problems:
        show(
            Text("The audit trail is NOT as it was written:"),
            *(Text(f"  {problem}") for problem in problems),
            Text("Keep this store as evidence and find out who wrote to it."),
        )
    else:
        show(Text("The audit trail is intact."))
    return ExitCode.ATTENTION if problems else ExitCode.DONE


@audit.command()
@_filters
@as_json
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A file that only you can read, instead of standard output.",
)
@on_desk
def export(desk: Desk, /, *, json_: bool, output: Path | None, **filters: Any) -> None:  # noqa: ANN401 - options
    """Write the trail, oldest first, as CSV or with --json as one JSON array."""
    with desk.store() as store, destination(output) as out:
        events = _events(store, **filters)
        if json_:
            write_json_rows(map(trail.event_data, events), out)
        else:
            write_csv(trail.EVENT_COLUMNS, map(trail.event_cells, events), out)
