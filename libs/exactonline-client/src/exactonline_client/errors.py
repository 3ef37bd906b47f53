# ruff: noqa: N818 - the names say what happened; "Error" is kept for the groups
"""What can go wrong with Exact Online, each as a sentence for the person who can act.

* ExactError
  + SettingError             a value of the caller's own is wrong: region, URL, URL too long
  + AuthorizationError
    - LoginNeeded            no token, or one that Exact no longer takes: a user has to log in
    - ClientRefused          client id, client secret or redirect URI are not the app's
    - TokenNotSaved          the new token could not be kept
    - TokenRequestFailed     the token endpoint gave no usable answer
  + ConnectionFailed         no answer: unreachable, refused, timed out, broken off
  + ServerFailed             5xx or 408 that lasted
  + RequestRefused           400, 401, 403, 404 and the like; carries ``status``
    - EndpointRests          not asked, as it was refused too often within the hour
  + UnexpectedAnswer         not what was asked for: HTML, XML, half a body, a bad value
    - PagingError            a next page that repeats itself or leads elsewhere
    - ForeignRow             a row of another division
  + LimitError
    - DailyLimitReached      the division's calls of today are spent or reserved
    - StillLimited           the minute's limit did not lift
    - KeyBlocked             429 that names no limit and lasts: too many errors within the hour

``str()`` of each is complete: what happened, where, what to do. No message holds a token, a secret
or a property of a record.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

__all__ = [
    "AuthorizationError",
    "ClientRefused",
    "ConnectionFailed",
    "DailyLimitReached",
    "EndpointRests",
    "ExactError",
    "ForeignRow",
    "KeyBlocked",
    "LimitError",
    "LoginNeeded",
    "PagingError",
    "RequestRefused",
    "ServerFailed",
    "SettingError",
    "StillLimited",
    "TokenNotSaved",
    "TokenRequestFailed",
    "UnexpectedAnswer",
]


_ABOUT_THE_DIVISION: Final = frozenset(
    {
        "BlockedCustomer",
        "BlockedUser",
        "DivisionBlocked",
        "InactiveUser",
        "LicenseExpired",
        "NoDivisionAccess",
    }
)


class ExactError(Exception):
    """Anything Exact Online, or the way to it, did not do as asked."""


class SettingError(ExactError):
    """A value given by the caller cannot work."""


class AuthorizationError(ExactError):
    """Exact gives no access."""


class LoginNeeded(AuthorizationError):
    """A user has to give consent again; no retry helps."""


class ClientRefused(AuthorizationError):
    """Exact does not know the app registration under this id and secret."""


class TokenNotSaved(AuthorizationError):
    """The token store failed where a single-use token was to be kept."""


class TokenRequestFailed(AuthorizationError):
    """The token endpoint answered, but not with tokens."""


class ConnectionFailed(ExactError):
    """No answer arrived.

    Attributes:
        sent: whether the request may have reached Exact.
    """

    def __init__(self, message: str, *, sent: bool = True) -> None:
        super().__init__(message)
        self.sent = sent


class ServerFailed(ExactError):
    """Exact answered with a failure of its own, time and again.

    Attributes:
        status: the HTTP status, for instance 503.
    """

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


class RequestRefused(ExactError):
    """Exact refuses this request; the same request again would count as an error again.

    Attributes:
        status: the HTTP status, for instance 403.
        reason: Exact's ``Reason`` header, for instance NoDivisionAccess; empty where absent.
        whole_division: the refusal is about the user or division, not about what was asked for.
    """

    def __init__(self, message: str, *, status: int, reason: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.whole_division = reason in _ABOUT_THE_DIVISION


class EndpointRests(RequestRefused):
    """Exact refused this endpoint so often that one more time might block the app.

    Attributes:
        until: when it may be asked again (aware, UTC).
    """

    def __init__(self, message: str, *, status: int, until: datetime) -> None:
        super().__init__(message, status=status)
        self.until = until


class UnexpectedAnswer(ExactError):
    """An answer that cannot be read as what was asked for."""


class PagingError(UnexpectedAnswer):
    """The link to the next page cannot be followed."""


class ForeignRow(UnexpectedAnswer):
    """A row belongs to a division that was not asked for."""


class LimitError(ExactError):
    """The call limits of the app stand in the way."""


class DailyLimitReached(LimitError):
    """No more calls to this division today.

    Attributes:
        division: the division whose limit it is.
        resets_at: when the count begins anew (aware, UTC).
    """

    def __init__(self, message: str, *, division: int, resets_at: datetime) -> None:
        super().__init__(message)
        self.division = division
        self.resets_at = resets_at


class StillLimited(LimitError):
    """Exact kept answering "too many requests" after every wait it asked for."""


class KeyBlocked(LimitError):
    """Exact refuses the app on an endpoint and names no limit: it made too many errors there."""
