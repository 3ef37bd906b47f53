"""Who connects: the app registration and service users at Exact, the OAuth client at ServiceNow.

All of it is invented and worthless outside the sandbox.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from s2p_sandbox.seeds.keys import guid

__all__ = ["CLIENT", "SERVICENOW", "USERS", "ExactClientSeed", "ServiceNowSeed", "User"]


@dataclass(frozen=True, slots=True)
class User:
    """A service user of Exact Online: a function, never a person."""

    guid: str
    full_name: str


@dataclass(frozen=True, slots=True)
class ExactClientSeed:
    """One app registration at Exact Online and the user who gave it consent."""

    client_id: str
    client_secret: str
    redirect_uri: str
    user_guid: str
    user_name: str
    user_login: str
    refresh_token: str


@dataclass(frozen=True, slots=True)
class ServiceNowSeed:
    """One OAuth client at ServiceNow with its integration user."""

    client_id: str
    client_secret: str
    user: str
    password: str


_SERVICE_USER: Final = User(guid("user", "integration"), "Integration Service")

USERS: Final = (
    _SERVICE_USER,
    User(guid("user", "purchasing"), "Purchasing Desk"),
    User(guid("user", "payables"), "Accounts Payable Desk"),
)

CLIENT: Final = ExactClientSeed(
    client_id=guid("client", "source-to-pay"),
    client_secret="sandbox-exact-secret",  # noqa: S106 -- opens the sandbox only
    redirect_uri="https://pipeline.example.com/callback",
    user_guid=_SERVICE_USER.guid,
    user_name=_SERVICE_USER.full_name,
    user_login="integration@meridian.example.com",
    refresh_token="stampNL001.sandbox-first-refresh-token",  # noqa: S106 -- as above
)

SERVICENOW: Final = ServiceNowSeed(
    client_id=guid("servicenow", "client").replace("-", ""),
    client_secret="sandbox-servicenow-secret",  # noqa: S106 -- opens the sandbox only
    user="exact.integration",
    password="sandbox-servicenow-password",  # noqa: S106 -- as above
)
