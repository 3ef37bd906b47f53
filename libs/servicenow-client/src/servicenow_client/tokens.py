"""Tokens, and where a program may keep them between runs."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from typing_extensions import override

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

__all__ = ["MemoryTokenStore", "TokenStore", "Tokens"]


@dataclass(frozen=True, slots=True)
class Tokens:
    """One grant.

    Attributes:
        access_token: sent as Bearer.
        expires_at: Unix time in seconds after which the access token is not used.
        refresh_token: absent with client credentials, where ServiceNow issues none.
    """

    access_token: str = field(repr=False)
    expires_at: float
    refresh_token: str | None = field(default=None, repr=False)


class TokenStore(Protocol):
    """Keeps the tokens of one client at one instance, for several processes."""

    def load(self) -> Tokens | None:
        """Return what was saved last, or None."""

    def save(self, tokens: Tokens, /) -> None:
        """Keep these tokens; durable when it returns."""

    def lock(self) -> AbstractContextManager[None]:
        """Hold off every other process that wants to renew the same tokens."""


class MemoryTokenStore:
    """Keeps tokens for the life of one process."""

    def __init__(self) -> None:
        self._tokens: Tokens | None = None

    def load(self) -> Tokens | None:
        """Return what was saved last, or None."""
        return self._tokens

    def save(self, tokens: Tokens, /) -> None:
        """Keep these tokens."""
        self._tokens = tokens

    def lock(self) -> AbstractContextManager[None]:
        """Nothing to lock: nobody else sees this store."""
        return nullcontext()

    @override
    def __repr__(self) -> str:
        return "MemoryTokenStore()"
