"""The few rows that are not a division's own: the divisions themselves and the user.

``system/Divisions`` shows the divisions granted to the token and does not look at the division in
its address. ``hrm/Divisions`` and ``system/AllDivisions`` are limited to the licence that owns that
division; here a region is one licence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from s2p_sandbox.exact.values import AMSTERDAM, ZERO_GUID, padded

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from s2p_sandbox.exact.tokens import Registration

__all__ = ["DIVISION_RESOURCES", "division_values", "me"]

DIVISION_RESOURCES = frozenset({"system/Divisions", "hrm/Divisions", "system/AllDivisions"})


def division_values(resource: str, values: dict[str, Any], current: int) -> dict[str, Any]:
    """A division's stored values as one of the three resources names them."""
    shown = {**values, "Current": values.get("Code") == current}
    if resource == "hrm/Divisions":
        shown["HID"] = values.get("Hid")
        shown["Main"] = values.get("IsMainDivision")
    return shown


def me(
    registration: Registration, divisions: Sequence[dict[str, Any]], now: datetime
) -> dict[str, Any]:
    """The stored values of ``current/Me``; ``ServerTime`` is the Amsterdam wall clock, as text."""
    local = now.astimezone(AMSTERDAM)
    offset = local.utcoffset()
    current = divisions[0] if divisions else {}
    return {
        "UserID": registration.user,
        "AccountingDivision": current.get("Code"),
        "CurrentDivision": current.get("Code"),
        "DivisionCustomerCode": padded("current/Me", "DivisionCustomerCode", "1"),
        "DivisionCustomerName": current.get("Description"),
        "DivisionCustomerSiretNumber": "",
        "Email": registration.user_login,
        "EmployeeID": ZERO_GUID,
        "FullName": registration.user_name,
        "IsClientUser": False,
        "IsEmployeeSelfServiceUser": False,
        "IsMyFirmLiteUser": False,
        "IsMyFirmPortalUser": False,
        "IsOEIMigrationMandatory": False,
        "IsStarterUser": False,
        "Language": "EN",
        "LanguageCode": "en-GB",
        "Legislation": 1,
        "ServerTime": local.replace(tzinfo=None).isoformat(timespec="seconds"),
        "ServerUtcOffset": int(offset.total_seconds()) if offset else 0,
        "UserName": registration.user_login,
    }
