"""`s2p explain`: the life of one document."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from rich.text import Text

from s2p_console import life, three_way
from s2p_console.desk import Desk, as_json, on_desk
from s2p_console.errors import ExitCode, NotFoundError
from s2p_console.output import Listing, show, working, write_json
from s2p_console.trail import Family, families, first_of_key, is_document, speaks_of
from s2p_console.wording import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from s2p_store import AuditEvent, Hold, LedgerEntry, Store

__all__ = ["explain"]


@click.command()
@click.argument("document")
@click.option("--division", type=int, help="Only in this division: numbers repeat across them.")
@as_json
@on_desk
def explain(desk: Desk, /, document: str, *, division: int | None, json_: bool) -> int:
    """Tell what became of a document, in time order.

    DOCUMENT is a purchase order or invoice number, or the GUID of a document or line. Exit code 2
    if something of it waits for a person.
    """
    with desk.store() as store, working("Reading the audit trail"):
        found = _life(store, document.strip(), division)
        held = (*found.waiting, *found.released)
        lines = three_way.order_lines(store.memory, found.events, held)
    if not found:
        raise NotFoundError(
            f"Nothing is recorded of {plain(document)!r}. Give the number as it stands on the "
            "document, or its GUID in Exact Online; a run must have seen it."
        )
    if json_:
        match = [three_way.data(line) for line in lines]
        write_json({**life.life_data(found), "three_way_match": match})
    else:
        rows = [life.moment_cells(moment) for moment in life.moments(found)]
        sentences = [Text(f"  {sentence}") for sentence in life.standing(found)]
        show(
            Listing(life.MOMENT_COLUMNS, rows, title=f"The life of {plain(document)}"),
            *([Text("Now:"), *sentences] if sentences else []),
            *([_three_way(lines)] if lines else []),
        )
    return ExitCode.ATTENTION if life.needs_attention(found) else ExitCode.DONE


def _three_way(lines: Sequence[three_way.OrderLine]) -> Listing:
    return Listing(
        three_way.COLUMNS,
        [three_way.cells(line) for line in lines],
        right=three_way.NUMBERS,
        title="Ordered, received, invoiced",
    )


def _life(store: Store, document: str, division: int | None) -> life.Life:
    # Without the key the holds stay closed; their audit events tell the reasons all the same.
    waiting = _of(document, store.holds.open(division=division)) if store.has_key else []
    released = _of(document, store.holds.released(division=division)) if store.has_key else []
    related = life.families_of_holds((*waiting, *released))
    events = _events(store, document, division, related)
    ledger: list[LedgerEntry] = []
    for table_name, keys in life.ledger_keys(events).items():
        ledger += store.ledger.get_many(table_name, keys).values()
    return life.Life(document, events, waiting, released, ledger)


def _events(
    store: Store, document: str, division: int | None, related: set[Family]
) -> list[AuditEvent]:
    """Give the document's own events and those of its lines.

    A number is first taken for that of a document: accounts have numbers too.
    """
    fits = speaks_of(document)

    def scan(known: set[Family]) -> list[AuditEvent]:
        return [
            event
            for event in store.audit.events(division=division)
            if fits(event) or (event.stream, event.division, first_of_key(event)) in known
        ]

    events = scan(related)
    more = families(filter(fits, events)) - related
    if any(first != document.lower() for _, _, first in more):
        events = scan(related | more)
    return list(filter(is_document, events)) or events


def _of(document: str, holds: Iterator[Hold]) -> list[Hold]:
    return [hold for hold in holds if life.hold_belongs(hold, document)]
