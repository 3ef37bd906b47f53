"""Exact's OAuth tokens: who may do what until when.

An access token lives 600 s and may be refreshed only 570 s after it was received. Each use of a
refresh token gives a new one and kills the old; so does a new consent of the same user for the same
app. A refresh token dies after 30 days of non-use. The error bodies are those users reported.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence
    from datetime import datetime

    from s2p_sandbox.database import Database
    from s2p_sandbox.exact.switches import Switches

__all__ = ["TOKENS_SCHEMA", "Registration", "Session", "TokenDesk", "TokenRefusedError"]

ACCESS_SECONDS = 600
CODE_SECONDS = 180
_DAY = 86400
TOKENS_SCHEMA = """
CREATE TABLE IF NOT EXISTS codes (
    code TEXT PRIMARY KEY, client TEXT, user TEXT, redirect_uri TEXT, divisions TEXT, issued REAL
);
CREATE TABLE IF NOT EXISTS refresh_tokens (
    token TEXT PRIMARY KEY, client TEXT, user TEXT, divisions TEXT, issued REAL, used REAL
);
CREATE TABLE IF NOT EXISTS access_tokens (
    token TEXT PRIMARY KEY, client TEXT, user TEXT, divisions TEXT, issued REAL
);
CREATE TABLE IF NOT EXISTS token_calls (
    client TEXT, user TEXT, day INTEGER, used INTEGER, PRIMARY KEY (client, user, day)
);
"""


@dataclass(frozen=True, slots=True)
class Registration:
    """An app registration and the one user who consents; invented, good for the sandbox only.

    Attributes:
        refresh_token: a refresh token that lives from the start, as if consent had been given.
        webhook_secret: signs deliveries; it is not the client secret.
    """

    client_id: str = "5a1d7c1e-0000-4000-8000-5a4db0c5a4db"
    client_secret: str = "sandbox-exact-secret"  # noqa: S105  # opens the sandbox only
    redirect_uri: str = "https://pipeline.example.com/callback"
    user: str = "5a1d7c1e-0000-4000-8000-00000000a5e7"
    user_name: str = "Integration Service"
    user_login: str = "integration@example.com"
    refresh_token: str = "stampNL001.sandbox-first-refresh-token"  # noqa: S105  # as above
    webhook_secret: str = "sandbox-webhook-secret"  # noqa: S105  # as above


@dataclass(frozen=True, slots=True)
class Session:
    """What a living access token stands for."""

    client: str
    user: str
    divisions: frozenset[int]


class TokenRefusedError(Exception):
    """The token endpoint refuses: a status, the two error fields, perhaps a ``Reason`` header."""

    def __init__(self, status: int, error: str, description: str = "", reason: str = "") -> None:
        super().__init__(error)
        self.status = status
        self.reason = reason
        self.body: dict[str, str] = {"error": error}
        if description:
            self.body["error_description"] = description


class TokenDesk:
    """Issues and checks tokens of one registration; state in the database."""

    def __init__(self, database: Database, registration: Registration) -> None:
        self._database = database
        self.registration = registration

    def plant(self, divisions: Sequence[int], now: datetime) -> None:
        """Make the registration's first refresh token valid, as after a consent."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO refresh_tokens VALUES (?, ?, ?, ?, ?, NULL)",
                (
                    self.registration.refresh_token,
                    self.registration.client_id,
                    self.registration.user,
                    json.dumps(sorted(divisions)),
                    now.timestamp(),
                ),
            )

    def live_refresh_token(self) -> str:
        """The refresh token that works now: the first one, or what it has been exchanged for."""
        with self._database.read() as connection:
            found = connection.execute(
                "SELECT token FROM refresh_tokens WHERE used IS NULL ORDER BY issued DESC LIMIT 1"
            ).fetchone()
        return self.registration.refresh_token if found is None else str(found["token"])

    def clear(self) -> None:
        """Forget all tokens and codes."""
        with self._database.transaction() as connection:
            for table in ("codes", "refresh_tokens", "access_tokens", "token_calls"):
                connection.execute(f"DELETE FROM {table}")  # noqa: S608  # the names above

    def consent(self, redirect_uri: str, divisions: Sequence[int], now: datetime) -> str:
        """The user agrees: a code for these divisions, good for three minutes and one use."""
        code = f"stampNL001.{secrets.token_urlsafe(24)}!{secrets.token_urlsafe(12)}"
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO codes VALUES (?, ?, ?, ?, ?, ?)",
                (
                    code,
                    self.registration.client_id,
                    self.registration.user,
                    redirect_uri,
                    json.dumps(sorted(divisions)),
                    now.timestamp(),
                ),
            )
        return code

    def implicit(self, divisions: Sequence[int], now: datetime) -> str:
        """The implicit grant: an access token without a refresh token."""
        with self._database.transaction() as connection:
            return self._access(connection, json.dumps(sorted(divisions)), now)

    def grant(self, form: dict[str, str], now: datetime, switches: Switches) -> dict[str, str]:
        """Answer a token request: the success body.

        Raises:
            TokenRefusedError: with the status and body to answer.
        """
        kind = form.get("grant_type")
        wanted = {
            "authorization_code": ("code", "redirect_uri"),
            "refresh_token": ("refresh_token",),
        }
        if kind not in wanted:
            raise TokenRefusedError(400, "unsupported_grant_type" if kind else "invalid_request")
        if not all(form.get(name) for name in (*wanted[kind], "client_id", "client_secret")):
            raise TokenRefusedError(400, "invalid_request")
        known = self.registration.client_id, self.registration.client_secret
        if (form["client_id"].strip("{}").lower(), form["client_secret"]) != known:
            raise TokenRefusedError(400, "invalid_client")
        with self._database.transaction() as connection:
            if kind == "refresh_token":
                divisions = self._by_refresh(connection, form["refresh_token"], now, switches)
            else:
                divisions = self._by_code(connection, form, now)
            self._count(connection, now, switches)
            return self._issue(connection, divisions, now)

    def session(self, bearer: str, now: datetime) -> tuple[Session | None, bool]:
        """Who a bearer token speaks for, and whether it has expired; None for an unknown one."""
        with self._database.read() as connection:
            found = connection.execute(
                "SELECT * FROM access_tokens WHERE token = ?", (bearer,)
            ).fetchone()
        if found is None:
            return None, False
        divisions = frozenset(json.loads(found["divisions"]))
        expired = now.timestamp() - found["issued"] >= ACCESS_SECONDS
        return Session(found["client"], found["user"], divisions), expired

    def _by_refresh(
        self, connection: sqlite3.Connection, token: str, now: datetime, switches: Switches
    ) -> str:
        found = connection.execute(
            "SELECT * FROM refresh_tokens WHERE token = ?", (token,)
        ).fetchone()
        if found is None:
            raise TokenRefusedError(
                400, "invalid_grant", "Token is not allowed, because of invalid or empty chainId"
            )
        moment = now.timestamp()
        used = found["used"]
        in_grace = used is not None and moment - used < switches.refresh_grace_seconds
        if used is not None and not in_grace:
            raise TokenRefusedError(401, "unauthorized_client", "Old refresh token used.")
        if moment - found["issued"] > switches.refresh_token_days * _DAY:
            ended = found["issued"] + switches.refresh_token_days * _DAY
            raise TokenRefusedError(400, "invalid_request", _expired(ended, now))
        last = connection.execute(
            "SELECT max(issued) AS at FROM access_tokens WHERE client = ? AND user = ?",
            (found["client"], found["user"]),
        ).fetchone()["at"]
        if not in_grace and last is not None and moment - last < switches.refresh_after_seconds:
            text = "Rate limit exceeded: access_token not expired"
            raise TokenRefusedError(
                400, "access_denied", text, reason=f"TooEarlyToRefreshTokens: {text}"
            )
        return str(found["divisions"])

    def _by_code(self, connection: sqlite3.Connection, form: dict[str, str], now: datetime) -> str:
        found = connection.execute("SELECT * FROM codes WHERE code = ?", (form["code"],)).fetchone()
        fresh = found is not None and now.timestamp() - found["issued"] <= CODE_SECONDS
        if not fresh or found["redirect_uri"] != form["redirect_uri"]:
            raise TokenRefusedError(400, "invalid_grant")
        connection.execute("DELETE FROM codes WHERE code = ?", (form["code"],))
        return str(found["divisions"])

    def _count(self, connection: sqlite3.Connection, now: datetime, switches: Switches) -> None:
        key = self.registration.client_id, self.registration.user, int(now.timestamp()) // _DAY
        used = connection.execute(
            "SELECT used FROM token_calls WHERE client = ? AND user = ? AND day = ?", key
        ).fetchone()
        count = 0 if used is None else used["used"]
        if count >= switches.token_calls_per_day:
            raise TokenRefusedError(400, "access_denied", "Rate limit exceeded")
        connection.execute(
            "INSERT OR REPLACE INTO token_calls VALUES (?, ?, ?, ?)", (*key, count + 1)
        )

    def _issue(
        self, connection: sqlite3.Connection, divisions: str, now: datetime
    ) -> dict[str, str]:
        owner = self.registration.client_id, self.registration.user
        moment = now.timestamp()
        connection.execute(
            "UPDATE refresh_tokens SET used = ? WHERE client = ? AND user = ? AND used IS NULL",
            (moment, *owner),
        )
        refresh = f"stampNL001.{secrets.token_urlsafe(48)}!IAAA{secrets.token_urlsafe(24)}"
        connection.execute(
            "INSERT INTO refresh_tokens VALUES (?, ?, ?, ?, ?, NULL)",
            (refresh, *owner, divisions, moment),
        )
        return {
            "access_token": self._access(connection, divisions, now),
            "token_type": "bearer",
            "expires_in": str(ACCESS_SECONDS),
            "refresh_token": refresh,
        }

    def _access(self, connection: sqlite3.Connection, divisions: str, now: datetime) -> str:
        token = f"stampNL001.AAEA{secrets.token_urlsafe(64)}"
        connection.execute(
            "INSERT INTO access_tokens VALUES (?, ?, ?, ?, ?)",
            (
                token,
                self.registration.client_id,
                self.registration.user,
                divisions,
                now.timestamp(),
            ),
        )
        return token


def _expired(ended: float, now: datetime) -> str:
    end = now.fromtimestamp(ended, tz=now.tzinfo)
    return f"The refresh token expired at {_american(end)} and it is now {_american(now)}"


def _american(moment: datetime) -> str:
    hour = moment.hour % 12 or 12
    half = "AM" if moment.hour < 12 else "PM"  # noqa: PLR2004  # noon
    date = f"{moment.month}/{moment.day}/{moment.year}"
    return f"{date} {hour}:{moment.minute:02}:{moment.second:02} {half}"
