"""Webhooks as Exact Online is documented and was observed to send them.

At a subscription the callback gets a POST with an empty body and must answer 2xx. A change of a
row then brings a POST ``{"Content":{…},"HashCode":"…"}`` without white space; the hash is the
HMAC-SHA256, in upper-case hex, of the bytes of the content object, braces included. An answer other
than 2xx is followed by ten more tries, 2, 4, 8 … units apart; the unit is not documented.
"""

from __future__ import annotations

import hashlib
import hmac
import threading
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from s2p_sandbox.exact.errors import BadRequestError, ServerFaultError
from s2p_sandbox.exact.values import wall_clock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from s2p_sandbox.clock import Clock
    from s2p_sandbox.exact.rows import RowStore
    from s2p_sandbox.exact.switches import Switches
    from s2p_sandbox.exact.tokens import Registration

__all__ = ["SUBSCRIPTIONS", "TOPICS", "Webhooks"]

SUBSCRIPTIONS = "webhooks/WebhookSubscriptions"
TOPICS = {
    "crm/Accounts": "Accounts",
    "financial/GLAccounts": "GLAccounts",
    "logistics/Items": "Items",
    "purchaseorder/PurchaseOrders": "PurchaseOrders",
    "purchaseorder/PurchaseOrderLines": "PurchaseOrders",
    "purchaseentry/PurchaseEntries": "PurchaseEntries",
    "purchaseentry/PurchaseEntryLines": "PurchaseEntries",
    "financialtransaction/BankEntries": "BankEntries",
    "financialtransaction/BankEntryLines": "BankEntries",
    "documents/Documents": "Documents",
}
"""Resource → topic of the subscription that its changes belong to. There is none for cost centers,
cost units, item groups, VAT codes, payment conditions and purchase invoices."""

_OTHERS = frozenset(
    [
        "BankAccounts",
        "Contacts",
        "Opportunities",
        "Quotations",
        "DocumentAttachments",
        "CashEntries",
        "SalesEntries",
        "GeneralJournalEntries",
        "SalesInvoices",
        "SalesOrders",
        "GoodsDeliveries",
        "Subscriptions",
    ]
)
_TRIES = 11
_SECONDS = 10.0
_OK = range(200, 300)


@dataclass(slots=True)
class _Delivery:
    """One event on its way to one callback."""

    url: str
    content: dict[str, Any]
    due: datetime
    attempts: int = 0
    status: int | None = None
    done: bool = False

    def listed(self) -> dict[str, Any]:
        return {
            **self.content,
            "CallbackURL": self.url,
            "attempts": self.attempts,
            "status": self.status,
            "done": self.done,
        }


