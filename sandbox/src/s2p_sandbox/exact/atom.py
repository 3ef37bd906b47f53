"""The Atom body that comes without a JSON ``Accept``: enough to recognise the mistake by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape, quoteattr

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["atom"]

_D = "http://schemas.microsoft.com/ado/2007/08/dataservices"
_M = _D + "/metadata"


def atom(title: str, rows: list[dict[str, Any]], now: datetime) -> bytes:
    """A feed of these rows in wire form; collections are left out.

    Like the real one it starts with a byte-order mark, and characters that XML does not allow
    are not removed.
    """
    entries = "".join(_entry(row) for row in rows)
    stamp = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    feed = (
        f'<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom" '
        f'xmlns:d="{_D}" xmlns:m="{_M}"><title type="text">{escape(title)}</title>'
        f"<updated>{stamp}</updated>{entries}</feed>"
    )
    return b"\xef\xbb\xbf" + feed.encode()


def _entry(row: dict[str, Any]) -> str:
    meta = row["__metadata"]
    properties = "".join(
        f'<d:{name} m:null="true" />'
        if value is None
        else f"<d:{name}>{escape(_text(value))}</d:{name}>"
        for name, value in row.items()
        if name != "__metadata" and not isinstance(value, dict)
    )
    return (
        f"<entry><id>{escape(meta['uri'])}</id><category term={quoteattr(meta['type'])} "
        f'scheme="{_D}/scheme" /><content type="application/xml"><m:properties>{properties}'
        "</m:properties></content></entry>"
    )


def _text(value: Any) -> str:  # noqa: ANN401  # wire values
    return str(value).lower() if isinstance(value, bool) else str(value)
