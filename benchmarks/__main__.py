"""``python -m benchmarks``: measure, and write ``benchmarks/results.md``."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import mapping
from benchmarks.machine import describe
from benchmarks.measure import BenchmarkError
from benchmarks.report import Results, Series, render, write
from benchmarks.scenarios import Bench

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.measure import Run

RESULTS = Path(__file__).with_name("results.md")


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure: sizes of the whole pipe, size of everything else, repetitions."""

    sizes: tuple[int, ...]
    size: int
    repeats: int


FULL = Plan((10_000, 100_000, 1_000_000), 100_000, 3)
QUICK = Plan((10_000, 30_000), 10_000, 1)
_ONCE_FROM = 500_000
"""Long runs average out by themselves."""


def main() -> int:
    """Measure what the arguments ask for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one small round, to see it work")
    parser.add_argument("--repeats", type=int, help="repetitions of each measurement")
    parser.add_argument("--sizes", type=int, nargs="+", help="records of the whole pipe's runs")
    parser.add_argument("--size", type=int, help="records of the other runs")
    parser.add_argument("--no-write", action="store_true", help="print the result only")
    given = parser.parse_args()
    base = QUICK if given.quick else FULL
    plan = Plan(
        tuple(given.sizes or base.sizes), given.size or base.size, given.repeats or base.repeats
    )
    try:
        results = measure(plan)
    except BenchmarkError as error:
        print(error, file=sys.stderr)
        return 1
    print(render(results))
    if not given.no_write:
        write(RESULTS, results)
    return 0


def measure(plan: Plan) -> Results:
    """Measure everything; ours and the stock pipe by turns, as the machine's pace varies.

    Raises:
        BenchmarkError: a measured process failed.
    """
    when = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    results = Results(describe(), when)
    bench = Bench()
    ours, stock, meltano, stages = [], [], [], []
    for turn in range(1, plan.repeats + 1):
        of = f"{turn} of {plan.repeats}"
        ours.append(_told(f"whole pipe, {of}", plan.size, bench.pipe))
        stock.append(_told(f"stock pipe, {of}", plan.size, bench.stock))
        _tell(f"each plugin alone, {of}")
        stages.append(bench.stages(plan.size))
        meltano.append(_told(f"meltano run, {of}", plan.size, bench.meltano))
    results.compared = Series(plan.size, ours)
    results.stock = Series(plan.size, stock)
    results.meltano = Series(plan.size, meltano)
    results.stages = (plan.size, stages)
    regular = [_told("whole pipe, 60 a page", plan.size, lambda n: bench.pipe(n, regular=True))]
    results.regular = Series(plan.size, regular)
    few = plan.size // 20
    results.loaders = {
        "PySNC, row by row": Series(
            few, [_told("PySNC, row by row", few, lambda n: bench.pysnc(n, batch=False))]
        ),
        "PySNC, Batch API": Series(
            few, [_told("PySNC, Batch API", few, lambda n: bench.pysnc(n, batch=True))]
        ),
    }
    for size in plan.sizes:
        if size == plan.size:
            results.pipes.append(results.compared)
            continue
        times = 1 if size >= _ONCE_FROM else plan.repeats
        runs = [_told(f"whole pipe, {n + 1} of {times}", size, bench.pipe) for n in range(times)]
        results.pipes.append(Series(size, runs))
    _tell("the mapper with a full house")
    # Last, as it fills this process: what is started from a large one counts as large itself.
    results.mapping = mapping.measure(mapping.QUICK if plan.size < FULL.size else mapping.FULL)
    return results


def _told(what: str, records: int, run: Callable[[int], Run]) -> Run:
    _tell(f"{what}: {records:,} records")
    done = run(records)
    _tell(f"  {records / done.seconds:,.0f} records/s")
    return done


def _tell(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
