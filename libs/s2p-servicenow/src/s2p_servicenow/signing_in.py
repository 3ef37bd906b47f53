"""From a plugin's settings to ServiceNow."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from s2p_servicenow.tokens import VaultTokens
from servicenow_client import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from s2p_store import Store
    from servicenow_client import Call, ServiceNowClient

__all__ = ["connected", "needed"]

_DEFAULT_METHOD: Final = "client_credentials"
_NEEDED: Final = {
    "client_credentials": ("client_id", "client_secret"),
    "authorization_code": ("client_id", "client_secret"),
    "basic": ("username", "password"),
}


def needed(auth_method: str | None) -> tuple[str, ...]:
    """Name the settings that a sign-in method cannot do without, the instance's address apart."""
    return _NEEDED.get(auth_method or _DEFAULT_METHOD, ())


def connected(
    settings: Mapping[str, Any],
    store: Store,
    *,
    prefix: str = "",
    sleep: Callable[[float], object] = time.sleep,
    on_call: Callable[[Call], object] | None = None,
) -> ServiceNowClient:
    """Give a client for these settings; no request is made yet, and the caller closes it.

    Tokens are kept in the store's vault, where every plugin and command of the same client finds
    them; without a store key they live as long as the process.

    Args:
        settings: instance_url, auth_method, client_id, client_secret, username, password and
            refresh_token, each preceded by `prefix`.
        store: where the tokens lie.
        prefix: what precedes the names.
        sleep: waits the given seconds.
        on_call: told every HTTP attempt.

    Raises:
        SettingsError: a setting is missing or malformed.
    """

    def setting(name: str) -> str | None:
        value = settings.get(f"{prefix}{name}")
        return None if value in (None, "") else str(value)

    instance_url, client_id = setting("instance_url"), setting("client_id")
    secret = setting("client_secret")
    shared = (
        VaultTokens(store, client_id, instance_url, secret)
        if store.has_key and client_id and instance_url
        else None
    )
    return connect(
        instance_url,
        setting("auth_method") or _DEFAULT_METHOD,
        client_id=client_id,
        client_secret=secret,
        username=setting("username"),
        password=setting("password"),
        refresh_token=setting("refresh_token"),
        token_store=shared,
        sleep=sleep,
        on_call=on_call,
    )
