"""One request and its answer, free of any web framework."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from collections.abc import Mapping

    from s2p_sandbox.faults import Fault

__all__ = ["Answer", "Request"]


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came in.

    Attributes:
        path: decoded, below the region prefix, such as ``/api/v1/123/crm/Accounts``.
        query_string: as sent.
        headers: lower-case names.
        root: scheme, host and region prefix, for the addresses in replies.
        region: the region of the prefix; None without one.
        fault: a fault of this system that struck the request.
    """

    method: str
    path: str
    query_string: str
    headers: Mapping[str, str]
    body: bytes
    root: str
    region: str | None = None
    fault: Fault | None = None

    @property
    def query(self) -> list[tuple[str, str]]:
        """The query options in order, decoded."""
        return parse_qsl(self.query_string, keep_blank_values=True)

    @property
    def form(self) -> dict[str, str]:
        """The fields of a form body."""
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))

    def struck_by(self, kind: str) -> bool:
        """Whether a fault of this kind struck the request."""
        return self.fault is not None and self.fault.kind == kind


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply; ``headers`` without Content-Length."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
