"""`s2p mapping`: the rules file looked at, how much it covers, and what would cover more."""

from __future__ import annotations

import getpass
import sys
import uuid
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from rich.text import Text

from s2p_console import mapping_facts, suggestions
from s2p_console.desk import Desk, as_json, on_desk
from s2p_console.errors import ConsoleError, ExitCode, NotFoundError
from s2p_console.output import Listing, show, write_csv, write_json
from s2p_console.wording import amounts, count, instant, plain
from s2p_mapping.errors import RulesFileError
from s2p_mapping.lint import Finding, check
from s2p_mapping.rule_writer import add_rule
from s2p_store import AuditEvent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from decimal import Decimal

    from s2p_mapping.coverage import Coverage, Share
    from s2p_mapping.rules import Rule, RuleSet
    from s2p_store import Store

__all__ = ["mapping"]

_COVERAGE_COLUMNS: Final = ("division", "dimension", "codes", "lines", "amount", "mapped")
_CODE_COLUMNS: Final = ("division", "dimension", "code", "lines", "mapped lines", "amount", "")


@click.group()
def mapping() -> None:
    """Look after the mapping rules: GL accounts and cost centers of Exact Online in ServiceNow."""


@mapping.command("check")
@click.option(
    "--rules",
    "given",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Another file than the mapper's rules_file (mapping/rules.csv).",
)
@as_json
@on_desk
def check_(desk: Desk, /, *, given: Path | None, json_: bool) -> int:
    """Find rules that are broken, overlap, never decide, or lead nowhere. Ends with 2 if any.

    Targets are looked up in what the mapper saw in ServiceNow last.
    """
    path = mapping_facts.rules_path(desk.settings, given)
    seen = None
    rules: RuleSet | None = None
    try:
        path, rules = mapping_facts.rules_of(desk.settings, given)
    except RulesFileError as error:
        findings = [
            Finding("broken row", problem.line, problem.column, problem.remedy)
            for problem in error.problems
        ]
    else:
        with desk.any_store() as store:
            seen = mapping_facts.seen(desk.settings, store)
            divisions = mapping_facts.divisions(desk.settings, store)
        today = datetime.now(timezone.utc).date()
        findings = check(rules, seen.reference if seen else None, divisions, today)
    if json_:
        write_json(
            {
                "file": str(path),
                "rules": None if rules is None else len(rules),
                "version": None if rules is None else rules.digest,
                "targets_as_of": seen.at if seen else None,
                "findings": [
                    {"kind": one.kind, "line": one.line, "column": one.column, "text": one.text}
                    for one in findings
                ],
            }
        )
    else:
        _show_findings(path, findings)
        if rules is not None:
            known = f"as of {instant(seen.at)} UTC" if seen else "unknown: the mapper has not run"
            said = f"{count(len(rules), 'rule')} in {path}; ServiceNow's targets {known}."
            show(Text(said))
    return ExitCode.ATTENTION if findings else ExitCode.DONE


def _show_findings(path: Path, findings: list[Finding]) -> None:
    if findings:
        rows = [
            ["" if one.line is None else str(one.line), one.column or "", one.kind, one.text]
            for one in findings
        ]
        columns = ("line", "column", "kind", "what to do")
        show(Listing(columns, rows, right=("line",), title=plain(str(path))))


@mapping.command()
@click.option("--division", type=int, help="Only this division.")
@click.option("--codes", is_flag=True, help="Each code that was not mapped, largest amount first.")
@as_json
@click.option("--csv", "csv_", is_flag=True, help="Write CSV, for spreadsheets.")
@on_desk
def coverage(desk: Desk, /, *, division: int | None, codes: bool, json_: bool, csv_: bool) -> int:
    """Show what share of codes, lines and amounts the last run mapped. Ends with 2 if not all.

    Amounts are absolute: a credit note is work to be mapped, too.
    """
    if json_ and csv_:
        raise ConsoleError("Choose one of --json and --csv.")
    with desk.store() as store:
        found = mapping_facts.coverages(store, division)
    if not found:
        raise NotFoundError("No run has mapped lines yet: run the pipeline first.")
    _, rules = mapping_facts.rules_of(desk.settings)
    if json_:
        write_json([_coverage_data(code, each, rules) for code, each in found.items()])
    else:
        columns = _CODE_COLUMNS if codes else _COVERAGE_COLUMNS
        rows = list(_rows(found, codes=codes))
        if csv_:
            write_csv(columns, rows, sys.stdout)
        else:
            show(Listing(columns, rows, right=("codes", "lines", "mapped lines", "amount")))
            for code, each in found.items():
                show(*(Text(line) for line in _notes(code, each, rules)))
    whole = all(
        share.lines == share.mapped_lines
        for each in found.values()
        for share in each.totals().values()
    )
    return ExitCode.DONE if whole else ExitCode.ATTENTION


def _rows(found: Mapping[int, Coverage], *, codes: bool) -> Iterator[list[str]]:
    for division, each in found.items():
        yield from _unmapped(division, each) if codes else _totals(division, each)


def _totals(division: int, coverage: Coverage) -> Iterator[list[str]]:
    for dimension, share in coverage.totals().items():
        yield [
            str(division),
            dimension.replace("_", " "),
            f"{share.mapped_codes:,} of {share.codes:,}",
            f"{share.mapped_lines:,} of {share.lines:,}",
            amounts(_amounts(share, mapped=True)) + " of " + amounts(_amounts(share)),
            f"{100 * share.mapped_lines / share.lines:.1f} %" if share.lines else "",
        ]


