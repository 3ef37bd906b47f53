"""One run of the target: everything between Singer messages and ServiceNow, put together."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

from s2p_reference.ownership import read_ownership
from s2p_servicenow import connected
from s2p_staging.definitions import WITHOUT_TABLE, load_definitions
from s2p_staging.held_tables import OWN_TABLE
from s2p_store import Store
from target_servicenow_s2p.again import Again
from target_servicenow_s2p.delivery import Courier
from target_servicenow_s2p.errands import Errands
from target_servicenow_s2p.errors import RecordsFailed, StreamUnknown
from target_servicenow_s2p.held_places import held_tables_of
from target_servicenow_s2p.instance import Instance
from target_servicenow_s2p.intake import Intake, ancestors_of, parents_first
from target_servicenow_s2p.journal import Journal
from target_servicenow_s2p.loader import Loader
from target_servicenow_s2p.memory import Memory
from target_servicenow_s2p.owned import Owned
from target_servicenow_s2p.parking import Parking
from target_servicenow_s2p.preview import Preview
from target_servicenow_s2p.recovery import recover
from target_servicenow_s2p.report import Tally
from target_servicenow_s2p.slots import Slot
from target_servicenow_s2p.states import StateQueue
from target_servicenow_s2p.suppliers import SupplierNames

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from logging import Logger

    from s2p_staging.columns import Table
    from servicenow_client import Call, ServiceNowClient

__all__ = ["Engine"]

TEST_STREAM: Final = "meltano_test_stream"
_TOO_MANY: Final = 429
_BATCHES_PER_FLUSH: Final = 10
_SECONDS_PER_FLUSH: Final = 60.0
_GRACE_SECONDS: Final = 5.0
_NAP_SECONDS: Final = 0.5


class Engine:
    """Takes records and states, gives states back when they may be written.

    Args:
        config: the target's settings, complete and valid.
        run_id: of this run.
        logger: for the user.
        emit: writes a state.
        stopping: whether a signal asks for an end.
        end: raises what ends the run after such a signal.
        sleep: waits so many seconds.
        clock: seconds, monotonic.
    """

    def __init__(  # noqa: PLR0913 - what comes from outside is named, one by one
        self,
        config: Mapping[str, Any],
        run_id: str,
        logger: Logger,
        emit: Callable[[Mapping[str, Any]], object],
        *,
        stopping: Callable[[], bool] = lambda: False,
        end: Callable[[], object] = lambda: None,
        sleep: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._logger = logger
        self._emit = emit
        self._stopping = stopping
        self._end_run = end
        self._sleep = sleep
        self._clock = clock
        self._stop_seen: float | None = None
        self._dry = bool(config.get("dry_run"))
        self._batch_size = int(config.get("batch_size") or 500)
        self._definitions = load_definitions(
            config.get("tables"), config.get("erp_sources"), run_id, config.get("provenance")
        )
        self._said: set[str] = set()
        self._calls = 0
        self._resources = ExitStack()
        self._store = self._resources.enter_context(
            Store.open(str(config["store_url"]), config.get("store_key"))
        )
        self._slot = self._resources.enter_context(Slot(self._store))
        self._tally = Tally()
        self._states = StateQueue()
        self._journal = Journal(self._store, run_id, self._slot.number, self._tally)
        self._memory = Memory(self._store, writes=not self._dry)
        self._instance: Instance | None = None
        self._loader: Loader | None = None
        self._intake: Intake | None = None
        self._parking: Parking | None = None
        self._again: Again | None = None
        self._client: ServiceNowClient | None = None
        self._suppliers: SupplierNames | None = None
        self._preview = Preview(self._batch_size) if self._dry else None
        self._fed = 0
        self._flushed_at = clock()
        self.ended = False
        self._journal.start()

    def expect(self, stream: str) -> None:
        """Prepare for a stream; the first one that is written opens the connection.

        Raises:
            StreamUnknown: nobody told the target what to do with it.
        """
        definition = self._definitions.get(stream)
        if stream == TEST_STREAM:
            self._open().table("gl_accounts")
            self._logger.info("The connection to ServiceNow works.")
        elif definition is None and stream not in WITHOUT_TABLE:
            # A misspelt stream that is silently ignored loses data every night.
            raise StreamUnknown(
                f"The input has a stream '{stream}' that this target does not know, so nothing "
                f"of it was written. Correct its name in the tap, set tables.{stream}.enabled to "
                f"false to accept and ignore it, or give it a table in the setting tables."
            )
        elif definition is None or not definition.outputs:
            if stream not in self._said:
                self._said.add(stream)
                self._tally.expect(stream)
                self._logger.info(
                    "Stream '%s' has no table in ServiceNow: its records are accepted and counted, "
                    "not written.",
                    stream,
                )
        else:
            self._tally.expect(*(output.counted_as for output in definition.outputs))
            instance = self._open()
            for output in definition.outputs:
                instance.table(output.name)

    def record(self, stream: str, record: Mapping[str, Any]) -> None:
        """Take one record of an expected stream."""
        if stream == TEST_STREAM:
            return
        self._fed += 1
        (self._intake or self._feed()).take(stream, record)

    def state(self, state: Mapping[str, Any]) -> None:
        """Take a STATE; it leaves when everything before it is settled."""
        self._states.arrive(state)
        enough = _BATCHES_PER_FLUSH * self._batch_size
        late = self._clock() - self._flushed_at > _SECONDS_PER_FLUSH
        if self._fed >= enough or (late and self._states.owed):
            # Small tables never fill a batch: what waits there would hold the states back.
            self._flush()
        if self._loader is not None:
            self._loader.pump()
        self._release()

    def idle(self) -> bool:
        """Write what has come back; whether something is still on its way.

        After a minute without a flush what waits in unfilled batches is sent, too.
        """
        if self._loader is None:
            return False
        if self._states.waiting and self._clock() - self._flushed_at > _SECONDS_PER_FLUSH:
            self._flush()
        self._loader.pump()
        self._release()
        return self._loader.in_flight > 0 or self._states.waiting > 0

    def finish(self) -> None:
        """Send what waits, wait for all outcomes, write the last state, report.

        Raises:
            RecordsFailed: all is recorded, but `fail_on` counts what failed or was held.
        """
        self._feed().flush()
        if self._loader is not None:
            self._loader.drain()
        self._release()
        if self._again is not None:
            # Only now: what was missing when it was refused may have come with this run.
            self._again(self._states, self._batch_size)
        self._report()
        self._end(ok=True)
        self._judge()

    def stop(self) -> None:
        """Settle what is on its way and write the state that is earned; nothing new is sent."""
        if self.ended:
            return
        try:
            if self._loader is not None:
                self._loader.settle_rest()
            self._release()
            if self._loader is not None:
                self._loader.drain()  # nothing is on its way: it tells what went wrong
        finally:
            self._report()
            self._end(ok=False)

    def abort(self) -> None:
        """After an error: settle what still can be, so that its state is not lost."""
        try:
            if self._loader is not None:
                self._loader.settle_rest()
            self._release()
        finally:
            self._end(ok=False)

    def close(self) -> None:
        """Give everything back; may be called twice."""
        if self._loader is not None:
            self._loader.close()
        self._resources.close()

    def _open(self) -> Instance:
        """Connect, look at the instance, and pick up what a dead run left behind."""
        if self._instance is None:
            client = self._resources.enter_context(
                connected(self._config, self._store, sleep=self._pause, on_call=self._called)
            )
            self._client = client
            outputs = [one for each in self._definitions.values() for one in each.outputs]
            ownership = read_ownership(self._config.get("ownership"))
            self._instance = Instance(client, outputs, self._logger, ownership)
            held_tables = held_tables_of(client, outputs)
            if not self._dry:
                if self._config.get("match_suppliers_by_name"):
                    self._suppliers = SupplierNames(client, self._journal)
                errands = Errands(client, self._logger)
                courier = Courier(
                    client,
                    errands,
                    self._clock,
                    self._pause,
                    float(self._config["outcome_timeout"]),
                    self._hurry,
                )
                parking = Parking(
                    client,
                    errands,
                    self._journal,
                    self._logger,
                    held_tables,
                    own=self._config.get("park_held") == OWN_TABLE,
                )
                for staging, rows, staged in recover(
                    self._journal, self._slot, courier, parking, self._instance.table
                ):
                    self._tell_recovered(staging, rows, staged)
                self._parking = parking
                ancestors = ancestors_of(self._definitions)
                self._loader = Loader(
                    courier,
                    self._journal,
                    ancestors,
                    staged=lambda batch, results: parking.release(batch.table.output, results),
                    settled=lambda _, results: self._feed().settled(results),
                )
                named = {output.name: output for output in outputs}
                order = [named[name] for name in parents_first(ancestors) if name in named]
                self._again = Again(
                    client,
                    self._journal,
                    self._loader,
                    order,
                    self._instance.table,
                    self._suppliers,
                )
            # What was fed before went to streams without a table. It is counted and settled now:
            # states wait for it, and the intake that follows does not know of it.
            if self._intake is not None:
                self._intake.flush()
            self._intake = None
        return self._instance

    def _tell_recovered(self, staging: str, rows: int, staged: int | None) -> None:
        if staged is not None:
            self._logger.info(
                "An earlier run ended while %d rows for %s were on their way: %d of them were "
                "staged.",
                rows,
                staging,
                staged,
            )
            return
        self._logger.warning(
            "An earlier run ended while %d rows for %s were on their way. Whether they were staged "
            "cannot be looked up while sys_dictionary cannot be read: they are staged again, which "
            "makes no second record, as its transform map matches existing ones.",
            rows,
            staging,
        )

    def _feed(self) -> Intake:
        if self._intake is None:
            self._intake = Intake(
                self._definitions,
                table_of=self._table,
                memory=self._memory,
                journal=self._journal,
                loader=self._loader,
                parking=self._parking if self._loader is not None else None,
                states=self._states,
                tally=self._tally,
                batch_size=self._batch_size,
                preview=self._preview,
                suppliers=self._suppliers,
                owned=Owned(self._store, str(self._config["instance_url"])),
            )
        return self._intake

    def _table(self, name: str) -> Table | None:
        return self._open().table(name)

    def _called(self, call: Call) -> None:
        self._calls += 1
        if call.status == _TOO_MANY and self._loader is not None:
            self._loader.window.throttled()

    def _hurry(self) -> bool:
        """Whether a signal came long enough ago that waiting for transforms ends."""
        if not self._stopping():
            return False
        if self._stop_seen is None:
            self._stop_seen = self._clock()
        return self._clock() - self._stop_seen > _GRACE_SECONDS

    def _pause(self, seconds: float) -> None:
        """Wait, but not long beyond a signal: ServiceNow may ask for a quarter of an hour.

        Raises:
            Terminated: what waited is given up; its intent stays open.
        """
        while seconds > _NAP_SECONDS:
            if self._hurry():
                self._end_run()
            self._sleep(_NAP_SECONDS)
            seconds -= _NAP_SECONDS
        self._sleep(seconds)

    def _flush(self) -> None:
        self._feed().flush()
        self._fed, self._flushed_at = 0, self._clock()

    def _release(self) -> None:
        if self._dry:
            return
        state = self._states.release()
        if state is not None:
            self._memory.save()
            self._emit(state)

    def _report(self) -> None:
        title = (
            "Dry run, nothing was written; compared with what was staged before"
            if self._dry
            else "Staged in ServiceNow"
        )
        if self._preview is not None:
            for line in self._preview.lines(self._client):
                self._logger.info("%s", line)
            self._logger.info("Staging it would take about %d calls.", self._preview.calls)
        lines = list(self._tally.lines())
        if lines:
            self._logger.info("%s, per stream:", title)
        for line in lines:
            self._logger.info("  %s", line)
        for (staging, label, longest), rows in self._tally.cuts.items():
            self._logger.warning(
                "%d values of '%s' were longer than the %d characters its column in %s takes, and "
                "were cut; the audit trail names the records. Widen the column in ServiceNow.",
                rows,
                label,
                longest,
                staging,
            )

    def _end(self, *, ok: bool) -> None:
        self.ended = True
        self._memory.save()
        self._journal.calls(self._calls)
        self._calls = 0
        self._journal.end(ok=ok)

    def _judge(self) -> None:
        fail_on = self._config.get("fail_on") or "none"
        failed = sum(self._tally.total(name) for name in ("failed", "skipped", "still_refused"))
        if pending := self._tally.total("pending"):
            self._logger.warning(
                "%d rows had no outcome within outcome_timeout; the next run looks them up.",
                pending,
            )
        failed += pending
        held = self._tally.total("held")
        if fail_on in {"failed", "held"} and failed:
            raise RecordsFailed(
                f"{failed} records were refused by ServiceNow or had no outcome in time "
                f"(fail_on is {fail_on}): `s2p audit show` lists them."
            )
        if fail_on == "held" and held:
            raise RecordsFailed(
                f"{held} lines are held (fail_on is held): `s2p held list` shows why."
            )
