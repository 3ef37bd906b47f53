"""A sign-in at ServiceNow whose tokens live in the store."""

from __future__ import annotations

from s2p_servicenow.signing_in import connected, needed
from s2p_servicenow.tokens import SYSTEM, VaultTokens

__all__ = ["SYSTEM", "VaultTokens", "connected", "needed"]
