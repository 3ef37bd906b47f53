"""Refusals of the REST API.

RefusalError (status, text, headers)
├── BadRequestError   400
├── UnauthorizedError 401
├── ForbiddenError    403
├── NotFoundError     404
├── ServerFaultError  500, also for business rules such as a duplicate
└── NotImplementedByServerError 501, an OData function the server does not know
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "BadRequestError",
    "ForbiddenError",
    "NotFoundError",
    "NotImplementedByServerError",
    "RefusalError",
    "ServerFaultError",
    "UnauthorizedError",
    "error_body",
]

SYNTAX = "Bad Request - Error in query syntax."


class RefusalError(Exception):
    """A request that is answered with an error."""

    status = 400

    def __init__(self, text: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.headers = dict(headers or {})


class BadRequestError(RefusalError):
    """The request says something the API does not understand; without a text, a syntax error."""

    def __init__(self, text: str = SYNTAX, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(text, headers)


class UnauthorizedError(RefusalError):
    """No living access token; the cause stands URL-encoded in ``WWW-Authenticate``."""

    status = 401

    def __init__(self, cause: str) -> None:
        challenge = f'Bearer error="invalid_token", error_description="{quote(cause)}"'
        super().__init__("Authentication Required", {"WWW-Authenticate": challenge})


class ForbiddenError(RefusalError):
    """Scope, user or division; the last two name their cause in a ``Reason`` header."""

    status = 403


class NotFoundError(RefusalError):
    """No such path (case matters) or no such row."""

    status = 404


class ServerFaultError(RefusalError):
    """Server errors, among them refusals by business rules: not worth a blind retry."""

    status = 500


class NotImplementedByServerError(RefusalError):
    """An OData function the server does not know."""

    status = 501


def error_body(text: str) -> bytes:
    """The error envelope, byte for byte: CRLF between its lines, empty code and language."""
    value = json.dumps(text, ensure_ascii=False)
    return (
        '{\r\n"error": {\r\n"code": "", "message": {\r\n"lang": "", "value": '
        f"{value}\r\n}}\r\n}}\r\n}}"
    ).encode()
