"""The instance as an ASGI application, with sessions, faults and the control plane around it."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from s2p_sandbox.control import Control, with_control
from s2p_sandbox.faults import FAULT_KEY, FaultBook, FaultMiddleware
from s2p_sandbox.servicenow.access import ADMIN, Access
from s2p_sandbox.servicenow.calls import Call, Reply, parameters
from s2p_sandbox.servicenow.errors import Refusal, envelope
from s2p_sandbox.servicenow.instance import Instance
from s2p_sandbox.servicenow.limits import rate_refusal
from s2p_sandbox.servicenow.loading import LoadError
from s2p_sandbox.servicenow.switches import Switches
from s2p_sandbox.switches import SwitchBoard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from starlette.types import ASGIApp, Receive, Scope, Send

    from s2p_sandbox.clock import Clock
    from s2p_sandbox.faults import Fault

__all__ = ["FAULT_KINDS", "TEST_ACCESS", "app"]

FAULT_KINDS = (
    "202",
    "200_partial",
    "201_empty",
    "403_after_commit",
    "429_rule",
    "429_semaphore",
    "hibernation",
    "short_page",
    "slow_transform",
    "stuck_transform",
    "unserviced",
)
TEST_ACCESS = Access(
    "servicenow-client",
    "servicenow-secret",
    "exact.integration",
    {"exact.integration": "integration-password", ADMIN: "admin-password"},
)
_MAX_SESSIONS = 1000
_HIBERNATING = (
    "<!DOCTYPE html><html><head><title>Instance Hibernating page</title></head>"
    "<body><h1>Your instance is hibernating.</h1></body></html>"
)


def app(
    data_dir: Path,
    clock: Clock,
    seeds: bool = True,  # noqa: FBT001, FBT002  # the frame's interface
) -> ASGIApp:
    """The instance kept in ``data_dir``.

    With ``seeds`` it holds the seeds and their users; without, no rows and the users of
    :data:`TEST_ACCESS`; rows then come through ``POST /_sandbox/rows``.
    """
    access, rows = _seeded() if seeds else (TEST_ACCESS, None)
    switches = SwitchBoard(Switches())
    faults = FaultBook(FAULT_KINDS)
    instance = Instance(data_dir, clock, access, switches, rows)
    control = Control(
        clock=clock,
        faults=faults,
        switches=switches,
        rows=instance.rows,
        reset=instance.reset,
        extra={
            "rows": lambda body: _load(instance, body),
            "settle": lambda body: {
                "settled": instance.settle(float((body or {}).get("timeout_seconds", 30)))
            },
            "jobs": lambda body: instance.run_job(str((body or {}).get("name", ""))),
        },
    )
    return with_control(FaultMiddleware(_Front(instance, switches), faults), control)


def _seeded() -> tuple[Access, Callable[[], Iterable[tuple[str, Mapping[str, Any]]]]]:
    from s2p_sandbox import seeds  # noqa: PLC0415  # only who wants the seeds loads them

    known = seeds.SERVICENOW
    access = Access(
        known.client_id,
        known.client_secret,
        known.user,
        {known.user: known.password, ADMIN: known.password},
    )
    return access, seeds.servicenow_rows


def _load(instance: Instance, body: object) -> dict[str, Any]:
    """``{"table", "rows", "key"}``: rows written past ACLs; with key columns, updated."""
    if not isinstance(body, dict) or not {"table", "rows"} <= set(body):
        raise LoadError('Rows are given as {"table": name, "rows": [{column: value}, …]}.')
    rows = [(str(body["table"]), row) for row in body["rows"]]
    return {"sys_ids": instance.load(rows, [str(name) for name in body.get("key", ())])}


class _Front:
    """HTTP around the instance: cookies, sessions, semaphores, faults of ServiceNow's own."""

    def __init__(self, instance: Instance, switches: SwitchBoard[Switches]) -> None:
        self._instance = instance
        self._switches = switches
        self._sessions: OrderedDict[str, _Session] = OrderedDict()
        self._at_work = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        request = Request(scope, receive)
        fault: Fault | None = scope.get(FAULT_KEY)
        body = await request.body()
        reply = _struck(fault) or await self._limited(request, body, fault)
        response = Response(
            b"" if request.method == "HEAD" else reply.content(),
            reply.status,
            reply.headers,
            reply.media_type if reply.content() else None,
        )
        if "JSESSIONID" not in request.cookies:
            for name in ("JSESSIONID", "glide_user_route", "glide_session_store"):
                response.set_cookie(name, uuid4().hex.upper(), httponly=True)
        await response(scope, receive, send)

    async def _limited(self, request: Request, body: bytes, fault: Fault | None) -> Reply:
        switches = self._switches.now
        allowed = switches.semaphores + switches.semaphore_queue
        if switches.semaphores and self._at_work >= allowed:
            return _busy()
        self._at_work += 1
        try:
            return await self._in_session(request, body, fault)
        finally:
            self._at_work -= 1

    async def _in_session(self, request: Request, body: bytes, fault: Fault | None) -> Reply:
        cookie = request.cookies.get("JSESSIONID")
        call = _call(request, body, fault)
        if cookie is None:
            return await run_in_threadpool(self._instance.handle, call)
        session, switches = self._session(cookie), self._switches.now
        if session.waiting > switches.session_queue:
            return Reply(202)
        session.waiting += 1
        try:
            await asyncio.wait_for(session.lock.acquire(), switches.session_wait_seconds)
        except asyncio.TimeoutError:
            return Reply(202)
        finally:
            session.waiting -= 1
        try:
            return await run_in_threadpool(self._instance.handle, call)
        finally:
            session.lock.release()

    def _session(self, cookie: str) -> _Session:
        session = self._sessions.setdefault(cookie, _Session())
        self._sessions.move_to_end(cookie)
        while len(self._sessions) > _MAX_SESSIONS:
            self._sessions.popitem(last=False)
        return session


class _Session:
    """One session: its requests are handled one after the other."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.waiting = 0


def _call(request: Request, body: bytes, fault: Fault | None) -> Call:
    return Call(
        request.method,
        request.url.path,
        parameters(request.url.query),
        {name.lower(): value for name, value in request.headers.items()},
        body,
        f"{request.url.scheme}://{request.headers.get('host', request.url.netloc)}",
        fault,
    )


def _busy() -> Reply:
    return Reply(429, envelope("Rate limit exceeded", "Maximum number of requests exceeded"))


def _struck(fault: Fault | None) -> Reply | None:
    """The answer of the faults that leave the call unhandled."""
    if fault is None:
        return None
    if fault.kind == "hibernation":
        return Reply(200, text=_HIBERNATING, media_type="text/html;charset=UTF-8")
    if fault.kind == "202":
        return Reply(202)
    if fault.kind == "429_semaphore":
        return _busy()
    if fault.kind == "429_rule":
        after = int(fault.params.get("retry_after", 1))
        headers = {
            "X-RateLimit-Limit": str(fault.params.get("limit", 100)),
            "X-RateLimit-Reset": str(int(time.time()) + after),
            "X-RateLimit-Rule": "0" * 32,
        }
        refusal: Refusal = rate_refusal(headers, after, "Table API")
        return Reply(refusal.status, refusal.body, refusal.headers)
    return None
