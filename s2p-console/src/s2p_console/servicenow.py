"""The operators' connection to ServiceNow: that of the target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from s2p_console.errors import SettingError
from s2p_console.settings import TARGET
from s2p_servicenow import connected as connect
from s2p_servicenow import needed

if TYPE_CHECKING:
    from collections.abc import Callable

    from s2p_console.settings import Settings
    from s2p_store import Store
    from servicenow_client import Call, ServiceNowClient

__all__ = ["connected"]

_NAMES: Final = (
    "instance_url",
    "auth_method",
    "client_id",
    "client_secret",
    "username",
    "password",
    "refresh_token",
)


def connected(
    settings: Settings, store: Store, on_call: Callable[[Call], object] | None = None
) -> ServiceNowClient:
    """Give a client with the target's settings; the caller closes it.

    Raises:
        SettingError: what the sign-in method needs is missing.
        SettingsError: a setting is malformed.
    """
    given: dict[str, Any] = {name: settings.find(TARGET, name) for name in _NAMES}
    method = given["auth_method"]
    if method and not needed(method):
        raise SettingError(
            f"The setting 'auth_method' of {TARGET} is {method!r}: it must be client_credentials, "
            "authorization_code or basic."
        )
    settings.need(TARGET, "instance_url", *needed(method))
    return connect(given, store, on_call=on_call)
