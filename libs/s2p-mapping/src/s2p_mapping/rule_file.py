"""Reads a rules file strictly: every bad cell is named, and none is guessed.

Columns: division, dimension, source, supplier, item_group, cost_center, valid_from, valid_to,
target, note. CSV: UTF-8, separated by commas (or by semicolons, as spreadsheets of many countries
save them); lines that begin with `#` are comments. YAML: one list of mappings with these names.
"""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import date
from typing import TYPE_CHECKING

from s2p_mapping.dimensions import DIMENSIONS
from s2p_mapping.errors import Problem, RulesFileError
from s2p_mapping.rule_rows import COLUMNS, REQUIRED, csv_rows, yaml_rows
from s2p_mapping.rules import Rule, RuleSet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

__all__ = ["COLUMNS", "is_yaml", "parse_rules", "read_rules", "read_text"]

_OPTIONAL_TEXT = ("supplier", "item_group", "cost_center")
_DATES = ("valid_from", "valid_to")
_LIKE_RANGE = re.compile(r"([0-9]+)-([0-9]+)")


def read_rules(path: Path) -> RuleSet:
    """The rules of a file, YAML if its name ends with .yaml or .yml, else CSV.

    Raises:
        RulesFileError: the file cannot be read, or some of its rows are wrong; all are named.
    """
    return parse_rules(read_text(path), str(path))


def read_text(path: Path) -> str:
    """The text of a rules file, without a byte order mark.

    Raises:
        RulesFileError: there is no such file, or it is not UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise RulesFileError(str(path), [Problem("it is not UTF-8; save it as UTF-8")]) from None
    except OSError as error:
        remedy = f"it cannot be read ({error.strerror}); check rules_file"
        raise RulesFileError(str(path), [Problem(remedy)]) from None


def is_yaml(name: str) -> bool:
    """Whether a rules file of this name is YAML."""
    return name.lower().endswith((".yaml", ".yml"))


def parse_rules(text: str, name: str = "rules") -> RuleSet:
    """The rules of a text in the form of the rules file.

    Raises:
        RulesFileError: with one problem per bad cell, each with line number, column and remedy.
    """
    problems: list[Problem] = []
    rules: list[Rule] = []
    rows = yaml_rows if is_yaml(name) else csv_rows
    for number, row in rows(text, problems):
        found = len(problems)
        rule = _rule(number, row, problems)
        if len(problems) == found:
            rules.append(rule)
    problems.extend(_collisions(rules))
    if problems:
        raise RulesFileError(name, sorted(problems, key=lambda problem: problem.line or 0))
    return RuleSet(rules)


def _rule(number: int, row: Mapping[str, str], problems: list[Problem]) -> Rule:
    def wrong(column: str, remedy: str) -> None:
        problems.append(Problem(remedy, number, column))

    for column in REQUIRED:
        if not row.get(column):
            wrong(column, "it is empty; fill it in" + (" (* for all)" * (column == "division")))
    dates = {column: _date(row.get(column, ""), column, wrong) for column in _DATES}
    start, end = dates["valid_from"], dates["valid_to"]
    if start and end and end < start:
        wrong("valid_to", "it lies before valid_from; exchange them or correct one")
    dimension = row.get("dimension", "")
    if dimension and dimension not in DIMENSIONS:
        wrong("dimension", f"'{dimension}' is none of {', '.join(DIMENSIONS)}")
    source = row.get("source", "")
    if "*" in source[:-1]:
        wrong("source", "a * may stand only at the end, for a prefix such as 70*")
    range_ = _LIKE_RANGE.fullmatch(source)
    if range_ and len(range_[1]) == len(range_[2]) and range_[1] > range_[2]:
        wrong("source", f"the range runs backwards; write {range_[2]}-{range_[1]}")
    division = row.get("division", "")
    if division and division != "*" and not (division.isascii() and division.isdecimal()):
        wrong("division", f"'{division}' is neither a division number nor *")
    return Rule(
        dimension=dimension,
        source=source,
        target=row.get("target", ""),
        division=int(division) if division.isascii() and division.isdecimal() else None,
        **{column: row.get(column) or None for column in _OPTIONAL_TEXT},
        valid_from=start,
        valid_to=end,
        note=row.get("note", ""),
        line=number,
    )


def _date(text: str, column: str, wrong: Callable[[str, str], None]) -> date | None:
    if not text:
        return None
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = None
    # Newer Pythons take other spellings too; the file means the same on all of them.
    if found is None or str(found) != text:
        wrong(column, f"'{text}' is not a date; write it as 2026-01-31")
        return None
    return found


def _collisions(rules: Iterable[Rule]) -> Iterator[Problem]:
    """Rules that ask the same and are in force on the same day: neither could go first."""
    alike: defaultdict[tuple[object, ...], list[Rule]] = defaultdict(list)
    for rule in rules:
        key = (
            rule.dimension,
            rule.division,
            rule.source,
            rule.supplier,
            rule.item_group,
            rule.cost_center,
            # A rule with dates takes precedence over one without: these two do not collide.
            rule.valid_from is None and rule.valid_to is None,
        )
        alike[key].append(rule)
    for group in alike.values():
        reigning: Rule | None = None
        for rule in sorted(group, key=lambda rule: (rule.valid_from or date.min, rule.line)):
            last_day = (reigning.valid_to or date.max) if reigning else date.min
            if reigning and (rule.valid_from or date.min) <= last_day:
                first, second = sorted((reigning.line, rule.line))
                yield Problem(
                    f"it decides about the same codes on the same days as line {first}; "
                    "remove one or part their dates",
                    second,
                    "source",
                )
            if reigning is None or (rule.valid_to or date.max) > last_day:
                reigning = rule
