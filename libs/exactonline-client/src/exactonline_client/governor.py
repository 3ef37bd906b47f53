"""One governor for each app: what it may ask of each division now, and when.

It holds what the replies told of the limits, Exact's clock, and the refusals. It decides; waiting
and sending are ``calls``'.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

from exactonline_client import limits as pace
from exactonline_client.limits import Limits
from exactonline_client.refusals import day_spent
from exactonline_client.velocity import COUNTED, Refusal, rests, rests_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from exactonline_client.transport import Reply
    from exactonline_client.velocity import ErrorLog

__all__ = ["Governor", "asked_to_wait", "endpoint_of", "is_bare"]

_LONGEST_ASKED: Final = 300.0


def endpoint_of(url: str, division: int) -> str:
    """Give the path after the division, without key and query: what Exact counts errors by."""
    _, _, rest = url.partition(f"/api/v1/{division}/")
    return rest.partition("?")[0].partition("(")[0] or url.partition("?")[0]


class Governor:
    """Knows the pace of every division of one app."""

    def __init__(
        self, *, clock: Callable[[], datetime], reserve: int, errors: ErrorLog | None = None
    ) -> None:
        """Prepare.

        Args:
            clock: gives the present (aware, UTC).
            reserve: calls of a division's day that are left to others.
            errors: remembers refusals across runs.
        """
        self._clock = clock
        self._reserve = reserve
        self._errors = errors
        self._limits: dict[int, Limits] = {}
        self._skew = timedelta()

    def now(self) -> datetime:
        """Give Exact's present as its replies show it; limits reset by that clock, not by ours."""
        return self._clock() + self._skew

    def limits(self, division: int) -> Limits:
        """Give what the last replies told about a division's limits."""
        return self._limits.get(division, Limits())

    def before(self, division: int, endpoint: str) -> float:
        """Give the seconds to wait before a call that Exact would else refuse.

        Raises:
            DailyLimitReached: the day's calls are spent or reserved.
            EndpointRests: it was refused so often that the app would be blocked.
        """
        now = self.now()
        refusals = self._errors.refusals(division, endpoint) if self._errors else ()
        until = rests_until(refusals, now)
        if until is not None:
            raise rests(division, endpoint, refusals, until)
        known = self.limits(division)
        resets_at = pace.day_is_spent(known, now, self._reserve)
        if resets_at:
            raise day_spent(division, resets_at, known.day_left, self._reserve)
        return pace.seconds_to_wait(known, now)

    def waited(self, division: int) -> None:
        """Note that a minute is over: whatever was left of it says nothing any more."""
        known = self.limits(division)
        self._limits[division] = Limits(known.day_left, known.day_resets_at)

    def after(self, reply: Reply, division: int | None, endpoint: str) -> None:
        """Take note of what a reply tells."""
        self._note_clock(reply)
        if division is None:
            return
        told = pace.trusted(pace.read_limits(reply.headers), self.now())
        self._limits[division] = pace.merge(self.limits(division), told)
        if self._errors is not None and reply.status in COUNTED:
            self._errors.note(division, endpoint, Refusal(self.now(), reply.status))

    def after_refusal(self, reply: Reply, division: int | None) -> float:
        """Give the seconds to wait after HTTP 429.

        Only the family of headers whose limit was hit is there.

        Raises:
            DailyLimitReached: it was the day's limit.
        """
        now = self.now()
        told = pace.trusted(pace.read_limits(reply.headers), now)
        day_hit = told.minute_left is None and (
            told.day_left is not None or told.day_resets_at is not None
        )
        if division is not None and (day_hit or told.day_left == 0):
            resets_at = told.day_resets_at or pace.next_day(now)
            raise day_spent(division, resets_at, told.day_left or 0, self._reserve)
        return asked_to_wait(reply) or pace.seconds_to_wait(told, now, refused=True)

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


def is_bare(reply: Reply) -> bool:
    """Tell whether a 429 names no limit: the answer to a blocked key, perhaps."""
    return pace.read_limits(reply.headers) == Limits() and not asked_to_wait(reply)


def asked_to_wait(reply: Reply) -> float:
    """Give the seconds a reply asks to wait, never more than a run can be kept waiting for."""
    text = reply.headers.get("Retry-After", "").strip()
    return min(float(text), _LONGEST_ASKED) if text.isascii() and text.isdecimal() else 0.0
