"""ServiceNow's tokens in the store's vault, shared by everything that uses one client."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final

from servicenow_client import Tokens

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from s2p_store import Store

__all__ = ["SYSTEM", "VaultTokens"]

SYSTEM: Final = "servicenow"


class VaultTokens:
    """A `TokenStore` over the vault: one entry per client and instance.

    An access token is given only to whoever has the secret it was issued for: a plugin with a wrong
    secret is to hear of it at once, not when another plugin's token has expired.
    """

    def __init__(
        self, store: Store, client_id: str, instance_url: str, client_secret: str | None = None
    ) -> None:
        self._vault = store.vault
        self._secret = sha256((client_secret or "").encode()).hexdigest()
        self._client_id = client_id
        self._instance = instance_url.rstrip("/").lower()

    def load(self) -> Tokens | None:
        """Return what was saved last, or None."""
        kept = self._vault.load(SYSTEM, self._client_id, self._instance)
        if not kept:
            return None
        refresh = kept.get("refresh_token")
        mine = kept.get("issued_for") == self._secret
        return Tokens(
            str(kept.get("access_token", "")),
            float(kept.get("expires_at", 0.0)) if mine else 0.0,
            str(refresh) if refresh else None,
        )

    def save(self, tokens: Tokens, /) -> None:
        """Keep these tokens, encrypted."""
        payload = {
            "access_token": tokens.access_token,
            "expires_at": tokens.expires_at,
            "refresh_token": tokens.refresh_token,
            "issued_for": self._secret,
        }
        self._vault.save(SYSTEM, self._client_id, payload, self._instance)

    def lock(self) -> AbstractContextManager[None]:
        """Hold off other processes while a token is fetched."""
        return self._vault.lock(SYSTEM, self._client_id, self._instance)
