"""The one way in from settings."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from servicenow_client.auth import Auth, AuthorizationCode, BasicAuth, ClientCredentials
from servicenow_client.client import ServiceNowClient
from servicenow_client.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from servicenow_client.http import Transport
    from servicenow_client.retry import Patience
    from servicenow_client.session import Call
    from servicenow_client.tokens import TokenStore

__all__ = ["AUTH_METHODS", "connect"]

AUTH_METHODS: Final = ("client_credentials", "authorization_code", "basic")


def connect(  # noqa: PLR0913 - one parameter per setting
    instance_url: str | None,
    auth_method: str = "client_credentials",
    *,
    client_id: str | None = None,
    client_secret: str | None = None,
    username: str | None = None,
    password: str | None = None,
    refresh_token: str | None = None,
    token_store: TokenStore | None = None,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], object] = time.sleep,
    rng: Random | None = None,
    timeout: float = 60.0,
    on_call: Callable[[Call], object] | None = None,
    page_size: int = 1000,
    patience: Patience | None = None,
    transport: Transport | None = None,
) -> ServiceNowClient:
    """Return a client for these settings; no request is made yet.

    Args:
        instance_url: ``https://acme.service-now.com``; plain http only on this machine.
        auth_method: one of `AUTH_METHODS`.
        client_id: OAuth client, for the two OAuth methods.
        client_secret: its secret.
        username: for basic.
        password: for basic.
        refresh_token: for authorization_code where the token store holds none yet.
        token_store: shares tokens between processes.
        clock: see `ServiceNowClient`, as for all that follow.
        sleep: waits the given seconds.
        rng: source of jitter.
        timeout: seconds for one request.
        on_call: told every HTTP attempt.
        page_size: rows per page of a query.
        patience: how long to try again.
        transport: sends requests.

    Raises:
        SettingsError: a setting is missing or malformed.
    """
    root = _root(instance_url)
    auth: Auth
    if auth_method == "basic":
        auth = BasicAuth(
            _needed("username", username, auth_method), _needed("password", password, auth_method)
        )
    elif auth_method in AUTH_METHODS:
        identity = (
            _needed("client_id", client_id, auth_method),
            _needed("client_secret", client_secret, auth_method),
        )
        if auth_method == "client_credentials":
            auth = ClientCredentials(*identity, token_store)
        else:
            auth = AuthorizationCode(*identity, refresh_token, token_store)
    else:
        raise SettingsError(
            f"auth_method is {auth_method!r}: it must be one of {', '.join(AUTH_METHODS)}"
        )
    return ServiceNowClient(
        root,
        auth,
        clock=clock,
        sleep=sleep,
        rng=rng,
        timeout=timeout,
        on_call=on_call,
        page_size=page_size,
        patience=patience,
        transport=transport,
    )


def _root(instance_url: str | None) -> str:
    if not instance_url:
        raise SettingsError("instance_url is missing: set it to https://<instance>.service-now.com")
    try:
        parts = urlsplit(instance_url)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        parts, port_is_fine = urlsplit(""), False
    if parts.scheme not in {"https", "http"} or not parts.hostname or not port_is_fine:
        raise SettingsError("instance_url is malformed: it looks like https://acme.service-now.com")
    if parts.username or parts.password:
        raise SettingsError("instance_url holds credentials: put them into their own settings")
    if parts.scheme == "http" and not _is_local(parts.hostname):
        raise SettingsError(
            "instance_url begins with http://, which would send credentials in clear: use https://"
        )
    if parts.path.strip("/"):
        raise SettingsError(
            f"instance_url has a path ({parts.path}): give only the instance's root address"
        )
    return f"{parts.scheme}://{parts.netloc}"


def _is_local(host: str) -> bool:
    return host in {"localhost", "::1"} or host.startswith("127.")


def _needed(name: str, value: str | None, auth_method: str) -> str:
    if not value:
        raise SettingsError(f"{name} is missing: auth_method {auth_method} needs it")
    return value
