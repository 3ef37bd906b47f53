"""`s2p reconcile`: does everything that was read have its place, and is it where it should be?"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import click
from rich.text import Text

from s2p_console.desk import Desk, as_json, on_desk
from s2p_console.doctor.servicenow import outputs_of
from s2p_console.errors import ConsoleError, ExitCode, NotFoundError
from s2p_console.mapping_facts import divisions
from s2p_console.output import Listing, show, working, write_csv, write_json
from s2p_console.primary_tables import PrimaryTables
from s2p_console.reconciliation import RUN_COLUMNS, passages, run_cells, run_data, run_troubles
from s2p_console.servicenow import connected
from s2p_console.settings import TARGET
from s2p_console.shares import SHARE_COLUMNS, share_cells, share_data, share_troubles, shares
from s2p_console.stock import (
    NUMBERS,
    SPARE,
    STATE_COLUMNS,
    Stock,
    by_table,
    compare,
    state_cells,
    state_data,
    stock_troubles,
    waiting,
)
from s2p_console.wording import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from s2p_console.reconciliation import Passage
    from s2p_console.shares import Share
    from s2p_staging.definitions import Output
    from s2p_store import RunReport, Store

__all__ = ["reconcile"]

_ENTITIES: Final = "sn_fcms_intg_supplier_legal_entity_inbound"
"""The one table whose natural key ends with the division instead of its ERP source."""
_NAMED: Final = 5
"""Records that differ and are named by their document: as many as are told."""
_EVENTS_OF_A_KEY: Final = 20
"""A natural key may stand for records of several staging tables; their events are mixed."""


@click.command()
@click.option("--run", "run_id", help="Account for this run; by default the latest.")
@click.option("--offline", is_flag=True, help="Do not ask ServiceNow what it has.")
@as_json
@click.option("--csv", "csv_", is_flag=True, help="Print CSV, for spreadsheets.")
@on_desk
def reconcile(desk: Desk, /, *, run_id: str | None, offline: bool, json_: bool, csv_: bool) -> int:
    """Prove that every record that was read was staged, is unchanged, waits, or was refused.

    Of the latest run by stream, and by division with what documents are worth; of the whole by
    division and staging table, with what ServiceNow has of it, to the cent. Exit code 2 if
    something is unaccounted for, is not there any more, or has another amount there.
    """
    if json_ and csv_:
        raise ConsoleError("Choose one of --json and --csv.")
    with desk.store() as store, working("Adding up"):
        report = store.runs.report(run_id) if run_id else _last_load(store)
        if report is None or not report.counts:
            raise NotFoundError("The store knows no such run: run the pipeline first.")
        passed = passages(report)
        shared = shares(report.amounts.get(TARGET, ()))
        outputs = _outputs(desk)
        stocks = _stocks(desk, store, outputs)
        if not offline:
            sources = divisions(desk.settings, store)
            with connected(desk.settings, store) as client:
                asked = [_telling(outputs[stock.table]) for stock in stocks]
                tables = PrimaryTables.of(client, asked)
                for stock, output in zip(stocks, asked, strict=True):
                    _look(store, tables, stock, output, sources[stock.division])
    found = [*run_troubles(passed), *share_troubles(shared), *stock_troubles(stocks)]
    if json_:
        write_json(
            {
                "run_id": report.run_id,
                "streams": [run_data(one) for one in passed],
                "shares": [share_data(one) for one in shared],
                "stock": [state_data(one) for one in stocks],
                "troubles": found,
            }
        )
    elif csv_:
        write_csv(STATE_COLUMNS, map(state_cells, stocks), sys.stdout)
    else:
        _show(report, passed, shared, stocks)
        show(*(Text(one) for one in found or ["Everything that was read has its place."]))
    return ExitCode.ATTENTION if found else ExitCode.DONE


def _show(
    report: RunReport, passed: list[Passage], shared: list[Share], stocks: list[Stock]
) -> None:
    title = f"Run {plain(report.run_id)}"
    amounts = [name for name in SHARE_COLUMNS if name.startswith("amount ")]
    shown = [one for one in shared if one.read.amounts]
    show(
        Listing(RUN_COLUMNS, list(map(run_cells, passed)), right=RUN_COLUMNS[1:], title=title),
        Listing(
            SHARE_COLUMNS,
            list(map(share_cells, shown)),
            right=SHARE_COLUMNS[2:],
            spare=("amount left out", "amount unchanged", "unchanged", "left out", *amounts[2:]),
            title="By division, with what documents are worth",
        ),
        Listing(
            STATE_COLUMNS,
            list(map(state_cells, stocks)),
            right=NUMBERS,
            spare=SPARE,
            title="Everything so far",
        ),
    )


def _last_load(store: Store) -> RunReport | None:
    """The latest run in which the target had a part."""
    return store.runs.latest(TARGET)


def _outputs(desk: Desk) -> dict[str, list[Output]]:
    """What is staged with these settings, by staging table."""
    outputs: dict[str, list[Output]] = {}
    for output in outputs_of(desk.settings):
        outputs.setdefault(output.staging_table, []).append(output)
    return outputs


def _telling(outputs: list[Output]) -> Output:
    """Of all that is staged in a table, what says what a row is worth; else the first."""
    return next((output for output in outputs if output.amount is not None), outputs[0])


def _stocks(desk: Desk, store: Store, outputs: Mapping[str, list[Output]]) -> list[Stock]:
    held = waiting(store.holds.open()) if store.has_key else {}
    stocks = []
    for division, source in divisions(desk.settings, store).items():
        by_source = by_table(store.ledger.sums(source))
        by_division = by_table(store.ledger.sums(str(division)))
        for table in sorted(outputs):
            stock = Stock(division, table)
            valued = any(output.amount is not None for output in outputs[table])
            for each in (by_division if table == _ENTITIES else by_source).get(table, ()):
                stock.add(each, valued=valued)
            for output in outputs[table]:
                if output.name == output.stream:
                    stock.hold(*held.get((division, output.stream), (0, {})))
            if stock.states or stock.held:
                stocks.append(stock)
    return stocks


def _look(store: Store, tables: PrimaryTables, stock: Stock, output: Output, source: str) -> None:
    """Look which of the ledger's records ServiceNow has, and what it says they are worth."""
    there = tables.rows(output)
    if there is None:
        return
    ending = str(stock.division) if stock.table == _ENTITIES else source
    compare(stock, store.ledger.targets(stock.table, ending), there)
    stock.different[:_NAMED] = [
        replace(one, document=_document(store, one.key)) for one in stock.different[:_NAMED]
    ]


def _document(store: Store, key: str) -> str:
    """The number people know a record by, as its last event says."""
    events = store.audit.events(natural_key=key, newest_first=True, limit=_EVENTS_OF_A_KEY)
    return next((str(each.detail["document"]) for each in events if "document" in each.detail), "")
