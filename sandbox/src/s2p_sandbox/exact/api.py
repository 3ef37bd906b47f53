"""Everything below ``/api/v1/``: who asks, how often, and may they; then the endpoint answers."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import unquote

from s2p_sandbox.exact.directory import DIVISION_RESOURCES
from s2p_sandbox.exact.endpoints import JSON_TYPE, Call
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
from s2p_sandbox.exact.sync_timestamp import SYNC_TIMESTAMP

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from s2p_sandbox.exact.endpoints import Endpoints
    from s2p_sandbox.exact.limits import CallLimits, ErrorVelocity, Usage
    from s2p_sandbox.exact.message import Request
    from s2p_sandbox.exact.model import Entity
    from s2p_sandbox.exact.switches import Switches
    from s2p_sandbox.exact.tokens import Session, TokenDesk

__all__ = ["Api"]

_MAX_URL = 6000
_ME = "/api/v1/current/Me"
_ADDRESS = re.compile(
    r"(?P<name>(?:bulk/|sync/)?[A-Za-z]+(?:/[A-Za-z]+)?)"
    r"(?:\((?P<key>[^()]*)\))?(?:/(?P<rest>[A-Za-z]+|\$count))?"
)
_DIVISION = re.compile(r"[0-9]{1,9}")
_KEY = re.compile(r"(?:guid'(?P<guid>[0-9a-fA-F-]{36})'|(?P<number>[0-9]{1,18})L?)")
_MODULES = {
    ORDERS_FEED: "purchase_order_sync",
    "purchase/PurchaseInvoices": "purchase_module",
    "purchase/PurchaseInvoiceLines": "purchase_module",
}


@dataclass(frozen=True, slots=True)
class Api:
    """The REST API in front of its endpoints.

    ``regions`` gives the region of each division; ``switches`` the switches as they stand.
    """

    endpoints: Endpoints
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
                return Answer(switches.error_block_status, body, {"Content-Type": JSON_TYPE})
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
                {"Content-Type": JSON_TYPE, **refusal.headers},
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
        if len(request.path) + len(request.query_string) > _MAX_URL:
            raise BadRequestError
        switches = self.switches()
        if division is None:
            if request.path != _ME:
                raise NotFoundError
            me = entities()["current/Me"]
            return self.endpoints.reply(Call(request, session, 0, me, None, None, switches, now))
        if place == SYNC_TIMESTAMP:
            self._permit(session, division, request, switches)
            return self.endpoints.sync_timestamp(request, division, switches)
        call = self._call(request, session, division, place, now)
        if call.entity.name not in DIVISION_RESOURCES:
            self._permit(session, division, request, switches)
        _licensed(call.entity, switches)
        return self.endpoints.reply(call)

    def _call(
        self, request: Request, session: Session, division: int, place: str, now: datetime
    ) -> Call:
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
        return Call(request, session, division, entity, key, found["rest"], switches, now)

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


def _divided(path: str) -> tuple[int | None, str]:
    """The division and what follows it; no division for paths such as ``current/Me``."""
    place = path.removeprefix("/api/v1/")
    head, _, rest = place.partition("/")
    if head == "beta":
        head, _, rest = rest.partition("/")
    return (int(head), rest) if _DIVISION.fullmatch(head) else (None, place)


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
