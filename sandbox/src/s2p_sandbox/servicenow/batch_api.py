"""The Batch API: ``POST /api/now/v1/batch``, several calls in one, one after the other.

Not atomic: each item is a call of its own with its own transaction. What does not fit into the
time or size allowed comes back under ``unserviced_requests``.
"""

from __future__ import annotations

import base64
import binascii
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from s2p_sandbox.servicenow.calls import Call, Reply, parameters
from s2p_sandbox.servicenow.errors import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["handle"]

_MAX_ITEM_BYTES = 5_242_880


def handle(call: Call, serve: Callable[[Call], Reply]) -> Reply:
    """Serve each item through ``serve``, as if it had come alone with the same authorization."""
    body = call.json()
    requests = body.get("rest_requests")
    if not isinstance(requests, list):
        raise Refusal(400, "Invalid payload", "rest_requests must be an array")
    served: list[dict[str, Any]] = []
    unserved: list[str] = []
    for item in requests:
        if len(str(item.get("body", ""))) > _MAX_ITEM_BYTES or (
            call.struck_by("unserviced") and served
        ):
            unserved.append(str(item.get("id", "")))
            continue
        served.append(_serve(call, item, serve))
    return Reply(
        200,
        {
            "batch_request_id": str(body.get("batch_request_id", "")),
            "serviced_requests": served,
            "unserviced_requests": unserved,
        },
    )


def _serve(call: Call, item: dict[str, Any], serve: Callable[[Call], Reply]) -> dict[str, Any]:
    reply = serve(_inner(call, item))
    answer: dict[str, Any] = {
        "id": str(item.get("id", "")),
        "status_code": reply.status,
        "status_text": HTTPStatus(reply.status).phrase,
        "body": base64.b64encode(reply.content()).decode(),
        "execution_time": 1,
    }
    if not item.get("exclude_response_headers"):
        headers = {**reply.headers, "Content-Type": reply.media_type}
        answer["headers"] = [{"name": name, "value": value} for name, value in headers.items()]
    return answer


def _inner(call: Call, item: dict[str, Any]) -> Call:
    path, _, query = str(item.get("url", "")).partition("?")
    given = {str(one["name"]).lower(): str(one["value"]) for one in item.get("headers", [])}
    if "authorization" in call.headers:
        given["authorization"] = call.headers["authorization"]
    try:
        body = base64.b64decode(item.get("body", ""), validate=True)
    except binascii.Error as error:
        raise Refusal(400, "Invalid payload", "body must be base64") from error
    return Call(
        str(item.get("method", "GET")).upper(), path, parameters(query), given, body, call.root
    )
