"""Exact Online's side as it is now, in as few calls as that takes.

Cost centers come sixty a call and are told by no feed, so what was read whole is kept in the store,
and a later run asks for what was changed since. Of deletions only a whole read tells: one is due
after some hours, and whenever what is kept turns out to be outdated.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from exactonline_client import RowConverter, filters

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exactonline_client import ExactClient
    from s2p_reference.entities import Entity
    from s2p_store import Store

__all__ = ["Picture", "Pictures"]

_SYSTEM: Final = "exactonline-records"
"""System of the snapshots: a division is the scope, a stream the entity; true at the last read."""
_WHOLE_READS: Final = "target-exactonline whole reads"
"""Scope in the store's memory: division and stream → when they were read whole."""
_OVERLAP: Final = timedelta(seconds=120)
"""A row may become visible a little after the moment it says it was changed."""
_OLDEST: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


@dataclass(frozen=True, slots=True)
class Picture:
    """All rows of one kind in one division.

    Attributes:
        rows: in plain values.
        whole: whether they were all read just now; else deletions may be missing.
    """

    rows: Sequence[dict[str, Any]]
    whole: bool


class Pictures:
    """Takes them, and keeps them in the store."""

    def __init__(self, client: ExactClient, store: Store, hours: float) -> None:
        """Prepare; asks nothing yet.

        Args:
            client: asks Exact.
            store: keeps what was read.
            hours: after which all is read again; 0: always.
        """
        self._client = client
        self._store = store
        self._age = timedelta(hours=hours)

    def now(self, entity: Entity, division: int) -> Picture:
        """Give what there is, by what was changed since the last read where that will do.

        Raises:
            ExactError: it cannot be read; nothing is to be concluded from a part.
        """
        upto = self._store.reference.saved_at(_SYSTEM, str(division), entity.stream)
        whole_at = self._whole_at(entity, division)
        if upto is None or whole_at is None or not self._age:
            return self.whole(entity, division)
        changed, read_at = self._read(entity, division, upto - _OVERLAP)
        kept = self._store.reference.load(_SYSTEM, str(division), entity.stream)
        rows = {row["id"]: row for row in (*kept, *changed)}
        # By its clock, as ours may be wrong, and its own is told to the second. A code that stands
        # twice was given away by a deletion.
        young = upto - _OVERLAP < read_at < whole_at + self._age
        single = len({row.get("Code") for row in rows.values()}) == len(rows)
        complete = all(entity.kinds.keys() <= row.keys() for row in kept)
        if not (young and single and complete):
            return self.whole(entity, division)
        self._store.reference.merge(_SYSTEM, str(division), entity.stream, changed, at=read_at)
        return Picture(list(rows.values()), whole=False)

    def whole(self, entity: Entity, division: int) -> Picture:
        """Read everything; raises as `now`."""
        rows, read_at = self._read(entity, division, _OLDEST)
        self._store.reference.save(_SYSTEM, str(division), entity.stream, rows, at=read_at)
        note = {_key(entity, division): read_at.isoformat().encode()}
        self._store.memory.put_many(_WHOLE_READS, note)
        return Picture(rows, whole=True)

    def _read(
        self, entity: Entity, division: int, since: datetime
    ) -> tuple[list[dict[str, Any]], datetime]:
        """Give what was changed since, and Exact's clock when it began to answer."""
        convert = RowConverter(entity.reading, entity.kinds)
        # The bulk endpoints refuse a request without a filter; others need none to read all.
        bulk = entity.reading.startswith("bulk/")
        condition = filters.modified_since(since) if bulk or since > _OLDEST else None
        rows: list[dict[str, Any]] = []
        read_at: datetime | None = None
        for page in self._client.walk(
            division, entity.reading, select=tuple(entity.kinds), filter=condition
        ):
            read_at = read_at or page.read_at
            rows += [{"id": row["ID"], **row} for row in map(convert, page.rows)]
        return rows, read_at or self._client.now()

    def _whole_at(self, entity: Entity, division: int) -> datetime | None:
        key = _key(entity, division)
        known = self._store.memory.get_many(_WHOLE_READS, [key]).get(key)
        return datetime.fromisoformat(known.decode()) if known else None


def _key(entity: Entity, division: int) -> str:
    return f"{division} {entity.stream}"
