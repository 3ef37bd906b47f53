"""What each run read, wrote and spent: the numbers behind the summary table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import bindparam, select

from s2p_store.amounts import from_units, to_units
from s2p_store.encoding import from_instant, to_instant
from s2p_store.schema import run, run_amount, run_calls, run_count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime
    from decimal import Decimal

    from sqlalchemy import Row

    from s2p_store.database import Database

__all__ = ["PluginRun", "RunAmount", "RunReport", "Runs"]


@dataclass(frozen=True, slots=True)
class PluginRun:
    """One plugin's part in a run; `finished_at` and `ok` are None while it runs or if it died."""

    plugin: str
    started_at: datetime
    finished_at: datetime | None
    ok: bool | None


class RunAmount(NamedTuple):
    """What one counter of a stream counted of one division and currency, and what it is worth.

    `division` is 0 and `currency` empty for records without one.
    """

    stream: str
    division: int
    currency: str
    counter: str
    records: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class RunReport:
    """One run: its plugins by start, `counts[stream][plugin][counter]`, `calls[system]`.

    `amounts[plugin]` has the counts of those plugins that count by division.
    """

    run_id: str
    plugins: tuple[PluginRun, ...]
    counts: Mapping[str, Mapping[str, Mapping[str, int]]]
    calls: Mapping[str, int]
    amounts: Mapping[str, tuple[RunAmount, ...]] = field(default_factory=dict)

    def counter(self, stream: str, name: str) -> int:
        """The counter `name` of `stream`, summed over plugins; 0 if nobody counted it."""
        return sum(each.get(name, 0) for each in self.counts.get(stream, {}).values())

    @property
    def seconds(self) -> float | None:
        """From the first start to the last finish; None if nothing finished."""
        ends = [each.finished_at for each in self.plugins if each.finished_at is not None]
        if not ends:
            return None
        return (max(ends) - min(each.started_at for each in self.plugins)).total_seconds()


_latest = select(run.c.run_id).order_by(run.c.started_at.desc(), run.c.run_id.desc()).limit(1)
_plugins = (
    select(run).where(run.c.run_id == bindparam("of_run")).order_by(run.c.started_at, run.c.plugin)
)
_counts = (
    select(run_count)
    .where(run_count.c.run_id == bindparam("of_run"))
    .order_by(run_count.c.stream, run_count.c.plugin, run_count.c.counter)
)
_amounts = (
    select(run_amount)
    .where(run_amount.c.run_id == bindparam("of_run"))
    .order_by(*run_amount.primary_key.columns)
)
_calls = (
    select(run_calls).where(run_calls.c.run_id == bindparam("of_run")).order_by(run_calls.c.system)
)


class Runs:
    """The run statistics of one store."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock
        self._start = database.upsert(run, keep=("started_at",))
        self._finish = database.upsert(run, keep=("started_at",))
        # SQLAlchemy compiles an upsert anew each time, and this one comes with every batch.
        self._count = database.many(
            database.upsert(run_count, add=("value",)), run_count.columns.keys()
        )
        self._sum = database.many(
            database.upsert(run_amount, add=("records", "amount")), run_amount.columns.keys()
        )
        self._spend = database.upsert(run_calls, add=("calls",))

    def start(self, run_id: str, plugin: str) -> None:
        """Say that `plugin` works in `run_id` now; again in one run, it is running again."""
        self._write(self._start, run_id, plugin, None, None)

    def finish(self, run_id: str, plugin: str, ok: bool) -> None:  # noqa: FBT001 - it is the outcome
        """Say that `plugin` has ended, and whether well."""
        self._write(self._finish, run_id, plugin, to_instant(self._clock()), ok)

    def _write(
        self,
        statement: Any,  # noqa: ANN401 - an insert of one of two dialects
        run_id: str,
        plugin: str,
        finished_at: str | None,
        ok: bool | None,  # noqa: FBT001 - a column
    ) -> None:
        values = {
            "run_id": run_id,
            "plugin": plugin,
            "started_at": to_instant(self._clock()),
            "finished_at": finished_at,
            "ok": ok,
        }
        with self._database.writing() as connection:
            connection.execute(statement, values)

    def count(self, run_id: str, plugin: str, stream: str, **counters: int) -> None:
        """Add to the counters of `stream`, e.g. `read=500` or `held=3`."""
        rows = [(run_id, plugin, stream, name, value) for name, value in sorted(counters.items())]
        if rows:
            with self._database.writing() as connection:
                self._count.run(connection, rows)

    def add_up(self, run_id: str, plugin: str, amounts: Iterable[RunAmount]) -> None:
        """Add to what was counted by division."""
        rows = [
            (run_id, plugin, *each[:-1], to_units(each.amount) or 0)
            for each in sorted(amounts)  # one order for all writers
        ]
        if rows:
            with self._database.writing() as connection:
                self._sum.run(connection, rows)

    def calls(self, run_id: str, system: str, n: int) -> None:
        """Add `n` API calls spent on `system`."""
        with self._database.writing() as connection:
            connection.execute(self._spend, {"run_id": run_id, "system": system, "calls": n})

    def latest(self, plugin: str | None = None) -> RunReport | None:
        """The run in which a plugin, or this one, started last; None if there was none."""
        statement = _latest if plugin is None else _latest.where(run.c.plugin == plugin)
        with self._database.reading() as connection:
            run_id = connection.execute(statement).scalar_one_or_none()
        return None if run_id is None else self.report(run_id)

    def report(self, run_id: str) -> RunReport:
        """All that is known of `run_id`; an unknown one has no plugins and no counts."""
        of = {"of_run": run_id}
        with self._database.reading(steady=True) as connection:
            plugins = connection.execute(_plugins, of).all()
            counted = connection.execute(_counts, of).all()
            calls = connection.execute(_calls, of).all()
            summed = connection.execute(_amounts, of).all()
        counts: dict[str, dict[str, dict[str, int]]] = {}
        for row in counted:
            by_plugin = counts.setdefault(row.stream, {})
            by_plugin.setdefault(row.plugin, {})[row.counter] = row.value
        amounts: dict[str, list[RunAmount]] = {}
        for row in summed:
            amounts.setdefault(row.plugin, []).append(
                RunAmount(
                    row.stream,
                    row.division,
                    row.currency,
                    row.counter,
                    row.records,
                    from_units(row.amount),
                )
            )
        return RunReport(
            run_id,
            tuple(map(_plugin_run, plugins)),
            counts,
            {row.system: row.calls for row in calls},
            {plugin: tuple(found) for plugin, found in amounts.items()},
        )


def _plugin_run(row: Row[Any]) -> PluginRun:
    return PluginRun(
        row.plugin,
        from_instant(row.started_at),
        None if row.finished_at is None else from_instant(row.finished_at),
        row.ok,
    )
