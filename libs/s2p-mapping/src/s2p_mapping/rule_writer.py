"""Adds a rule to a rules file: checked before, whole or not at all, everything else as it was."""

from __future__ import annotations

import csv
import io
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from s2p_mapping.errors import Problem, RulesFileError
from s2p_mapping.rule_file import is_yaml, parse_rules, read_text
from s2p_mapping.rule_rows import COLUMNS, csv_header

if TYPE_CHECKING:
    from s2p_mapping.rules import Rule, RuleSet

__all__ = ["add_rule", "with_rule"]


def add_rule(path: Path, rule: Rule) -> RuleSet:
    """Add a rule at the end of a file, which is made if there is none; give all rules.

    Raises:
        RulesFileError: the file is wrong, or the rule does not go with it; nothing was written.
    """
    before = read_text(path) if path.exists() else ""
    after = with_rule(before, rule, str(path))
    rules = parse_rules(after, str(path))
    _replace(path, after)
    return rules


def with_rule(text: str, rule: Rule, name: str) -> str:
    """The text of a rules file with one more rule. Pure.

    Raises:
        RulesFileError: the rule says something that the file has no column for.
    """
    cells = _cells(rule)
    if is_yaml(name):
        lines = [f"{column}: {_quoted(value)}" for column, value in cells.items() if value]
        block = "- " + "\n  ".join(lines) + "\n"
        return _ended(text) + block
    _, delimiter, header = csv_header(text)
    if not header:
        header = list(COLUMNS)
        text = _ended(text) + delimiter.join(header) + "\n"
    if lost := [column for column, value in cells.items() if value and column not in header]:
        remedy = f"the header has no column {', '.join(lost)}, which the rule needs; add it"
        raise RulesFileError(name, [Problem(remedy)])
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    writer.writerow([cells[column] for column in header])
    return _ended(text) + out.getvalue()


def _cells(rule: Rule) -> dict[str, str]:
    return {
        "division": "*" if rule.division is None else str(rule.division),
        "dimension": rule.dimension,
        "source": rule.source,
        "supplier": rule.supplier or "",
        "item_group": rule.item_group or "",
        "cost_center": rule.cost_center or "",
        "valid_from": str(rule.valid_from or ""),
        "valid_to": str(rule.valid_to or ""),
        "target": rule.target,
        "note": " ".join(rule.note.split()),
    }


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _ended(text: str) -> str:
    return text if not text or text.endswith("\n") else text + "\n"


def _replace(path: Path, text: str) -> None:
    """Write beside the file and put it in its place: a reader sees the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
    handle, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(handle, "w", encoding="utf-8", newline="") as out:  # noqa: PTH123 - a handle
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        Path(part).chmod(mode)
        Path(part).replace(path)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise
