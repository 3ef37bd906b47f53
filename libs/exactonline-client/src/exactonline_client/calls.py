"""One call to Exact Online: at the pace the limits allow, repeated where that may help."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final

from exactonline_client import limits as pace
from exactonline_client.envelope import parse_json
from exactonline_client.errors import ConnectionFailed, StillLimited, UnexpectedAnswer
from exactonline_client.limits import Limits
from exactonline_client.refusals import day_spent, failure, refusal
from exactonline_client.retries import is_transient, pauses, tries

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from exactonline_client.auth import ExactAuth
    from exactonline_client.transport import Reply, Transport

__all__ = ["Caller", "utc_now"]

_OK: Final = 200
_UNAUTHORIZED: Final = 401
_TOO_MANY: Final = 429
_LIMITED_TRIES: Final = 5
_BROKEN_TRIES: Final = 3
_LONGEST_ASKED: Final = 300.0


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
        *,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None],
        rng: random.Random,
        reserve_daily_calls: int,
        on_call: Callable[[int | None], None] | None,
        on_wait: Callable[[float, str], None] | None,
    ) -> None:
        """Prepare; arguments are those of ``ExactClient``."""
        self._auth = auth
        self._transport = transport
        self._clock = clock
        self._sleep = sleep
        self._rng = rng
        self._reserve = reserve_daily_calls
        self._on_call = on_call
        self._on_wait = on_wait
        self._limits: dict[int, Limits] = {}
        self._skew = timedelta()

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
            self._keep_pace(division)
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
                    return parse_json(reply.body, what), self.now()
                except UnexpectedAnswer:
                    troubles.broken += 1
                    if reply.body[:64].lstrip().startswith(b"<"):
                        raise  # a page for people: repeating does not turn it into rows
                    if troubles.broken >= _BROKEN_TRIES:
                        raise
                self._wait(pause, "the answer was not complete")
            else:
                self._handle(reply, troubles, pause, token, division, what)
        raise AssertionError  # pragma: no cover - pauses never end

    def limits(self, division: int) -> Limits:
        """Give what the last replies told about a division's limits."""
        return self._limits.get(division, Limits())

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
            last = troubles.limited >= _LIMITED_TRIES
            self._wait_for_limit(reply, division, what, last=last)
        elif is_transient(reply.status):
            troubles.failures += 1
            if troubles.failures >= tries(reply.status):
                raise failure(reply, what)
            self._wait(max(pause, _retry_after(reply)), f"HTTP {reply.status}")
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
        self._note_clock(reply)
        if division is not None:
            known = self._limits.get(division, Limits())
            told = pace.trusted(pace.read_limits(reply.headers), self.now())
            self._limits[division] = pace.merge(known, told)
        return reply

    def _keep_pace(self, division: int | None) -> None:
        """Wait, or stop, before a call that Exact would refuse."""
        if division is None or division not in self._limits:
            return
        known = self._limits[division]
        now = self.now()
        resets_at = pace.day_is_spent(known, now, self._reserve)
        if resets_at:
            raise day_spent(division, resets_at, known.day_left, self._reserve)
        wait = pace.seconds_to_wait(known, now)
        if wait:
            self._wait(wait, f"the minute's calls to division {division} are used up")
            # The minute is over: whatever was left of it says nothing any more.
            self._limits[division] = Limits(known.day_left, known.day_resets_at)

    def _wait_for_limit(self, reply: Reply, division: int | None, what: str, *, last: bool) -> None:
        """Handle HTTP 429; only the family of headers whose limit was hit is there."""
        told = pace.read_limits(reply.headers)
        now = self.now()
        day_hit = told.minute_left is None and (
            told.day_left is not None or told.day_resets_at is not None
        )
        if division is not None and (day_hit or told.day_left == 0):
            resets_at = told.day_resets_at or pace.next_day(now)
            raise day_spent(division, resets_at, told.day_left or 0, self._reserve)
        if last:
            raise StillLimited(
                f"Exact Online keeps refusing {what} for too many calls, after waiting "
                f"{_LIMITED_TRIES - 1} times as long as it asked. Another program may use the same "
                "app registration; run again later."
            )
        wait = _retry_after(reply) or pace.seconds_to_wait(told, now, refused=True)
        self._wait(wait, "Exact Online refused a call for the minute's limit")
        if division is not None:
            known = self._limits[division]
            self._limits[division] = Limits(known.day_left, known.day_resets_at)

    def _wait(self, seconds: float, reason: str) -> None:
        if self._on_wait:
            self._on_wait(seconds, reason)
        self._sleep(seconds)

    # Exact's clock

    def now(self) -> datetime:
        """Give Exact's present as its replies show it; limits reset by that clock, not by ours."""
        return self._clock() + self._skew

    def _note_clock(self, reply: Reply) -> None:
        text = reply.headers.get("Date")
        if not text:
            return
        try:
            there = parsedate_to_datetime(text)
        except ValueError:
            return
        if there.tzinfo is not None:
            self._skew = there - self._clock()


def _retry_after(reply: Reply) -> float:
    """Give the seconds a reply asks to wait, never more than a run can be kept waiting for."""
    text = reply.headers.get("Retry-After", "").strip()
    return min(float(text), _LONGEST_ASKED) if text.isascii() and text.isdecimal() else 0.0
