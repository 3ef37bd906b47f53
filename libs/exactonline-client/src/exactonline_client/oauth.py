"""Exact's OAuth2 endpoints: the URL for consent, the code exchange, the refresh.

Pure builders and readers, and the two calls that use them. What to do with tokens over time is
decided in ``tokens``, carried out in ``auth``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlencode

import msgspec

from exactonline_client.envelope import parse_json
from exactonline_client.errors import (
    ClientRefused,
    LoginNeeded,
    SettingError,
    TokenRequestFailed,
    UnexpectedAnswer,
)
from exactonline_client.tokens import Tokens

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from exactonline_client.transport import Reply, Transport

__all__ = [
    "App",
    "EmptyAnswer",
    "TokenIsSpent",
    "TokenIsYoung",
    "authorise_url",
    "exchange_code",
    "read_tokens",
    "refresh",
]

_OK: Final = 200
_SERVER: Final = 500
_USUAL_LIFETIME: Final = 600
_LONGEST_LIFETIME: Final = 86_400
_LONGEST_TEXT: Final = 200
LOGIN_HINT: Final = "Log in again with `s2p login`."


@dataclass(frozen=True, slots=True)
class App:
    """An app registration at Exact Online.

    Attributes:
        client_id: the registration's id, a GUID.
        client_secret: its secret.
        redirect_uri: as registered, to the letter; needed for a login only.
    """

    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str | None = None


class TokenIsYoung(TokenRequestFailed):
    """Exact refuses to renew: the access token is less than 570 seconds old and still good."""


class EmptyAnswer(UnexpectedAnswer):
    """The token endpoint answered with nothing at all, as it now and then does."""


class TokenIsSpent(LoginNeeded):
    """The refresh token was used before, perhaps by another process a moment ago."""


def authorise_url(root_url: str, app: App, *, state: str, force_login: bool = False) -> str:
    """Give the address at which a user gives consent.

    Args:
        root_url: of the user's region.
        app: with its redirect URI.
        state: an unguessable value that comes back with the code and has to be compared.
        force_login: ask for user and password even if the browser is logged in.

    Raises:
        SettingError: the app has no redirect URI.
    """
    query = {
        "client_id": app.client_id,
        "redirect_uri": _redirect_uri(app),
        "response_type": "code",
        "state": state,
        "force_login": "1" if force_login else "0",
    }
    return f"{root_url}/api/oauth2/auth?{urlencode(query)}"


def exchange_code(
    transport: Transport, root_url: str, app: App, code: str, *, now: datetime
) -> Tokens:
    """Turn the code of a login into the first tokens of a chain. The code is good for 3 minutes.

    Args:
        transport: to the region's root.
        root_url: of the user's region.
        app: with its redirect URI.
        code: as it stands in the address the browser was sent to, percent-encoded or not.
        now: the moment of the call (aware, UTC).

    Raises:
        AuthorizationError, ConnectionFailed, UnexpectedAnswer: as their sentences say.
    """
    form = {
        "grant_type": "authorization_code",
        "code": unquote(code.strip()),
        "redirect_uri": _redirect_uri(app),
        "client_id": app.client_id,
        "client_secret": app.client_secret,
    }
    reply = transport.post_form(_token_url(root_url), form, what="the exchange of the login code")
    return read_tokens(reply, now=now, replaces=None)


def refresh(
    transport: Transport, root_url: str, app: App, refresh_token: str, *, now: datetime
) -> Tokens:
    """Use up a refresh token for a new pair. Never repeat this call once it may have been sent.

    Raises:
        TokenIsYoung, TokenIsSpent, AuthorizationError, ConnectionFailed, UnexpectedAnswer.
    """
    form = {
        "grant_type": "refresh_token",
        "refresh_token": refresh_token,
        "client_id": app.client_id,
        "client_secret": app.client_secret,
    }
    reply = transport.post_form(_token_url(root_url), form, what="the token refresh")
    return read_tokens(reply, now=now, replaces=refresh_token)


def read_tokens(reply: Reply, *, now: datetime, replaces: str | None) -> Tokens:
    """Read the answer of the token endpoint.

    Args:
        reply: of the token endpoint.
        now: taken before the request, so that the age is never underestimated.
        replaces: the refresh token that was used.
    """
    what = "the token request"
    if reply.status >= _SERVER:
        raise TokenRequestFailed(
            f"Exact Online's token endpoint failed (HTTP {reply.status}). Try again later."
        )
    if not reply.body.strip():
        raise EmptyAnswer("Exact Online answered the token request with an empty body.")
    document = parse_json(reply.body, what)
    if reply.status == _OK and isinstance(document, dict):
        try:
            answer = msgspec.convert(document, _TokenAnswer, strict=False)
        except msgspec.ValidationError as error:
            raise UnexpectedAnswer(
                "Exact Online answered the token request with JSON that holds no tokens."
            ) from error
        return Tokens(
            answer.access_token,
            answer.refresh_token,
            issued_at=now,
            expires_in=_lifetime(answer.expires_in),
            previous_refresh_token=replaces,
        )
    raise _refusal(reply, document if isinstance(document, dict) else {})


class _TokenAnswer(msgspec.Struct):
    access_token: str
    refresh_token: str
    expires_in: object = None  # arrives as the text "600"


def _lifetime(told: object) -> int:
    """Give the seconds an access token lives; an odd value must not cost the new tokens."""
    try:
        seconds = int(str(told))
    except ValueError:
        return _USUAL_LIFETIME
    return seconds if 0 < seconds <= _LONGEST_LIFETIME else _USUAL_LIFETIME


def _refusal(reply: Reply, document: Mapping[str, object]) -> Exception:
    """Sort an error of the token endpoint by what a person can do about it."""
    code = str(document.get("error", ""))
    text = " ".join(str(document.get("error_description", "")).split())[:_LONGEST_TEXT]
    low = text.lower() + " " + reply.headers.get("Reason", "").lower()
    if "not expired" in low or "tooearly" in low:
        return TokenIsYoung("The access token may not be renewed yet.")
    if "old refresh token" in low:
        return TokenIsSpent(
            "The refresh token was used before, so Exact Online has ended this chain of tokens. "
            "It happens when two environments share one app and user, or when a new token was "
            f"lost on its way here. {LOGIN_HINT}"
        )
    if code in {"invalid_client", "unauthorized_client"}:
        return ClientRefused(
            "Exact Online does not accept this client_id and client_secret. "
            "Compare them with the app registration of the same region."
        )
    if "expired" in low or code in {"invalid_grant", "access_denied"}:
        return LoginNeeded(
            f"Exact Online no longer accepts the stored login ({code}"
            f"{': ' + text if text else ''}). {LOGIN_HINT}"
        )
    return TokenRequestFailed(
        f"Exact Online refused the token request (HTTP {reply.status}, {code or 'no reason given'}"
        f"{': ' + text if text else ''}). Check client_id, client_secret and redirect_uri; "
        "otherwise log in again with `s2p login`."
    )


def _token_url(root_url: str) -> str:
    return f"{root_url}/api/oauth2/token"


def _redirect_uri(app: App) -> str:
    if not app.redirect_uri:
        raise SettingError(
            "redirect_uri is missing: a login needs the app's registered redirect URI."
        )
    return app.redirect_uri
