"""Answers other than rows, as the errors they stand for. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exactonline_client.envelope import error_text
from exactonline_client.errors import (
    AuthorizationError,
    DailyLimitReached,
    ExactError,
    RequestRefused,
    ServerFailed,
    UnexpectedAnswer,
)

if TYPE_CHECKING:
    from datetime import datetime

    from exactonline_client.transport import Reply

__all__ = ["day_spent", "failed_write", "failure", "refusal"]

_OK: Final = 200
_REDIRECT: Final = 300
_BAD_REQUEST: Final = 400
_UNAUTHORIZED: Final = 401


def day_spent(
    division: int, resets_at: datetime, left: int | None, reserve: int
) -> DailyLimitReached:
    """Say that the day's calls are spent or reserved."""
    reserved = f" and {reserve} are reserved for others (reserve_daily_calls)" if reserve else ""
    return DailyLimitReached(
        f"{left or 0} of today's calls to division {division} are left{reserved}. The count begins "
        f"anew at {resets_at:%Y-%m-%d %H:%M} UTC; the next run goes on where this one stops.",
        division=division,
        resets_at=resets_at,
    )


def failure(reply: Reply, what: str) -> ServerFailed:
    """Say that Exact failed and kept failing."""
    text = error_text(reply.body)
    return ServerFailed(
        f"Exact Online failed on {what} (HTTP {reply.status}{': ' + text if text else ''}), "
        "also after retries. Run again later.",
        status=reply.status,
    )


def failed_write(reply: Reply, what: str) -> ServerFailed:
    """Say that Exact did not write; its own words tell whether that is final."""
    text = error_text(reply.body)
    said = f"HTTP {reply.status}{': ' + text if text else ''}"
    return ServerFailed(
        f"Exact Online did not carry out {what} ({said}).",
        status=reply.status,
    )


_ADVICE: Final = {
    400: "Exact Online does not understand the request; a selected property may not exist there.",
    401: "Log in again with `s2p login`.",
    403: (
        "The user that logged in has no right to it, the app registration lacks its scope, or the "
        "company's package does not have it."
    ),
    404: "Exact Online does not know this path for the division.",
}


def refusal(reply: Reply, what: str) -> ExactError:
    """Say what an answer that is neither rows nor a passing failure means."""
    if _OK <= reply.status < _BAD_REQUEST:
        shape = "a redirect" if reply.status >= _REDIRECT else f"HTTP {reply.status}"
        return UnexpectedAnswer(
            f"Exact Online answered {what} with {shape} instead of rows. Check region and api_url."
        )
    reason = reply.headers.get("Reason", "")[:200]
    text = "; ".join(dict.fromkeys(filter(None, (error_text(reply.body), reason))))
    message = (
        f"Exact Online refuses {what} (HTTP {reply.status}{': ' + text if text else ''}). "
        f"{_ADVICE.get(reply.status, 'Nothing was read past it.')}"
    )
    if reply.status == _UNAUTHORIZED:
        return AuthorizationError(message)
    return RequestRefused(message, status=reply.status, reason=reason)
