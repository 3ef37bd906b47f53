"""One call to Exact Online: at the pace the limits allow, repeated where that may help."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final

from exactonline_client.envelope import is_page, parse_json
from exactonline_client.errors import (
    ConnectionFailed,
    KeyBlocked,
    StillLimited,
    UnexpectedAnswer,
)
from exactonline_client.governor import asked_to_wait, endpoint_of, is_bare
from exactonline_client.refusals import failed_write, failure, refusal
from exactonline_client.retries import is_transient, pauses, tries

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from exactonline_client.auth import ExactAuth
    from exactonline_client.governor import Governor
    from exactonline_client.transport import Reply, Transport

__all__ = ["Caller", "utc_now"]

_OK: Final = 200
_WRITTEN: Final = frozenset({200, 201, 204})
_UNAUTHORIZED: Final = 401
_TOO_MANY: Final = 429
_LIMITED_TRIES: Final = 5
_BROKEN_TRIES: Final = 3
_BARE_TRIES: Final = 3


def utc_now() -> datetime:
    """Give the present (aware, UTC)."""
    return datetime.now(timezone.utc)


class _Troubles:
    """What went wrong so far with one request."""

    __slots__ = ("broken", "failures", "limited", "unauthorized")

    def __init__(self) -> None:
        self.broken = self.failures = self.limited = self.unauthorized = 0


class Caller:
    """Sends GETs with a good token, one after another. Not for use by several threads."""

    def __init__(  # noqa: PLR0913 - clock, sleep and chance come in from outside
        self,
        auth: ExactAuth,
        transport: Transport,
        governor: Governor,
        *,
        sleep: Callable[[float], None],
        rng: random.Random,
        on_call: Callable[[int | None], None] | None,
        on_wait: Callable[[float, str], None] | None,
    ) -> None:
        """Prepare; arguments are those of ``ExactClient``."""
        self._auth = auth
        self._transport = transport
        self._governor = governor
        self._sleep = sleep
        self._rng = rng
        self._on_call = on_call
        self._on_wait = on_wait

    def read(self, url: str, division: int | None, what: str) -> tuple[Any, datetime]:
        """GET until there is JSON or a reason why there is none.

        Args:
            url: absolute.
            division: whose limits the call is charged to; None for the calls that are free.
            what: the thing read, for messages.

        Returns:
            the decoded document, and Exact's clock when it answered.

        Raises:
            ExactError: see ``errors``.
        """
        troubles = _Troubles()
        for pause in pauses(self._rng):
            self._keep_pace(url, division)
            token = self._auth.access_token()
            try:
                reply = self._get(url, token, division, what)
            except ConnectionFailed:
                troubles.failures += 1
                if troubles.failures >= tries(None):
                    raise
                self._wait(pause, "the connection failed")
                continue
            if reply.status == _OK:
                try:
                    return parse_json(reply.body, what), self._governor.now()
                except UnexpectedAnswer:
                    troubles.broken += 1
                    if is_page(reply.body):
                        raise  # a page for people: repeating does not turn it into rows
                    if troubles.broken >= _BROKEN_TRIES:
                        raise
                self._wait(pause, "the answer was not complete")
            else:
                self._handle(reply, troubles, pause, token, division, what)
        raise AssertionError  # pragma: no cover - pauses never end

    def write(self, method: str, url: str, division: int, body: bytes, what: str) -> Any:  # noqa: ANN401 - any JSON
        """POST, PUT or DELETE once; again only where Exact has certainly done nothing.

        That is after 401 and 429, and where the request never left. A 5xx is not repeated: Exact
        answers so to what its rules forbid, too.

        Args:
            method: POST, PUT or DELETE.
            url: absolute.
            division: whose limits the call is charged to.
            body: JSON, empty for DELETE.
            what: the thing written, for messages.

        Returns:
            the decoded answer; None where there is none.

        Raises:
            ConnectionFailed: ``sent`` tells whether it may have been done.
            ExactError: see ``errors``.
        """
        troubles = _Troubles()
        for pause in pauses(self._rng):
            self._keep_pace(url, division)
            token = self._auth.access_token()
            try:
                reply = self._send(method, url, token, division, body, what)
            except ConnectionFailed as error:
                troubles.failures += 1
                if error.sent or troubles.failures >= tries(None):
                    raise
                self._wait(pause, "the connection failed")
                continue
            if reply.status in _WRITTEN:
                return parse_json(reply.body, what) if reply.body.strip() else None
            if is_transient(reply.status) and reply.status != _TOO_MANY:
                raise failed_write(reply, what)
            self._handle(reply, troubles, pause, token, division, what)
        raise AssertionError  # pragma: no cover - pauses never end

    def close(self) -> None:
        """Close kept connections."""
        self._transport.close()

    def _handle(  # noqa: PLR0913, PLR0917 - the state of one request
        self,
        reply: Reply,
        troubles: _Troubles,
        pause: float,
        token: str,
        division: int | None,
        what: str,
    ) -> None:
        """Return if the request should be sent again, raise if not."""
        if reply.status == _TOO_MANY:
            troubles.limited += 1
            self._wait_for_limit(reply, division, what, times=troubles.limited)
        elif is_transient(reply.status):
            troubles.failures += 1
            if troubles.failures >= tries(reply.status):
                raise failure(reply, what)
            self._wait(max(pause, asked_to_wait(reply)), f"HTTP {reply.status}")
        elif reply.status == _UNAUTHORIZED and not troubles.unauthorized:
            troubles.unauthorized += 1
            self._auth.replace(token)
        else:
            raise refusal(reply, what)

    def _get(self, url: str, token: str, division: int | None, what: str) -> Reply:
        headers = {
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "Authorization": f"Bearer {token}",
        }
        if self._on_call:
            self._on_call(division)
        reply = self._transport.get(url, headers, what=what)
        self._governor.after(reply, division, endpoint_of(url, division) if division else "")
        return reply

    def _send(  # noqa: PLR0913, PLR0917 - one request has this many parts
        self, method: str, url: str, token: str, division: int, body: bytes, what: str
    ) -> Reply:
        headers = {
            "Accept": "application/json",
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "Prefer": "return=representation",
        }
        if self._on_call:
            self._on_call(division)
        reply = self._transport.send(method, url, headers, body, what=what)
        self._governor.after(reply, division, endpoint_of(url, division))
        return reply

    def _keep_pace(self, url: str, division: int | None) -> None:
        """Wait, or stop, before a call that Exact would refuse."""
        if division is None:
            return
        wait = self._governor.before(division, endpoint_of(url, division))
        if wait:
            self._wait(wait, f"the minute's calls to division {division} are used up")
            self._governor.waited(division)

    def _wait_for_limit(self, reply: Reply, division: int | None, what: str, *, times: int) -> None:
        """Handle HTTP 429, for the ``times``-th time."""
        wait = self._governor.after_refusal(reply, division)
        if times >= _BARE_TRIES and is_bare(reply):
            raise KeyBlocked(
                f"Exact Online refuses {what} for too many calls, names no limit, and goes on "
                "after minutes: it does so for an hour, or longer, after ten errors within an "
                "hour. Find what made them in the log of the runs before, put it right, and run "
                "again in an hour."
            )
        if times >= _LIMITED_TRIES:
            raise StillLimited(
                f"Exact Online keeps refusing {what} for too many calls, after waiting "
                f"{_LIMITED_TRIES - 1} times as long as it asked. Another program may use the same "
                "app registration; run again later."
            )
        self._wait(wait, "Exact Online refused a call for the minute's limit")
        if division is not None:
            self._governor.waited(division)

    def _wait(self, seconds: float, reason: str) -> None:
        if self._on_wait:
            self._on_wait(seconds, reason)
        self._sleep(seconds)
