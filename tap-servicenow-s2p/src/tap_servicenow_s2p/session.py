"""One run's connection to ServiceNow, and what it learns on the way."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import datetime, timezone
from functools import cached_property
from typing import TYPE_CHECKING, Any

from s2p_servicenow import connected
from s2p_singer import run_id
from s2p_store import Store
from servicenow_client import Forbidden, NotFound, Rejected, equals

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from logging import Logger

    from servicenow_client import Call, ServiceNowError

__all__ = ["Session"]

_SYSTEM = "servicenow"
_MAPPING = "sn_fin_erp_source_mapping"


class Session:
    """Reads tables, counts, and remembers what a person has to see to.

    Raises:
        SettingsError, StoreError: a setting cannot work.
    """

    def __init__(self, config: Mapping[str, Any], plugin: str, logger: Logger) -> None:
        """Open the store; ServiceNow is called with the first page."""
        self.problems: list[str] = []
        self._plugin = plugin
        self._logger = logger
        self._calls = 0
        self._counts: dict[str, int] = {}
        self._run_id = run_id()
        self._resources = ExitStack()
        store_url, key = str(config["store_url"]), config.get("store_key")
        self._store = self._resources.enter_context(Store.open(store_url, key))
        self._client = self._resources.enter_context(
            connected(config, self._store, on_call=self._called)
        )
        self._store.runs.start(self._run_id, plugin)

    @property
    def moment(self) -> datetime:
        """The present, aware, in UTC."""
        return datetime.now(timezone.utc)

    @property
    def now(self) -> str:
        """The same as RFC 3339."""
        return self.moment.isoformat().replace("+00:00", "Z")

    @cached_property
    def erp_sources(self) -> Mapping[str, str]:
        """Names of the ERP sources by sys_id; none where the user may not read them."""
        try:
            rows = list(self._client.query("sn_fin_erp_source", fields=("name",)))
        except (Forbidden, NotFound, Rejected) as error:
            self._logger.warning(
                "ERP sources cannot be read, so erp_source is their sys_id: %s", error
            )
            return {}
        return {str(row.get("sys_id")): str(row.get("name") or row.get("sys_id")) for row in rows}

    def mapped_sources(self, table: str) -> Mapping[str, str]:
        """ERP source (sys_id) by record, where a table of its own tells it; only single ones.

        Newer releases moved the column *ERP source* of global tables there.
        """
        condition = equals("table", table)
        found: dict[str, set[str]] = {}
        try:
            for row in self._client.query(_MAPPING, condition, ("document", "erp_source")):
                found.setdefault(str(row.get("document")), set()).add(str(row.get("erp_source")))
        except (Forbidden, NotFound, Rejected) as error:
            self._logger.warning("The ERP sources of %s cannot be read: %s", table, error)
        return {document: min(sources) for document, sources in found.items() if len(sources) == 1}

    def changed(
        self, table: str, since: str, fields: Sequence[str]
    ) -> Iterator[list[dict[str, Any]]]:
        """Read pages of what changed, see `ServiceNowClient.changed`."""
        return self._client.changed(table, since, fields)

    def hides(self, table: str) -> bool:
        """Whether rows of a table are there that the user does not see."""
        return self._client.hides(table)

    def note_missing(
        self, table: str, wanted: Iterable[str], rows: Sequence[Mapping[str, Any]]
    ) -> frozenset[str]:
        """Say which columns ServiceNow left out without a word: it has none, or shows none."""
        missing = set(wanted) - {name for row in rows for name in row}
        if missing:
            self._logger.info("%s shows no %s: null.", table, ", ".join(sorted(missing)))
        return frozenset(missing)

    def count(self, stream: str, records: int) -> None:
        """Count records that went out."""
        self._counts[stream] = self._counts.get(stream, 0) + records

    def fail(self, problem: str) -> None:
        """Remember what a person has to see to; the run goes on and ends with exit code 1."""
        self._logger.error("%s", problem)
        self.problems.append(problem)

    def leave_out(self, table: str, error: ServiceNowError) -> None:
        """Say that the instance has no such staging table, or does not show it."""
        self._logger.info("Outcomes of %s are left out: %s", table, error)

    def close(self, *, ok: bool) -> None:
        """Write down the run's figures and give everything back."""
        for stream, records in self._counts.items():
            self._store.runs.count(self._run_id, self._plugin, stream, read=records)
        if self._calls:
            self._store.runs.calls(self._run_id, _SYSTEM, self._calls)
        self._store.runs.finish(self._run_id, self._plugin, ok)
        self._resources.close()

    def _called(self, _call: Call) -> None:
        self._calls += 1
