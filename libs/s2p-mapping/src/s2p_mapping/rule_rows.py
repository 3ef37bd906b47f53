"""Rows of a rules file as texts by column, with the line each begins on: CSV and YAML alike."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import yaml

from s2p_mapping.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["COLUMNS", "REQUIRED", "csv_header", "csv_rows", "yaml_rows"]

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
_MOST_LINES = 50
"""Of one row, whose note may have been written on several."""
REQUIRED = ("division", "dimension", "source", "target")


def csv_header(text: str) -> tuple[int, str, list[str]]:
    """Line number, separator and columns of the header; 0, "," and none if there is no line."""
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.startswith("#"):
            delimiter = ";" if ";" in line and "," not in line else ","
            return number, delimiter, [cell.lower() for cell in _cells(line, delimiter)]
    return 0, ",", []


def csv_rows(text: str, problems: list[Problem]) -> Iterator[tuple[int, dict[str, str]]]:
    """Each row of a CSV text; what is wrong with one is added to `problems` instead."""
    try:
        begin, delimiter, header = csv_header(text)
    except csv.Error:
        problems.append(Problem("the header has a quotation mark that is not closed; close it", 1))
        return
    if header and (wrong := _header_problem(header)):
        problems.append(Problem(wrong, begin))
        return
    lines, ended = text.splitlines(), begin
    for number, line in enumerate(lines, start=1):
        if number <= ended or not line.strip() or line.startswith("#"):
            continue
        try:
            cells, more = _row(lines[number - 1 : number - 1 + _MOST_LINES], delimiter)
            ended = number + more
        except csv.Error:
            remedy = "a quotation mark is not closed; quote the whole cell"
            problems.append(Problem(remedy, number))
            continue
        if len(cells) > len(header):
            remedy = (
                f"{len(cells)} cells, but the header has {len(header)}; "
                "quote cells that contain the separator"
            )
            problems.append(Problem(remedy, number))
        elif any(cells):
            yield number, dict(zip(header, cells, strict=False))


def _row(lines: Sequence[str], delimiter: str) -> tuple[list[str], int]:
    """The cells of the row that begins here, and on how many more lines it goes on.

    Raises:
        csv.Error: it has a quotation mark that is not closed.
    """
    for more in range(len(lines)):
        try:
            return _cells("\n".join(lines[: more + 1]), delimiter), more
        except csv.Error as error:
            if more + 1 == len(lines) or "end of data" not in str(error):
                raise
    raise AssertionError  # pragma: no cover - the loop always leaves


def yaml_rows(text: str, problems: list[Problem]) -> Iterator[tuple[int, dict[str, str]]]:
    """Each row of a YAML text; what is wrong with one is added to `problems` instead.

    Values are taken as written: `007` stays a code and `2026-01-31` a date, quoted or not.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        remedy = f"this is not valid YAML ({error.problem}); correct it"
        problems.append(Problem(remedy, mark.line + 1 if mark else 1))
        return
    except yaml.YAMLError:
        problems.append(Problem("this is not valid YAML; take out what does not print", 1))
        return
    if root is None:
        return
    if not isinstance(root, yaml.SequenceNode):
        problems.append(Problem("the file must be one list, with a rule after each dash", 1))
        return
    for node in root.value:
        number = node.start_mark.line + 1
        if not isinstance(node, yaml.MappingNode):
            problems.append(Problem("a rule must be written as names and values", number))
            continue
        found = len(problems)
        row = dict(_yaml_cells(node, problems))
        if len(problems) == found:
            yield number, row


def _yaml_cells(node: yaml.MappingNode, problems: list[Problem]) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for name, value in node.value:
        number, column = name.start_mark.line + 1, str(name.value)
        if column not in COLUMNS:
            remedy = f"there is no such column; the columns are {', '.join(COLUMNS)}"
            problems.append(Problem(remedy, number, column))
        elif column in seen:
            problems.append(Problem("it stands twice; remove one", number, column))
        elif not isinstance(value, yaml.ScalarNode):
            problems.append(Problem("it must be one value", number, column))
        else:
            empty = value.tag == "tag:yaml.org,2002:null"
            yield column, "" if empty else value.value.strip()
        seen.add(column)


def _cells(line: str, delimiter: str) -> list[str]:
    # One row at a time: with its line breaks counted here, every line number stays true.
    return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter, strict=True))]


def _header_problem(header: Sequence[str]) -> str | None:
    if missing := [column for column in REQUIRED if column not in header]:
        return f"the header lacks {', '.join(missing)}; the columns are {', '.join(COLUMNS)}"
    if unknown := [column for column in header if column not in COLUMNS]:
        return (
            f"unknown column {', '.join(map(repr, unknown))}; the columns are {', '.join(COLUMNS)}"
        )
    if len(set(header)) != len(header):
        return "a column stands twice in the header; remove one"
    return None