@dataclass(slots=True)
class Webhooks:
    """Subscriptions are rows of the store; what is on its way lives as long as the process."""

    store: RowStore
    clock: Clock
    registration: Registration
    switches: Callable[[], Switches]
    root: str = "https://start.exactonline.nl"
    _queue: list[_Delivery] = field(default_factory=list)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _wake: threading.Event = field(default_factory=threading.Event)
    _worker: threading.Thread | None = None

    # Subscribing

    def check(self, division: int, values: Mapping[str, Any], key: str | None) -> None:
        """Accept a subscription that is to be written, or refuse it as Exact does.

        Raises:
            RefusalError: an unknown topic, a second one, or a callback that does not answer.
        """
        topic, url = str(values.get("Topic") or ""), str(values.get("CallbackURL") or "")
        if topic not in set(TOPICS.values()) | _OTHERS:
            raise BadRequestError(f"Invalid: Topic {topic}")
        if values.get("IsInstant") and topic != "GoodsDeliveries":
            raise BadRequestError("Invalid: IsInstant is only supported for topic GoodsDeliveries")
        if self.switches().webhook_url_check and urlsplit(url).scheme != "https":
            raise BadRequestError("Invalid: CallbackURL")
        for row in self.store.all_of(SUBSCRIPTIONS):
            same = row.division == division and row.values.get("Topic") == topic
            own = row.values.get("ClientID") in {None, self.registration.client_id}
            if same and own and row.key != key:
                raise ServerFaultError("Data already exists.")
        status, why = _post(url, b"")
        if status not in _OK:
            raise ServerFaultError(
                f"Invalid: Post to callback URL endpoint returns {status or 500} {why}".rstrip()
            )

    def owned(self, division: int) -> dict[str, Any]:
        """The properties that Exact itself fills in."""
        return {
            "ClientID": self.registration.client_id,
            "UserID": self.registration.user,
            "Creator": self.registration.user,
            "CreatorFullName": self.registration.user_name,
            "Description": "Sandbox app",
            "Division": division,
        }

    # Delivering

    def changed(self, resource: str, division: int, key: str, action: str) -> None:
        """Take note of a change: every subscription of its topic gets an event."""
        topic = TOPICS.get(resource)
        if topic is None:
            return
        now = self.clock.now()
        own = resource.rpartition("/")[2] if self.switches().webhook_line_topic else topic
        content = {
            "Topic": own,
            "ClientId": self.registration.client_id,
            "Division": division,
            "Action": action,
            "Key": key,
            "ExactOnlineEndpoint": f"{self.root}/api/v1/{division}/{resource}(guid'{key}')",
            "EventCreatedOn": wall_clock(now).isoformat(timespec="milliseconds"),
        }
        mode = self.switches().webhook_delivery
        made = [
            _Delivery(str(row.values["CallbackURL"]), content, now)
            for row in self.store.all_of(SUBSCRIPTIONS)
            if row.division == division and row.values.get("Topic") == topic
            for _ in range({"twice": 2, "lost": 0}.get(mode, 1))
        ]
        with self._lock:
            self._queue = made + self._queue if mode == "reversed" else self._queue + made
        if made and self.switches().webhook_worker:
            self._begin()

    def flush(self) -> dict[str, Any]:
        """Deliver what is due now and tell of everything that was or is on its way."""
        while (due := self._due()) is not None:
            self._deliver(due)
        with self._lock:
            return {"deliveries": [one.listed() for one in self._queue]}

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._queue.clear()

    def _due(self) -> _Delivery | None:
        now = self.clock.now()
        with self._lock:
            for one in self._queue:
                if not one.done and one.due <= now:
                    one.due = now + timedelta(days=1)  # nobody else takes it meanwhile
                    return one
        return None

    def _deliver(self, one: _Delivery) -> None:
        body = signed(one.content, self.registration.webhook_secret)
        one.attempts += 1
        one.status, _ = _post(one.url, body)
        one.done = one.status in _OK or one.attempts >= _TRIES
        pause = 2**one.attempts * self.switches().webhook_retry_unit
        one.due = self.clock.now() + timedelta(seconds=pause)

    def _begin(self) -> None:
        with self._lock:
            if self._worker is None:
                self._worker = threading.Thread(target=self._work, name="webhooks", daemon=True)
                self._worker.start()
        self._wake.set()

    def _work(self) -> None:
        while True:
            self._wake.wait(1.0)
            self._wake.clear()
            while (due := self._due()) is not None:
                self._deliver(due)


def signed(content: Mapping[str, Any], secret: str) -> bytes:
    """The body of a delivery."""
    inner = msgspec.json.encode(content)
    digest = hmac.new(secret.encode(), inner, hashlib.sha256).hexdigest().upper()
    return b'{"Content":' + inner + b',"HashCode":"' + digest.encode() + b'"}'


def _post(url: str, body: bytes) -> tuple[int | None, str]:
    """POST and give status and reason; None where nobody answered."""
    headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    try:
        request = urllib.request.Request(url, data=body, headers=headers, method="POST")  # noqa: S310  # the subscriber's address
        with urllib.request.urlopen(request, timeout=_SECONDS) as reply:  # noqa: S310
            return reply.status, ""
    except urllib.error.HTTPError as error:
        with error:
            return error.code, str(error.reason)
    except (OSError, ValueError):
        return None, "An error occurred while sending the request."
