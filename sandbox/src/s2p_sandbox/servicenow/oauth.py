"""``/oauth_token.do`` and ``/oauth_auth.do``.

Parameters count in a form body only; ``application/json`` gives an unspecified error. While an
access token is valid the same one comes again, with what is left of its life in ``expires_in``.
``client_credentials`` gives no refresh token and acts as the *OAuth Application User*.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import html
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from s2p_sandbox.servicenow.calls import Reply

if TYPE_CHECKING:
    import sqlite3
    from datetime import datetime

    from s2p_sandbox.servicenow.access import Access
    from s2p_sandbox.servicenow.calls import Call
    from s2p_sandbox.servicenow.switches import Switches

__all__ = ["OAuth", "basic_credentials"]

_CODE_SECONDS = 600


class _DeniedError(Exception):
    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(error)
        self.status = status
        self.body = {"error": error, "error_description": description}


def basic_credentials(header: str) -> tuple[str, str] | None:
    """User and password of a Basic authorization header, or None."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (user, password) if colon else None


@dataclass(frozen=True, slots=True)
class OAuth:
    """The token endpoint within one transaction."""

    connection: sqlite3.Connection
    access: Access
    switches: Switches
    now: datetime

    def user_of(self, token: str) -> str | None:
        """The user a valid access token acts as."""
        row = self.connection.execute(
            "SELECT user FROM \"_tokens\" WHERE token = ? AND kind = 'access' AND expires_at > ?",
            (token, self.now.timestamp()),
        ).fetchone()
        return None if row is None else str(row["user"])

    def token(self, call: Call) -> Reply:
        """Answer ``POST /oauth_token.do``."""
        try:
            return Reply(200, self._grant(call))
        except _DeniedError as denied:
            return Reply(denied.status, denied.body)

    def _grant(self, call: Call) -> dict[str, object]:
        if "x-www-form-urlencoded" not in call.headers.get("content-type", ""):
            raise _DeniedError(400, "invalid_request", "Unspecified error")
        form = dict(parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True))
        client = basic_credentials(call.headers.get("authorization", "")) or (
            form.get("client_id", ""),
            form.get("client_secret", ""),
        )
        if client[0] != self.access.client_id or not _same(client[1], self.access.client_secret):
            raise _DeniedError(401, "invalid_client", "access_denied")
        grant = form.get("grant_type", "")
        if grant == "client_credentials":
            if not self.switches.client_credentials:
                raise _DeniedError(401, "server_error", "access_denied")
            return self._answer(self.access.integration_user, refresh=None)
        if grant == "password":
            user, password = form.get("username", ""), form.get("password", "")
            if not _same(self.access.passwords.get(user, ""), password) or not password:
                raise _DeniedError(401, "server_error", "access_denied")
            return self._answer(user, refresh=self._refresh_token(user))
        if grant == "refresh_token":
            found = self._taken("refresh", form.get("refresh_token", ""))
            if found is None:
                raise _DeniedError(401, "invalid_grant", "refresh token is invalid or expired")
            return self._answer(found["user"], refresh=form["refresh_token"])
        if grant == "authorization_code":
            return self._from_code(form)
        raise _DeniedError(400, "unsupported_grant_type", f"grant_type {grant} is not supported")

    def _from_code(self, form: dict[str, str]) -> dict[str, object]:
        found = self._taken("code", form.get("code", ""))
        if found is None or found["redirect_uri"] != form.get("redirect_uri", ""):
            raise _DeniedError(401, "invalid_grant", "authorization code is invalid")
        self.connection.execute('DELETE FROM "_tokens" WHERE token = ?', (form["code"],))
        return self._answer(found["user"], refresh=self._refresh_token(found["user"]))

    def authorise(self, call: Call) -> Reply:
        """The consent page; its button, or any POST, approves and redirects with a code."""
        asked = dict(call.params)
        if call.method == "POST":
            asked |= dict(parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True))
        if asked.get("client_id") != self.access.client_id or not asked.get("redirect_uri"):
            return Reply(400, text="<html><body>Invalid client_id</body></html>",
                         media_type="text/html;charset=UTF-8")  # fmt: skip
        if call.method != "POST":
            return Reply(200, text=_consent(asked), media_type="text/html;charset=UTF-8")
        code = self._store(
            "code", self.access.integration_user, _CODE_SECONDS, asked["redirect_uri"]
        )
        query = {"code": code, **({"state": asked["state"]} if "state" in asked else {})}
        joint = "&" if "?" in asked["redirect_uri"] else "?"
        return Reply(302, headers={"Location": asked["redirect_uri"] + joint + urlencode(query)})

    def _answer(self, user: str, refresh: str | None) -> dict[str, object]:
        row = self._valid("access", user)
        seconds = self.switches.access_token_seconds
        if row is None:
            token, left = self._store("access", user, seconds), seconds
        else:
            token, left = row["token"], int(row["expires_at"] - self.now.timestamp())
        answer: dict[str, object] = {
            "access_token": token,
            "scope": "useraccount",
            "token_type": "Bearer",
            "expires_in": left,
        }
        return answer if refresh is None else {**answer, "refresh_token": refresh}

    def _refresh_token(self, user: str) -> str:
        row = self._valid("refresh", user)
        if row is not None:
            return str(row["token"])
        return self._store("refresh", user, self.switches.refresh_token_seconds)

    def _valid(self, kind: str, user: str) -> sqlite3.Row | None:
        found: sqlite3.Row | None = self.connection.execute(
            'SELECT * FROM "_tokens" WHERE kind = ? AND user = ? AND client_id = ?'
            " AND expires_at >= ? ORDER BY expires_at DESC LIMIT 1",
            (kind, user, self.access.client_id, self.now.timestamp() + 1),
        ).fetchone()
        return found

    def _taken(self, kind: str, token: str) -> sqlite3.Row | None:
        found: sqlite3.Row | None = self.connection.execute(
            'SELECT * FROM "_tokens" WHERE token = ? AND kind = ? AND expires_at > ?',
            (token, kind, self.now.timestamp()),
        ).fetchone()
        return found

    def _store(self, kind: str, user: str, seconds: int, redirect_uri: str = "") -> str:
        token = secrets.token_urlsafe(48)
        self.connection.execute(
            'INSERT INTO "_tokens" VALUES (?, ?, ?, ?, ?, ?)',
            (token, kind, self.access.client_id, user, redirect_uri,
             self.now.timestamp() + seconds),
        )  # fmt: skip
        return token


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _consent(asked: dict[str, str]) -> str:
    fields = "".join(
        f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'
        for name, value in asked.items()
    )
    return (
        "<!DOCTYPE html><html><head><title>ServiceNow</title></head><body>"
        "<h1>An application would like to connect to your account</h1>"
        f'<form method="post" action="/oauth_auth.do">{fields}'
        '<button type="submit">Allow</button></form></body></html>'
    )
