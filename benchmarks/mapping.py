"""``python -m benchmarks.mapping``: the mapper alone, in one process, by the CPU time it takes.

One division with 10,000 rules, 50,000 GL accounts, 50,000 cost centers and 20,000 holds waiting.
Of the lines' codes nine in ten are among the 500 that are used every day, the rest are any.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from benchmarks.measure import BenchmarkError
from benchmarks.orders import DIVISION, LINE_FIELDS
from mapper_glcostcenter.mapping import Requirements
from mapper_glcostcenter.session import Session
from s2p_mapping.dimensions import COST_CENTER, GL_ACCOUNT
from s2p_mapping.resolve import Resolver
from s2p_mapping.rules import Rule, RuleSet
from s2p_mapping.snapshot import arrange
from s2p_store import Store, generate_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from s2p_mapping.reference import Reference

__all__ = ["FULL", "QUICK", "Figures", "Size", "measure"]

_NOW = datetime(2026, 6, 15, 6, tzinfo=timezone.utc)
_STREAM = "purchase_entry_lines"
_DAILY = 500


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything there is."""

    lines: int
    rules: int
    entries: int
    holds: int


FULL = Size(lines=100_000, rules=10_000, entries=50_000, holds=20_000)
QUICK = Size(lines=5_000, rules=1_000, entries=2_000, holds=500)


@dataclass(slots=True)
class Figures:
    """CPU seconds per step, resident bytes of the reference data, and what was really done."""

    size: Size
    seconds: dict[str, float] = field(default_factory=dict)
    reference_bytes: int = 0
    mapped: int = 0
    released: int = 0
    waiting: int = 0

    @property
    def lines_per_second(self) -> float:
        """Lines mapped per second of CPU time."""
        return self.size.lines / self.seconds["map lines"]

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Measure what happens inside the block."""
        gc.collect()
        before = time.process_time()
        yield
        self.seconds[name] = time.process_time() - before


def measure(size: Size) -> Figures:
    """Measure every step, each on what the one before left.

    Raises:
        BenchmarkError: the lines were not mapped, held and released as they should be.
    """
    figures = Figures(size)
    resident = _resident()
    with figures.step("load reference data"):
        reference = arrange(_rows(GL_ACCOUNT, size.entries), _rows(COST_CENTER, size.entries))
    with figures.step("find duplicates"):
        twice = sum(1 for _ in reference.duplicates())
    figures.reference_bytes = _resident() - resident
    if twice:
        raise BenchmarkError(f"{twice} duplicates where there are none.")
    with figures.step("arrange rules"):
        rules = RuleSet(_rules(size.rules))
    waiting = [_line(n, f"X{n % 900:04d}", "H") for n in range(size.holds)]
    lines = list(_lines(size))
    with (
        TemporaryDirectory(prefix="s2p-bench-") as folder,
        Store.open(f"sqlite:///{folder}/store.db", generate_key()) as store,
    ):
        out: list[bytes] = []
        _take(_session(store, reference, rules, "run-0", out), [_schema(), *waiting])
        session = _session(store, reference, rules, "run-1", out)
        with figures.step("re-validate, still waiting"):
            session.take(_schema())
            session.save()
        figures.waiting = sum(1 for _ in store.holds.open())
        out.clear()
        with figures.step("map lines"):
            _take(session, lines)
        figures.mapped = sum(b'"s2p_mapping_status":"mapped"' in line for line in out)
        more = arrange(
            [*_rows(GL_ACCOUNT, size.entries), *map(_missing, range(900))],
            _rows(COST_CENTER, size.entries),
        )
        out.clear()
        with figures.step("re-validate and release"):
            _take(_session(store, more, rules, "run-2", out), [_schema()])
        figures.released = len(out) - 1
    if (figures.mapped, figures.waiting, figures.released) != (
        size.lines,
        size.holds,
        size.holds,
    ):
        raise BenchmarkError(f"Not everything was done, so nothing was measured: {figures}.")
    return figures


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mapping", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small round, to see it work")
    size = QUICK if parser.parse_args().quick else FULL
    try:
        figures = measure(size)
    except BenchmarkError as error:
        print(error, file=sys.stderr)
        return 1
    for name, seconds in figures.seconds.items():
        print(f"{name:28} {seconds:8.2f} s CPU")
    print(f"{'reference data in memory':28} {figures.reference_bytes / 2**20:8.0f} MiB")
    print(f"{'lines mapped per CPU second':28} {figures.lines_per_second:8,.0f}")
    return 0


def _session(
    store: Store, reference: Reference, rules: RuleSet, run_id: str, out: list[bytes]
) -> Session:
    return Session(
        store,
        Resolver(reference, rules),
        Requirements(),
        write=out.append,
        flush=lambda: None,
        run_id=run_id,
        clock=lambda: _NOW,
        stage_held=False,
    )


def _take(session: Session, messages: list[bytes]) -> None:
    for message in messages:
        session.take(message)
    session.finish()


def _rows(dimension: str, entries: int) -> Iterator[dict[str, Any]]:
    for number in range(entries):
        yield {
            "id": f"{dimension[0]}{number:031d}",
            "code": f"{number:06d}" if dimension == GL_ACCOUNT else f"CC{number:06d}",
            "name": f"{dimension} number {number} of the group",
            "active": True,
            "valid_from": None,
            "valid_to": None,
            "erp_source": f"EXACT-{DIVISION}",
            "erp_names": [],
        }


def _missing(number: int) -> dict[str, Any]:
    row = next(_rows(GL_ACCOUNT, 1))
    return {**row, "id": f"x{number}", "code": f"X{number:04d}", "name": ""}


def _rules(count: int) -> Iterator[Rule]:
    """Codes, prefixes, ranges and conditions, for this division, for all and for others."""
    for number in range(count):
        division = (DIVISION, None, DIVISION + 1)[number % 3]
        kind = number % 10
        if kind < 6:
            source = f"{number:06d}"
        elif kind < 8:
            source = f"9{number:05d}*"
        else:
            source = f"{number * 5 + 500_000:06d}-{number * 5 + 500_040:06d}"
        supplier = f"S{number}" if kind == 5 else None
        yield Rule(GL_ACCOUNT, source, "000001", division, supplier)


def _lines(size: Size) -> Iterator[bytes]:
    pick = random.Random(7)
    for number in range(size.lines):
        most = _DAILY if pick.random() < 0.9 else size.entries
        yield _line(number, f"{pick.randrange(most):06d}", "L", pick.randrange(50))


def _schema() -> bytes:
    message = {"type": "SCHEMA", "stream": _STREAM, "schema": {"properties": {}}}
    return json.dumps({**message, "key_properties": ["Division", "ID"]}).encode() + b"\n"


def _line(number: int, account: str, kind: str, center: int = 0) -> bytes:
    record = {
        **dict.fromkeys(LINE_FIELDS, "as long as a value is on average"),
        **dict.fromkeys(("Supplier", "Item", "ReceiptDate", "Created")),
        "Division": DIVISION,
        "ID": f"{kind}{number:08d}",
        "EntryDate": f"2026-{number % 6 + 1:02d}-{number % 28 + 1:02d}",
        "Modified": "2026-06-14T10:00:00Z",
        "GLAccountCode": account,
        "CostCenter": f"CC{center:06d}",
        "AmountFC": number % 9973 + 0.25,
        "Currency": "EUR",
    }
    return json.dumps({"type": "RECORD", "stream": _STREAM, "record": record}).encode() + b"\n"


def _resident() -> int:
    """Resident bytes of this process, where the system tells; else 0."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * 4096


if __name__ == "__main__":
    sys.exit(main())
