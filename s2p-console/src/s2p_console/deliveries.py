"""One delivery of Exact Online: is it genuine, and what does it say? Pure.

The signature stands in the body: the HMAC-SHA256, in upper-case hex, of the very bytes of the
``Content`` node, braces included, keyed with the *webhook secret* of the app registration.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from s2p_store import InboxEvent

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["TOPICS", "content_of", "event_of"]

TOPICS: Final = frozenset(
    {
        "Accounts",
        "BankEntries",
        "BankEntryLines",
        "GLAccounts",
        "Items",
        "PurchaseEntries",
        "PurchaseEntryLines",
        "PurchaseOrderLines",
        "PurchaseOrders",
    }
)
"""Topics that the tap reads records of; a subscription to headers tells of their lines, too."""

_ENVELOPE: Final = re.compile(
    rb'\s*\{"Content":(?P<content>.*),"HashCode":"(?P<hash>[0-9A-Fa-f]*)"\}\s*', re.DOTALL
)
_ACTIONS: Final = frozenset({"Create", "Update", "Delete"})
_GUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_LONGEST_MOMENT: Final = 40


def content_of(body: bytes, secrets: Sequence[str]) -> bytes | None:
    """Give the content node of a genuine delivery; None for anything else.

    Args:
        body: as it came.
        secrets: webhook secrets; several while one is replaced by another.
    """
    found = _ENVELOPE.fullmatch(body)
    if found is None:
        return None
    content, claimed = found["content"], found["hash"].upper()
    genuine = False
    for secret in secrets:
        digest = hmac.new(secret.encode(), content, hashlib.sha256).hexdigest().upper()
        # Without a short cut: the time it takes must not tell how much of a hash was right.
        genuine |= hmac.compare_digest(digest.encode(), claimed)
    return content if genuine else None


def event_of(content: bytes) -> InboxEvent | None:
    """Give what a content node announces; None if it is nothing that can be read.

    Topics nobody reads are given, too: the caller decides.
    """
    try:
        node: Any = msgspec.json.decode(content)
    except msgspec.DecodeError:
        return None
    if not isinstance(node, dict):
        return None
    topic, key, action = node.get("Topic"), node.get("Key"), node.get("Action")
    division, moment = node.get("Division"), node.get("EventCreatedOn")
    if not isinstance(topic, str) or not isinstance(division, int) or action not in _ACTIONS:
        return None
    if not isinstance(key, str) or not _GUID.fullmatch(key):
        return None
    at = moment[:_LONGEST_MOMENT] if isinstance(moment, str) else ""
    return InboxEvent(division, topic, key.lower(), action, at)
