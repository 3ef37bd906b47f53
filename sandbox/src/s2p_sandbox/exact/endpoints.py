"""What an endpoint answers to a call that may be made: rows, one row, a count, a write."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import msgspec

from s2p_sandbox.exact.atom import atom
from s2p_sandbox.exact.directory import DIVISION_RESOURCES, division_values, me
from s2p_sandbox.exact.errors import NotFoundError, error_body
from s2p_sandbox.exact.message import Answer
from s2p_sandbox.exact.model import entities
from s2p_sandbox.exact.query import Query, read_query
from s2p_sandbox.exact.reading import Page, Reader, envelope
from s2p_sandbox.exact.sync_timestamp import sync_timestamp
from s2p_sandbox.exact.webhooks import SUBSCRIPTIONS
from s2p_sandbox.exact.writing import Writer, parse_body, sparse

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from s2p_sandbox.exact.message import Request
    from s2p_sandbox.exact.model import Entity
    from s2p_sandbox.exact.rows import RowStore
    from s2p_sandbox.exact.switches import Switches
    from s2p_sandbox.exact.tokens import Registration, Session
    from s2p_sandbox.exact.webhooks import Webhooks

__all__ = ["JSON_TYPE", "Call", "Endpoints"]

JSON_TYPE = "application/json; charset=utf-8"
_ATOM_TYPE = "application/atom+xml; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Call:
    """One authenticated and permitted call on one endpoint."""

    request: Request
    session: Session
    division: int
    entity: Entity
    key: str | None
    rest: str | None
    switches: Switches
    now: datetime


@dataclass(frozen=True, slots=True)
class Endpoints:
    """All endpoints over a store of rows; ``regions`` gives the region of each division."""

    store: RowStore
    registration: Registration
    regions: Callable[[], dict[int, str]]
    webhooks: Webhooks

    def reply(self, call: Call) -> Answer:
        """The answer to a call; whether it may be made has been looked at.

        Raises:
            RefusalError: the call asks for what is not there or not possible.
        """
        if call.entity.name == "current/Me":
            return self._listed(call, [self._me(call)])
        if call.request.method not in call.entity.methods:
            return Answer(405, b"", {"Allow": ", ".join(call.entity.methods)})
        if call.entity.name in DIVISION_RESOURCES:
            return self._division_reply(call)
        return self._read(call) if call.request.method == "GET" else self._write(call)

    def sync_timestamp(self, request: Request, division: int, switches: Switches) -> Answer:
        """The function ``read/sync/Sync/SyncTimestamp``."""
        reader = Reader(self.store, division, request.root, switches)
        return _json(sync_timestamp(reader, dict(request.query)))

    def _divisions(self, call: Call) -> list[dict[str, Any]]:
        regions = self.regions()
        wanted = call.request.region
        if call.entity.name in {"hrm/Divisions", "system/AllDivisions"}:
            wanted = wanted or regions.get(call.division)
        return [
            row.values
            for row in self.store.all_of("system/Divisions")
            if row.division in call.session.divisions
            and (wanted is None or regions.get(row.division) == wanted)
        ]

    def _me(self, call: Call) -> dict[str, Any]:
        known = self.store.all_of("current/Me")
        stored = dict(known[0].values) if known else {}
        divisions = self._divisions(call)
        if stored.get("CurrentDivision") not in {row["Code"] for row in divisions}:
            stored.pop("CurrentDivision", None)
        return {**me(self.registration, divisions, call.now), **stored}

    def _division_reply(self, call: Call) -> Answer:
        if call.request.method != "GET":
            return Answer(405, b"", {"Allow": "GET"})
        rows = self._divisions(call)
        current = rows[0]["Code"] if rows else 0
        shown = [division_values(call.entity.name, row, current) for row in rows]
        if call.key is not None:
            shown = [row for row in shown if str(row["Code"]) == call.key]
            if not shown:
                raise NotFoundError
        return self._listed(call, shown, single=call.key is not None)

    def _listed(self, call: Call, rows: list[dict[str, Any]], *, single: bool = False) -> Answer:
        query = read_query(call.request.query, call.entity, call.switches)
        reader = Reader(self.store, call.division, call.request.root, call.switches)
        page = reader.held_page(call.entity, query, rows)
        if single:
            return _rendered(call, msgspec.json.encode({"d": page.rows[0]}), page.rows)
        return _rendered(call, envelope(page, call.entity, query.top), page.rows)

    def _read(self, call: Call) -> Answer:
        reader = Reader(self.store, call.division, call.request.root, call.switches)
        entity, parent = call.entity, None
        if call.key is not None and call.rest is None:
            relaxed = replace(call.switches, filter_required=False)
            query = read_query(call.request.query, entity, relaxed)
            row = reader.single(entity, query, call.key)
            return _rendered(call, msgspec.json.encode({"d": row}), [row])
        if call.key is not None:
            lines = entity.lines.get(call.rest or "")
            if lines is None:
                raise NotFoundError
            entity, parent = entities()[lines.resource], call.key
        elif call.rest not in {None, "$count"}:
            raise NotFoundError
        query = read_query(call.request.query, entity, call.switches)
        if call.rest == "$count":
            count = str(reader.count(entity, query)).encode()
            return Answer(200, count, {"Content-Type": "text/plain"})
        page = self._page(call, reader, entity, query, parent)
        if page.count is not None and call.switches.inlinecount_as_text:
            page = replace(page, count=str(page.count))
        return _rendered(call, envelope(page, entity, query.top), page.rows)

    @staticmethod
    def _page(call: Call, reader: Reader, entity: Entity, query: Query, parent: str | None) -> Page:
        size = None
        fault = call.request.fault
        if fault is not None and fault.kind == "short_page":
            size = int(fault.params.get("rows", 7))
        page = reader.page(entity, query, size=size, parent=parent)
        if fault is not None and fault.kind == "repeat_row" and page.rows:
            # A record that changes while a sync is read can come twice.
            page = replace(page, rows=[*page.rows, page.rows[0]])
        if fault is not None and fault.kind == "late_row":
            # Its transaction commits after a later rowversion was read.
            page = replace(page, rows=page.rows[1:])
        return page

    def _write(self, call: Call) -> Answer:
        writer = Writer(self.store, call.division, call.switches)
        method, entity, key = call.request.method, call.entity, call.key
        if (method == "POST") != (key is None) or call.rest is not None:
            return Answer(405, b"", {"Allow": "GET"})
        values = {} if method == "DELETE" else parse_body(call.request.body)
        if entity.name == SUBSCRIPTIONS and method != "DELETE":
            self.webhooks.check(call.division, self._subscription(call, values), key)
            values = {**values, **self.webhooks.owned(call.division)}
        if key is None:
            return self._created(call, writer.create(entity, values))
        if method == "PUT":
            writer.update(entity, key, values)
        else:
            writer.remove(entity, key, call.session.user)
        return Answer(204)

    def _subscription(self, call: Call, values: dict[str, Any]) -> dict[str, Any]:
        """A webhook subscription as it will stand."""
        row = self.store.get(SUBSCRIPTIONS, call.division, call.key) if call.key else None
        return {**(row.values if row else {}), **values}

    def _created(self, call: Call, key: str) -> Answer:
        reader = Reader(self.store, call.division, call.request.root, call.switches)
        row = reader.single(call.entity, Query(), key)
        whole = "return=representation" in call.request.headers.get("prefer", "")
        if not whole and call.entity.name != "purchaseentry/PurchaseEntries":
            row = sparse(call.entity, row)
        headers = {"Content-Type": JSON_TYPE, "Location": row["__metadata"]["uri"]}
        return Answer(call.switches.post_status, msgspec.json.encode({"d": row}), headers)


def _rendered(call: Call, body: bytes, rows: list[dict[str, Any]]) -> Answer:
    """JSON when it is asked for; Atom is what comes without, ``application/xml`` is refused."""
    accept = call.request.headers.get("accept", "*/*").lower()
    if "application/json" in accept:
        return _json(body)
    if "application/atom+xml" in accept or "*/*" in accept:
        title = call.entity.name.rpartition("/")[2]
        return Answer(200, atom(title, rows, call.now), {"Content-Type": _ATOM_TYPE})
    return Answer(415, error_body("Unsupported media type requested."), {"Content-Type": JSON_TYPE})


def _json(body: bytes) -> Answer:
    return Answer(200, body, {"Content-Type": JSON_TYPE})
