"""Results as Markdown, the newest first, with the five before it kept below."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from benchmarks.machine import Machine
    from benchmarks.mapping import Figures
    from benchmarks.measure import Run
    from benchmarks.scenarios import Stages

__all__ = ["Results", "Series", "render", "write"]

_MARK = "<!-- result -->\n"
_KEPT = 6
_MEGABYTE = 1_000_000
_WANTED_RATE, _WANTED_RATIO, _WANTED_MEMORY = 8_000, 3.0, 150
_WANTED_LINES, _WANTED_SECONDS, _WANTED_REFERENCE = 15_000, 5.0, 200
_WRITES = ("insertMultiple", "import row", "table row", "batch")
_TOO_BUSY = 0.7
_HEAD = """# Benchmarks

Made by `make bench`; how is told in [README.md](README.md). Rates include the start of the
processes. Memory is the largest resident set of a process in any repetition, in megabytes of a
million bytes. A stand-in's load is its CPU time as a share of one core: far below 100 % it is not
what limits the rate. Compare ratios within one result, not rates of different machines.

"""


@dataclass(frozen=True, slots=True)
class Series:
    """The same run several times."""

    records: int
    runs: Sequence[Run]

    @property
    def median(self) -> Run:
        """The run of the median time (the faster of the middle two)."""
        return sorted(self.runs, key=lambda run: run.seconds)[(len(self.runs) - 1) // 2]

    @property
    def rate(self) -> float:
        """Records per second of the median run."""
        return self.records / self.median.seconds

    def peak(self, process: int) -> float:
        """Largest resident set of one process, in megabytes."""
        return max(run.processes[process].peak_bytes for run in self.runs) / _MEGABYTE


@dataclass(slots=True)
class Results:
    """All that was measured, by what it was."""

    machine: Machine
    when: str
    pipes: list[Series] = field(default_factory=list)
    regular: Series | None = None
    stages: tuple[int, Sequence[Stages]] | None = None
    compared: Series | None = None
    stock: Series | None = None
    meltano: Series | None = None
    loaders: Mapping[str, Series] = field(default_factory=dict)
    mapping: Figures | None = None


def write(path: Path, results: Results) -> None:
    """Put a result at the top of the file and forget the oldest."""
    before = path.read_text(encoding="utf-8").split(_MARK)[1:] if path.exists() else []
    kept = [render(results), *before][:_KEPT]
    path.write_text(_MARK.join([_HEAD, *kept]), encoding="utf-8")


def render(results: Results) -> str:
    """Give one result as a section."""
    machine = results.machine
    lines = [
        f"## {results.when}, commit {machine.commit}",
        "",
        f"{machine.cpu}, {machine.cores} cores, {machine.memory_gib:.0f} GiB memory; "
        f"{machine.system}; {machine.python}. Load before: {machine.load:.2f}"
        + (": **others were at work, so rates are too low**." if machine.load > _TOO_BUSY else "."),
        "",
        *_verdicts(results),
        "### Whole pipe: tap | mapper | target",
        "",
        *_pipes(results),
    ]
    if results.stages:
        lines += ["### Each plugin alone", "", *_stages(*results.stages)]
    if results.mapping:
        lines += ["### The mapper with a full house", "", *_mapping(results.mapping)]
    if results.stages and results.loaders:
        lines += ["### Staging beside PySNC", "", *_loaders(results.stages, results.loaders)]
    if results.stock and results.compared:
        lines += ["### Beside a stock SDK pipe", "", *_stock(results.compared, results.stock)]
    if results.meltano and results.compared:
        lines += ["### Through `meltano run`", "", *_meltano(results.compared, results.meltano)]
    return "\n".join(lines) + "\n"


def _verdicts(results: Results) -> list[str]:
    if not results.compared or not results.stock or not results.pipes:
        return []
    ratio = results.compared.rate / results.stock.rate
    peaks = [max(series.peak(number) for number in range(3)) for series in results.pipes]
    sizes = [f"{series.records:,}" for series in results.pipes]
    growth = ", ".join(f"{peak:.0f} MB at {size}" for peak, size in zip(peaks, sizes, strict=True))
    rate = max(series.rate for series in results.pipes)
    verdicts = {
        f"whole pipe at {_WANTED_RATE:,} records/s or more: {rate:,.0f}": rate >= _WANTED_RATE,
        f"{_WANTED_RATIO:.0f} times a stock SDK pipe or more: {ratio:.1f}": ratio >= _WANTED_RATIO,
        f"every process below {_WANTED_MEMORY} MB: {growth}": max(peaks) < _WANTED_MEMORY,
    }
    if figures := results.mapping:
        again = figures.seconds["re-validate, still waiting"]
        held = figures.reference_bytes / _MEGABYTE
        verdicts |= {
            f"{_WANTED_LINES:,} lines/s or more in a full house: {figures.lines_per_second:,.0f}": (
                figures.lines_per_second >= _WANTED_LINES
            ),
            f"{figures.size.holds:,} holds in less than {_WANTED_SECONDS:.0f} s: {again:.1f} s": (
                again < _WANTED_SECONDS
            ),
            f"reference data below {_WANTED_REFERENCE} MB: {held:.0f} MB": (
                held < _WANTED_REFERENCE
            ),
        }
    return [*(f"- {'met' if met else '**not met**'}: {said}" for said, met in verdicts.items()), ""]


def _pipes(results: Results) -> list[str]:
    head = ["records", "page", "records/s", "seconds", "peak MB tap / mapper / target"]
    head += ["CPU s tap / mapper / target", "calls per 10,000: Exact / ServiceNow"]
    head += ["load: Exact / ServiceNow"]
    rows = [(series, "1000") for series in results.pipes]
    if results.regular:
        rows.append((results.regular, "60"))
    return _table(head, [_pipe(series, page) for series, page in rows])


def _pipe(series: Series, page: str) -> list[str]:
    run = series.median
    return [
        f"{series.records:,}",
        page,
        f"{series.rate:,.0f}",
        f"{run.seconds:.1f}",
        " / ".join(f"{series.peak(number):.0f}" for number in range(3)),
        " / ".join(f"{process.cpu_seconds:.1f}" for process in run.processes),
        " / ".join(
            f"{sum(calls.values()) / series.records * 10_000:.1f}" for calls in run.calls.values()
        ),
        " / ".join(f"{load:.0%}" for load in run.server_load.values()),
    ]


def _stages(records: int, stages: Sequence[Stages]) -> list[str]:
    by_name: Mapping[str, Series] = {
        name: Series(records, [getattr(each, name) for each in stages])
        for name in ("tap", "mapper", "target")
    }
    rows = [
        [
            name,
            f"{series.records:,}",
            f"{series.rate:,.0f}",
            f"{series.median.processes[0].cpu_seconds / records * 1e6:.0f}",
            f"{series.peak(0):.0f}",
        ]
        for name, series in by_name.items()
    ]
    return _table(["plugin", "records", "records/s", "CPU µs a record", "peak MB"], rows)


def _mapping(figures: Figures) -> list[str]:
    size = figures.size
    there = (
        f"{size.rules:,} rules, {size.entries:,} GL accounts, {size.entries:,} cost centers, "
        f"{size.holds:,} lines waiting, {size.lines:,} lines to map: "
        f"{figures.lines_per_second:,.0f} a second on one core."
    )
    rows = [[name, f"{seconds:.2f}"] for name, seconds in figures.seconds.items()]
    return [there, "", *_table(["step", "CPU s"], rows)]


def _loaders(stages: tuple[int, Sequence[Stages]], others: Mapping[str, Series]) -> list[str]:
    """Rows a second and per write call; ours looks up what became of each row besides."""
    records, measured = stages
    ours = Series(records, [each.target for each in measured])
    rows = []
    for name, series in {**others, "this target": ours}.items():
        calls = series.median.calls.get("ServiceNow", {})
        writes = sum(calls.get(kind, 0) for kind in _WRITES)
        rows.append(
            [
                name,
                f"{series.records:,}",
                f"{series.rate:,.0f}",
                f"{writes:,}",
                f"{series.records / max(writes, 1):,.0f}",
                f"{sum(calls.values()) / series.records * 10_000:,.0f}",
                f"{series.median.seconds:.1f}",
            ]
        )
    head = ["loader", "rows", "rows/s", "write calls", "rows per write call"]
    return _table([*head, "all calls per 10,000", "seconds"], rows)


def _stock(ours: Series, stock: Series) -> list[str]:
    rows = [
        [
            name,
            f"{series.records:,}",
            f"{series.rate:,.0f}",
            f"{series.rate / stock.rate:.1f}",
            " / ".join(f"{process.cpu_seconds:.1f}" for process in series.median.processes),
            " / ".join(f"{series.peak(number):.0f}" for number in range(3)),
        ]
        for name, series in (("stock SDK pipe", stock), ("this pipe", ours))
    ]
    head = ["pipe", "records", "records/s", "times stock", "CPU s tap / mapper / target"]
    return _table([*head, "peak MB tap / mapper / target"], rows)


def _meltano(plain: Series, meltano: Series) -> list[str]:
    seconds = meltano.median.seconds
    # Both contain a start of the plugins; Meltano's own is in its overhead.
    expected = meltano.records / plain.rate
    rows = [
        [
            f"{meltano.records:,}",
            f"{seconds:.1f}",
            f"{meltano.rate:,.0f}",
            f"{seconds - expected:.1f}",
        ]
    ]
    return _table(["records", "seconds", "records/s", "seconds more than a plain pipe"], rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    aligned = ["---:" if number else "---" for number in range(len(head))]
    return [*("| " + " | ".join(row) + " |" for row in (head, aligned, *rows)), ""]
