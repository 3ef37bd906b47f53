"""The browser's part of a login: what comes back in the address, and whether to trust it. Pure."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, unquote_plus, urlsplit

from s2p_console.errors import LoginError
from s2p_console.wording import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Pending", "code_of"]

_GOOD_FOR: Final = timedelta(minutes=30)
_AGAIN: Final = "Begin again with `s2p login`."
_LONGEST: Final = 120


@dataclass(frozen=True, slots=True)
class Pending:
    """A login that was begun and waits for the browser.

    Attributes:
        state: the unguessable value that must come back.
        asked_at: when (aware, UTC).
    """

    state: str = field(repr=False)
    asked_at: datetime

    def to_payload(self) -> dict[str, Any]:
        """Give the JSON form for the vault."""
        return {"state": self.state, "asked_at": self.asked_at.isoformat()}

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any] | None) -> Pending | None:
        """Read the JSON form; None if there is none, or it was used."""
        if not payload:
            return None
        return cls(str(payload["state"]), datetime.fromisoformat(payload["asked_at"]))

    def is_current(self, now: datetime) -> bool:
        """Tell whether the answer may still come."""
        return now - self.asked_at <= _GOOD_FOR


def code_of(address: str, state: str, redirect_uri: str) -> str:
    """Take the login code out of the address the browser was sent to.

    Args:
        address: the whole address, as pasted.
        state: what was sent along when the login was begun.
        redirect_uri: the app's; the address must be under it.

    Returns:
        The code as it stands in the address, percent-encoded; the exchange decodes it.

    Raises:
        LoginError: it is no such address, of another login, or Exact refused.
    """
    try:
        parts, registered = urlsplit(address.strip()), urlsplit(redirect_uri.strip())
    except ValueError:
        raise LoginError(f"What was pasted is not an address. {_AGAIN}") from None
    # Read by hand: a library would take a `+` of the code for a space.
    query = dict(pair.partition("=")[::2] for pair in parts.query.split("&") if pair)
    if "error" in query:
        why = plain(unquote_plus(query.get("error_description") or query["error"]))[:_LONGEST]
        raise LoginError(f"Exact Online did not give access: {why}. {_AGAIN}")
    if (parts.scheme, parts.netloc.lower()) != (registered.scheme, registered.netloc.lower()):
        raise LoginError(
            "The address does not begin with the app's redirect_uri "
            f"({plain(redirect_uri)}). Paste the whole address line of the browser after the "
            f"consent. {_AGAIN}"
        )
    if not query.get("code"):
        raise LoginError(
            "The address holds no code. Paste the whole address line of the browser after the "
            f"consent. {_AGAIN}"
        )
    if not hmac.compare_digest(unquote(query.get("state", "")).encode(), state.encode()):
        raise LoginError(
            "The address belongs to another login: its state is not the one sent along. "
            f"Nothing was stored. {_AGAIN}"
        )
    return query["code"]
