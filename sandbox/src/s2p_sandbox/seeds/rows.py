"""What the seed's row builders share: the row type and Exact's audit properties."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from s2p_sandbox.seeds.identity import USERS
from s2p_sandbox.seeds.keys import moment, share

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Row", "audit", "by", "midnight"]

# Property -> value in Python form; "_division" is the code of the division the row lies in.
Row: TypeAlias = dict[str, Any]

_EDITED_LATER: Final = 0.5


def audit(day: date, *parts: object, days: int = 3) -> Row:
    """Created/Creator and Modified/Modifier of a row entered on `day`, edited within `days`."""
    created = moment(day, *parts)
    creator = USERS[int(share("creator", *parts) * len(USERS))]
    modifier = creator
    modified = created
    if share("edited", *parts) < _EDITED_LATER:
        modified = max(created, moment(day, "edited", *parts, days=days))
        modifier = USERS[int(share("modifier", *parts) * len(USERS))]
    return {
        "Created": created,
        "Creator": creator.guid,
        "CreatorFullName": creator.full_name,
        "Modified": modified,
        "Modifier": modifier.guid,
        "ModifierFullName": modifier.full_name,
    }


def midnight(day: date | None) -> datetime | None:
    """A pure date as Exact stores it: midnight of the wall clock."""
    return None if day is None else datetime.combine(day, time())


def by(rows: Iterable[Row], name: str) -> dict[Any, Row]:
    """Rows indexed by the value of one property."""
    return {row[name]: row for row in rows}
