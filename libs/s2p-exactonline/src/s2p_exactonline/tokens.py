"""The token chain of one app and user, in the vault of the store."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from exactonline_client import Tokens, seed_tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from s2p_store.vault import Vault

__all__ = ["SYSTEM", "VaultTokens"]

SYSTEM: Final = "exactonline"


class VaultTokens:
    """Satisfies ``exactonline_client.TokenStore`` with a vault.

    The configured refresh token only fills a vault that never held a working one: afterwards it
    has been used up, and the vault is the truth.
    """

    def __init__(
        self,
        vault: Vault,
        client_id: str,
        seed: str | None = None,
        *,
        on_secret: Callable[[Iterable[str]], object] | None = None,
    ) -> None:
        """Prepare; reads nothing yet.

        Args:
            vault: of the store.
            client_id: of the app registration.
            seed: a refresh token from the settings.
            on_secret: told every token, so that logs mask it.
        """
        self._vault = vault
        self._client_id = client_id
        self._seed = seed
        self._on_secret = on_secret or (lambda _: None)
        self._turn = threading.Lock()

    def load(self) -> Tokens | None:
        """Read what was saved last, else the seed."""
        payload = self._vault.load(SYSTEM, self._client_id)
        tokens = Tokens.from_payload(payload) if payload else None
        if self._seed and (tokens is None or not tokens.access_token):
            seed = seed_tokens(self._seed)
            # The same again has its calls counted already.
            if tokens is None or tokens.refresh_token != seed.refresh_token:
                tokens = seed
        if tokens is not None:
            self._on_secret((tokens.access_token, tokens.refresh_token))
        return tokens

    def save(self, tokens: Tokens) -> None:
        """Keep the tokens, on disk when this returns."""
        self._on_secret((tokens.access_token, tokens.refresh_token))
        self._vault.save(SYSTEM, self._client_id, tokens.to_payload())

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Exclude every other thread and process from this chain."""
        with self._turn, self._vault.lock(SYSTEM, self._client_id):
            yield

    def close(self) -> None:
        """Wait until no thread renews the login; none will any more."""
        self._turn.acquire()
