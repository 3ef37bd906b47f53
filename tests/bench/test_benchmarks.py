"""The benchmarks measure the work they claim to; how long it takes is nobody's business here."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from benchmarks import calls, deliveries, mapping
from benchmarks.machine import Machine
from benchmarks.measure import Command, ProcessUse, Run, run_pipe, served
from benchmarks.orders import HEADER_FIELDS, LINE_FIELDS, Pages
from benchmarks.report import Results, Series, render, write

if TYPE_CHECKING:
    from pathlib import Path

FEED = "sync/PurchaseOrder/PurchaseOrders"
EVERYTHING = ",".join(dict.fromkeys([*HEADER_FIELDS, *LINE_FIELDS]))


def rows(resource: str, total: int) -> list[dict[str, Any]]:
    pages, number, found = Pages(total), 0, []
    more = True
    while more:
        page, more = pages.page(resource, number, EVERYTHING)
        found += json.loads(page)
        number += 1
    return found


def test_every_row_of_the_feed_is_one_of_its_kind() -> None:
    found = rows(FEED, 3000)
    assert len(found) == 3000
    versions = [int(row["Timestamp"]) for row in found]
    assert versions == sorted(set(versions))
    headers = {row["PurchaseOrderID"]: row for row in found if row["LineNumber"] == 0}
    lines = {row["ID"]: row for row in found if row["LineNumber"]}
    assert (len(headers), len(lines)) == (600, 2400)
    assert len({row["OrderNumber"] for row in headers.values()}) == 600
    for line in lines.values():
        assert line["OrderNumber"] == headers[line["PurchaseOrderID"]]["OrderNumber"]


def test_regular_lines_belong_to_regular_headers() -> None:
    headers = rows("purchaseorder/PurchaseOrders", 1200)
    lines = rows("purchaseorder/PurchaseOrderLines", 1200)
    assert (len(headers), len(lines)) == (240, 960)
    assert len({line["ID"] for line in lines}) == 960
    assert {line["PurchaseOrderID"] for line in lines} == {
        header["PurchaseOrderID"] for header in headers
    }


def test_a_line_has_47_properties_and_a_header_30() -> None:
    assert (len(set(LINE_FIELDS)), len(set(HEADER_FIELDS))) == (47, 30)


def test_a_pipe_is_measured_process_by_process(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"one\ntwo\n")
    sink = tmp_path / "sink"
    with served("Exact Online", "benchmarks.exact_stand_in", "1000") as server:
        run = run_pipe(
            [Command("first", ("cat",)), Command("second", ("sort", "-r"))],
            folder=tmp_path,
            environment={},
            source=source,
            sink=sink,
            servers=[server],
        )
    assert sink.read_bytes() == b"two\none\n"
    assert [use.name for use in run.processes] == ["first", "second"]
    assert all(use.peak_bytes > 100_000 for use in run.processes)
    assert run.calls == {"Exact Online": {}}


def series(records: int, seconds: float, megabytes: int) -> Series:
    uses = tuple(
        ProcessUse(name, megabytes * 1_000_000, seconds) for name in ("tap", "mapper", "target")
    )
    servers = ("Exact Online", "ServiceNow")
    calls = {name: {"page": records // 1000} for name in servers}
    load = dict.fromkeys(servers, 0.05)
    return Series(records, [Run(seconds, uses, calls, load, records)])


def results(seconds: float, megabytes: int, when: str = "2026-01-01 00:00 UTC") -> Results:
    machine = Machine("A CPU", 2, 8.0, "Linux", "CPython 3.11", "abc", 0.1)
    made = Results(machine, when)
    made.compared = series(100_000, seconds, megabytes)
    made.stock = series(100_000, 40, 60)
    made.pipes = [made.compared]
    return made


def test_the_report_says_which_targets_are_met() -> None:
    fast, slow = render(results(10, 100)), render(results(20, 200))
    assert "not met" not in fast
    assert "10,000" in fast
    assert "4.0" in fast
    assert slow.count("**not met**") == 3


def test_the_mapper_is_measured_with_everything_mapped_held_and_released() -> None:
    size = mapping.Size(lines=200, rules=100, entries=600, holds=50)
    results = Results(Machine("CPU", 2, 24, "Linux", "CPython", "abc", 0.1), "today")
    results.mapping = mapping.measure(size)
    assert "100 rules, 600 GL accounts" in render(results)
    assert "| re-validate and release |" in render(results)


def test_earlier_results_are_kept_below_the_newest_but_not_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "results.md"
    for number in range(8):
        write(path, results(10, 100, f"result {number}"))
    text = path.read_text()
    headings = [line.split(",")[0] for line in text.splitlines() if line.startswith("## ")]
    assert headings == [f"## result {number}" for number in (7, 6, 5, 4, 3, 2)]
    assert text.count("# Benchmarks\n") == 1


def test_the_tap_needs_no_more_calls_than_pages() -> None:
    sizes = calls.Sizes(120, 40, 30, 130, 40, 120, 130, 260)
    (full, _), (quiet, _) = calls.measure(sizes)
    assert (full, quiet) == calls.least(sizes)


def test_every_delivery_is_kept() -> None:
    _, _, kept = deliveries.measure(60, 6)
    assert kept == 60
