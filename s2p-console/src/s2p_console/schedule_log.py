"""When each schedule ran last and how it ended, in the store."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from s2p_console.schedules import Ran

if TYPE_CHECKING:
    from s2p_store import Store

__all__ = ["last_run", "note_run"]

_SYSTEM, _ENTITY = "s2p", "schedule"


def note_run(store: Store, name: str, ran: Ran) -> None:
    """Write down how a schedule ran; the last run is kept."""
    row = {
        "id": name,
        "began": ran.began.isoformat(),
        "ended": None if ran.ended is None else ran.ended.isoformat(),
        "code": ran.code,
    }
    store.reference.save(_SYSTEM, name, _ENTITY, [row])


def last_run(store: Store, name: str) -> Ran | None:
    """Give how a schedule ran last; None if it never did."""
    for row in store.reference.load(_SYSTEM, name, _ENTITY):
        ended = row["ended"]
        return Ran(
            datetime.fromisoformat(row["began"]),
            None if ended is None else datetime.fromisoformat(ended),
            row["code"],
        )
    return None
