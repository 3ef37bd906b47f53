"""Held lines, visible in ServiceNow but never transformed.

The rows of an import set that is *asynchronous* and still *loading* are pending and are not
transformed (documentation, *Import set mode*). So held rows go through the Table API into one such
set per staging table, with their reasons as comment. A row's sys_id is derived from its natural
key: writing it twice makes one row.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from servicenow_client import (
    AmbiguousWrite,
    Forbidden,
    NotFound,
    Rejected,
    ServiceNowError,
    all_of,
    equals,
    insert_call,
    update_call,
)
from target_servicenow_s2p.journal import parked_digest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from logging import Logger

    from s2p_staging.columns import Table
    from s2p_store import LedgerEntry
    from servicenow_client import ApiAnswer, ApiCall, ServiceNowClient
    from target_servicenow_s2p.batches import Result
    from target_servicenow_s2p.errands import Errands
    from target_servicenow_s2p.journal import Journal
    from target_servicenow_s2p.rows import Row

__all__ = ["Parking"]

_TITLE: Final = "Held lines (Exact Online)"
_TRIES: Final = 4
_RELEASED: Final = {
    "sys_import_state": "skipped",
    "sys_import_state_comment": "Released: the record was staged on its own.",
}


class Parking:
    """Where held rows of every staging table wait."""

    def __init__(
        self, client: ServiceNowClient, errands: Errands, journal: Journal, logger: Logger
    ) -> None:
        self._client = client
        self._errands = errands
        self._journal = journal
        self._logger = logger
        self._sets: dict[str, str | None] = {}

    def park(self, table: Table, rows: Sequence[Row], known: dict[str, LedgerEntry]) -> None:
        """Park rows that are not parked yet with this content and these reasons."""
        fresh = [row for row in rows if not _is_parked(row, known.get(row.key))]
        if not fresh:
            return
        staging = table.output.staging_table
        import_set = self._set_of(table)
        if import_set is None:
            self._journal.parked(staging, [(row, None, None) for row in fresh])
            return
        staged = self._write([_Waiting.of(table, row, import_set) for row in fresh])
        self._journal.parked(
            staging,
            [
                (row, import_set if sys_id else None, sys_id)
                for row, sys_id in zip(fresh, staged, strict=True)
            ],
        )

    def release(self, staging: str, results: Sequence[Result]) -> None:
        """Mark the parked rows of records that have been staged since as done with."""
        parked = [result.row.parked_row for result in results if result.row.parked_row]
        for answer in self._errands.run([update_call(staging, row, _RELEASED) for row in parked]):
            if isinstance(answer.error, (NotFound, Forbidden, Rejected)):
                # Cleaned up after seven days, or protected: the mark is a courtesy.
                self._logger.debug("A parked row of %s could not be marked.", staging)
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
        for row in rows:
            if row.stored is None:
                self._say_once(row.staging)
        return [row.stored for row in rows]

    def _set_of(self, table: Table) -> str | None:
        """Return the open import set for held rows, made at first need; None if refused."""
        staging = table.output.staging_table
        if staging not in self._sets:
            self._sets[staging] = self._open(staging) if table.key_elements else None
            if self._sets[staging] is None:
                self._say_once(staging)
        return self._sets[staging]

    def _open(self, staging: str) -> str | None:
        found = self._find(staging)
        if found is not None:
            return found
        wanted = {
            "table_name": staging,
            "mode": "asynchronous",
            "state": "loading",
            "short_description": _TITLE,
        }
        for left in reversed(range(_TRIES)):
            try:
                made = self._client.insert("sys_import_set", wanted)
            except AmbiguousWrite as doubt:
                found = self._find(staging)
                if found is not None or not _may_be_repeated(doubt):
                    return found
                if not left:
                    raise
            except (Forbidden, NotFound, Rejected):
                return None
            else:
                break
        # A column that an ACL protects is ignored silently: a set that is not loading would be
        # transformed.
        stays = made.get("state") == "loading" and made.get("mode") == "asynchronous"
        return str(made["sys_id"]) if stays else None

    def _find(self, staging: str) -> str | None:
        condition = all_of(
            equals("table_name", staging),
            equals("short_description", _TITLE),
            equals("state", "loading"),
            equals("mode", "asynchronous"),
        )
        fields = ("table_name", "short_description", "state", "mode")
        try:
            for row in self._client.query("sys_import_set", condition, fields):
                # An invalid part of a query is ignored, so each row is checked.
                if (row.get("table_name"), row.get("short_description")) == (staging, _TITLE) and (
                    row.get("state"),
                    row.get("mode"),
                ) == ("loading", "asynchronous"):
                    return str(row["sys_id"])
        except (Forbidden, NotFound):
            return None
        return None

    def _say_once(self, staging: str) -> None:
        self._sets[staging] = None
        self._logger.warning(
            "ServiceNow does not let this user keep held lines in %s (create on sys_import_set and "
            "on the staging table): they stay in the store only, `s2p held list` shows them.",
            staging,
        )


@dataclass(slots=True)
class _Waiting:
    """One held row on its way into its staging table.

    Attributes:
        creates: what is tried next: to create the row, or else to change it.
        doubt: why the last try to create it did not tell whether it exists.
        stored: its sys_id, once ServiceNow has it.
    """

    staging: str
    sys_id: str
    values: Mapping[str, str]
    creates: bool
    tries: int = 0
    doubt: ServiceNowError | None = None
    stored: str | None = None

    @classmethod
    def of(cls, table: Table, row: Row, import_set: str) -> _Waiting:
        staging = table.output.staging_table
        values = {
            **table.by_element(row.values),
            "sys_import_set": import_set,
            "sys_import_state": "pending",
            "sys_import_state_comment": "Held: " + ", ".join(row.origin.reasons),
        }
        sys_id = row.parked_row or _sys_id(staging, row.key)
        return cls(staging, sys_id, values, creates=not row.parked_row)

    def call(self) -> ApiCall:
        if self.creates:
            self.tries += 1
            return insert_call(self.staging, {**self.values, "sys_id": self.sys_id})
        return update_call(self.staging, self.sys_id, self.values)

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
                self.doubt is None or _may_be_repeated(self.doubt)
            )
            if self.creates and self.doubt is not None and self.tries >= _TRIES:
                raise self.doubt
            return self.creates
        raise error


def _may_be_repeated(error: Exception) -> bool:
    """Tell whether a write that left no trace may succeed next time: a refusal may not."""
    return isinstance(error, AmbiguousWrite) and error.status != HTTPStatus.FORBIDDEN


def _is_parked(row: Row, entry: LedgerEntry | None) -> bool:
    return (
        entry is not None and entry.state == "parked" and entry.content_hash == parked_digest(row)
    )


def _sys_id(staging: str, key: str) -> str:
    return blake2b(f"{staging}|{key}".encode(), digest_size=16).hexdigest()
