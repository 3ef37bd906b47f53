"""What webhooks announced in one division: read by key before anything is asked for.

An event stays in the inbox until a later run is given a state that covers its record: the state
holds, for each topic, the number up to which events were emitted. So whoever kept the state has
taken the records; a run that died, or whose output was lost, leaves the events where they are.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from exactonline_client import instant_of_wall_clock
from tap_exactonline.bookmarks import instant_text
from tap_exactonline.deletions import deletion
from tap_exactonline.emission import emit
from tap_exactonline.rows import RowPlan

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from s2p_store import WaitingEvent
    from tap_exactonline.definitions import Endpoint, StreamDefinition
    from tap_exactonline.output import Limit, Output
    from tap_exactonline.session import Session

__all__ = ["TOPICS", "Announced", "regular_endpoint"]

TOPICS: Final[Mapping[str, Mapping[str, str]]] = {
    "Accounts": {"accounts": "ID"},
    "Items": {"items": "ID"},
    "GLAccounts": {"gl_accounts": ""},
    "PurchaseOrders": {
        "purchase_orders": "PurchaseOrderID",
        "purchase_order_lines": "PurchaseOrderID",
    },
    "PurchaseOrderLines": {"purchase_order_lines": "ID"},
    "PurchaseEntries": {"purchase_entries": "EntryID", "purchase_entry_lines": "EntryID"},
    "PurchaseEntryLines": {"purchase_entry_lines": "ID"},
    "BankEntries": {"bank_entries": "EntryID", "bank_entry_lines": "EntryID"},
    "BankEntryLines": {"bank_entry_lines": "ID"},
}
"""Topic → streams whose rows it announces, each with the property its key is found in; nothing
where the stream is read whole anyway. A header's topic brings its lines."""


class Announced:
    """The events of one division that this run is to deal with.

    Attributes:
        division: its code.
        waiting: the events.
        emitted: stream → key → Modified of what was read by key.
    """

    def __init__(self, division: int, waiting: Sequence[WaitingEvent]) -> None:
        """Take the events that wait; nothing is read yet."""
        self.division = division
        self.waiting = waiting
        self.emitted: dict[str, dict[str, str]] = {}
        self._done: set[tuple[str, str]] = set()
        self._told = False

    def read(self, session: Session, output: Output, limit: Limit) -> None:
        """Emit the records of one stream that were announced.

        Raises:
            ExactError: see ``exactonline_client.errors``.
            RowLimitReached: in a dry run.
        """
        definition = output.definition
        for topic, streams in TOPICS.items():
            key = streams.get(definition.name)
            if key is None:
                continue
            keys = [one.event.key for one in self._of(topic) if one.event.action != "Delete"]
            if keys and key and not _comes_whole(session, definition, self.division):
                self._read(session, output, key, keys, limit)
            self._done.add((topic, definition.name))

    def _read(
        self, session: Session, output: Output, key: str, keys: Sequence[str], limit: Limit
    ) -> None:
        endpoint = regular_endpoint(output.definition)
        plan = RowPlan(output.definition, endpoint, output.names)
        known = self.emitted.setdefault(output.definition.name, {})
        client = session.client(self.division)
        for condition in client.conditions(
            self.division, endpoint.resource, select=plan.select, field=key, keys=keys
        ):
            walk = client.walk(
                self.division, endpoint.resource, select=plan.select, filter=condition
            )
            for page in output.pages(walk):
                records = [plan.convert(row, self.division) for row in page.rows]
                for record in records:
                    known[record[output.definition.id]] = record.get("Modified") or ""
                emit(output, plan, records, instant_text(page.read_at), limit)
                limit.check()

    def tell_deletions(self, output: Output, already: Iterable[str], read_at: str) -> None:
        """Emit what was announced as deleted, but for keys that were told already.

        Args:
            output: the stream of deletions.
            already: keys that Exact's own log has told in this run.
            read_at: RFC 3339, UTC.
        """
        known = set(already)
        records = [
            deletion(
                self.division,
                one.event.topic,
                one.event.key,
                _instant(one.event.event_at),
                output.names,
            )
            for one in self.waiting
            if one.event.action == "Delete" and one.event.key not in known
        ]
        output.write(records, read_at)
        self._told = True

    def keys(self, topic: str) -> frozenset[str]:
        """Give the keys that events of a topic name."""
        return frozenset(one.event.key for one in self._of(topic))

    def settled(self, selected: Iterable[str]) -> dict[str, int]:
        """Give, by topic, the number up to which everything has gone out.

        Args:
            selected: names of the streams that are read at all.
        """
        wanted = set(selected)
        numbers: dict[str, int] = {}
        for topic, streams in TOPICS.items():
            events = self._of(topic)
            own = wanted & set(streams)
            if not events or not own or not all((topic, name) in self._done for name in own):
                continue
            if any(one.event.action == "Delete" for one in events) and not self._told:
                continue
            numbers[topic] = max(one.number for one in events)
        return numbers

    def _of(self, topic: str) -> list[WaitingEvent]:
        return [one for one in self.waiting if one.event.topic == topic]


def regular_endpoint(definition: StreamDefinition) -> Endpoint:
    """Give the endpoint of a stream that takes any filter."""
    return definition.fallback or definition.endpoint


def _comes_whole(session: Session, definition: StreamDefinition, division: int) -> bool:
    """Whether the stream's own read brings these rows at once, and says more of them.

    Lines of orders know their supplier and currency in the order feed only, which has every line
    of an order that was changed.
    """
    feed = definition.endpoint.resource
    return definition.beside is not None and (feed, division) not in session.refusals


def _instant(text: str) -> str | None:
    """Read the moment of an event: Exact's wall clock, with any number of decimals."""
    head, _, decimals = text.partition(".")
    try:
        wall = datetime.fromisoformat(head)  # a wall clock, as a rule without a zone
    except ValueError:
        return None
    if wall.tzinfo is not None:
        return instant_text(wall)
    moment = instant_of_wall_clock(wall)
    milliseconds = int((decimals + "000")[:3]) if decimals.isdecimal() else 0
    return instant_text(moment.replace(microsecond=milliseconds * 1000))
