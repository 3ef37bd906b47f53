"""How ServiceNow's REST APIs refuse: one envelope, few statuses, never 409 or 422."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Refusal", "envelope"]


def envelope(message: str, detail: str | None = None) -> dict[str, Any]:
    """The documented error body: ``{"error": {"message", "detail"}, "status": "failure"}``."""
    return {"error": {"message": message, "detail": detail}, "status": "failure"}


class Refusal(Exception):  # noqa: N818  # the field's word for what it is
    """A call the instance refuses, with the status and body the client sees."""

    def __init__(
        self,
        status: int,
        message: str,
        detail: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = envelope(message, detail)
        self.headers = dict(headers or {})

    @classmethod
    def not_authenticated(cls) -> Refusal:
        """No, unknown or expired credentials."""
        return cls(401, "User Not Authenticated", "Required to provide Auth information")

    @classmethod
    def no_record(cls) -> Refusal:
        """The record does not exist, or an ACL hides it: the two look alike."""
        return cls(
            404, "No Record found", "Record doesn't exist or ACL restricts the record retrieval"
        )

    @classmethod
    def invalid_table(cls, table: str) -> Refusal:
        """A table the instance does not have."""
        return cls(400, f"Invalid table {table}")

    @classmethod
    def no_resource(cls) -> Refusal:
        """A path no REST resource answers."""
        return cls(400, "Requested URI does not represent any resource")

    @classmethod
    def insert_denied(cls) -> Refusal:
        """The table's create ACL."""
        return cls(
            403, "Operation Failed", "ACL Exception Insert Failed due to security constraints"
        )

    @classmethod
    def update_denied(cls) -> Refusal:
        """The table's write ACL."""
        return cls(
            403, "Operation Failed", "ACL Exception Update Failed due to security constraints"
        )

    @classmethod
    def delete_denied(cls) -> Refusal:
        """The table's delete ACL; S2P business records cannot be deleted over REST."""
        return cls(
            403, "Operation Failed", "ACL Exception Delete Failed due to security constraints"
        )

    @classmethod
    def read_denied(cls) -> Refusal:
        """The table's read ACL."""
        return cls(403, "User Not Authorized", "Insufficient rights to query records")
