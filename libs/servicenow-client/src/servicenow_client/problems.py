"""From an attempt that failed to the sentence for the person who can act."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from servicenow_client.answers import Body
from servicenow_client.errors import (
    AmbiguousWrite,
    AuthenticationFailed,
    ContentRefused,
    Forbidden,
    Hibernating,
    NotFound,
    NotServiceNow,
    Rejected,
    ServiceNowError,
    Throttled,
    Unavailable,
    Unreachable,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from servicenow_client.retry import Event

__all__ = [
    "Attempt",
    "ambiguous",
    "fatal",
    "gave_up",
    "refused_credentials",
    "unreachable",
]


_ABOUT_CONTENT: Final = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE})
_WRITES: Final = frozenset({"POST", "PUT", "PATCH"})
_NO_RESOURCE: Final = "does not represent any resource"


@dataclass(frozen=True, slots=True)
class Attempt:
    """How one attempt ended.

    Attributes:
        what: None for a usable answer, else the status or the event.
        status: HTTP status, 0 when no answer came.
        headers: of the answer, lower case.
        body: the classified body.
        why: what the transport said when no answer came.
    """

    what: int | Event | None
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Body = field(default_factory=lambda: Body("empty", {}))
    why: str = ""

    @property
    def is_foreign(self) -> bool:
        """The answer is no ServiceNow JSON and no passing trouble of a gateway either."""
        return (
            self.body.kind in {"foreign", "hibernating"}
            and self.status < HTTPStatus.BAD_REQUEST
            and self.status != HTTPStatus.ACCEPTED
        )


def refused_credentials(host: str, tried: Attempt) -> ServiceNowError:
    """401, also with a fresh token."""
    return AuthenticationFailed(
        f"{host} does not accept these credentials{_in_brackets(tried.body.said)}. Check "
        "auth_method and the credentials, and that the user is active and may use web services."
    )


def unreachable(host: str, why: str) -> ServiceNowError:
    """No answer at all."""
    return Unreachable(f"{host} cannot be reached: {why}. Check instance_url and the network.")


def ambiguous(host: str, method: str, path: str, tried: Attempt) -> ServiceNowError:
    """A write whose fate is unknown."""
    reason = tried.why or tried.body.said or tried.what
    return AmbiguousWrite(
        f"{host} gave no usable answer to {method} {path} ({reason}): "
        "the record may or may not exist now.",
        tried.status or None,
        foreign=tried.body.kind == "foreign",
    )


def fatal(host: str, method: str, path: str, tried: Attempt) -> ServiceNowError:
    """An answer that will not change by asking again."""
    said = _in_brackets(tried.body.said)
    if tried.body.kind == "hibernating":
        return Hibernating(
            f"The developer instance {host} hibernates: wake it at developer.servicenow.com, "
            "then run again."
        )
    if method in _WRITES and _is_about_content(tried):
        return ContentRefused(
            f"{host} refused {method} {path} with status {tried.status}{said}.",
            tried.status,
            tried.body.said,
        )
    if tried.body.kind == "foreign":
        return NotServiceNow(
            f"{host} answered with something other than ServiceNow's JSON (a login page or a "
            "proxy?): check instance_url."
        )
    if tried.status == HTTPStatus.FORBIDDEN:
        return Forbidden(
            f"{host} does not permit {method} {path}{said}: give the integration user the role "
            "or the ACL."
        )
    if tried.status == HTTPStatus.NOT_FOUND or "Invalid table" in tried.body.said:
        return NotFound(f"{host} has no {path}{said}: it does not exist, or an ACL hides it.")
    return Rejected(f"{host} refused {method} {path} with status {tried.status}{said}.")


def _is_about_content(tried: Attempt) -> bool:
    """Whether a refusal may be due to what was sent, not to where it was sent."""
    if tried.status == HTTPStatus.FORBIDDEN:  # a page is of a firewall, no ACL answers with one
        return tried.body.kind == "foreign"
    elsewhere = "Invalid table" in tried.body.said or _NO_RESOURCE in tried.body.said
    return tried.status in _ABOUT_CONTENT and not elsewhere


def gave_up(host: str, path: str, tried: Attempt, asked: float | None) -> ServiceNowError:
    """Patience has ended."""
    if tried.status == HTTPStatus.TOO_MANY_REQUESTS:
        wait = "" if asked is None else f" and asks to wait {asked:.0f} s"
        return Throttled(
            f"{host} limits the rate of requests{wait}{_in_brackets(tried.body.said)}: run again "
            "later, or ask for a higher REST rate limit for the integration user.",
            asked,
        )
    if tried.why:
        return unreachable(host, tried.why)
    return Unavailable(
        f"{host} did not manage {path} in several attempts ({tried.body.said or tried.what}): "
        "run again later."
    )


def _in_brackets(text: str) -> str:
    return f" ({text})" if text else ""
