"""`s2p reference`: GL accounts and cost centers in both systems."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import click
from rich.text import Text

from s2p_console.desk import Desk, as_json, on_desk
from s2p_console.errors import ConsoleError, ExitCode
from s2p_console.exact import connected
from s2p_console.output import Listing, show, working, write_csv, write_json
from s2p_console.reference_data import (
    CHOICES,
    case_key,
    check_choice,
    differences,
    disputed,
    find_case,
    forget,
    send_again,
)
from s2p_console.settings import TARGET, WAY_BACK
from s2p_console.wording import count, instant, value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from s2p_reference.compare import Finding
    from s2p_store import PairCase

__all__ = ["reference"]

_COLUMNS: Final = (
    "kind",
    "stream",
    "division",
    "code",
    "field",
    "exactonline",
    "servicenow",
    "decide",
    "what happens or helps",
)
_CASE_COLUMNS: Final = (
    "key",
    "kind",
    "stream",
    "division",
    "code",
    "field",
    "base",
    "exactonline",
    "servicenow",
    "chosen",
    "since (UTC)",
    "message",
)


@click.group()
def reference() -> None:
    """GL accounts and cost centers in both systems: how they differ, and what waits."""


@reference.command("compare")
@click.option("--division", type=int, help="Only this division.")
@as_json
@click.option("--csv", "csv_", is_flag=True, help="Print CSV, for spreadsheets.")
@on_desk
def compare_(desk: Desk, /, *, division: int | None, json_: bool, csv_: bool) -> int:
    """Show what is missing on either side, differs, is there twice, or is inactive but in use.

    Exact Online is asked (about three calls a division); ServiceNow's side is what the last
    `meltano run tap-servicenow-s2p target-exactonline` brought. Exit code 2 if anything needs a
    decision.
    """
    if json_ and csv_:
        raise ConsoleError("Choose one of --json and --csv.")
    with (
        desk.store() as store,
        connected(desk.settings, store) as client,
        working("Asking Exact Online"),
    ):
        found = list(differences(desk.settings, store, client, division))
    owners = disputed(desk.settings)
    decide = sum(one.decide for one in found)
    if json_:
        write_json({"decide": decide, "owners": owners, "findings": [_data(one) for one in found]})
    elif csv_:
        write_csv(_COLUMNS, map(_cells, found), sys.stdout)
    elif not found:
        show(Text("Both systems are equal."))
    else:
        rows = [_cells(one) for one in found]
        show(Listing(_COLUMNS, rows, right=("division",), whole=("code",), spare=("stream",)))
        show(Text(f"{count(len(found), 'difference')}, {decide} of them need a decision."))
    if owners and not json_ and not csv_:
        show(
            Text(
                f"The two directions do not agree who owns {', '.join(owners)}: give {TARGET} and "
                f"{WAY_BACK} the same setting ownership."
            )
        )
    return ExitCode.ATTENTION if decide else ExitCode.DONE


@reference.group("conflicts", invoke_without_command=True)
@click.option("--division", type=int, help="Only this division.")
@as_json
@click.option("--csv", "csv_", is_flag=True, help="Print CSV, for spreadsheets.")
@click.pass_context
def conflicts(
    context: click.Context, *, division: int | None, json_: bool, csv_: bool
) -> int | None:
    """Show what waits: changed on both sides, proposed, perhaps the same, or refused.

    Exit code 2 if anything waits for a choice. `resolve` makes one.
    """
    if context.invoked_subcommand is not None:
        return None
    if json_ and csv_:
        raise ConsoleError("Choose one of --json and --csv.")
    with context.find_object(Desk).store() as store:  # type: ignore[union-attr] # set by `s2p`
        cases = store.pairs.cases(division=division)
    if json_:
        write_json({"waiting": [_case_data(case) for case in cases]})
    elif csv_:
        write_csv(_CASE_COLUMNS, map(_case_cells, cases), sys.stdout)
    elif not cases:
        show(Text("Nothing waits."))
    else:
        spare = ("since (UTC)", "stream", "division", "chosen")
        rows = [_case_cells(case) for case in cases]
        show(Listing(_CASE_COLUMNS, rows, whole=("key",), spare=spare))
        show(Text("`s2p reference conflicts resolve KEY --choose …` decides: " + _choices()))
    waiting = any(not case.choice for case in cases)
    return ExitCode.ATTENTION if waiting else ExitCode.DONE


@conflicts.command()
@click.argument("key")
@click.option(
    "--choose",
    "choice",
    required=True,
    help="exactonline, servicenow, new, same:CODE, again, gone.",
)
@on_desk
def resolve(desk: Desk, /, key: str, *, choice: str) -> None:
    """Decide about one case; the next run of target-exactonline carries it out.

    KEY is what `conflicts` shows, a unique beginning of it, or the code.
    """
    with desk.store() as store:
        case = find_case(store, key)
        check_choice(case, choice)
        if not store.pairs.choose(case, choice):
            raise ConsoleError("A run settled this meanwhile: look again.")
        if choice == "gone":
            forget(store, case)
        exact = case.kind == "conflict" and choice == "exactonline"
        again = exact and send_again(desk.settings, store, case)
    about = f" about {case.field}" if case.field else ""
    show(Text(f"{case.stream} {case.code} of division {case.division}{about}: {choice}."))
    if again:
        show(Text("The next `reference-data` sends Exact Online's value to ServiceNow again."))
    elif exact:
        show(Text("Exact Online keeps its value; ServiceNow's has to be corrected there."))


def _choices() -> str:
    return "; ".join(f"{kind}: {' or '.join(choices)}" for kind, choices in CHOICES.items()) + "."


def _data(finding: Finding) -> dict[str, Any]:
    return {**asdict(finding), "kind": finding.kind.value}


def _cells(finding: Finding) -> Sequence[str]:
    return (
        finding.kind.value,
        finding.stream,
        str(finding.division),
        finding.code,
        finding.field,
        value(finding.exact),
        value(finding.servicenow),
        "yes" if finding.decide else "no",
        finding.remedy,
    )


def _case_data(case: PairCase) -> dict[str, Any]:
    return {
        "key": case_key(case),
        "kind": case.kind,
        "stream": case.stream,
        "division": case.division,
        "code": case.code,
        "field": case.field,
        **case.sides,
        "choice": case.choice or None,
        "choices": list(CHOICES[case.kind]),
        "opened_at": case.opened_at,
        "message": case.message,
    }


def _case_cells(case: PairCase) -> Sequence[str]:
    return (
        case_key(case),
        case.kind,
        case.stream,
        str(case.division),
        case.code,
        case.field,
        *(value(case.sides.get(side)) for side in ("base", "exact", "servicenow")),
        case.choice,
        instant(case.opened_at),
        case.message,
    )
