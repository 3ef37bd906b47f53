"""One REST call and its reply, free of HTTP servers: the Batch API makes calls of its own."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from s2p_sandbox.servicenow.errors import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from s2p_sandbox.faults import Fault

__all__ = ["Call", "Reply", "parameters"]


@dataclass(frozen=True, slots=True)
class Call:
    """A request.

    Attributes:
        path: decoded, without query.
        params: the query's first value per name.
        headers: names in lower case.
        root: the instance's URL, the beginning of every link.
        fault: a fault of ServiceNow's own that strikes this call.
    """

    method: str
    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    root: str
    fault: Fault | None = None

    def flag(self, name: str) -> bool:
        """Whether a parameter is ``true``."""
        return self.params.get(name, "").lower() == "true"

    def struck_by(self, kind: str) -> bool:
        """Whether this fault strikes the call."""
        return self.fault is not None and self.fault.kind == kind

    def json(self) -> dict[str, Any]:
        """The body as an object; of an array the first element, as the Table API does.

        Raises:
            Refusal: 400, 415: no JSON, or not said to be JSON.
        """
        kind = self.headers.get("content-type", "")
        if self.body and not kind:
            raise Refusal(400, "Content-Type header is missing")
        if self.body and "json" not in kind:
            raise Refusal(415, f"Unsupported media type: {kind}")
        try:
            found = json.loads(self.body) if self.body else {}
        except ValueError as error:
            raise Refusal(
                400, "Exception while reading request", "The payload is not valid JSON"
            ) from error
        if isinstance(found, list):
            found = found[0] if found else {}
        if not isinstance(found, dict):
            raise Refusal(400, "Exception while reading request", "The payload is not valid JSON")
        return found


@dataclass(slots=True)
class Reply:
    """A response: ``body`` becomes JSON; None sends no body; ``text`` sends that text."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    text: str | None = None
    media_type: str = "application/json;charset=UTF-8"

    def content(self) -> bytes:
        """The bytes of the body."""
        if self.text is not None:
            return self.text.encode()
        return b"" if self.body is None else json.dumps(self.body, ensure_ascii=False).encode()


def parameters(query: str) -> dict[str, str]:
    """The first value of each name of a query string."""
    found: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        found.setdefault(name, value)
    return found
