"""The instance: authenticates a call, lets it through the limits, hands it to its API."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from s2p_sandbox.database import Database
from s2p_sandbox.servicenow import batch_api, import_api, jobs, table_api
from s2p_sandbox.servicenow.access import User
from s2p_sandbox.servicenow.calls import Reply
from s2p_sandbox.servicenow.catalog import catalog_for, physical_tables
from s2p_sandbox.servicenow.context import Context
from s2p_sandbox.servicenow.dates import stamp_text
from s2p_sandbox.servicenow.errors import Refusal, envelope
from s2p_sandbox.servicenow.gate import Gate
from s2p_sandbox.servicenow.import_sets import SYSTEM
from s2p_sandbox.servicenow.limits import RateRules
from s2p_sandbox.servicenow.loading import load_rows
from s2p_sandbox.servicenow.maps import maps_for
from s2p_sandbox.servicenow.oauth import OAuth
from s2p_sandbox.servicenow.shipped import made_columns, write_shipped
from s2p_sandbox.servicenow.storage import Stamp, schema
from s2p_sandbox.servicenow.worker import Worker

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from s2p_sandbox.clock import Clock
    from s2p_sandbox.servicenow.access import Access
    from s2p_sandbox.servicenow.calls import Call
    from s2p_sandbox.servicenow.catalog import Catalog, Made
    from s2p_sandbox.servicenow.maps import TransformMap
    from s2p_sandbox.servicenow.switches import Switches
    from s2p_sandbox.switches import SwitchBoard

__all__ = ["Instance"]

_TABLE = re.compile(r"/api/now(?:/(v1|v2))?/table/([^/]+)(?:/([^/]+))?/?")
_IMPORT = re.compile(r"/api/now(?:/v1|/v2)?/import/([^/]+)(?:/([^/]+))?/?")
_BATCH = re.compile(r"/api/now(?:/v1)?/batch/?")
_HOUSEKEEPING_SECONDS = 60


class Instance:
    """One ServiceNow instance over one database.

    Args:
        data_dir: where ``servicenow.db`` is kept.
        clock: the sandbox's time.
        access: its client and users.
        switches: its configuration.
        seeds: yields ``(table, row)`` for an empty database; None leaves it empty.
    """

    def __init__(
        self,
        data_dir: Path,
        clock: Clock,
        access: Access,
        switches: SwitchBoard[Switches],
        seeds: Callable[[], Iterable[tuple[str, Mapping[str, Any]]]] | None,
    ) -> None:
        self.database = Database(data_dir / "servicenow.db", schema())
        self.rates = RateRules()
        self._clock = clock
        self._access = access
        self._switches = switches
        self._seeds = seeds
        self._maps: Mapping[str, tuple[TransformMap, ...]] = {}
        self._shipped: object = None
        self._guard = threading.Lock()
        self._kept_at: float | None = None
        self._made: Made = ()
        self._worker = Worker(self._transform_set)
        self._open()

    def handle(self, call: Call) -> Reply:
        """Answer one call; every refusal becomes its documented body."""
        self._prepare()
        try:
            reply = self._dispatch(call)
        except Refusal as refusal:
            reply = Reply(refusal.status, refusal.body, refusal.headers)
        reply.headers.setdefault("Server", "snow_adc")
        reply.headers.setdefault("X-Transaction-ID", uuid4().hex[:12])
        return reply

    def load(
        self, rows: Iterable[tuple[str, Mapping[str, Any]]], key: Sequence[str] = ()
    ) -> list[str]:
        """Write rows past ACLs and transforms; see :func:`load_rows`."""
        self._prepare()  # what a switch changes is written anew, and would take them away again
        stamp = Stamp(SYSTEM, stamp_text(self._clock.now()))
        with self.database.transaction() as connection:
            return load_rows(connection, self._catalog(self._switches.now), rows, stamp, key)

    def rows(self) -> dict[str, int]:
        """Table → number of records, the empty ones left out."""
        counted = {}
        with self.database.read() as connection:
            for table in physical_tables():
                (count,) = connection.execute(f'SELECT COUNT(*) FROM "{table}"').fetchone()  # noqa: S608
                if count:
                    counted[table] = count
        return counted

    def reset(self) -> None:
        """Back to the seeds."""
        self._worker.clear()
        self.rates.clear()
        with self.database.transaction() as connection:
            for table in (*physical_tables(), "_tokens", "_counters"):
                connection.execute(f'DELETE FROM "{table}"')  # noqa: S608
        self._shipped = None
        self._open()

    def settle(self, timeout: float) -> bool:
        """Wait for the background transforms; False when some still wait after those seconds."""
        return self._worker.settled(timeout)

    def run_job(self, name: str) -> Mapping[str, Any]:
        """Run a scheduled job now.

        Raises:
            ValueError: the instance has no job of that name.
        """
        self._prepare()
        with self.database.transaction() as connection:
            return jobs.run(name, self._context(connection, User(SYSTEM, frozenset()), []))

    def _read_made(self) -> None:
        """Take note of the columns that were added through the dictionary."""
        with self.database.read() as connection:
            self._made = made_columns(connection)

    def _open(self) -> None:
        self._read_made()
        self._prepare()
        with self.database.transaction() as connection:
            empty = connection.execute('SELECT 1 FROM "sn_fin_erp_source"').fetchone() is None
            if empty and self._seeds is not None:
                stamp = Stamp(SYSTEM, stamp_text(self._clock.now()))
                load_rows(connection, self._catalog(self._switches.now), self._seeds(), stamp)
            waiting = connection.execute(
                """SELECT sys_id FROM "sys_import_set" WHERE state = 'loaded'
                   AND creation_source = 'insertMultiple'"""
            ).fetchall()
        for row in waiting:
            self._worker.add(row["sys_id"], 0.0)

    def _prepare(self) -> None:
        """Write dictionary and transform maps anew when a switch changed them."""
        switches = self._switches.now
        catalog = self._catalog(switches)
        maps_by = switches.second_map_on, switches.coalesce_off_on, switches.copy_empty_on
        shown = (id(catalog), *maps_by)
        with self._guard:
            if self._shipped == shown:
                return
            maps = maps_for(catalog, *maps_by)
            with self.database.transaction() as connection:
                write_shipped(connection, catalog, maps, self._access)
            self._maps = maps
            self._shipped = shown

    def _catalog(self, switches: Switches) -> Catalog:
        return catalog_for(switches, self._made)

    def _dispatch(self, call: Call) -> Reply:
        if call.path == "/oauth_token.do" and call.method == "POST":
            return self._oauth(call, OAuth.token)
        if call.path == "/oauth_auth.do" and call.method in {"GET", "POST"}:
            return self._oauth(call, OAuth.authorise)
        switches, now = self._switches.now, self._clock.now()
        with self.database.read() as connection:
            gate = Gate(connection, self._access, switches, self.rates, now)
            user = gate.user(call)
            headers = gate.admit(call, user)
        if _BATCH.fullmatch(call.path) and call.method == "POST":
            reply = batch_api.handle(call, self.handle)
        else:
            reply = self._serve(call, user)
        reply.headers.update({**headers, "X-Is-Logged-In": "true"})
        return reply

    def _serve(self, call: Call, user: User) -> Reply:
        scheduled: list[tuple[str, float]] = []
        reading = call.method in {"GET", "HEAD"}
        self._keep_house()
        manager = self.database.read() if reading else self.database.transaction()
        with manager as connection:
            context = self._context(connection, user, scheduled)
            table = _TABLE.fullmatch(call.path)
            staging = _IMPORT.fullmatch(call.path)
            if table:
                reply = table_api.handle(context, call, table[1] or "", table[2], table[3] or "")
            elif staging:
                reply = import_api.handle(context, call, staging[1], staging[2] or "")
            else:
                raise Refusal.no_resource()
        if table and table[2] == "sys_dictionary" and not reading:
            self._read_made()
        for import_set, delay in scheduled:  # only now is the set committed
            self._worker.add(import_set, delay)
        if call.struck_by("403_after_commit"):
            return Reply(403, envelope("User Not Authorized", "Failed API level ACL Validation"))
        return reply

    def _context(
        self, connection: sqlite3.Connection, user: User, scheduled: list[tuple[str, float]]
    ) -> Context:
        switches = self._switches.now
        return Context(
            connection,
            self._catalog(switches),
            self._maps,
            switches,
            user,
            self._clock.now(),
            lambda import_set, delay: scheduled.append((import_set, delay)),
        )

    def _oauth(self, call: Call, answer: Callable[[OAuth, Call], Reply]) -> Reply:
        with self.database.transaction() as connection:
            oauth = OAuth(connection, self._access, self._switches.now, self._clock.now())
            return answer(oauth, call)

    def _keep_house(self) -> None:
        now = self._clock.now().timestamp()
        if self._kept_at is not None and 0 <= now - self._kept_at < _HOUSEKEEPING_SECONDS:
            return
        self._kept_at = now
        with self.database.transaction() as connection:
            self._context(connection, User(SYSTEM, frozenset()), []).sets.housekeeping()

    def _transform_set(self, import_set: str) -> bool:
        """Transform a set in the background; False while it must wait for the one before it."""
        while True:
            self._prepare()
            with self.database.transaction() as connection:
                context = self._context(connection, User(SYSTEM, frozenset()), [])
                found = connection.execute(
                    'SELECT * FROM "sys_import_set" WHERE sys_id = ?', (import_set,)
                ).fetchone()
                if found is None or found["state"] != "loaded":
                    return True
                if found["run_after"] and not _finished(connection, found["run_after"]):
                    return False
                sets, table = context.sets, found["table_name"]
                rows = sets.pending(table, import_set, context.switches.transform_chunk)
                if rows:
                    sets.transform(table, import_set, rows)
                if len(rows) < context.switches.transform_chunk:
                    sets.process(import_set)
                    return True


def _finished(connection: sqlite3.Connection, import_set: str) -> bool:
    found = connection.execute(
        'SELECT state FROM "sys_import_set" WHERE sys_id = ?', (import_set,)
    ).fetchone()
    return found is None or found["state"] in {"processed", "cancelled"}
