"""Rate limits: calls per app and division, and errors per endpoint.

Documented: 60 calls per clock minute and 5000 per UTC day for each app and division, told in
headers on every reply to an address with a division. Of a reply 429 only the exhausted family of
headers comes, and no ``Retry-After``. Ten replies 400, 401, 403 or 404 per key, user, division,
endpoint and hour block the key for an hour. Whether rejected calls count was not found; here they
do not.
"""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from s2p_sandbox.database import Database
    from s2p_sandbox.exact.switches import Switches

__all__ = ["COUNTED_STATUSES", "LIMITS_SCHEMA", "CallLimits", "ErrorVelocity", "Usage"]

COUNTED_STATUSES = frozenset({400, 401, 403, 404})
LIMITS_SCHEMA = """
CREATE TABLE IF NOT EXISTS calls (
    client TEXT NOT NULL, division INTEGER NOT NULL, span TEXT NOT NULL, used INTEGER NOT NULL,
    PRIMARY KEY (client, division, span)
);
"""
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Usage:
    """Where one app stands in one division after a call.

    Attributes:
        refused: ``minute`` or ``day`` when the call was beyond a limit, else empty.
    """

    at: datetime
    minute_limit: int
    minute_used: int
    day_limit: int
    day_used: int
    refused: str = ""

    def headers(self) -> dict[str, str]:
        """The rate headers; of a refused call only the exhausted family."""
        minute = self.at.replace(second=0, microsecond=0) + timedelta(minutes=1)
        day = self.at.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        minutely = {
            "X-RateLimit-Minutely-Limit": str(self.minute_limit),
            "X-RateLimit-Minutely-Remaining": str(max(0, self.minute_limit - self.minute_used)),
            "X-RateLimit-Minutely-Reset": _epoch_ms(minute),
        }
        daily = {
            "X-RateLimit-Limit": str(self.day_limit),
            "X-RateLimit-Remaining": str(max(0, self.day_limit - self.day_used)),
            "X-RateLimit-Reset": _epoch_ms(day),
        }
        if self.refused == "minute":
            return minutely
        return daily if self.refused == "day" else {**minutely, **daily}


def _epoch_ms(moment: datetime) -> str:
    return str(int(moment.timestamp()) * 1000)


class CallLimits:
    """Counts calls per app and division in the database, so that a restart does not help."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, client: str, division: int, now: datetime, switches: Switches) -> Usage:
        """Count one call, unless it is beyond a limit; ``now`` is aware, in UTC."""
        minute, day = now.strftime("%Y-%m-%dT%H:%M"), now.strftime("%Y-%m-%d")
        with self._database.transaction() as connection:
            found = connection.execute(
                "SELECT span, used FROM calls WHERE client = ? AND division = ? AND span IN (?, ?)",
                (client, division, minute, day),
            ).fetchall()
            used = {one["span"]: one["used"] for one in found}
            in_minute, in_day = used.get(minute, 0), used.get(day, 0)
            refused = ""
            if in_day >= switches.daily_limit:
                refused = "day"
            elif in_minute >= switches.minutely_limit:
                refused = "minute"
            else:
                in_minute, in_day = in_minute + 1, in_day + 1
                connection.executemany(
                    "INSERT OR REPLACE INTO calls VALUES (?, ?, ?, ?)",
                    [(client, division, minute, in_minute), (client, division, day, in_day)],
                )
        limits = switches.minutely_limit, switches.daily_limit
        return Usage(now, limits[0], in_minute, limits[1], in_day, refused)

    def clear(self) -> None:
        """Forget all counts."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM calls")


class ErrorVelocity:
    """Remembers errors per key, user, division and endpoint; a restart forgets them."""

    def __init__(self) -> None:
        self._errors: dict[tuple[str, ...], deque[datetime]] = defaultdict(deque)
        self._blocked: dict[tuple[str, ...], datetime] = {}
        self._lock = threading.Lock()

    def blocked(self, who: tuple[str, ...], now: datetime) -> bool:
        """Whether the key is blocked on this endpoint."""
        with self._lock:
            return self._blocked.get(who, now) > now

    def count(self, who: tuple[str, ...], now: datetime, limit: int) -> None:
        """Count one error; the one that exceeds the limit blocks for an hour."""
        with self._lock:
            errors = self._errors[who]
            errors.append(now)
            while errors[0] <= now - _HOUR:
                errors.popleft()
            if len(errors) >= limit:
                self._blocked[who] = now + _HOUR

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._errors.clear()
            self._blocked.clear()
