"""The form of a Batch API request and of its answer; pure.

Bodies travel as base64, ids are texts that the instance echoes, urls are relative and hold their
query (documentation, *Batch API*).
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import msgspec

from servicenow_client.http import Answer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from servicenow_client.calls import ApiCall

__all__ = ["EXPECT", "Item", "cut", "item_of", "read_batch", "request_of", "seconds_at_work"]

EXPECT: Final = "serviced_requests"
LARGEST_BATCH: Final = 4_000_000
"""Bytes of one request: below ServiceNow's 10 MB for a body, and 5 MB for a batched item."""
_HEADERS: Final = (
    {"name": "Accept", "value": "application/json"},
    {"name": "Content-Type", "value": "application/json"},
)
_OVERHEAD: Final = 240  # bytes of an item beside its url and body

_encode = msgspec.json.Encoder().encode

Item = dict[str, Any]


def item_of(number: int, call: ApiCall) -> Item:
    """Return one call as an item of ``rest_requests``; its id is ``number`` as text."""
    query = urlencode(call.params)
    item: Item = {
        "id": str(number),
        "method": call.method,
        "url": f"{call.path}?{query}" if query else call.path,
        "headers": _HEADERS if call.body is not None else _HEADERS[:1],
        # Without its headers a refusal does not tell when to come again.
        "exclude_response_headers": False,
    }
    if call.body is not None:
        item["body"] = b64encode(_encode(call.body)).decode()
    return item


def request_of(name: str, items: Sequence[Item]) -> Item:
    """Return the body of a batch."""
    return {"batch_request_id": name, "rest_requests": items}


def cut(items: Sequence[Item], most: int, largest: int = LARGEST_BATCH) -> Iterator[Sequence[Item]]:
    """Cut items into batches of at most so many items and bytes; an item is never divided."""
    piece: list[Item] = []
    size = 0
    for item in items:
        cost = len(item["url"]) + len(item.get("body", "")) + _OVERHEAD
        if piece and (len(piece) >= most or size + cost > largest):
            yield piece
            piece, size = [], 0
        piece.append(item)
        size += cost
    if piece:
        yield piece


def read_batch(data: Mapping[str, Any]) -> tuple[dict[str, Answer], set[str]]:
    """Read the answer to a batch.

    Returns:
        The answers of the items that were served by id, and the ids that came back unserved. What
        is in neither has no answer.
    """
    served: dict[str, Answer] = {}
    for item in _objects(data.get(EXPECT)):
        status = item.get("status_code")
        if isinstance(status, int):
            body = _body(item.get("body"))
            if body is not None:
                served[str(item.get("id", ""))] = Answer(status, _headers(item), body)
    left = data.get("unserviced_requests")
    unserved = {str(one) for one in left} if isinstance(left, list) else set()
    return served, unserved - served.keys()


def seconds_at_work(data: Mapping[str, Any]) -> float:
    """Return how long the instance was at work on a batch, as far as it says so.

    Unlike the time until the answer this holds no waiting for a turn.
    """
    told = [item.get("execution_time") for item in _objects(data.get(EXPECT))]
    return sum(one for one in told if isinstance(one, (int, float))) / 1000


def _headers(item: Mapping[str, Any]) -> dict[str, str]:
    found = {
        str(one.get("name", "")).lower(): str(one.get("value", ""))
        for one in _objects(item.get("headers"))
    }
    found.setdefault("content-type", "application/json")
    return found


def _body(text: object) -> bytes | None:
    """Decode a body; None where it cannot be read, so that nothing is known of the item."""
    if not text:
        return b""
    try:
        return b64decode(str(text), validate=True)
    except (binascii.Error, ValueError):
        return None


def _objects(value: object) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, list):
        yield from (one for one in value if isinstance(one, dict))