def _unmapped(division: int, coverage: Coverage) -> Iterator[list[str]]:
    left = [
        (dimension, code, share)
        for (dimension, code), share in coverage.codes.items()
        if share.lines != share.mapped_lines
    ]
    left.sort(key=lambda each: (-each[2].weight, each[0], each[1] or ""))
    for dimension, code, share in left:
        new = code is not None and (dimension, code) in coverage.first_seen
        yield [
            str(division),
            dimension.replace("_", " "),
            "(none)" if code is None else plain(code),
            f"{share.lines:,}",
            f"{share.mapped_lines:,}",
            amounts(_amounts(share)),
            "first seen" if new else "",
        ]


def _amounts(share: Share, *, mapped: bool = False) -> Mapping[str, Decimal]:
    return {currency: pair[mapped] for currency, pair in share.amounts.items()}


def _notes(division: int, coverage: Coverage, rules: RuleSet) -> Iterator[str]:
    if new := sorted(coverage.first_seen):
        told = ", ".join(f"{dimension.replace('_', ' ')} {code}" for dimension, code in new[:10])
        more = f" and {len(new) - 10} more" if len(new) > 10 else ""  # noqa: PLR2004 - as many as above
        yield f"First seen in division {division}: {plain(told)}{more}."
    unused = _unused(division, coverage, rules)
    if unused:
        lines = ", ".join(str(rule.line) for rule in unused[:20])
        yield f"Rules not used in division {division}: {len(unused)} (lines {lines})."


def _unused(division: int, coverage: Coverage, rules: RuleSet) -> list[Rule]:
    mine = [rule for rule in rules if rule.division in (None, division)]
    return sorted(
        (rule for rule in mine if rule.key not in coverage.rules), key=lambda rule: rule.line
    )


def _coverage_data(division: int, coverage: Coverage, rules: RuleSet) -> dict[str, Any]:
    def data(share: Share) -> dict[str, Any]:
        return {
            "codes": share.codes,
            "mapped_codes": share.mapped_codes,
            "lines": share.lines,
            "mapped_lines": share.mapped_lines,
            "amounts": {
                currency: {"total": total, "mapped": mapped}
                for currency, (total, mapped) in share.amounts.items()
            },
        }

    return {
        "division": division,
        "dimensions": {name: data(share) for name, share in coverage.totals().items()},
        "codes": [
            {
                "dimension": dimension,
                "code": code,
                "first_seen": (dimension, code) in coverage.first_seen,
                **{name: value for name, value in data(share).items() if "codes" not in name},
            }
            for (dimension, code), share in coverage.codes.items()
        ],
        "unused_rules": [
            {"line": rule.line, "rule": str(rule)} for rule in _unused(division, coverage, rules)
        ],
    }


@mapping.command("suggest")
@click.option("--division", type=int, help="Only this division; with --accept the rule's.")
@click.option(
    "--accept",
    "wanted",
    metavar="KIND:CODE=TARGET",
    multiple=True,
    help="Write a rule into the rules file: cost_center:CC12=CC40. For --division, else for all.",
)
@click.option("--by", help="Who accepts; by default the user of this machine.")
@as_json
@on_desk
def suggest_(
    desk: Desk,
    /,
    *,
    division: int | None,
    wanted: tuple[str, ...],
    by: str | None,
    json_: bool,
) -> int:
    """Rank likely targets for each code that lines wait for, the largest amount first.

    Nothing is applied by itself: --accept writes a rule, with who and when in its note and in the
    audit trail; the next run works with it.
    """
    with desk.store() as store:
        if wanted:
            return _accept(desk, store, wanted, division, by or getpass.getuser())
        seen = mapping_facts.seen(desk.settings, store)
        if seen is None:
            raise NotFoundError("The mapper has not read ServiceNow yet: run the pipeline first.")
        found = suggestions.sought_codes(
            store.holds.open(division=division),
            seen.reference,
            mapping_facts.divisions(desk.settings, store),
            lambda of, dimension: mapping_facts.names(store, of, dimension),
            datetime.now(timezone.utc).date(),
        )
    if json_:
        write_json([suggestions.as_data(one) for one in found])
    elif found:
        rows = [row for one in found for row in suggestions.cells(one)]
        columns = suggestions.COLUMNS
        show(
            Listing(columns, rows, right=("lines", "amount", "score"), spare=("lines such as",)),
            Text("Accept one with: s2p mapping suggest --accept cost_center:CODE=TARGET"),
        )
    else:
        show("No line waits for a GL account or cost center that has a code.")
    return ExitCode.ATTENTION if found else ExitCode.DONE


def _accept(
    desk: Desk, store: Store, wanted: tuple[str, ...], division: int | None, by: str
) -> int:
    now = datetime.now(timezone.utc)
    path = mapping_facts.rules_path(desk.settings)
    note = f"accepted {now:%Y-%m-%d} by {plain(by)}"
    for text in wanted:
        rule = suggestions.accepted(text, division, note)
        rules = add_rule(path, rule)
        detail = {
            "actor": by,
            "file": str(path),
            "rule": f"{rule.dimension} {rule} → {rule.target}",
            "digest": rules.digest,
        }
        event = AuditEvent(
            str(uuid.uuid4()), now, "mapping_rules", division, None, "rule_accepted",
            rules.digest[:12], detail,
        )  # fmt: skip
        # Noted after it was written: a rule without its event is found by the next run, which
        # notes every change of the rules; an event without its rule would be false.
        store.audit.append([event])
        click.echo(f"Written to {path}: {rule} → {rule.target}.", err=True)
    return ExitCode.DONE
