"""What keeps callers back: hourly rules, node semaphores, the queue of one session.

A rule of ``sys_rate_limit_rules`` counts requests per user and clock hour. Its three
``X-RateLimit`` headers come with every answer to a matching request, ``Retry-After`` with the
refusal only. A full semaphore queue answers 429 without any of them. More than ten requests that
wait on one session, or one that waits longer than 30 seconds, are answered 202 and not handled
(KB3047080).
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from s2p_sandbox.servicenow.errors import Refusal, envelope

if TYPE_CHECKING:
    import sqlite3
    from datetime import datetime

    from s2p_sandbox.servicenow.access import User
    from s2p_sandbox.servicenow.calls import Call

__all__ = ["RateRules", "rate_refusal"]

_HOUR = 3600


@dataclass(slots=True)
class RateRules:
    """Counts of the current hour, kept in memory; the strictest matching rule wins."""

    _counts: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def admit(
        self, connection: sqlite3.Connection, user: User, call: Call, now: datetime
    ) -> dict[str, str]:
        """Count the call; the headers its answer carries.

        Raises:
            Refusal: 429, the hour's requests are used up.
        """
        matching = [
            rule
            for rule in connection.execute(
                "SELECT * FROM \"sys_rate_limit_rules\" WHERE active = 'true'"
            )
            if call.path.startswith(rule["resource"] or "/")
            and rule["method"] in {"", call.method}
            and (not rule["role"] or user.has(rule["role"]))
        ]
        if not matching:
            return {}
        rule = min(matching, key=lambda one: int(one["requests_per_hour"]))
        limit, hour = int(rule["requests_per_hour"]), int(now.timestamp()) // _HOUR
        reset = (hour + 1) * _HOUR
        headers = {
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Reset": str(reset),
            "X-RateLimit-Rule": rule["sys_id"],
        }
        key = (rule["sys_id"], user.name, hour)
        with self._lock:
            self._counts[key] += 1
            used = self._counts[key]
        if used > limit:
            raise rate_refusal(headers, reset - int(now.timestamp()), rule["name"])
        return headers

    def clear(self) -> None:
        """Forget all counts."""
        with self._lock:
            self._counts.clear()


def rate_refusal(headers: dict[str, str], retry_after: int, name: str) -> Refusal:
    """429 of an hourly rule, with its headers."""
    refusal = Refusal(429, "Rate limit exceeded")
    refusal.body = envelope(
        "Rate limit exceeded",
        f"Rate limit of {headers['X-RateLimit-Limit']} requests per hour for {name} exceeded",
    )
    refusal.headers = {**headers, "Retry-After": str(max(1, retry_after))}
    return refusal
