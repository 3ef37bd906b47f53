"""The client: Table API, Import Set API and dictionary of one instance."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import urlsplit

from servicenow_client.batching import Batches
from servicenow_client.calls import (
    ApiCall,
    import_call,
    import_path,
    imported,
    insert_call,
    record_path,
    table_path,
    update_call,
)
from servicenow_client.changes import CHANGED, pages_of_changes
from servicenow_client.dictionary import (
    Column,
    TransformMap,
    columns_by_table,
    keys_of,
    maps_of,
)
from servicenow_client.errors import (
    AmbiguousWrite,
    Forbidden,
    NotFound,
    Rejected,
    SettingsError,
)
from servicenow_client.http import RequestsTransport
from servicenow_client.import_sets import (
    OUTCOME_FIELDS,
    ImportResult,
    ImportSet,
    RowOutcome,
    merge_outcomes,
    row_outcome,
)
from servicenow_client.paging import Page, Pages, total_of
from servicenow_client.query import after, all_of, chunks, equals, one_of
from servicenow_client.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from random import Random

    from typing_extensions import Self

    from servicenow_client.auth import Auth
    from servicenow_client.calls import ApiAnswer
    from servicenow_client.http import Transport
    from servicenow_client.retry import Patience
    from servicenow_client.session import Call

__all__ = ["ServiceNowClient"]

_DICTIONARY_FIELDS: Final = (
    "name",
    "element",
    "column_label",
    "internal_type",
    "max_length",
    "mandatory",
    "reference",
)
_ENTRY_FIELDS: Final = (
    "source_field",
    "target_field",
    "coalesce",
    "choice_action",
    "map.source_table",
    "map.name",
    "map.active",
    "map.order",
    "map.target_table",
    "map.enforce_mandatory_fields",
    "map.copy_empty_fields",
)
_CREATED: Final = 201
_logger = logging.getLogger(__name__)
_MAP_FIELDS: Final = ("name", "source_table", "active")


class ServiceNowClient:
    """One instance, one user. Safe to use from several threads.

    Every value that goes in or out is a string, as ServiceNow has it: money and quantities are
    never turned into floats. Date-times are ``YYYY-MM-DD HH:MM:SS`` in UTC.

    Args:
        instance_url: root URL, for example ``https://acme.service-now.com``.
        auth: see `servicenow_client.auth`.
        clock: Unix time in seconds.
        sleep: waits the given seconds.
        rng: source of jitter.
        timeout: seconds for one request.
        on_call: told every HTTP attempt.
        page_size: rows per page of `query`; ServiceNow's own default is 10,000.
        patience: how long to try again.
        transport: sends requests; the real one by default.
    """

    def __init__(  # noqa: PLR0913 - what comes from outside is named, one by one
        self,
        instance_url: str,
        auth: Auth,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], object] = time.sleep,
        rng: Random | None = None,
        timeout: float = 60.0,
        on_call: Callable[[Call], object] | None = None,
        page_size: int = 1000,
        patience: Patience | None = None,
        transport: Transport | None = None,
    ) -> None:
        host = urlsplit(instance_url).netloc
        if not host:
            raise SettingsError(
                "instance_url is no URL: it looks like https://acme.service-now.com"
            )
        self._own = RequestsTransport(instance_url, timeout=timeout) if transport is None else None
        self._page_size = page_size
        self._hiding: set[str] = set()
        self._session = Session(
            transport or self._own or RequestsTransport(instance_url, timeout=timeout),
            auth,
            host=host.rpartition("@")[2],
            clock=clock,
            sleep=sleep,
            rng=rng,
            patience=patience,
            on_call=on_call,
        )
        self._batches = Batches(self._session, clock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close pooled connections."""
        if self._own is not None:
            self._own.close()

    # One call, or many at a time

    def send(self, call: ApiCall) -> ApiAnswer:
        """Make one call and return its answer, or the error it ended with."""
        return self._session.answer(call)

    def batch(self, calls: Sequence[ApiCall]) -> list[ApiAnswer]:
        """Make many calls in few requests, and return their answers in the same order.

        The calls must not depend on each other: up to four batches are on their way at once. How
        many calls a batch holds adapts to what the instance manages. A call whose answer was lost
        has the error `AmbiguousWrite` unless it may be made twice, then it was.

        Raises:
            BatchRefused: the instance has no Batch API for this user; nothing was done.
            ServiceNowError: nothing can be sent at all; some of the calls may have been made.
        """
        return self._batches.run(calls)

    # Table API

    def query(
        self,
        table: str,
        query: str = "",
        fields: Sequence[str] = (),
        display: Literal["false", "all"] = "false",
    ) -> Iterator[dict[str, Any]]:
        """Read all rows of a query, in the order of ``sys_id``.

        Pages follow a key, not an offset, so that rows changed meanwhile are neither missed nor
        doubled. ACLs thin a page out after its limit was applied, so neither a short page nor an
        empty one is the end while more rows match: see `servicenow_client.paging`.

        Args:
            table: table name.
            query: encoded query without ORDERBY.
            fields: columns, dot-walks allowed; none means all. ``sys_id`` always comes along.
            display: ``all`` returns ``{"value", "display_value"}`` per column.

        Yields:
            One dict per row; references are plain sys_ids.

        Raises:
            Rejected: the instance ignored a field or the order of the query.
        """
        wanted = tuple(dict.fromkeys(("sys_id", *fields))) if fields else ()
        pages = self._pages(table, wanted, display)
        last = ""
        while page := pages(after(query, last)):
            yield from page
            newest = max(_plain(row.get("sys_id")) for row in page)
            if newest <= last:
                raise Rejected(f"Table {table} returned a page that does not follow sys_id {last}.")
            last = newest

    def changed(
        self, table: str, since: str, fields: Sequence[str] = ()
    ) -> Iterator[list[dict[str, Any]]]:
        """Read pages of the rows changed at or after a moment, in the order of their changes.

        Args:
            table: table name.
            since: ``YYYY-MM-DD HH:MM:SS`` in UTC; empty: from the beginning.
            fields: columns; none means all.

        Raises:
            Rejected: the instance ignored the order, or the user's time zone is not UTC.
        """
        wanted = tuple(dict.fromkeys(("sys_id", CHANGED, *fields))) if fields else ()
        return pages_of_changes(self._pages(table, wanted, "false"), table, since)

    def get(self, table: str, sys_id: str, fields: Sequence[str] = ()) -> dict[str, Any]:
        """Read one record.

        Raises:
            NotFound: it does not exist or an ACL hides it.
        """
        params = {"sysparm_exclude_reference_link": "true"}
        if fields:
            params["sysparm_fields"] = ",".join(fields)
        data = self._session.call("GET", record_path(table, sys_id), params=params)
        return _mapping(data["result"])

    def insert(self, table: str, values: Mapping[str, str]) -> dict[str, Any]:
        """Create one record and return it as stored: unknown columns were ignored silently.

        Raises:
            AmbiguousWrite: it may or may not exist now.
        """
        return _mapping(self.send(insert_call(table, values)).read()["result"])

    def update(self, table: str, sys_id: str, values: Mapping[str, str]) -> dict[str, Any]:
        """Change some columns of one record and return it as stored.

        A column that an ACL protects stays as it was, without an error: compare.
        """
        return _mapping(self.send(update_call(table, sys_id, values)).read()["result"])

    # dictionary

    def columns(self, tables: Iterable[str]) -> dict[str, list[Column]]:
        """Read the columns of tables, those of parent tables excluded.

        A table without readable columns has an empty list: it does not exist, or the user may
        not read ``sys_dictionary``.
        """
        found: dict[str, list[Column]] = {table: [] for table in tables}
        for piece in chunks(sorted(found)):
            rows = self.query(
                "sys_dictionary",
                all_of(one_of("name", piece), "elementISNOTEMPTY", "internal_type!=collection"),
                _DICTIONARY_FIELDS,
            )
            for table, columns in columns_by_table(rows).items():
                if table in found:
                    found[table] = columns
        return found

    def transform_maps(self, staging: str) -> list[TransformMap]:
        """Read the transform maps of a staging table with their fields, lowest order first."""
        return self.transform_maps_by_table([staging])[staging]

    def transform_maps_by_table(self, tables: Iterable[str]) -> dict[str, list[TransformMap]]:
        """Read the transform maps of several staging tables; an unreadable one has none."""
        rows: dict[str, list[dict[str, Any]]] = {table: [] for table in tables}
        for piece in chunks(sorted(rows)):
            condition = one_of("map.source_table", piece)
            for row in self.query("sys_transform_entry", condition, _ENTRY_FIELDS):
                rows.setdefault(_plain(row.get("map.source_table")), []).append(row)
        return {table: maps_of(found) for table, found in rows.items()}

    def transform_map_names(self, tables: Iterable[str]) -> dict[str, dict[str, bool]]:
        """Tell which transform maps tables have: name → active, also those without any field.

        A table without a map has none here; so has one whose maps the user may not see.

        Raises:
            Forbidden, NotFound: ``sys_transform_map`` cannot be read.
        """
        found: dict[str, dict[str, bool]] = {table: {} for table in tables}
        for piece in chunks(sorted(found)):
            condition = one_of("source_table", piece)
            for row in self.query("sys_transform_map", condition, _MAP_FIELDS):
                table = _plain(row.get("source_table"))
                if table in found:  # an invalid part of a query is ignored
                    name = _plain(row.get("name")) or _plain(row.get("sys_id"))
                    active = _plain(row.get("active")) != "false"
                    found[table][name] = active or found[table].get(name, False)
        return found

    def insert_multiple_keys(self, tables: Iterable[str]) -> dict[str, Literal["label", "name"]]:
        """Tell per table whether `insert_multiple` takes labels (the default) or column names."""
        try:
            rows = list(self.query("sys_rest_insert_multiple"))
        except (NotFound, Forbidden):
            rows = []
        return {
            table: keys_of(
                row
                for row in rows
                if any(_plain(value) == table for name, value in row.items() if "table" in name)
            )
            for table in tables
        }

    # Import Set API

    def import_row(self, staging: str, row: Mapping[str, str]) -> ImportResult:
        """Stage one row by column names; it is transformed before the answer.

        Raises:
            AmbiguousWrite: the row may or may not have been staged, or its result is hidden.
        """
        return imported(staging, self.send(import_call(staging, row)).read())

    def insert_multiple(
        self,
        staging: str,
        rows: Sequence[Mapping[str, str]],
        run_after: str | None = None,
        multi_import_set_id: str | None = None,
    ) -> ImportSet:
        """Stage many rows; they are transformed later, after the import set ``run_after``.

        Args:
            staging: staging table.
            rows: keyed by column *label* unless `insert_multiple_keys` says otherwise.
            run_after: import set that must be processed before.
            multi_import_set_id: group to add this import set to.

        Raises:
            AmbiguousWrite: the rows may or may not have been staged.
        """
        params = {}
        if run_after:
            params["run_after"] = run_after
        if multi_import_set_id:
            params["multi_import_set_id"] = multi_import_set_id
        path = f"{import_path(staging)}/insertMultiple"
        data = self._session.call(
            "POST", path, params=params, body={"records": rows}, expect="import_set_id"
        )
        import_set = _plain(data["import_set_id"])
        if not import_set:
            raise AmbiguousWrite(f"{staging} took rows and named no import set.", _CREATED)
        return ImportSet(import_set, _plain(data.get("multi_import_set_id")))

    def row_outcomes(
        self,
        staging: str,
        import_set_id: str,
        *,
        fields: Sequence[str] = (),
        key: Sequence[str] = (),
        states: Sequence[str] = (),
    ) -> list[RowOutcome]:
        """Read what became of the rows of one import set, one outcome per source row.

        Args:
            staging: staging table.
            import_set_id: sys_id of the import set.
            fields: further columns to read into ``values``.
            key: columns that identify a source row, see `merge_outcomes`.
            states: only rows in these states.
        """
        condition = equals("sys_import_set", import_set_id)
        if states:
            condition = all_of(condition, one_of("sys_import_state", states))
        return merge_outcomes(self.staged_rows(staging, condition, (*fields, *key)), key)

    def staged_rows(
        self, staging: str, query: str, fields: Sequence[str] = ()
    ) -> Iterator[RowOutcome]:
        """Read staging rows of any query, not merged."""
        wanted = tuple(dict.fromkeys((*OUTCOME_FIELDS, *fields)))
        return (row_outcome(row) for row in self.query(staging, query, wanted))

    def _pages(self, table: str, fields: Sequence[str], display: str) -> Pages:
        def read(query: str, offset: int, *, counted: bool) -> Page:
            params = {
                "sysparm_query": query,
                "sysparm_limit": str(self._page_size),
                "sysparm_exclude_reference_link": "true",
                "sysparm_suppress_pagination_header": "true",
            }
            if not counted:
                params["sysparm_no_count"] = "true"
            if offset:
                params["sysparm_offset"] = str(offset)
            if display != "false":
                params["sysparm_display_value"] = display
            if fields:
                params["sysparm_fields"] = ",".join(fields)
            answer = self._session.exchange(ApiCall("GET", table_path(table), params))
            rows = answer.body.data["result"]
            if not isinstance(rows, list):
                raise Rejected(
                    f"Table {table} returned a single record where a list was asked for."
                )
            return Page([row for row in rows if isinstance(row, dict)], total_of(answer.headers))

        return Pages(read, self._page_size, lambda: self._tell_hidden(table))

    def hides(self, table: str) -> bool:
        """Whether a read of this client met rows of a table that the user does not see."""
        return table in self._hiding

    def _tell_hidden(self, table: str) -> None:
        """Say once of a table that the user does not see all of it."""
        if table in self._hiding:
            return
        self._hiding.add(table)
        _logger.warning(
            "ServiceNow hides rows of %s from the integration user (an ACL), so they count as not "
            "there. Let the user read them, if they are meant to be seen.",
            table,
        )


def _plain(value: object) -> str:
    if isinstance(value, dict):
        value = value.get("value", "")
    return "" if value is None else str(value)


def _mapping(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Rejected("ServiceNow returned a list where one record was asked for.")
    return value
