"""Whether a webhook subscription has gone silent: asking finds what it should have told. Pure.

Users report webhooks that come late, and some that never do; Exact gives no sign of life. A change
that is older than a quarter of an hour, younger than the last event of its topic and named by none
is one that was not told.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from tap_exactonline.bookmarks import instant_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

__all__ = ["WATCHED", "Watch"]

WATCHED: Final[Mapping[str, str]] = {
    "accounts": "Accounts",
    "items": "Items",
    "purchase_orders": "PurchaseOrders",
    "purchase_entries": "PurchaseEntries",
    "bank_entries": "BankEntries",
}
"""Stream → the topic that tells of its changes."""

_LATE: Final = timedelta(minutes=15)


@dataclass(slots=True)
class Watch:
    """Counts the changes of one stream of one division that no event named.

    Attributes:
        topic: of the subscription.
        after: when the last event came (RFC 3339, UTC).
        before: changes from then on may still be told.
        named: keys of the events that wait.
    """

    topic: str
    after: str
    before: str
    named: frozenset[str]
    missed: int = field(default=0)

    @classmethod
    def since(cls, topic: str, last: datetime, now: datetime, named: Iterable[str]) -> Watch:
        """Watch for changes between the last event and a quarter of an hour ago (aware)."""
        return cls(topic, instant_text(last), instant_text(now - _LATE), frozenset(named))

    def notice(self, records: Iterable[Mapping[str, Any]], key: str) -> None:
        """Look at records that asking has found.

        Args:
            records: with ``Modified`` where it is known.
            key: the property that identifies them.
        """
        for record in records:
            modified = record.get("Modified")
            if modified and self.after < modified < self.before and record[key] not in self.named:
                self.missed += 1
