"""Reads `mapping/rules.csv` strictly: every bad cell is named, and none is guessed.

Columns: division, dimension, source, supplier, item_group, cost_center, valid_from, valid_to,
target, note. UTF-8, separated by commas (or by semicolons, as spreadsheets of many countries save
them); lines that begin with `#` are comments.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from datetime import date
from typing import TYPE_CHECKING

from mapper_glcostcenter.dimensions import DIMENSIONS
from mapper_glcostcenter.errors import RulesFileError
from mapper_glcostcenter.rules import Rule, RuleSet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["COLUMNS", "parse_rules", "read_rules"]

COLUMNS = (
    "division",
    "dimension",
    "source",
    "supplier",
    "item_group",
    "cost_center",
    "valid_from",
    "valid_to",
    "target",
    "note",
)
_REQUIRED = ("division", "dimension", "source", "target")
_OPTIONAL_TEXT = ("supplier", "item_group", "cost_center")
_DATES = ("valid_from", "valid_to")
_LIKE_RANGE = re.compile(r"(\d+)-(\d+)")


def read_rules(path: Path) -> RuleSet:
    """The rules of a file.

    Raises:
        RulesFileError: the file cannot be read, or some of its rows are wrong; all are named.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise RulesFileError(str(path), ["it is not UTF-8; save it as CSV UTF-8"]) from None
    except OSError as error:
        raise RulesFileError(
            str(path), [f"it cannot be read ({error.strerror}); check rules_file"]
        ) from None
    return parse_rules(text, str(path))


def parse_rules(text: str, name: str = "rules") -> RuleSet:
    """The rules of a text in the form of the rules file.

    Raises:
        RulesFileError: with one problem per bad cell, each with line number, column and remedy.
    """
    problems: list[str] = []
    rules: dict[int, Rule] = {}
    for number, row in _rows(text, problems):
        found = len(problems)
        rule = _rule(number, row, problems)
        if len(problems) == found:
            rules[number] = rule
    problems.extend(_collisions(rules))
    if problems:
        raise RulesFileError(name, problems)
    return RuleSet(rules.values())


def _rows(text: str, problems: list[str]) -> Iterator[tuple[int, dict[str, str]]]:
    lines = text.splitlines()
    first = next((line for line in lines if line.strip() and not line.startswith("#")), "")
    delimiter = ";" if ";" in first and "," not in first else ","
    header: list[str] | None = None
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            # One row per line: a note with a line break would make every line number wrong.
            cells = [
                cell.strip() for cell in next(csv.reader([line], delimiter=delimiter, strict=True))
            ]
        except csv.Error:
            problems.append(f"line {number}: a quotation mark is not closed; quote the whole cell")
            continue
        if header is None:
            header = [cell.lower() for cell in cells]
            if wrong := _header_problem(header):
                problems.append(f"line {number}: {wrong}")
                return
            continue
        if not any(cells):
            continue
        if len(cells) > len(header):
            problems.append(
                f"line {number}: {len(cells)} cells, but the header has {len(header)}; "
                "quote cells that contain the separator",
            )
            continue
        yield number, dict(zip(header, cells, strict=False))


def _header_problem(header: list[str]) -> str | None:
    if missing := [column for column in _REQUIRED if column not in header]:
        return f"the header lacks {', '.join(missing)}; the columns are {', '.join(COLUMNS)}"
    if unknown := [column for column in header if column not in COLUMNS]:
        return (
            f"unknown column {', '.join(map(repr, unknown))}; the columns are {', '.join(COLUMNS)}"
        )
    if len(set(header)) != len(header):
        return "a column stands twice in the header; remove one"
    return None


def _rule(number: int, row: dict[str, str], problems: list[str]) -> Rule:
    def wrong(column: str, remedy: str) -> None:
        problems.append(f"line {number}, column {column}: {remedy}")

    for column in _REQUIRED:
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


def _collisions(rules: dict[int, Rule]) -> Iterator[str]:
    """Rules that ask the same and are in force on the same day: neither could go first."""
    alike: defaultdict[tuple[object, ...], list[tuple[int, Rule]]] = defaultdict(list)
    for number, rule in rules.items():
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
        alike[key].append((number, rule))
    for group in alike.values():
        reigning, last_day = 0, date.min
        for number, rule in sorted(group, key=lambda pair: pair[1].valid_from or date.min):
            if reigning and (rule.valid_from or date.min) <= last_day:
                first, second = sorted((reigning, number))
                yield (
                    f"line {second}, column source: it decides about the same codes on the same "
                    f"days as line {first}; remove one or part their dates"
                )
            if not reigning or (rule.valid_to or date.max) > last_day:
                reigning, last_day = number, rule.valid_to or date.max
