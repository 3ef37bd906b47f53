"""`s2p reconcile`: does everything that was read have its place, and is it where it should be?"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import click
from rich.text import Text

from s2p_console import reconciliation
from s2p_console.desk import Desk, as_json, on_desk
from s2p_console.doctor.servicenow import outputs_of
from s2p_console.errors import ConsoleError, ExitCode, NotFoundError
from s2p_console.mapping_facts import divisions
from s2p_console.output import Listing, show, working, write_csv, write_json
from s2p_console.servicenow import connected
from s2p_console.wording import plain
from servicenow_client import Forbidden, NotFound, Rejected

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from s2p_console.reconciliation import Passage, Stock
    from s2p_staging.definitions import Output
    from s2p_store import RunReport, Store
    from servicenow_client import ServiceNowClient, TransformMap

__all__ = ["reconcile"]

_ENTITIES: Final = "sn_fcms_intg_supplier_legal_entity_inbound"
"""The one table whose natural key ends with the division instead of its ERP source."""


@click.command()
@click.option("--run", "run_id", help="Account for this run; by default the latest.")
@click.option("--offline", is_flag=True, help="Do not ask ServiceNow what it has.")
@as_json
@click.option("--csv", "csv_", is_flag=True, help="Print CSV, for spreadsheets.")
@on_desk
def reconcile(desk: Desk, /, *, run_id: str | None, offline: bool, json_: bool, csv_: bool) -> int:
    """Prove that every record that was read was staged, is unchanged, waits, or was refused.

    Of the latest run by stream; of the whole by division and staging table, with what ServiceNow
    has of it. Exit code 2 if something is unaccounted for, or is not there any more.
    """
    if json_ and csv_:
        raise ConsoleError("Choose one of --json and --csv.")
    with desk.store() as store, working("Adding up"):
        report = store.runs.report(run_id) if run_id else _last_load(store)
        if report is None or not report.counts:
            raise NotFoundError("The store knows no such run: run the pipeline first.")
        passed = reconciliation.passages(report)
        stocks = _stocks(desk, store)
        if not offline:
            sources = divisions(desk.settings, store)
            with connected(desk.settings, store) as client:
                instance = _instance(client, sorted({stock.table for stock in stocks}))
                for stock in stocks:
                    _look(store, instance, stock, sources[stock.division])
    found = list(reconciliation.troubles(passed, stocks))
    if json_:
        write_json(
            {
                "run_id": report.run_id,
                "streams": [reconciliation.run_data(one) for one in passed],
                "stock": [reconciliation.state_data(one) for one in stocks],
                "troubles": found,
            }
        )
    elif csv_:
        cells = map(reconciliation.state_cells, stocks)
        write_csv(reconciliation.STATE_COLUMNS, cells, sys.stdout)
    else:
        _show(report, passed, stocks)
        show(*(Text(one) for one in found or ["Everything that was read has its place."]))
    return ExitCode.ATTENTION if found else ExitCode.DONE


def _show(report: RunReport, passed: list[Passage], stocks: list[Stock]) -> None:
    numbers = reconciliation.RUN_COLUMNS[1:]
    rows = [reconciliation.run_cells(one) for one in passed]
    title = f"Run {plain(report.run_id)}"
    states = [reconciliation.state_cells(one) for one in stocks]
    columns = reconciliation.STATE_COLUMNS
    show(
        Listing(reconciliation.RUN_COLUMNS, rows, right=numbers, title=title),
        Listing(columns, states, right=columns[2:], title="Everything so far"),
    )


def _last_load(store: Store) -> RunReport | None:
    """The latest run in which the target had a part."""
    return store.runs.latest("target-servicenow-s2p")


def _stocks(desk: Desk, store: Store) -> list[Stock]:
    outputs: dict[str, list[Output]] = {}
    for output in outputs_of(desk.settings):
        outputs.setdefault(output.staging_table, []).append(output)
    held = reconciliation.waiting(store.holds.open()) if store.has_key else {}
    stocks = []
    for division, source in divisions(desk.settings, store).items():
        by_source = store.ledger.counts(source)
        by_division = store.ledger.counts(str(division))
        for table in sorted(outputs):
            states = (by_division if table == _ENTITIES else by_source).get(table, {})
            stock = reconciliation.Stock(division, table, states)
            for output in outputs[table]:
                lines, sums = held.get((division, output.stream), (0, {}))
                if output.name == output.stream:
                    stock.held += lines
                    for currency, amount in sums.items():
                        stock.amounts[currency] = stock.amounts.get(currency, Decimal(0)) + amount
            if states or stock.held:
                stocks.append(stock)
    return stocks


@dataclass(slots=True)
class _Instance:
    """What ServiceNow has, asked once for each table."""

    client: ServiceNowClient
    maps: Mapping[str, Sequence[TransformMap]]
    known: dict[str, frozenset[str] | None] = field(default_factory=dict)

    def ids(self, staging: str) -> frozenset[str] | None:
        """The records of the table that a staging table feeds; None if it cannot be read."""
        target = next((one.target_table for one in self.maps.get(staging, ()) if one.active), "")
        if target not in self.known:
            try:
                rows = self.client.query(target, fields=("sys_id",)) if target else None
                ids = None if rows is None else frozenset(str(row.get("sys_id")) for row in rows)
            except (Forbidden, NotFound, Rejected):
                ids = None
            self.known[target] = ids
        return self.known[target]


def _instance(client: ServiceNowClient, tables: Sequence[str]) -> _Instance:
    try:
        return _Instance(client, client.transform_maps_by_table(tables))
    except (Forbidden, NotFound, Rejected):
        return _Instance(client, {})


def _look(store: Store, instance: _Instance, stock: Stock, source: str) -> None:
    """Look which of the ledger's records ServiceNow has."""
    ids = instance.ids(stock.table)
    if ids is None:
        return
    ending = str(stock.division) if stock.table == _ENTITIES else source
    stock.found = 0
    for key, sys_id in store.ledger.targets(stock.table, ending):
        if sys_id in ids:
            stock.found += 1
        else:
            stock.missing.append(key)
