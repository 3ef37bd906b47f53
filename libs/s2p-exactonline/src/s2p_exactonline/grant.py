"""What a login gave access to, remembered when it was made.

The division a user has open changes with every click of that user, so the one that stands in for
the setting ``divisions`` is the one that was open when the login was set up.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from s2p_store.vault import Vault

__all__ = ["Grant", "load_grant", "save_grant"]

_ENTRY: Final = "exactonline-grant"


@dataclass(frozen=True, slots=True)
class Grant:
    """What is known of a consent.

    Attributes:
        division: the user's open division at that time; None where it is not known.
        user_id: who gave it (a GUID), None where it is not known.
        divisions: codes that were granted, empty where they are not known.
    """

    division: int | None = None
    user_id: str | None = None
    divisions: tuple[int, ...] = ()

    def with_division(self, division: int) -> Grant:
        """Give the same grant with another division remembered."""
        return replace(self, division=division)


def load_grant(vault: Vault, client_id: str) -> Grant:
    """Read what is remembered; an empty grant if nothing is.

    Raises:
        StoreKeyMissing: the store was opened without a key.
    """
    payload = vault.load(_ENTRY, client_id) or {}
    division, user = payload.get("division"), payload.get("user_id")
    divisions = payload.get("divisions")
    return Grant(
        division if isinstance(division, int) else None,
        user if isinstance(user, str) else None,
        tuple(one for one in divisions if isinstance(one, int))
        if isinstance(divisions, list)
        else (),
    )


def save_grant(vault: Vault, client_id: str, grant: Grant) -> None:
    """Remember a grant in place of the one before."""
    payload = {
        "division": grant.division,
        "user_id": grant.user_id,
        "divisions": list(grant.divisions),
    }
    vault.save(_ENTRY, client_id, payload)
