"""Printing: tables for people, JSON and CSV for programs."""

from __future__ import annotations

import csv
import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TextIO

import click
import msgspec
from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from s2p_console.wording import cell

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from rich.console import ConsoleOptions, RenderableType, RenderResult

__all__ = [
    "destination",
    "json_text",
    "show",
    "working",
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


@dataclass(frozen=True, slots=True)
class Listing:
    """A table of texts, taken literally, that leaves columns out before it breaks words.

    Attributes:
        columns: their names.
        rows: the texts of each row.
        right: names of columns that hold numbers.
        whole: names of further columns that are never broken, for they are copied.
        spare: names of columns that a narrow screen does without, first things first.
        total: a last row, set apart.
        title: above it.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    right: Sequence[str] = ()
    whole: Sequence[str] = ()
    spare: Sequence[str] = ()
    total: Sequence[str] = ()
    title: str | None = None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Lay the table out for the width there is."""
        left_out: set[str] = set()
        made = self._table(left_out)
        for name in self.spare:
            if Measurement.get(console, options, made).minimum < options.max_width:
                break
            left_out.add(name)
            made = self._table(left_out)
        yield made

    def _table(self, left_out: set[str]) -> Table:
        made = Table(
            box=SIMPLE_HEAD,
            title=self.title,
            title_justify="left",
            pad_edge=False,
            padding=(0, 1, 0, 0),
        )
        shown = [place for place, name in enumerate(self.columns) if name not in left_out]
        for place in shown:
            name = self.columns[place]
            made.add_column(
                name,
                justify="right" if name in self.right else "left",
                no_wrap=name in (*self.right, *self.whole),
                min_width=self._widest(place) if name in (*self.right, *self.whole) else None,
                overflow="fold",
            )
        for row in self.rows:
            made.add_row(*(Text(row[place]) for place in shown))
        if self.total:
            made.add_section()
            made.add_row(*(Text(self.total[place]) for place in shown))
        return made

    def _widest(self, place: int) -> int:
        texts = (self.columns, *self.rows, *([self.total] if self.total else []))
        return max(cell_len(row[place]) for row in texts)


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
def working(what: str) -> Iterator[None]:
    """Say what is going on while it goes on, where somebody looks."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    with console.status(Text(what)):
        yield


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
