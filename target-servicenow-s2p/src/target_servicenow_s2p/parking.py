"""Held lines, visible in ServiceNow but never transformed.

Where they wait is told in `held_places`; here they are written there and marked when they are
released. A row's sys_id is derived from its natural key: writing it twice makes one row.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from servicenow_client import (
    AmbiguousWrite,
    Forbidden,
    NotFound,
    Rejected,
    ServiceNowError,
    insert_call,
    update_call,
)
from target_servicenow_s2p.held_places import LoadingSet, LoadingSets, OwnTable, may_be_repeated
from target_servicenow_s2p.journal import parked_digest
from target_servicenow_s2p.suppliers import OUTPUT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from logging import Logger

    from s2p_staging.columns import Table
    from s2p_staging.definitions import Output
    from s2p_staging.held_tables import HeldTable
    from s2p_store import LedgerEntry
    from servicenow_client import ApiAnswer, ApiCall, ServiceNowClient
    from target_servicenow_s2p.batches import Result
    from target_servicenow_s2p.errands import Errands
    from target_servicenow_s2p.journal import Journal
    from target_servicenow_s2p.rows import Row

__all__ = ["Parking"]

_TRIES: Final = 4


class Parking:
    """Where held rows of every staging table wait.

    Args:
        client: connection.
        errands: makes many calls.
        journal: takes down what waits.
        logger: for the user.
        held_tables: output name → its own table for held rows, found fit.
        own: held rows wait there; else in an import set that stays loading.
    """

    def __init__(  # noqa: PLR0913 - the parts it brings together, one by one
        self,
        client: ServiceNowClient,
        errands: Errands,
        journal: Journal,
        logger: Logger,
        held_tables: Mapping[str, HeldTable] | None = None,
        *,
        own: bool = False,
    ) -> None:
        self._errands = errands
        self._journal = journal
        self._logger = logger
        self._held_tables = held_tables or {}
        self._own = own
        self._sets = LoadingSets(client)
        self._said: set[str] = set()

    def park(self, table: Table, rows: Sequence[Row], known: dict[str, LedgerEntry]) -> None:
        """Park rows that are not parked yet with this content and these reasons."""
        fresh = [row for row in rows if not _is_parked(row, known.get(row.key))]
        if not fresh:
            return
        staging = table.output.staging_table
        place = self._place(table)
        if place is None:
            self._say_once(table)
            self._journal.parked(staging, [(row, None, None) for row in fresh])
            return
        staged = self._write([_Waiting.of(table, row, place) for row in fresh])
        if None in staged:
            self._say_once(table)
        self._journal.parked(
            staging,
            [
                (row, place.import_set if sys_id else None, sys_id)
                for row, sys_id in zip(fresh, staged, strict=True)
            ],
        )
        moved = [row for row in fresh if row.parked_row and _was_own(row) != self._is_own(table)]
        self._mark(table.output, moved)

    def release(self, output: Output, results: Sequence[Result]) -> None:
        """Mark the parked rows of records that have been staged since as done with."""
        self._mark(output, [result.row for result in results if result.row.parked_row])

    def _mark(self, output: Output, rows: Sequence[Row]) -> None:
        """Mark parked rows, each where it waits: the setting may have changed since."""
        own = self._held_tables.get(output.name)
        calls = []
        for row in rows:
            if not _was_own(row):
                marks: Mapping[str, str] = LoadingSet.released
                calls.append(update_call(output.staging_table, str(row.parked_row), marks))
            elif own is not None:
                calls.append(update_call(own.name, str(row.parked_row), own.released))
        for answer in self._errands.run(calls):
            if isinstance(answer.error, (NotFound, Forbidden, Rejected)):
                # Cleaned up after seven days, or protected: the mark is a courtesy.
                self._logger.debug("A parked row of %s could not be marked.", output.name)
            else:
                answer.read()

    def _write(self, rows: Sequence[_Waiting]) -> list[str | None]:
        """Write held rows and return the sys_id of each, None where ServiceNow refuses it."""
        left = list(rows)
        while left:
            answers = self._errands.run([row.call() for row in left])
            left = [
                row for row, answer in zip(left, answers, strict=True) if row.is_still_open(answer)
            ]
        return [row.stored for row in rows]

    def _is_own(self, table: Table) -> bool:
        """Whether rows wait in a table of their own; suppliers are read again, from staging."""
        return self._own and table.output.name != OUTPUT

    def _place(self, table: Table) -> LoadingSet | OwnTable | None:
        """Return where held rows of a table wait; None where there is no such place."""
        if self._is_own(table):
            own = self._held_tables.get(table.output.name)
            refused = table.output.name in self._said
            return None if own is None or refused else OwnTable(own)
        return self._sets.of(table)

    def _say_once(self, table: Table) -> None:
        name, staging = table.output.name, table.output.staging_table
        if name in self._said:
            return
        self._said.add(name)
        if not self._is_own(table):
            self._sets.close(staging)
            self._logger.warning(
                "ServiceNow does not let this user keep held lines in %s (create on sys_import_set "
                "and on the staging table): they stay in the store only, `s2p held list` shows "
                "them.",
                staging,
            )
        elif (own := self._held_tables.get(name)) is None:
            self._logger.info(
                "Held lines of %s stay in the store only, as tables.%s.held_table names no table "
                "for them; `s2p held list` shows them.",
                name,
                name,
            )
        else:
            self._logger.warning(
                "ServiceNow does not let this user keep held lines in %s (create and write on it): "
                "they stay in the store only, `s2p held list` shows them.",
                own.name,
            )


@dataclass(slots=True)
class _Waiting:
    """One held row on its way to where it waits.

    Attributes:
        creates: what is tried next: to create the row, or else to change it.
        doubt: why the last try to create it did not tell whether it exists.
        stored: its sys_id, once ServiceNow has it.
    """

    table: str
    sys_id: str
    values: Mapping[str, str]
    creates: bool
    tries: int = 0
    doubt: ServiceNowError | None = None
    stored: str | None = None

    @classmethod
    def of(cls, table: Table, row: Row, place: LoadingSet | OwnTable) -> _Waiting:
        sys_id = row.parked_row or _sys_id(table.output.staging_table, row.key)
        return cls(place.table, sys_id, place.values(table, row), creates=not row.parked_row)

    def call(self) -> ApiCall:
        if self.creates:
            self.tries += 1
            return insert_call(self.table, {**self.values, "sys_id": self.sys_id})
        return update_call(self.table, self.sys_id, self.values)

    def is_still_open(self, answer: ApiAnswer) -> bool:
        """Take an answer; whether there is something left to try.

        Raises:
            ServiceNowError: it cannot be known whether the row was written, or nothing works.
        """
        error = answer.error
        if error is None:
            self.stored = str(answer.data["result"]["sys_id"])
            return False
        if self.creates and isinstance(error, (AmbiguousWrite, Rejected)):
            # Refused, answered badly, or there already: a look at the row tells.
            self.doubt, self.creates = error, False
            return True
        if not self.creates and isinstance(error, (NotFound, Forbidden, Rejected)):
            self.creates = isinstance(error, NotFound) and (
                # Cleaned up after seven days, so it gets a new row; or never written.
                self.doubt is None or may_be_repeated(self.doubt)
            )
            if self.creates and self.doubt is not None and self.tries >= _TRIES:
                raise self.doubt
            return self.creates
        raise error


def _was_own(row: Row) -> bool:
    """Whether a parked row waits in a table of its own: there it has no import set."""
    return row.known_set is None


def _is_parked(row: Row, entry: LedgerEntry | None) -> bool:
    return (
        entry is not None and entry.state == "parked" and entry.content_hash == parked_digest(row)
    )


def _sys_id(staging: str, key: str) -> str:
    return blake2b(f"{staging}|{key}".encode(), digest_size=16).hexdigest()
