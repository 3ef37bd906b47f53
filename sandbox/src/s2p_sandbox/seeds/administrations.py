"""The divisions themselves and the user, as Exact lists them.

Resources system/Divisions, hrm/Divisions and current/Me.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from s2p_sandbox.seeds.identity import CLIENT
from s2p_sandbox.seeds.keys import guid
from s2p_sandbox.seeds.plan import DIVISIONS
from s2p_sandbox.seeds.rows import Row, audit, midnight

if TYPE_CHECKING:
    from s2p_sandbox.seeds.plan import Division

__all__ = ["current_user", "hrm_division", "system_division"]

_ACTIVE = 1


def _common(division: Division) -> Row:
    return {
        "Code": division.code,
        "Description": division.name,
        "Country": division.country,
        "Currency": division.currency,
        "Customer": guid(division.code, "customer"),
        "CustomerCode": str(9_000_000 + division.hid),
        "CustomerName": "Meridian Group",
        "BlockingStatus": 0,
        "Status": _ACTIVE,
        "SiretNumber": "",
        "VATNumber": division.vat_number,
        "StartDate": midnight(division.start),
        **audit(division.start, division.code, "Divisions"),
        "_division": division.code,
    }


def system_division(division: Division) -> Row:
    """The row of system/Divisions."""
    street, postcode, city = division.address
    return {
        **_common(division),
        "Hid": division.hid,
        "Legislation": division.legislation,
        "AddressLine1": street,
        "Postcode": postcode,
        "City": city,
        "Current": division is DIVISIONS[0],
        "IsMainDivision": True,
        "IsDossierDivision": False,
        "IsPracticeDivision": False,
        "IsHRDivision": False,
    }


def hrm_division(division: Division) -> Row:
    """The row of hrm/Divisions, which names a few things differently."""
    return {**_common(division), "HID": division.hid, "Main": True}


def current_user() -> Row:
    """The row of current/Me; the server adds its clock."""
    division = DIVISIONS[0]
    return {
        "UserID": CLIENT.user_guid,
        "UserName": CLIENT.user_login,
        "FullName": CLIENT.user_name,
        "Email": CLIENT.user_login,
        "CurrentDivision": division.code,
        "AccountingDivision": division.code,
        "DivisionCustomer": guid(division.code, "customer"),
        "DivisionCustomerCode": str(9_000_000 + division.hid),
        "DivisionCustomerName": "Meridian Group",
        "DivisionCustomerSiretNumber": "",
        "DivisionCustomerVatNumber": division.vat_number,
        "EmployeeID": "00000000-0000-0000-0000-000000000000",
        "Language": "EN",
        "LanguageCode": "en-GB",
        "Legislation": 1,
        "IsClientUser": False,
        "IsMyFirmLiteUser": False,
        "IsStarterUser": False,
        "_division": division.code,
    }
