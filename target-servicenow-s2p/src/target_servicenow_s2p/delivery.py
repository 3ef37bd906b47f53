"""Bring one batch to ServiceNow and wait for what becomes of it. Runs in worker threads.

A write without a usable answer is never simply repeated: the staging table is searched for the
rows first, by natural key and content.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from servicenow_client import (
    AmbiguousWrite,
    ContentRefused,
    Forbidden,
    NotFound,
    equals,
    import_call,
    imported,
    merge_outcomes,
)
from target_servicenow_s2p.batches import PENDING, Batch, Result
from target_servicenow_s2p.direct import write_to_table
from target_servicenow_s2p.errors import OutcomeUnknown
from target_servicenow_s2p.halving import Halving, check_not_all, is_stopped, stopped, why_refused
from target_servicenow_s2p.staged import Sought, find_staged, natural_key, result_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from s2p_staging.columns import Table
    from servicenow_client import ImportResult, RowOutcome, ServiceNowClient
    from target_servicenow_s2p.errands import Errands
    from target_servicenow_s2p.rows import Row

__all__ = ["Courier"]

_ANSWERED: Final = 200
_TAKEN: Final = 201
_FORBIDDEN: Final = 403
_LOOKS: Final = (1.0, 4.0, 10.0)
"""Seconds before each look for rows of an ambiguous write: it may still be under way."""
_BATCH_LOOKS: Final = (1.0, 4.0, 10.0, 20.0)
"""The same for a batch: ServiceNow ends it after 30 seconds."""
_TRIES: Final = 4
_FIRST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 15.0
_NAP: Final = 0.5


@dataclass(frozen=True, slots=True)
class Courier:
    """Delivers batches over one client.

    Attributes:
        clock: seconds, monotonic.
        sleep: waits so many seconds; may raise to end the wait.
        outcome_timeout: seconds to wait for an asynchronous transform.
        hurry: whether to stop waiting now; what is open is looked up by the next run.
    """

    client: ServiceNowClient
    errands: Errands
    clock: Callable[[], float]
    sleep: Callable[[float], object]
    outcome_timeout: float
    hurry: Callable[[], bool] = lambda: False

    def deliver(
        self, batch: Batch, run_after: str | None, posted: Callable[[str], object]
    ) -> list[Result]:
        """Send a batch and return one result per row.

        Args:
            batch: what to send.
            run_after: import set that must be processed before.
            posted: told the import set as soon as ServiceNow has taken the rows.

        Raises:
            OutcomeUnknown: the write stayed ambiguous and cannot be looked up.
            ServiceNowError: it could not be sent.
        """
        if batch.table.output.load_method == "table":
            return [write_to_table(self.client, batch.table, row) for row in batch.rows]
        if batch.table.one_by_one:
            return self._singly(batch.table, batch.rows)
        sets: dict[str, list[Row]] = {}
        results = self._post(batch.table, batch.rows, run_after, sets)
        for import_set, rows in sets.items():
            if len(rows) == len(batch.rows):
                # Of several sets none may stand for the batch: a dead run's rows are then searched.
                posted(import_set)
        for import_set, rows in sets.items():
            results += self.outcomes(batch.table, import_set, rows)
        return results

    def _post(
        self, table: Table, rows: Sequence[Row], run_after: str | None, sets: dict[str, list[Row]]
    ) -> list[Result]:
        """Stage rows, adding them to `sets`, and return results of those refused for good.

        Raises:
            ContentRefused: it is not about a row.
        """
        halving = Halving(rows)
        while not halving.is_over:
            piece = halving.next()
            try:
                self._stage(table, list(piece), run_after, sets)
            except ContentRefused as refusal:
                there = {row.key for staged in sets.values() for row in staged}
                halving.note_refused([row for row in piece if row.key not in there], refusal)
            else:
                halving.note_taken()
        return [_refused(row, refusal) for row, refusal in halving.refused]

    def _stage(
        self, table: Table, rows: list[Row], run_after: str | None, sets: dict[str, list[Row]]
    ) -> None:
        """Stage rows by one request, or by more after an ambiguous answer, adding them to `sets`.

        Raises:
            ContentRefused: those that are not in `sets` now were refused.
        """
        staging = table.output.staging_table
        for _ in range(_TRIES):
            payload = [table.payload(row.values) for row in rows]
            try:
                made = self.client.insert_multiple(staging, payload, run_after)
            except AmbiguousWrite as doubt:
                staged = self._look(table, rows, doubt, _pauses([doubt]))
                for row in rows:
                    if row.key in staged:
                        sets.setdefault(staged[row.key].import_set_id, []).append(row)
                rows = [row for row in rows if row.key not in staged]
                if not rows:
                    return
                _insist(staging, doubt)
            else:
                sets.setdefault(made.import_set_id, []).extend(rows)
                return
        raise OutcomeUnknown(
            f"ServiceNow gave no usable answer to {_TRIES} attempts to stage {len(rows)} rows in "
            f"{staging}, and does not show them: run again later; nothing is lost."
        )

    def outcomes(self, table: Table, import_set: str, rows: Sequence[Row]) -> list[Result]:
        """Wait until no row of an import set is pending, and return one result per row."""
        staging = table.output.staging_table
        open_rows = {row.key: row for row in rows}
        results: list[Result] = []
        deadline = self.clock() + self.outcome_timeout
        pause = _FIRST_PAUSE
        while True:
            for key, outcome in self._read(table, import_set, rows).items():
                if outcome.state != PENDING and key in open_rows:
                    results.append(result_of(open_rows.pop(key), outcome))
            if not open_rows:
                return results
            if self.clock() >= deadline or self.hurry():
                late = f"not transformed within {self.outcome_timeout:.0f} s, looked up next time"
                return results + [
                    Result(row, PENDING, late, import_set, target_table=staging)
                    for row in open_rows.values()
                ]
            self._nap(pause)
            pause = min(pause * 1.6, _LONGEST_PAUSE)

    def _nap(self, seconds: float) -> None:
        """Wait for a transform in pieces, none of which a signal has to end."""
        while seconds > 0 and not self.hurry():
            self.sleep(min(seconds, _NAP))
            seconds -= _NAP

    def exists(self, import_set: str) -> bool:
        """Whether an import set is still there: ServiceNow cleans it up after seven days."""
        try:
            self.client.get("sys_import_set", import_set, ["sys_id"])
        except NotFound:
            return False
        except Forbidden:
            return True
        return True

    def settled(self, table: Table, import_set: str, rows: Sequence[Row]) -> list[Result]:
        """Return the results there are now, without waiting for the others."""
        read = self._read(table, import_set, rows)
        return [
            result_of(row, read[row.key])
            for row in rows
            if row.key in read and read[row.key].state != PENDING
        ]

    def _read(self, table: Table, import_set: str, rows: Sequence[Row]) -> Mapping[str, RowOutcome]:
        """Read the outcomes of an import set by natural key."""
        staging, key = table.output.staging_table, table.key_elements
        if not key:
            # Without column names rows are told by their order: the order they were sent in.
            found = self.client.row_outcomes(staging, import_set)
            found.sort(key=lambda outcome: outcome.row)
            if len({outcome.row for outcome in found}) < len(rows) or len(found) > len(rows):
                return {}  # not all there yet, or not numbered: no row must get another's outcome
            return {row.key: outcome for row, outcome in zip(rows, found, strict=True)}
        condition = equals("sys_import_set", import_set)
        outcomes: dict[str, RowOutcome] = {}
        several = table.maps != 1  # of unknown maps there may be several, too
        for outcome in self.client.staged_rows(staging, condition, key):
            natural = natural_key(table, outcome)
            if several and natural in outcomes:
                outcomes[natural] = merge_outcomes([outcomes[natural], outcome], key)[0]
            else:
                outcomes[natural] = outcome
            if not several and len(outcomes) >= len(rows):
                break  # every row is seen: no need to ask for the empty page behind them
        return outcomes

    def _singly(self, table: Table, rows: Sequence[Row]) -> list[Result]:
        """Stage rows by column names, each on its own: it is transformed before its answer."""
        staging = table.output.staging_table
        results: list[Result] = []
        refusals: list[ContentRefused] = []
        left = list(rows)
        fruitless = 0
        while left and fruitless < _TRIES:
            answers = self.errands.run(
                [import_call(staging, table.payload(row.values)) for row in left]
            )
            doubts: list[tuple[Row, AmbiguousWrite]] = []
            for row, answer in zip(left, answers, strict=True):
                try:
                    results.append(_taken(row, imported(staging, answer.read())))
                except AmbiguousWrite as doubt:
                    doubts.append((row, doubt))
                except ContentRefused as refusal:
                    refusals.append(refusal)
                    results.append(_refused(row, refusal))
            before = len(left)
            found, left = self._resolved(table, doubts, refusals) if doubts else ([], [])
            results += found
            fruitless = fruitless + 1 if len(left) == before else 0
            if len(results) == len(refusals):
                check_not_all(refusals)
        if left:
            raise OutcomeUnknown(
                f"ServiceNow gave no usable answer to {_TRIES} attempts to stage {len(left)} rows "
                f"in {staging}, and does not show them: run again later; nothing is lost."
            )
        return results

    def _resolved(
        self,
        table: Table,
        doubts: Sequence[tuple[Row, AmbiguousWrite]],
        refusals: list[ContentRefused],
    ) -> tuple[list[Result], list[Row]]:
        """Look rows sent alone up; return the results of those there are, and the other rows.

        What turns out to be refused for good has a result, too, and is added to `refusals`.
        """
        rows = [row for row, _ in doubts]
        staged = self._look(table, rows, doubts[0][1], _pauses([doubt for _, doubt in doubts]))
        results: list[Result] = []
        pending: dict[str, list[Row]] = {}
        for row in rows:
            outcome = staged.get(row.key)
            if outcome is not None and outcome.state == PENDING:
                pending.setdefault(outcome.import_set_id, []).append(row)
            elif outcome is not None:
                results.append(result_of(row, outcome))
        for import_set, late in pending.items():
            results += self.outcomes(table, import_set, late)
        left: list[Row] = []
        for row, doubt in doubts:
            if row.key in staged:
                continue
            try:
                _insist(table.output.staging_table, doubt)
            except ContentRefused as refusal:
                refusals.append(refusal)
                results.append(_refused(row, refusal))
            else:
                left.append(row)
        return results, left

    def _look(
        self,
        table: Table,
        rows: Sequence[Row],
        doubt: AmbiguousWrite,
        pauses: Sequence[float] = _LOOKS,
    ) -> dict[str, RowOutcome]:
        """Search the staging table for rows of an ambiguous write."""
        if not table.key_elements:
            raise OutcomeUnknown(
                f"{doubt} It cannot be looked up, as the columns of "
                f"{table.output.staging_table} are not readable: let the integration user read "
                "sys_dictionary, check the table, then run again."
            ) from None
        sought = {row.key: Sought(row.digest, row.known_set, row.origin.division) for row in rows}
        return self.search(table, sought, pauses)

    def search(
        self, table: Table, sought: Mapping[str, Sought], pauses: Sequence[float] = ()
    ) -> dict[str, RowOutcome]:
        """Search a staging table for rows that may still be on their way into it.

        Args:
            table: the staging table, its columns known.
            sought: natural key → what the row must have.
            pauses: seconds before each look; by default what a dead run's last request may take.
        """
        found: dict[str, RowOutcome] = {}
        for pause in pauses or (_BATCH_LOOKS if table.one_by_one else _LOOKS[:2]):
            self.sleep(pause)
            found = find_staged(self.client, table, sought)
            if len(found) == len(sought):
                break
            if found and pauses is _LOOKS:
                # What is being written row by row may not be complete yet: look once more.
                self.sleep(pause)
                return find_staged(self.client, table, sought)
        return found


def _pauses(doubts: Sequence[AmbiguousWrite]) -> Sequence[float]:
    """Return the seconds before each look for rows that were sent alone or in batches."""
    if all(doubt.status == _ANSWERED for doubt in doubts):
        return _LOOKS[:2]  # the batch is over: what is not there soon was never begun
    if all(is_stopped(doubt) for doubt in doubts):
        return _LOOKS[:1]  # nothing is under way: it was stopped before, or its answer was
    lost = len(doubts) > 1 and any(doubt.status is None for doubt in doubts)
    return _BATCH_LOOKS if lost else _LOOKS


def _taken(row: Row, taken: ImportResult) -> Result:
    decisive = taken.decisive
    return Result(
        row,
        decisive.status,
        decisive.message,
        taken.import_set or None,
        None,
        decisive.table or None,
        decisive.sys_id or None,
    )


def _refused(row: Row, refusal: ContentRefused) -> Result:
    return Result(row, "error", why_refused(refusal))


def _insist(staging: str, doubt: AmbiguousWrite) -> None:
    """Say when rows that were not found must not be sent again.

    Raises:
        OutcomeUnknown: ServiceNow took them and does not show them to this user.
        ContentRefused: something before ServiceNow refused them.
        Forbidden: it takes none.
    """
    if is_stopped(doubt):
        raise stopped(staging) from None
    if doubt.status == _TAKEN:
        raise OutcomeUnknown(
            f"ServiceNow took rows for {staging} and shows neither them nor what became of them: "
            "let the integration user read the staging table (role import_transformer), then run "
            "again."
        ) from None
    if doubt.status == _FORBIDDEN:
        raise Forbidden(
            f"{staging} takes no rows from this user: give the integration user the roles "
            "sn_fcms_intg.integration_user, import_transformer and, for invoices, "
            "sn_spend_intg.procurement_integrator."
        ) from None
