"""The operators' connection to Exact Online: the login and the error budget are the tap's."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from exactonline_client import App, connect, root_url
from s2p_console.settings import TAP
from s2p_exactonline import RefusalLog, VaultTokens

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exactonline_client import ExactClient
    from s2p_console.settings import Settings
    from s2p_store import Store

__all__ = ["connected", "root_of"]

_TIMEOUT: Final = 120.0


def root_of(settings: Settings) -> str:
    """Give the root URL of Exact Online that the settings name."""
    return root_url(settings.find(TAP, "region") or "nl", settings.find(TAP, "api_url"))


@contextmanager
def connected(settings: Settings, store: Store) -> Iterator[ExactClient]:
    """Give a client with the login that lies in the store.

    Raises:
        SettingError: client id or secret is missing.
    """
    client_id, client_secret = settings.need(TAP, "client_id", "client_secret")
    client = connect(
        root_of(settings),
        App(client_id, client_secret, settings.find(TAP, "redirect_uri")),
        VaultTokens(store.vault, client_id, settings.find(TAP, "refresh_token")),
        timeout=settings.seconds(TAP, "request_timeout", _TIMEOUT),
        errors=RefusalLog(store.memory, client_id),
    )
    try:
        yield client
    finally:
        client.close()
