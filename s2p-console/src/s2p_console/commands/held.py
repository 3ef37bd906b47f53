"""`s2p held`: the lines that wait, and for what."""

from __future__ import annotations

import getpass
import sys
import uuid
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from rich.text import Text

from s2p_console import waiting, waiting_view
from s2p_console.desk import Desk, as_json, on_desk
from s2p_console.errors import ConsoleError, ExitCode
from s2p_console.output import Listing, destination, show, write_csv, write_json, write_json_rows
from s2p_console.reasons import DOCUMENT_CHECKS
from s2p_console.wording import count, instant, plain, value
from s2p_store import AuditEvent, Waiver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from s2p_store import Hold, Store

__all__ = ["held"]

_F = TypeVar("_F", bound="Callable[..., Any]")


def _filters(command: _F) -> _F:
    options = (
        click.option("--stream", help="Only this stream, e.g. purchase_entry_lines."),
        click.option("--division", type=int, help="Only this division."),
        click.option("--reason", help="Only this reason code, e.g. COST_CENTER_MISSING."),
        click.option(
            "--waiting-for",
            metavar="KIND[:CODE]",
            help="Only what waits for a cost_center, gl_account, …; with a code for that one.",
        ),
        click.option("--document", help="Only the lines of this document number."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _wanted(
    *,
    stream: str | None,
    division: int | None,
    reason: str | None,
    waiting_for: str | None,
    document: str | None,
) -> waiting.Wanted:
    dimension, code = waiting.Wanted.waits_for(waiting_for)
    return waiting.Wanted(stream, division, reason, dimension, code, document)


def _open(store: Store, wanted: waiting.Wanted) -> Iterator[Hold]:
    return filter(wanted.fits, store.holds.open(stream=wanted.stream, division=wanted.division))


@click.group()
def held() -> None:
    """Lines that wait because they cannot be mapped yet."""


@held.command("list")
@_filters
@click.option("--lines", is_flag=True, help="Show each line instead of what would free them.")
@as_json
@click.option("--csv", "csv_", is_flag=True, help="Print CSV, for spreadsheets.")
@on_desk
def list_(desk: Desk, /, *, lines: bool, json_: bool, csv_: bool, **filters: Any) -> int:  # noqa: ANN401 - options
    """Show what would free the held lines, the largest amount first.

    A line that waits for two things counts under both. Exit code 2 if anything is held.
    """
    if json_ and csv_:
        raise ConsoleError("Choose one of --json and --csv.")
    with desk.store() as store:
        # Without the records, which nobody asked for here and which would fill the memory.
        holds = [replace(hold, record={}) for hold in _open(store, _wanted(**filters))]
    groups = waiting.grouped(holds)
    if json_:
        write_json(
            {
                "held_lines": len(holds),
                "groups": [waiting_view.group_data(group) for group in groups],
                "lines": [waiting_view.line_data(hold) for hold in holds],
            }
        )
    elif csv_ and lines:
        write_csv(waiting_view.LINE_COLUMNS, map(waiting_view.line_cells, holds), sys.stdout)
    elif csv_:
        write_csv(waiting_view.GROUP_COLUMNS, map(waiting_view.group_cells, groups), sys.stdout)
    elif not holds:
        show(Text("Nothing is held."))
    elif lines:
        rows = [waiting_view.short_cells(hold) for hold in holds]
        show(
            Listing(
                waiting_view.SHORT_COLUMNS,
                rows,
                right=("amount",),
                whole=("key",),
                spare=("stream", "division", "reasons"),
            )
        )
    else:
        rows = [waiting_view.group_cells(group) for group in groups]
        show(
            Listing(
                waiting_view.GROUP_COLUMNS,
                rows,
                right=("lines", "amount"),
                whole=("reason",),
                spare=("since (UTC)",),
            )
        )
        show(Text(_footer(len(holds))))
    return ExitCode.ATTENTION if holds else ExitCode.DONE


@held.command("show")
@click.argument("key")
@as_json
@on_desk
def show_(desk: Desk, /, key: str, *, json_: bool) -> None:
    """Show one held line with its whole record, decrypted.

    KEY is what `held list --lines` shows, the source id alone, or a unique beginning of it. The
    record may hold personal data: mind where it goes.
    """
    with desk.store() as store:
        hold = waiting.find_one(store.holds.open(), key)
    if json_:
        write_json(waiting_view.line_data(hold, with_record=True))
        return
    about = zip(waiting_view.LINE_COLUMNS, waiting_view.line_cells(hold), strict=True)
    changed = ("changed at (UTC)", instant(hold.source_modified))
    fields = [[plain(name), value(item)] for name, item in hold.record.items()]
    show(
        Listing(("held line", ""), [*about, changed]),
        Listing(("property", "value"), fields),
    )


@held.command()
@_filters
@as_json
@click.option("--csv", "csv_", is_flag=True, help="Write CSV, for spreadsheets (the default).")
@click.option(
    "--records", is_flag=True, help="With --json: add each whole record, personal data included."
)
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A file that only you can read, instead of standard output.",
)
@on_desk
def export(
    desk: Desk,
    /,
    *,
    json_: bool,
    csv_: bool,
    records: bool,
    output: Path | None,
    **filters: Any,  # noqa: ANN401 - options
) -> None:
    """Write the held lines, one per row, to hand them to whoever can free them."""
    if json_ and csv_:
        raise ConsoleError("Choose one of --json and --csv.")
    if records and not json_:
        raise ConsoleError("--records needs --json: a record has no place in a table.")
    with desk.store() as store, destination(output) as out:
        holds = _open(store, _wanted(**filters))
        if json_:
            write_json_rows(
                (waiting_view.line_data(hold, with_record=records) for hold in holds), out
            )
        else:
            write_csv(waiting_view.LINE_COLUMNS, map(waiting_view.line_cells, holds), out)


@held.command()
@click.argument("keys", nargs=-1)
@_filters
@click.option("--by", help="Who lets them go on; by default the user of this machine.")
@on_desk
def release(desk: Desk, /, *, keys: tuple[str, ...], by: str | None, **filters: Any) -> int:  # noqa: ANN401 - options
    """Let held lines go on with the next run although their document did not pass its checks.

    It sets aside what was found wrong with the document (an order that is not staged, sums that
    differ, a number that came twice), never a missing GL account or cost center: see `held waive`.
    Lines are named by KEYS or by the options. A newer version of a line is checked anew.
    """
    return _decide(desk, keys, filters, by or getpass.getuser(), "released", DOCUMENT_CHECKS)


@held.command()
@click.argument("keys", nargs=-1)
@_filters
@click.option("--by", required=True, help="Who takes the decision.")
@click.option("--why", required=True, help="Why it is right, for whoever asks later.")
@on_desk
def waive(desk: Desk, /, *, keys: tuple[str, ...], by: str, why: str, **filters: Any) -> int:  # noqa: ANN401 - options
    """Let held lines go on with the next run whatever holds them, by name and with a reason.

    They keep the GL account and cost center they have; one that is missing stays empty in
    ServiceNow. Name and reason stand in the audit trail and in the line's mapping rule, in clear.
    Lines are named by KEYS or by the options. A newer version of a line is checked anew.
    """
    if not by.strip() or not why.strip():
        raise ConsoleError("--by and --why must say something.")
    return _decide(desk, keys, filters, by.strip(), why.strip(), None)


def _decide(  # noqa: PLR0913, PLR0917 - who, what, why and for which lines
    desk: Desk,
    keys: tuple[str, ...],
    filters: dict[str, Any],
    by: str,
    why: str,
    reasons: tuple[str, ...] | None,
) -> int:
    if not keys and not any(value is not None for value in filters.values()):
        raise ConsoleError(
            "Name the lines: by key (`s2p held list --lines`), or by --reason, --waiting-for, "
            "--document, --stream or --division."
        )
    now = datetime.now(timezone.utc)
    with desk.store() as store:
        meant = list(_open(store, _wanted(**filters)))
        if keys:
            meant = [waiting.find_one(meant, key) for key in keys]
        helped = [hold for hold in meant if reasons is None or set(hold.reasons) & set(reasons)]
        waiver = Waiver(by, why, now, reasons)
        run = str(uuid.uuid4())
        with store.transaction():
            done = store.holds.waive([hold.key for hold in helped], waiver)
            store.audit.append([_event(hold, waiver, run) for hold in helped])
    left = len(meant) - len(helped)
    click.echo(f"{count(done, 'line')} go on with the next run.", err=True)
    if left:
        click.echo(
            f"{count(left, 'line')} wait for a GL account or cost center only: add it, write a "
            "rule (`s2p mapping suggest`), or waive it.",
            err=True,
        )
    return ExitCode.ATTENTION if left or not done else ExitCode.DONE


def _event(hold: Hold, waiver: Waiver, run: str) -> AuditEvent:
    detail = {
        "actor": waiver.by,
        "message": waiver.why,
        "reasons": [
            reason for reason in hold.reasons if waiver.reasons is None or reason in waiver.reasons
        ],
        "document": hold.document,
    }
    return AuditEvent(
        run, waiver.at, hold.stream, hold.division, hold.source_id, "waived", hold.document, detail
    )


def _footer(lines: int) -> str:
    return (
        f"{count(lines, 'line')} held. They go on by themselves in the first run that can map "
        "them.\n`s2p held list --lines` shows each; `s2p held show KEY` the whole record."
    )
