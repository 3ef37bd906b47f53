"""Where a record comes from: the properties that every record gets."""

from __future__ import annotations

from datetime import timezone
from typing import Any

import msgspec

from mapper_glcostcenter.holdings import as_instant
from mapper_glcostcenter.splice import members
from mapper_glcostcenter.streams import text_of

__all__ = ["Provenance"]


class Provenance:
    """The properties that say where a record comes from, as the inside of a JSON object."""

    def __init__(self, run_id: str) -> None:
        self._run = b"," + members({"s2p_run_id": run_id})

    def of(self, fields: Any, modified: str | None = None) -> bytes:  # noqa: ANN401 - made per stream
        """Id, last change and user of a record; `modified` where the record has no time itself."""
        key, when, user = bytes(fields.key), bytes(fields.modified), bytes(fields.modifier)
        if not key.startswith(b'"') and key != b"null":
            key = msgspec.json.encode(text_of(fields.key))
        if not when.endswith((b'Z"', b'+00:00"')):
            when = _in_utc(text_of(fields.modified) or modified)
        if not user.startswith(b'"'):
            user = b"null"
        return b"".join(
            (
                b'"s2p_source_id":',
                key,
                b',"s2p_source_modified":',
                when,
                b',"s2p_source_user":',
                user,
                self._run,
            )
        )


def _in_utc(moment: str | None) -> bytes:
    """The moment as JSON: RFC 3339 in UTC, or null for what is no moment."""
    instant = as_instant(moment)
    return b"null" if instant is None else msgspec.json.encode(instant.astimezone(timezone.utc))
