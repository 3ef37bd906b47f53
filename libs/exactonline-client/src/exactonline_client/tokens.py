"""The pair of tokens and what may be done with it at a given moment. Pure.

Exact's access token lives 600 seconds; a new one may be asked for only after 570 seconds; every
answer brings a new refresh token and ends the old one. Hence the short window in which a token is
both still good and already renewable.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

__all__ = ["Advice", "TokenStore", "Tokens", "advise", "seed_tokens"]

RENEWABLE_AFTER: Final = timedelta(seconds=570)
"""Exact refuses a refresh before this age."""

MOST_CALLS_A_DAY: Final = 195
"""Exact announced 200 calls to its token endpoint per app, user and day; a login needs some too."""

_EARLY_MARGIN: Final = timedelta(seconds=5)
_LATE_MARGIN: Final = timedelta(seconds=10)
_NEVER: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True, slots=True)
class Tokens:
    """One generation of the token chain of an app and user.

    Attributes:
        access_token: goes into each request; empty where only a refresh token is known.
        refresh_token: good for exactly one refresh.
        issued_at: when the answer arrived (aware, UTC).
        expires_in: life of the access token in seconds.
        previous_refresh_token: what this generation was made from, kept to explain a broken chain.
        calls_on: day (UTC, ISO 8601) whose calls to the token endpoint are counted.
        calls: how many there were.
    """

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    issued_at: datetime
    expires_in: int = 600
    previous_refresh_token: str | None = field(default=None, repr=False)
    calls_on: str = ""
    calls: int = 0

    def calls_today(self, now: datetime) -> int:
        """Give how many calls to the token endpoint this chain has cost today (UTC)."""
        return self.calls if self.calls_on == _day(now) else 0

    def counted(self, now: datetime) -> Tokens:
        """Give the same tokens with one call more."""
        return replace(self, calls_on=_day(now), calls=self.calls_today(now) + 1)

    def to_payload(self) -> dict[str, Any]:
        """Give the JSON form for a token store."""
        return {
            "access_token": self.access_token,
            "refresh_token": self.refresh_token,
            "issued_at": self.issued_at.isoformat(),
            "expires_in": self.expires_in,
            "previous_refresh_token": self.previous_refresh_token,
            "calls_on": self.calls_on,
            "calls": self.calls,
        }

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Tokens | None:
        """Read the JSON form; None if it is not one (a store that was tampered with)."""
        try:
            issued_at = datetime.fromisoformat(payload["issued_at"])
            return cls(
                access_token=str(payload["access_token"]),
                refresh_token=str(payload["refresh_token"]),
                issued_at=issued_at.astimezone(timezone.utc),
                expires_in=int(payload["expires_in"]),
                previous_refresh_token=payload.get("previous_refresh_token"),
                calls_on=str(payload.get("calls_on", "")),
                calls=int(payload.get("calls", 0)),
            )
        except (KeyError, TypeError, ValueError):
            return None


class TokenStore(Protocol):
    """Where the token chain of one app and user is kept, for all processes that share it."""

    def load(self) -> Tokens | None:
        """Read what was saved last, by whichever process."""

    def save(self, tokens: Tokens) -> None:
        """Keep the tokens so that they survive a crash right after this returns."""

    def lock(self) -> AbstractContextManager[None]:
        """Exclude every other process from refreshing this chain."""


class Advice(enum.Enum):
    """What to do with tokens now."""

    USE = "use"
    """The access token is good; Exact would refuse to renew it."""
    RENEW_IF_FREE = "renew_if_free"
    """Good for some seconds more and renewable: renew, and use the old one if that is refused."""
    RENEW = "renew"
    """No use without a new access token."""


def _day(now: datetime) -> str:
    return now.astimezone(timezone.utc).date().isoformat()


def seed_tokens(refresh_token: str) -> Tokens:
    """Give tokens that hold nothing but a refresh token, as a configuration brings it."""
    return Tokens("", refresh_token, issued_at=_NEVER)


def advise(tokens: Tokens, now: datetime) -> Advice:
    """Decide from the age alone.

    A token issued in the future means that the clock was set back; its age is unknown, so it is
    renewed if Exact permits.
    """
    if not tokens.access_token:
        return Advice.RENEW
    age = now - tokens.issued_at
    life = timedelta(seconds=tokens.expires_in)
    if age >= life - min(_LATE_MARGIN, life / 10):
        return Advice.RENEW
    if age < timedelta(seconds=-60) or age >= RENEWABLE_AFTER + _EARLY_MARGIN:
        return Advice.RENEW_IF_FREE
    return Advice.USE
