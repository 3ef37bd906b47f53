"""Who comes in: credentials, the REST processor's role, hourly limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from s2p_sandbox.servicenow.access import ADMIN
from s2p_sandbox.servicenow.errors import Refusal
from s2p_sandbox.servicenow.oauth import OAuth, basic_credentials

if TYPE_CHECKING:
    import sqlite3
    from datetime import datetime

    from s2p_sandbox.servicenow.access import Access, User
    from s2p_sandbox.servicenow.calls import Call
    from s2p_sandbox.servicenow.limits import RateRules
    from s2p_sandbox.servicenow.switches import Switches

__all__ = ["Gate"]


@dataclass(frozen=True, slots=True)
class Gate:
    """The gate as it stands for one call."""

    connection: sqlite3.Connection
    access: Access
    switches: Switches
    rates: RateRules
    now: datetime

    def user(self, call: Call) -> User:
        """The user whose credentials the call carries.

        Raises:
            Refusal: 401.
        """
        header = call.headers.get("authorization", "")
        name: str | None = None
        given = basic_credentials(header)
        if given is not None:
            known = self.access.passwords.get(given[0])
            # Where basic authentication is restricted, it is so for everybody but admin.
            if known == given[1] and (self.switches.basic_auth or given[0] == ADMIN):
                name = given[0]
        elif header.lower().startswith("bearer "):
            oauth = OAuth(self.connection, self.access, self.switches, self.now)
            name = oauth.user_of(header[len("bearer ") :].strip())
        user = None if name is None else self.access.user(name, self.switches)
        if user is None:
            raise Refusal.not_authenticated()
        return user

    def admit(self, call: Call, user: User) -> dict[str, str]:
        """Let the call in; the headers its answer carries.

        Raises:
            Refusal: 400, 403, 406 or 429.
        """
        if len(call.body) > self.switches.max_body_bytes:
            raise Refusal(
                400,
                "Exception while reading request",
                f"Rejected large REST payload with content-length = {len(call.body)} bytes. "
                f"Max allowed: {self.switches.max_body_bytes} bytes.",
            )
        if not user.has("rest_service"):
            raise Refusal(403, "User Not Authorized", "Failed API level ACL Validation")
        accept = call.headers.get("accept", "*/*")
        if not any(kind in accept for kind in ("json", "*/*", "application/*")):
            raise Refusal(406, "Not acceptable", f"Media type {accept} is not supported")
        return self.rates.admit(self.connection, user, call, self.now)
