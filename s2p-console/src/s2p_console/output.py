"""Printing: tables for people, JSON and CSV for programs."""

from __future__ import annotations

import csv
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TextIO

import click
import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from s2p_console.wording import cell

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from rich.console import RenderableType

__all__ = [
    "destination",
    "json_text",
    "show",
    "table",
    "write_csv",
    "write_json",
    "write_json_rows",
]

_WIDE: Final = 160
"""Columns where there is no terminal to ask: a file or a pipe must not cut words."""

_encoder = msgspec.json.Encoder(decimal_format="number")


def show(*renderables: RenderableType) -> None:
    """Print for a person, on standard output."""
    out = sys.stdout
    width = None if out.isatty() or "COLUMNS" in os.environ else _WIDE
    console = Console(file=out, width=width, highlight=False, markup=False, emoji=False)
    for renderable in renderables:
        console.print(renderable)


def table(
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    right: Sequence[str] = (),
    title: str | None = None,
) -> Table:
    """Make a table of texts, taken literally; the columns named in `right` hold numbers."""
    made = Table(box=SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False)
    for name in columns:
        numbers = name in right
        made.add_column(name, justify="right" if numbers else "left", no_wrap=numbers)
    for row in rows:
        made.add_row(*(Text(text) for text in row))
    return made


def json_text(document: Any) -> str:  # noqa: ANN401 - whatever JSON can hold
    """Give JSON in several lines; amounts digit for digit, moments in RFC 3339."""
    return msgspec.json.format(_encoder.encode(document), indent=2).decode()


def write_json(document: Any, out: TextIO | None = None) -> None:  # noqa: ANN401 - as above
    """Write one JSON document."""
    (out or sys.stdout).write(json_text(document) + "\n")


def write_json_rows(rows: Iterable[Mapping[str, Any]], out: TextIO) -> None:
    """Write one JSON array, a row per line, without holding it in memory."""
    before = "[\n"
    for row in rows:
        out.write(before + _encoder.encode(row).decode())
        before = ",\n"
    out.write("[]\n" if before == "[\n" else "\n]\n")


def write_csv(columns: Sequence[str], rows: Iterable[Sequence[str]], out: TextIO) -> None:
    """Write CSV with a heading; no cell can be taken for a formula."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([cell(text) for text in row])


@contextmanager
def destination(path: Path | None) -> Iterator[TextIO]:
    """Give standard output, or a file that only its owner can read.

    A file is written beside its place first: a command that fails leaves the old one alone.
    """
    if path is None:
        yield sys.stdout
        return
    part = path.with_name(f"{path.name}.part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with open(handle, "w", encoding="utf-8", newline="") as out:  # noqa: PTH123 - a handle
            yield out
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    click.echo(f"Written to {path}.", err=True)
