"""Everything below ``/api/v1/``: who asks, may they, how often, and then the rows."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import msgspec

from s2p_sandbox.exact.atom import atom
from s2p_sandbox.exact.directory import DIVISION_RESOURCES, division_values, me
from s2p_sandbox.exact.errors import (
    BadRequestError,
    ForbiddenError,
    NotFoundError,
    RefusalError,
    ServerFaultError,
    UnauthorizedError,
    error_body,
)
from s2p_sandbox.exact.limits import COUNTED_STATUSES
from s2p_sandbox.exact.message import Answer
from s2p_sandbox.exact.model import ORDERS_FEED, entities
from s2p_sandbox.exact.query import Query, read_query
from s2p_sandbox.exact.reading import Page, Reader, envelope
from s2p_sandbox.exact.sync_timestamp import SYNC_TIMESTAMP, sync_timestamp
from s2p_sandbox.exact.writing import Writer, parse_body, sparse

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from s2p_sandbox.exact.limits import CallLimits, ErrorVelocity, Usage
    from s2p_sandbox.exact.message import Request
    from s2p_sandbox.exact.model import Entity
    from s2p_sandbox.exact.rows import RowStore
    from s2p_sandbox.exact.switches import Switches
    from s2p_sandbox.exact.tokens import Session, TokenDesk

__all__ = ["Api"]

MAX_URL = 6000
_JSON = "application/json; charset=utf-8"
_ATOM = "application/atom+xml; charset=utf-8"
_ME = "/api/v1/current/Me"
_ADDRESS = re.compile(
    r"(?P<name>(?:bulk/|sync/)?[A-Za-z]+(?:/[A-Za-z]+)?)"
    r"(?:\((?P<key>[^()]*)\))?(?:/(?P<rest>[A-Za-z]+|\$count))?"
)
_KEY = re.compile(r"(?:guid'(?P<guid>[0-9a-fA-F-]{36})'|(?P<number>\d+)L?)")
_MODULES = {
    ORDERS_FEED: "purchase_order_sync",
    "purchase/PurchaseInvoices": "purchase_module",
    "purchase/PurchaseInvoiceLines": "purchase_module",
}


@dataclass(frozen=True, slots=True)
class _Call:
    """One authenticated call on one endpoint."""

    request: Request
    session: Session
    division: int
    entity: Entity
    key: str | None
    rest: str | None
    switches: Switches
    now: datetime


@dataclass(frozen=True, slots=True)
class Api:
    """The REST API over a store of rows.

    ``regions`` gives the region of each division; ``switches`` the switches as they stand.
    """

    store: RowStore
    desk: TokenDesk
    limits: CallLimits
    velocity: ErrorVelocity
    regions: Callable[[], dict[int, str]]
    switches: Callable[[], Switches]

    def answer(self, request: Request, now: datetime) -> Answer:
        """The reply to any request below ``/api/v1/``; errors included, nothing is raised."""
        headers: dict[str, str] = {}
        who: tuple[str, ...] | None = None
        switches = self.switches()
        try:
            division, place = _divided(request.path)
            session, expired = self._session(request, now)
            who = (session.client, session.user, str(division), _endpoint(place))
            if expired:
                raise UnauthorizedError("access token expired")
            if request.struck_by("error_block") or self.velocity.blocked(who, now):
                body = error_body("API rate limit exceeded")
                return Answer(switches.error_block_status, body, {"Content-Type": _JSON})
            if division is not None:
                usage = self._counted(request, session, division, now)
                headers = usage.headers()
                if usage.refused:
                    return Answer(429, b"", headers)
            if request.struck_by("server_error"):
                raise ServerFaultError(
                    "A problem has occurred. The cause of this issue will be investigated "
                    "as soon as possible."
                )
            answer = self._reply(request, session, division, place, now)
        except RefusalError as refusal:
            answer = Answer(
                refusal.status,
                error_body(refusal.text),
                {"Content-Type": _JSON, **refusal.headers},
            )
        if who is not None and answer.status in COUNTED_STATUSES:
            self.velocity.count(who, now, switches.error_limit)
        return replace(answer, headers={**answer.headers, **headers})

    def _session(self, request: Request, now: datetime) -> tuple[Session, bool]:
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not bearer:
            raise UnauthorizedError("no access token")
        session, expired = self.desk.session(bearer.strip(), now)
        if session is None:
            raise UnauthorizedError("invalid access token")
        return session, expired or request.struck_by("token_expired")

    def _counted(self, request: Request, session: Session, division: int, now: datetime) -> Usage:
        usage = self.limits.take(session.client, division, now, self.switches())
        if request.struck_by("429_minute"):
            return replace(usage, minute_used=usage.minute_limit, refused="minute")
        if request.struck_by("429_day"):
            return replace(usage, day_used=usage.day_limit, refused="day")
        return usage

    def _reply(
        self, request: Request, session: Session, division: int | None, place: str, now: datetime
    ) -> Answer:
        if len(request.path) + len(request.query_string) > MAX_URL:
            raise BadRequestError
        switches = self.switches()
        if division is None:
            if request.path != _ME:
                raise NotFoundError
            call = _Call(request, session, 0, entities()["current/Me"], None, None, switches, now)
            return self._listed(call, [self._me(call)])
        if place == SYNC_TIMESTAMP:
            self._permit(session, division, request, switches)
            reader = Reader(self.store, division, request.root, switches)
            return _json(sync_timestamp(reader, dict(request.query)))
        call = self._call(request, session, division, place, now)
        if call.entity.name in DIVISION_RESOURCES:
            return self._division_reply(call)
        self._permit(session, division, request, switches)
        _licensed(call.entity, switches)
        if request.method not in call.entity.methods:
            return Answer(405, b"", {"Allow": ", ".join(call.entity.methods)})
        if request.method == "GET":
            return self._read(call)
        return self._write(call)

    def _call(
        self, request: Request, session: Session, division: int, place: str, now: datetime
    ) -> _Call:
        found = _ADDRESS.fullmatch(place)
        entity = entities().get(found["name"]) if found else None
        if found is None or entity is None or entity.name == "current/Me":
            raise NotFoundError(f"Resource not found for the segment '{place}'.")
        key = None if found["key"] is None else _key(found["key"])
        switches = self.switches()
        if entity.scope in switches.denied_scopes:
            verb = "read" if request.method == "GET" else "manage"
            raise ForbiddenError(
                f"Forbidden - Application Scope Violated. Cannot {verb} '{entity.scope}' scope."
            )
        return _Call(request, session, division, entity, key, found["rest"], switches, now)

    def _permit(
        self, session: Session, division: int, request: Request, switches: Switches
    ) -> None:
        region = self.regions().get(division)
        elsewhere = request.region is not None and region != request.region
        reason = "NoDivisionAccess"
        if division in switches.denied_divisions:
            reason = switches.division_reason
        elif region is not None and not elsewhere and division in session.divisions:
            return
        raise ForbiddenError("Forbidden", {"Reason": reason})

    def _divisions(self, call: _Call) -> list[dict[str, Any]]:
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

    def _me(self, call: _Call) -> dict[str, Any]:
        known = self.store.all_of("current/Me")
        stored = dict(known[0].values) if known else {}
        divisions = self._divisions(call)
        if stored.get("CurrentDivision") not in {row["Code"] for row in divisions}:
            stored.pop("CurrentDivision", None)
        return {**me(self.desk.registration, divisions, call.now), **stored}

    def _division_reply(self, call: _Call) -> Answer:
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

    def _listed(self, call: _Call, rows: list[dict[str, Any]], *, single: bool = False) -> Answer:
        query = read_query(call.request.query, call.entity, call.switches)
        reader = Reader(self.store, call.division, call.request.root, call.switches)
        page = reader.held_page(call.entity, query, rows)
        if single:
            return _rendered(call, msgspec.json.encode({"d": page.rows[0]}), page.rows)
        return _rendered(call, envelope(page, call.entity, query.top), page.rows)

    def _read(self, call: _Call) -> Answer:
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
    def _page(
        call: _Call, reader: Reader, entity: Entity, query: Query, parent: str | None
    ) -> Page:
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

    def _write(self, call: _Call) -> Answer:
        writer = Writer(self.store, call.division, call.switches)
        method, entity, key = call.request.method, call.entity, call.key
        if (method == "POST") != (key is None) or call.rest is not None:
            return Answer(405, b"", {"Allow": "GET"})
        if key is None:
            return self._created(call, writer.create(entity, parse_body(call.request.body)))
        if method == "PUT":
            writer.update(entity, key, parse_body(call.request.body))
        else:
            writer.remove(entity, key, call.session.user)
        return Answer(204)

    def _created(self, call: _Call, key: str) -> Answer:
        reader = Reader(self.store, call.division, call.request.root, call.switches)
        row = reader.single(call.entity, Query(), key)
        whole = "return=representation" in call.request.headers.get("prefer", "")
        if not whole and call.entity.name != "purchaseentry/PurchaseEntries":
            row = sparse(call.entity, row)
        headers = {"Content-Type": _JSON, "Location": row["__metadata"]["uri"]}
        return Answer(call.switches.post_status, msgspec.json.encode({"d": row}), headers)


def _divided(path: str) -> tuple[int | None, str]:
    """The division and what follows it; no division for paths such as ``current/Me``."""
    place = path.removeprefix("/api/v1/")
    head, _, rest = place.partition("/")
    if head == "beta":
        head, _, rest = rest.partition("/")
    return (int(head), rest) if head.isdigit() else (None, place)


def _endpoint(place: str) -> str:
    return place.partition("(")[0]


def _key(text: str) -> str:
    found = _KEY.fullmatch(unquote(text))
    if found is None:
        raise BadRequestError
    return found["guid"].lower() if found["guid"] else found["number"]


def _licensed(entity: Entity, switches: Switches) -> None:
    switch = _MODULES.get(entity.name)
    if switch is not None and not getattr(switches, switch):
        raise ForbiddenError("Forbidden")


def _rendered(call: _Call, body: bytes, rows: list[dict[str, Any]]) -> Answer:
    """JSON when it is asked for; Atom is what comes without, ``application/xml`` is refused."""
    accept = call.request.headers.get("accept", "*/*").lower()
    if "application/json" in accept:
        return _json(body)
    if "application/atom+xml" in accept or "*/*" in accept:
        title = call.entity.name.rpartition("/")[2]
        return Answer(200, atom(title, rows, call.now), {"Content-Type": _ATOM})
    return Answer(415, error_body("Unsupported media type requested."), {"Content-Type": _JSON})


def _json(body: bytes) -> Answer:
    return Answer(200, body, {"Content-Type": _JSON})
