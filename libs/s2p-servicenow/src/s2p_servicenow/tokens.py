"""ServiceNow's tokens in the store's vault, shared by everything that uses one client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from servicenow_client import Tokens

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from s2p_store import Store

__all__ = ["SYSTEM", "VaultTokens"]

SYSTEM: Final = "servicenow"


class VaultTokens:
    """A `TokenStore` over the vault: one entry per client and instance."""

    def __init__(self, store: Store, client_id: str, instance_url: str) -> None:
        self._vault = store.vault
        self._client_id = client_id
        self._instance = instance_url.rstrip("/").lower()

    def load(self) -> Tokens | None:
        """Return what was saved last, or None."""
        kept = self._vault.load(SYSTEM, self._client_id, self._instance)
        if not kept:
            return None
        refresh = kept.get("refresh_token")
        return Tokens(
            str(kept.get("access_token", "")),
            float(kept.get("expires_at", 0.0)),
            str(refresh) if refresh else None,
        )

    def save(self, tokens: Tokens, /) -> None:
        """Keep these tokens, encrypted."""
        payload = {
            "access_token": tokens.access_token,
            "expires_at": tokens.expires_at,
            "refresh_token": tokens.refresh_token,
        }
        self._vault.save(SYSTEM, self._client_id, payload, self._instance)

    def lock(self) -> AbstractContextManager[None]:
        """Hold off other processes while a token is fetched."""
        return self._vault.lock(SYSTEM, self._client_id, self._instance)
