"""Value forms of Exact Online's JSON, and the forms rows are stored in.

A stored value is what SQL can compare: text, whole number, float, bool, and milliseconds for
date-times. On the wire (recorded replies of 2026):

- ``Edm.DateTime`` is ``/Date(ms)/`` without an offset, and the milliseconds are the **Amsterdam
  wall clock taken as if it were UTC** ("in the CET time and not GMT"), two hours ahead of
  UTC in summer;
- ``Edm.Int64`` is a JSON string, the smaller integers and ``Edm.Byte`` flags are numbers;
- ``Edm.Double`` has no ``.0`` on whole numbers; ``Edm.Binary`` is always null in collections;
- columns of fixed width come padded: account codes on the left to 18, units on the right to 8,
  VAT codes, countries and legislation on the right to 3, search codes of GL accounts to 10.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "AMSTERDAM",
    "ZERO_GUID",
    "iso_of",
    "milliseconds",
    "milliseconds_of",
    "padded",
    "stored",
    "wall_clock",
    "wire",
]

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
ZERO_GUID = "00000000-0000-0000-0000-000000000000"
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  # a wall clock, deliberately without a zone
_MILLISECOND = timedelta(milliseconds=1)

# Width of a padded column: negative pads on the left. The bare name holds for every entity.
_WIDTHS: dict[str, int] = {
    "crm/Accounts.Code": -18,
    "AccountCode": -18,
    "CustomerCode": -18,
    "DeliveryAccountCode": -18,
    "DivisionCustomerCode": -18,
    "InvoiceAccountCode": -18,
    "ResellerCode": -18,
    "SupplierCode": -18,
    "logistics/Items.Unit": 8,
    "logistics/Units.Code": 8,
    "purchaseorder/PurchaseOrderLines.Unit": 8,
    "vat/VATCodes.Code": 3,
    "VATCode": 3,
    "PurchaseVATCode": 3,
    "SalesVATCode": 3,
    "SalesVatCode": 3,
    "Country": 3,
    "system/Divisions.Legislation": 3,
    "financial/GLAccounts.SearchCode": 10,
}


def milliseconds(moment: datetime | date) -> int:
    """A naive wall clock as milliseconds since 1970, as if it were UTC."""
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day)  # noqa: DTZ001
    return (moment - _EPOCH) // _MILLISECOND


def milliseconds_of(text: str) -> int:
    """The milliseconds of a zone-less ISO text, a fraction of up to seven digits allowed.

    Raises:
        ValueError: the text is no date or date-time.
    """
    head, _, fraction = text.partition(".")
    micro = int(fraction.ljust(6, "0")[:6]) if fraction else 0
    return milliseconds(datetime.fromisoformat(head).replace(microsecond=micro))


def iso_of(moment: int) -> str:
    """Milliseconds as the zone-less ISO text of skip tokens: ``2018-09-21T04:18:55.617``."""
    text = (_EPOCH + moment * _MILLISECOND).isoformat(timespec="milliseconds")
    return text.removesuffix(".000")


def wall_clock(moment: datetime) -> datetime:
    """The naive Amsterdam wall clock of an aware moment, to the millisecond."""
    local = moment.astimezone(AMSTERDAM).replace(tzinfo=None)
    return local.replace(microsecond=local.microsecond // 1000 * 1000)


def padded(resource: str, name: str, value: str) -> str:
    """The text as its column holds it; nothing stays nothing."""
    width = _WIDTHS.get(f"{resource}.{name}", _WIDTHS.get(name, 0))
    if not value or not width:
        return value
    return value.rjust(-width) if width < 0 else value.ljust(width)


def stored(resource: str, name: str, edm: str, value: Any) -> Any:  # noqa: ANN401  # Edm values
    """The stored form of a Python value (naive datetime, Decimal, str, int, bool, None).

    Raises:
        ValueError: the value is none of the Edm type.
    """
    if value is None or edm in {"Binary", "Collection", "Complex"}:
        return None
    try:
        return _STORED[edm](resource, name, value)
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise ValueError(f"{resource}.{name} is Edm.{edm}: {value!r} is not.") from error


def _text(resource: str, name: str, value: Any) -> str:  # noqa: ANN401
    if not isinstance(value, str):
        raise TypeError(value)
    return padded(resource, name, value)


def _whole(_resource: str, _name: str, value: Any) -> int:  # noqa: ANN401
    return int(value)


def _guid(_resource: str, _name: str, value: Any) -> str:  # noqa: ANN401
    return str(value).lower()


def _double(_resource: str, _name: str, value: Any) -> int | float:  # noqa: ANN401
    exact = Decimal(str(value))
    return int(exact) if exact == exact.to_integral_value() else float(exact)


def _boolean(_resource: str, _name: str, value: Any) -> bool:  # noqa: ANN401
    return bool(value)


def _moment(_resource: str, _name: str, value: Any) -> int:  # noqa: ANN401
    if isinstance(value, str):
        value = datetime.fromisoformat(value.replace("Z", "+00:00"))
    if isinstance(value, datetime) and value.tzinfo is not None:
        # A zone on the way in is honoured, and that is how a client's "Z" shifts its dates.
        value = value.astimezone(timezone.utc).astimezone(AMSTERDAM).replace(tzinfo=None)
    return milliseconds(value)


_STORED: dict[str, Callable[[str, str, Any], Any]] = {
    "String": _text,
    "Guid": _guid,
    "Int16": _whole,
    "Int32": _whole,
    "Int64": _whole,
    "Byte": _whole,
    "Double": _double,
    "Boolean": _boolean,
    "DateTime": _moment,
}


def wire(edm: str, value: Any) -> Any:  # noqa: ANN401  # Edm values
    """The JSON form of a stored value."""
    if value is None:
        return None
    if edm == "DateTime":
        return f"/Date({value})/"
    if edm == "Int64":
        return str(value)
    return value
