"""What can go wrong between us and a ServiceNow instance.

::

    ServiceNowError
    ├── SettingsError            a connection setting is missing or malformed
    ├── Unreachable              no answer: name, port, TLS, time-out
    ├── NotServiceNow            an answer, but not from ServiceNow's REST API
    │   └── Hibernating          a sleeping developer instance
    ├── AuthenticationFailed     the credentials or the token were refused
    ├── Forbidden                the user lacks a role or an ACL denies
    ├── NotFound                 no such record or table, or an ACL hides it
    ├── Rejected                 the request itself was refused (400, 405, 415, ...)
    │   └── ContentRefused       what was sent was refused, nothing of it was done: less may pass
    ├── Throttled                still 429 after all permitted waiting
    ├── Unavailable              5xx, 202 or a cancelled transaction after all attempts
    ├── BatchRefused             the Batch API is not open to this user: make single calls
    └── AmbiguousWrite           nobody knows whether the write was done: look before repeating it

``str(error)`` is one sentence for the person who can act. It never holds a credential, a request
body or a header.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = [
    "AmbiguousWrite",
    "AuthenticationFailed",
    "BatchRefused",
    "ContentRefused",
    "Forbidden",
    "Hibernating",
    "NotFound",
    "NotServiceNow",
    "Rejected",
    "ServiceNowError",
    "SettingsError",
    "Throttled",
    "Unavailable",
    "Unreachable",
    "explanation",
]

_LONGEST_EXPLANATION: Final = 240
# A unique-key violation quotes the colliding value, which may be a name or a bank account.
_QUOTED_VALUE = re.compile(r"(Duplicate entry )'[^']*'")


# Below the base, classes are named for what happened, without the suffix Error.
class ServiceNowError(Exception):
    """Base of everything this package raises on purpose."""


class SettingsError(ServiceNowError):
    """A connection setting is missing or malformed; the sentence names it."""


class Unreachable(ServiceNowError):  # noqa: N818 - see above
    """The instance gave no answer."""


class NotServiceNow(ServiceNowError):  # noqa: N818 - see above
    """Something answered that is not ServiceNow's REST API (a proxy, a login page, a web site)."""


class Hibernating(NotServiceNow):
    """The developer instance sleeps and has to be woken by its owner."""


class AuthenticationFailed(ServiceNowError):  # noqa: N818 - see above
    """Credentials were refused, also after one renewal of the token."""


class Forbidden(ServiceNowError):  # noqa: N818 - see above
    """Authenticated, but not allowed."""


class NotFound(ServiceNowError):  # noqa: N818 - see above
    """The record or table does not exist, or an ACL hides it: ServiceNow answers both alike."""


class Rejected(ServiceNowError):  # noqa: N818 - see above
    """The instance understood the request and refused it for good."""


class ContentRefused(Rejected):
    """What was to be written was refused for good, by ServiceNow or by something before it.

    Nothing of it was done. What is smaller, or lacks the part that is not liked, may be taken.

    Attributes:
        status: the HTTP status.
        said: ServiceNow's own words, bounded in length; empty where the answer was not its API's.
    """

    def __init__(self, message: str, status: int, said: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.said = said


class Throttled(ServiceNowError):  # noqa: N818 - see above
    """Rate limited for longer than this client may wait.

    Attributes:
        retry_after: seconds the instance asked for, if it did.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(ServiceNowError):  # noqa: N818 - see above
    """The instance could not do it now, several times in a row."""


class BatchRefused(ServiceNowError):  # noqa: N818 - see above
    """The instance refuses the Batch API to this user, and nothing was done."""


class AmbiguousWrite(ServiceNowError):  # noqa: N818 - see above
    """A write without a usable answer: it may or may not have been done.

    A 403 may follow a record that *was* created (the read-back was denied), a 202 may mean
    dropped, a lost connection says nothing. Look the record up by its key before repeating.

    Attributes:
        status: the HTTP status, or None when no answer came; 200 for a call at which an
            answered batch was ended.
        foreign: the answer was not the API's, but of something before it.
    """

    def __init__(self, message: str, status: int | None = None, *, foreign: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.foreign = foreign


def explanation(message: object, detail: object = None) -> str:
    """Join ServiceNow's ``error.message`` and ``error.detail`` into one safe, bounded phrase."""
    parts = [str(part).strip() for part in (message, detail) if part]
    text = " - ".join(dict.fromkeys(part for part in parts if part))
    text = _QUOTED_VALUE.sub(r"\1'...'", " ".join(text.split()))
    if len(text) > _LONGEST_EXPLANATION:
        text = text[: _LONGEST_EXPLANATION - 3] + "..."
    return text
