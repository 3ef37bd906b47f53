"""Who we are, in one header: three small objects, tested without a network.

ServiceNow's token endpoint takes a form in the POST body only. While a token is valid it returns
the *same* token with the remaining ``expires_in``, so the answer's number counts, not 1800.
Client credentials give no refresh token.
"""

from __future__ import annotations

import base64
import threading
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urlencode

from typing_extensions import override

from servicenow_client.answers import read_body
from servicenow_client.errors import AuthenticationFailed
from servicenow_client.http import Request
from servicenow_client.tokens import MemoryTokenStore, Tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from servicenow_client.http import Answer
    from servicenow_client.tokens import TokenStore

__all__ = ["Auth", "AuthorizationCode", "BasicAuth", "ClientCredentials", "TokenAuth"]

TOKEN_PATH: Final = "/oauth_token.do"  # noqa: S105 - a path
_MARGIN: Final = 5.0
_DEFAULT_LIFETIME: Final = 1800.0


class Auth(Protocol):
    """Gives the Authorization header and can be told that it was refused."""

    def header(self, send: Callable[[Request], Answer], now: float) -> str:
        """Return the header's value, asking for a token through ``send`` where needed."""

    def refused(self, header: str) -> bool:
        """Take note that this header was answered with 401; True if a new try makes sense."""


class BasicAuth:
    """User name and password with every request; ServiceNow discourages it."""

    def __init__(self, username: str, password: str) -> None:
        raw = f"{username}:{password}".encode()
        self._header = "Basic " + base64.b64encode(raw).decode("ascii")

    def header(self, send: Callable[[Request], Answer], now: float) -> str:  # noqa: ARG002 - the protocol's shape
        """Return the constant header."""
        return self._header

    def refused(self, header: str) -> bool:  # noqa: ARG002 - the protocol's shape
        """Nothing can be renewed."""
        return False

    @override
    def __repr__(self) -> str:
        return "BasicAuth(...)"


class TokenAuth:
    """Bearer tokens, one at a time for all threads, shared through a store."""

    def __init__(self, client_id: str, client_secret: str, store: TokenStore | None = None) -> None:
        self._client_id = client_id
        self._client_secret = client_secret
        self._store: TokenStore = store or MemoryTokenStore()
        self._mutex = threading.Lock()
        self._tokens: Tokens | None = None
        self._bad: set[str] = set()

    def header(self, send: Callable[[Request], Answer], now: float) -> str:
        """Return a Bearer header, fetching or renewing the token if it is due."""
        with self._mutex:
            tokens = self._tokens or self._store.load()
            if not self._usable(tokens, now):
                with self._store.lock():
                    tokens = self._store.load()  # another process may have been faster
                    if not self._usable(tokens, now):
                        tokens = self._fetch(send, now, tokens)
                        self._store.save(tokens)
            assert tokens is not None  # noqa: S101 - for the type checker, _usable said so
            self._tokens = tokens
            return "Bearer " + tokens.access_token

    def refused(self, header: str) -> bool:
        """Never use this token again; a fresh one is worth one try."""
        with self._mutex:
            self._bad.add(header.removeprefix("Bearer "))
            self._tokens = None
        return True

    def _usable(self, tokens: Tokens | None, now: float) -> bool:
        return (
            tokens is not None
            and tokens.expires_at - _MARGIN > now
            and tokens.access_token not in self._bad
        )

    def form(self, kept: Tokens | None) -> Mapping[str, str]:
        """Return the grant's form fields besides the client's own."""
        raise NotImplementedError

    def remedy(self) -> str:
        """Say what the user can do when the grant is refused."""
        raise NotImplementedError

    def _fetch(self, send: Callable[[Request], Answer], now: float, kept: Tokens | None) -> Tokens:
        fields = {
            **self.form(kept),
            "client_id": self._client_id,
            "client_secret": self._client_secret,
        }
        answer = send(
            Request(
                "POST",
                TOKEN_PATH,
                headers={
                    "Content-Type": "application/x-www-form-urlencoded",
                    "Accept": "application/json",
                },
                body=urlencode(fields).encode("ascii"),
            )
        )
        body = read_body(answer)
        token = body.data.get("access_token")
        if body.kind != "json" or not isinstance(token, str) or not token:
            said = f" ({body.said})" if body.said else f" (HTTP {answer.status})"
            raise AuthenticationFailed(
                f"ServiceNow refused to issue an access token{said}. {self.remedy()}"
            )
        refresh = body.data.get("refresh_token")
        if not isinstance(refresh, str) or not refresh:
            refresh = kept.refresh_token if kept else None
        return Tokens(token, now + _lifetime(body.data.get("expires_in")), refresh)

    @override
    def __repr__(self) -> str:
        return f"{type(self).__name__}(client_id=..., client_secret=...)"


class ClientCredentials(TokenAuth):
    """OAuth client credentials: needs an *OAuth Application User* on the client record."""

    @override
    def form(self, kept: Tokens | None) -> Mapping[str, str]:
        return {"grant_type": "client_credentials"}

    @override
    def remedy(self) -> str:
        return (
            "Check client_id and client_secret, that the OAuth client has an application user, and "
            "that glide.oauth.inbound.client.credential.grant_type.enabled is true on the instance"
        )


class AuthorizationCode(TokenAuth):
    """A refresh token from the authorization-code flow; the stored one wins over the seed."""

    def __init__(
        self,
        client_id: str,
        client_secret: str,
        refresh_token: str | None,
        store: TokenStore | None = None,
    ) -> None:
        super().__init__(client_id, client_secret, store)
        self._seed = refresh_token

    @override
    def form(self, kept: Tokens | None) -> Mapping[str, str]:
        token = (kept.refresh_token if kept else None) or self._seed
        if not token:
            raise AuthenticationFailed(
                "There is no ServiceNow refresh token: set refresh_token, or sign in once"
            )
        return {"grant_type": "refresh_token", "refresh_token": token}

    @override
    def remedy(self) -> str:
        return "The refresh token has expired or was revoked: sign in again for a new refresh_token"


def _lifetime(value: object) -> float:
    try:
        seconds = float(str(value))
    except ValueError:
        return _DEFAULT_LIFETIME
    return seconds if 0 < seconds < 10**9 else _DEFAULT_LIFETIME
