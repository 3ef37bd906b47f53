"""Requests with identity, retries and judgement; what the API modules are built on."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from servicenow_client import problems
from servicenow_client.answers import outcome, read_body
from servicenow_client.calls import ApiAnswer, ApiCall
from servicenow_client.errors import ServiceNowError
from servicenow_client.http import NoAnswer, Request
from servicenow_client.problems import Attempt
from servicenow_client.retry import Patience, Verdict, judge, retry_after, wait_before

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from servicenow_client.auth import Auth
    from servicenow_client.http import Answer, Transport

__all__ = ["Call", "Session", "Waits"]


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP attempt, for whoever counts them.

    Attributes:
        endpoint: path below ``/api/now`` without record ids, or ``oauth_token.do``.
        status: HTTP status, 0 when no answer came.
    """

    method: str
    endpoint: str
    status: int


class Session:
    """Sends API requests to one instance; safe to use from several threads."""

    def __init__(  # noqa: PLR0913 - what comes from outside is named, one by one
        self,
        transport: Transport,
        auth: Auth,
        *,
        host: str,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], object] = time.sleep,
        rng: Random | None = None,
        patience: Patience | None = None,
        on_call: Callable[[Call], object] | None = None,
    ) -> None:
        self._transport = transport
        self._auth = auth
        self.host = host
        self.sleep = sleep
        self._clock = clock
        self._rng = rng or Random()  # noqa: S311 - jitter, not cryptography
        self._patience = patience or Patience()
        self._on_call = on_call

    def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: object = None,
        expect: str = "result",
    ) -> Mapping[str, Any]:
        """Make one API call and return the decoded body.

        Args:
            method: HTTP method.
            path: below the instance's root, with the leading slash.
            params: query parameters, not yet encoded.
            body: sent as JSON where given.
            expect: key that a usable body must hold.

        Raises:
            ServiceNowError: see the tree in `servicenow_client.errors`.
        """
        return self.exchange(ApiCall(method, path, params or {}, body, expect)).body.data

    def exchange(self, call: ApiCall) -> Attempt:
        """Make one API call and return the whole usable answer, its headers in lower case.

        Raises:
            ServiceNowError: see the tree in `servicenow_client.errors`.
        """
        method, path = call.method, call.path
        headers = {"Accept": "application/json"}
        if call.body is not None:
            headers["Content-Type"] = "application/json"
        payload = None if call.body is None else msgspec.json.encode(call.body)
        request = Request(method, path, dict(call.params), headers, payload)
        renewed = False
        waits = Waits(self._patience, self._rng)
        while True:
            identity = self._identify(request)
            tried = self._attempt(identity, call.expect)
            if tried.what is None:
                return tried
            verdict = judge(method, tried.what)
            if tried.is_foreign:
                verdict = Verdict.FATAL
            if verdict is Verdict.RENEW:
                if renewed or not self._auth.refused(identity.headers["Authorization"]):
                    raise problems.refused_credentials(self.host, tried)
                renewed = True
            elif verdict is Verdict.RETRY:
                asked = retry_after(tried.headers, self._clock())
                pause = waits.next(asked)
                if pause is None:
                    raise problems.gave_up(self.host, path, tried, asked)
                self.sleep(pause)
            elif verdict is Verdict.AMBIGUOUS:
                raise problems.ambiguous(self.host, method, path, tried)
            else:
                raise problems.fatal(self.host, method, path, tried)

    def answer(self, call: ApiCall) -> ApiAnswer:
        """Make one call and return its answer or its error."""
        try:
            return ApiAnswer(self.exchange(call).body.data)
        except ServiceNowError as error:
            return ApiAnswer(error=error)

    def waits(self) -> Waits:
        """Return the pauses of one task, until its patience ends."""
        return Waits(self._patience, self._rng)

    def _identify(self, request: Request) -> Request:
        try:
            header = self._auth.header(self._send_for_token, self._clock())
        except NoAnswer as lost:
            raise problems.unreachable(self.host, str(lost)) from None
        return replace(request, headers={**request.headers, "Authorization": header})

    def _attempt(self, request: Request, expect: str) -> Attempt:
        try:
            answer = self._transport(request)
        except NoAnswer as lost:
            self._count(request, 0)
            return Attempt(lost.kind, why=str(lost))
        self._count(request, answer.status)
        body = read_body(answer)
        return Attempt(outcome(answer.status, body, expect), answer.status, answer.headers, body)

    def _send_for_token(self, request: Request) -> Answer:
        """Send to the token endpoint, which may be repeated: a valid token is only handed again."""
        waits = Waits(self._patience, self._rng)
        while True:
            try:
                answer = self._transport(request)
            except NoAnswer:
                self._count(request, 0)
                pause = waits.next(None)
                if pause is None:
                    raise
            else:
                self._count(request, answer.status)
                body = read_body(answer)
                busy = judge("GET", answer.status) is Verdict.RETRY
                tried = Attempt(answer.status, answer.status, answer.headers, body)
                if not busy:
                    if tried.is_foreign:
                        raise problems.fatal(self.host, request.method, request.path, tried)
                    return answer
                asked = retry_after(answer.headers, self._clock())
                pause = waits.next(asked)
                if pause is None:
                    raise problems.gave_up(self.host, request.path, tried, asked)
            self.sleep(pause)

    def _count(self, request: Request, status: int) -> None:
        if self._on_call is not None:
            self._on_call(Call(request.method, _endpoint(request.path), status))


class Waits:
    """The pauses of one task, until its patience ends."""

    def __init__(self, patience: Patience, rng: Random) -> None:
        self._patience = patience
        self._rng = rng
        self._attempt = 1
        self._waited = 0.0

    def next(self, asked: float | None) -> float | None:
        """Return the seconds to wait before the next attempt, None to give up."""
        pause = wait_before(self._attempt, asked, self._patience, self._rng)
        if self._attempt >= self._patience.attempts:
            return None
        if self._waited + pause > self._patience.total:
            return None
        self._attempt += 1
        self._waited += pause
        return pause


def _endpoint(path: str) -> str:
    parts = urlsplit(path).path.removeprefix("/api/now").strip("/").split("/")
    return "/".join(part for part in parts if not _is_sys_id(part))


def _is_sys_id(part: str) -> bool:
    return len(part) == 32 and all(digit in "0123456789abcdef" for digit in part)  # noqa: PLR2004 - a sys_id
