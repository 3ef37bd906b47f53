"""What a webhook announced and nobody has read yet: one entry per record, however often it came.

Events come more than once, late and in any order. Of several for one record the one that happened
last says what to do; each arrival gives the entry a new number, so that an event that comes while
its record is being read is not taken for done. Entries name records, they hold nothing of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import and_, bindparam, delete, select

from s2p_store.encoding import from_instant, to_instant
from s2p_store.schema import inbox_event, inbox_topic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from s2p_store.database import Database

__all__ = ["Inbox", "InboxEvent", "WaitingEvent"]

_KEYS: Final = 500

_place = and_(
    inbox_event.c.division == bindparam("of_division"), inbox_event.c.topic == bindparam("of_topic")
)
_known = select(inbox_event).where(_place, inbox_event.c.key.in_(bindparam("keys", expanding=True)))
_number = select(inbox_topic.c.number).where(
    inbox_topic.c.division == bindparam("of_division"), inbox_topic.c.topic == bindparam("of_topic")
)
_settle = delete(inbox_event).where(_place, inbox_event.c.number <= bindparam("upto"))
_received = select(inbox_topic.c.received_at).where(
    inbox_topic.c.division == bindparam("of_division"), inbox_topic.c.topic == bindparam("of_topic")
)


@dataclass(frozen=True, slots=True)
class InboxEvent:
    """One delivery.

    Attributes:
        division: whose record changed.
        topic: kind of record, in the sender's words.
        key: of the record.
        action: Create, Update or Delete.
        event_at: when it happened, as the sender writes it; later moments are greater texts.
    """

    division: int
    topic: str
    key: str
    action: str
    event_at: str


@dataclass(frozen=True, slots=True)
class WaitingEvent:
    """A record that waits to be read, with what happened to it last.

    Attributes:
        number: of its latest arrival, rising within division and topic.
    """

    event: InboxEvent
    number: int
    received_at: datetime


class Inbox:
    """The inbox of one store."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock
        self._upsert_event = database.upsert(inbox_event)
        self._upsert_topic = database.upsert(inbox_topic, add=("number",))

    def put(self, events: Sequence[InboxEvent]) -> None:
        """Keep events; on disk when this returns."""
        groups: dict[tuple[int, str], list[InboxEvent]] = {}
        for event in events:
            groups.setdefault((event.division, event.topic), []).append(event)
        received = to_instant(self._clock())
        with self._database.writing() as connection:
            # In one order, so that two writers never wait for each other.
            for (division, topic), own in sorted(groups.items()):
                self._put(connection, division, topic, own, received)

    def _put(
        self,
        connection: Connection,
        division: int,
        topic: str,
        events: Sequence[InboxEvent],
        received: str,
    ) -> None:
        of = {"of_division": division, "of_topic": topic}
        # Its row is locked until the end: numbers become visible in their order.
        connection.execute(
            self._upsert_topic,
            {
                "division": division,
                "topic": topic,
                "number": len(events),
                "received_at": received,
            },
        )
        number = connection.execute(_number, of).scalar_one() - len(events)
        latest: dict[str, InboxEvent] = {}
        keys = sorted({event.key for event in events})
        for start in range(0, len(keys), _KEYS):
            some = keys[start : start + _KEYS]
            for row in connection.execute(_known, {**of, "keys": some}):
                latest[row.key] = InboxEvent(division, topic, row.key, row.action, row.event_at)
        numbers: dict[str, int] = {}
        for event in events:
            number += 1
            numbers[event.key] = number
            known = latest.get(event.key)
            if known is None or _is_later(event, known):
                latest[event.key] = event
        connection.execute(
            self._upsert_event,
            [
                {
                    "division": division,
                    "topic": topic,
                    "key": key,
                    "action": latest[key].action,
                    "event_at": latest[key].event_at,
                    "received_at": received,
                    "number": own,
                }
                for key, own in numbers.items()
            ],
        )

    def waiting(self, division: int | None = None, *, most: int = 10_000) -> list[WaitingEvent]:
        """Give what waits, of one division or of all, in the order of arrival."""
        query = select(inbox_event).order_by(
            inbox_event.c.division, inbox_event.c.topic, inbox_event.c.number
        )
        if division is not None:
            query = query.where(inbox_event.c.division == division)
        with self._database.reading() as connection:
            rows = connection.execute(query.limit(most)).all()
        return [
            WaitingEvent(
                InboxEvent(row.division, row.topic, row.key, row.action, row.event_at),
                row.number,
                from_instant(row.received_at),
            )
            for row in rows
        ]

    def settle(self, division: int, topic: str, upto: int) -> None:
        """Forget entries up to a number; one that came again meanwhile has a higher one."""
        with self._database.writing() as connection:
            connection.execute(_settle, {"of_division": division, "of_topic": topic, "upto": upto})

    def last_received(self, division: int, topics: Iterable[str]) -> datetime | None:
        """Give when the latest event of any of these topics came; None if none ever did."""
        with self._database.reading() as connection:
            found = [
                connection.execute(
                    _received, {"of_division": division, "of_topic": topic}
                ).scalar_one_or_none()
                for topic in topics
            ]
        known = [text for text in found if text is not None]
        return from_instant(max(known)) if known else None


def _is_later(event: InboxEvent, known: InboxEvent) -> bool:
    """Whether an event says more than the one known; at the same moment a deletion does."""
    if event.event_at != known.event_at:
        return event.event_at > known.event_at
    return known.action != "Delete"
