"""Exact blocks a key that makes ten errors an hour: how not to get there. Pure, and one seam.

Counted are 400, 401, 403 and 404, per app, user, company and endpoint. A stream stops at its first
refusal; but a schedule that runs every five minutes would make twelve an hour. So refusals are
remembered across runs, and an endpoint that was refused too often rests.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Protocol

from exactonline_client.errors import EndpointRests

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["COUNTED", "ErrorLog", "Refusal", "is_refused", "rests", "rests_until"]

COUNTED: Final = frozenset({400, 401, 403, 404})
WINDOW: Final = timedelta(hours=1)
MOST: Final = 5
"""Half of what Exact bears: other programs may use the same app registration."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One error that Exact counts: when (aware, UTC) and with which HTTP status."""

    at: datetime
    status: int


class ErrorLog(Protocol):
    """Remembers refusals of one app across runs."""

    def refusals(self, division: int, endpoint: str) -> Sequence[Refusal]:
        """Give those of the last hour at least, the oldest first."""

    def note(self, division: int, endpoint: str, refusal: Refusal) -> None:
        """Remember one more."""


def rests_until(refusals: Sequence[Refusal], now: datetime) -> datetime | None:
    """Give the moment from which an endpoint may be asked again; None: now."""
    recent = sorted(one.at for one in refusals if now - WINDOW < one.at <= now)
    return recent[-MOST] + WINDOW if len(recent) >= MOST else None


def is_refused(refusals: Sequence[Refusal], now: datetime) -> bool:
    """Tell whether an endpoint was refused within the last hour."""
    return any(now - WINDOW < one.at <= now for one in refusals)


def rests(
    division: int, endpoint: str, refusals: Sequence[Refusal], until: datetime
) -> EndpointRests:
    """Say that an endpoint is left alone for a while."""
    status = refusals[-1].status
    return EndpointRests(
        f"{endpoint} of division {division} was refused {MOST} times within an hour (HTTP "
        f"{status} the last time). Exact Online blocks an app after ten such errors, so it is not "
        f"asked before {until:%Y-%m-%d %H:%M} UTC. Put right what the earlier refusals named, or "
        "deselect the stream.",
        status=status,
        until=until,
    )
