"""Which webhook subscriptions there are, and which there should be. Pure.

Exact keeps one subscription per app, topic and division, whoever made it. Ours are those of our app
that call one of our addresses; whatever else is there is foreign and left alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["PROPERTIES", "RESOURCE", "TOPICS", "Change", "Subscription", "changes", "read_row"]

RESOURCE: Final = "webhooks/WebhookSubscriptions"
PROPERTIES: Final = ("ID", "CallbackURL", "ClientID", "Created", "Division", "Topic")
TOPICS: Final = (
    "Accounts",
    "BankEntries",
    "GLAccounts",
    "Items",
    "PurchaseEntries",
    "PurchaseOrders",
)
"""What the tap reads and Exact has a topic for."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """One subscription as Exact has it.

    Attributes:
        id: its key (a GUID).
        client_id: of the app it belongs to, lower case; empty where Exact does not tell.
    """

    id: str
    division: int
    topic: str
    url: str
    client_id: str = ""

    def is_of(self, client_id: str) -> bool:
        """Whether it belongs to this app."""
        return self.client_id in {"", client_id.lower()}


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be done about one topic of one division.

    Attributes:
        remove: subscriptions to delete first.
        create: whether one has to be made.
        foreign: one of the same app and topic that calls another address and is to stay.
    """

    division: int
    topic: str
    remove: tuple[Subscription, ...] = ()
    create: bool = False
    foreign: Subscription | None = None

    @property
    def is_needed(self) -> bool:
        """Whether anything is to be done."""
        return self.create or bool(self.remove)


def read_row(row: Mapping[str, Any], division: int) -> Subscription:
    """Read a row of Exact's."""
    return Subscription(
        str(row.get("ID") or ""),
        division,
        str(row.get("Topic") or ""),
        str(row.get("CallbackURL") or ""),
        str(row.get("ClientID") or "").lower(),
    )


def changes(  # noqa: PLR0913 - what decides
    there: Iterable[Subscription],
    *,
    client_id: str,
    url: str,
    divisions: Sequence[int],
    topics: Sequence[str],
    replace: bool,
    renew: frozenset[tuple[int, str]] = frozenset(),
) -> list[Change]:
    """Give what makes exactly one subscription per topic and division call our address.

    Args:
        there: all subscriptions of the divisions.
        client_id: our app.
        url: our address.
        divisions: to subscribe in.
        topics: to subscribe to.
        replace: subscriptions of our app that call another address give way.
        renew: division and topic of those to be made anew, as they have gone silent.
    """
    own: dict[tuple[int, str], list[Subscription]] = {}
    for one in there:
        if one.is_of(client_id):
            own.setdefault((one.division, one.topic), []).append(one)
    return [
        _change(division, topic, own.get((division, topic), []), url, replace, renew)
        for division in divisions
        for topic in topics
    ]


def _change(  # noqa: PLR0913, PLR0917 - as above
    division: int,
    topic: str,
    own: Sequence[Subscription],
    url: str,
    replace: bool,  # noqa: FBT001 - as above
    renew: frozenset[tuple[int, str]],
) -> Change:
    ours = [one for one in own if one.url == url]
    others = [one for one in own if one.url != url]
    kept = [] if (division, topic) in renew else ours[:1]
    remove = [*(one for one in ours if one not in kept), *(others if replace else ())]
    if others and not replace:
        # Exact would refuse a second one of the same app.
        return Change(division, topic, tuple(remove), create=False, foreign=others[0])
    return Change(division, topic, tuple(remove), create=not kept)
