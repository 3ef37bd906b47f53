"""From a row as the Table API gives it to a record. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tap_servicenow_s2p.definitions import Kind

__all__ = ["record_of"]


def record_of(
    row: Mapping[str, Any], kinds: Mapping[str, Kind], sources: Mapping[str, str]
) -> dict[str, Any]:
    """Make a record: empty is null, moments are RFC 3339 in UTC, the ERP source is its name.

    Args:
        row: columns as the Table API gives them; what it leaves out is null.
        kinds: property → kind.
        sources: sys_id → name of the ERP sources.
    """
    record: dict[str, Any] = {}
    for name, kind in kinds.items():
        text = _text(row.get(name))
        if not text:
            record[name] = None
        elif kind == "source":
            record[name] = sources.get(text, text)
        else:
            record[name] = _READ[kind](text)
    return record


def _text(value: object) -> str:
    if isinstance(value, dict):
        value = value.get("value")
    return value.strip() if isinstance(value, str) else ""


def _moment(text: str) -> str:
    """ServiceNow stores moments in UTC and writes them without a zone."""
    date, _, time = text.partition(" ")
    return f"{date}T{time or '00:00:00'}Z"


_READ: Final[Mapping[str, Callable[[str], Any]]] = {
    "text": str,
    "flag": lambda text: text in {"true", "1"},
    "date": lambda text: text[:10],
    "moment": _moment,
}
