"""Read an answer: JSON only where JSON was sent, and no trust in a plain 200.

A sleeping developer instance, a login page and a proxy answer 200 with HTML; a transaction that
was cancelled answers 200 with a partial ``result`` followed by ``error``.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec

from servicenow_client.errors import explanation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from servicenow_client.http import Answer
    from servicenow_client.retry import Event

__all__ = ["Body", "outcome", "read_body"]

_decode = msgspec.json.Decoder().decode


@dataclass(frozen=True, slots=True)
class Body:
    """The body of an answer, classified.

    Attributes:
        kind: ``json`` (usable), ``empty``, ``error`` (JSON with an ``error`` key), ``garbled``
            (announced as JSON, but cut short), ``hibernating`` or ``foreign`` (not JSON).
        data: the decoded object where kind is json or error, else an empty mapping.
        said: ServiceNow's own explanation where kind is error.
    """

    kind: str
    data: Mapping[str, Any]
    said: str = ""


def read_body(answer: Answer) -> Body:
    """Classify the body of one answer; never raises."""
    text = answer.body
    if not text.strip():
        sleeping = "developer.servicenow.com" in answer.headers.get("location", "")
        return Body("hibernating" if sleeping else "empty", {})
    if "json" not in answer.headers.get("content-type", "").lower():
        sleeping = b"hibernating" in text[:4096].lower()
        return Body("hibernating" if sleeping else "foreign", {})
    try:
        data = _decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Body("garbled", {})
    if not isinstance(data, dict):
        return Body("foreign", {})
    problem = data.get("error")
    if not problem:
        return Body("json", data)
    if isinstance(problem, dict):
        said = explanation(problem.get("message"), problem.get("detail"))
    else:
        said = explanation(problem, data.get("error_description"))
    return Body("error", data, said)


def outcome(status: int, body: Body, expect: str) -> int | Event | None:
    """Say how an attempt ended: None if it is usable, else its status or what was wrong.

    Args:
        status: HTTP status.
        body: the classified body.
        expect: key that a usable body must hold.
    """
    if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES or status == HTTPStatus.ACCEPTED:
        return status
    if body.kind == "json" and expect in body.data:
        return None
    if body.kind == "error":
        return "cancelled"
    if body.kind == "garbled":
        return "garbled"
    return "empty"
