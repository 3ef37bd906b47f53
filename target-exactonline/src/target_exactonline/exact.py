"""Writing to Exact Online: one record at a time, looked up where its fate or place is not known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from exactonline_client import (
    ConnectionFailed,
    ExactError,
    LimitError,
    RequestRefused,
    ServerFailed,
    UnexpectedAnswer,
    filters,
)
from s2p_exactonline import whole
from s2p_reference.carry import NotWritten, Outdated, Stopped
from s2p_reference.entities import exact_item

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exactonline_client import ExactClient
    from s2p_reference.entities import Entity

__all__ = ["ExactSide"]

_BAD_REQUEST: Final = 400
_UNKNOWN: Final = (
    "Whether Exact Online did it is not known; the next run looks and does what is still missing."
)


class ExactSide:
    """Satisfies `s2p_reference.carry.Writer`."""

    def __init__(self, client: ExactClient, *, look_first: bool = False) -> None:
        """Prepare; asks nothing yet.

        Args:
            client: asks.
            look_first: look a record up before it is written, as what is known of it may be
                outdated.
        """
        self._client = client
        self._look_first = look_first

    def create(self, entity: Entity, division: int, body: Mapping[str, Any]) -> str:
        """Make a record and give its ID; one whose fate is unknown is looked up by its code."""
        code = str(body["Code"])
        if self._look_first and self._before_writing(entity, division, code):
            raise Outdated
        try:
            made = self._client.create(division, entity.resource, _wire(body))
        except (ConnectionFailed, ServerFailed, UnexpectedAnswer) as error:
            return self._found(entity, division, code, body, error)
        except (RequestRefused, LimitError) as error:
            raise _refusal(error) from error
        if isinstance(made.get("ID"), str):
            return str(made["ID"]).lower()
        return self._found(entity, division, code, body, None)

    def update(
        self, entity: Entity, division: int, exact_id: str, code: str, body: Mapping[str, Any]
    ) -> None:
        """Change properties of a record; a change whose fate is unknown is looked up."""
        if self._look_first:
            there = self._before_writing(entity, division, code)
            if exact_id not in {str(row["ID"]) for row in there}:
                raise Outdated
        try:
            self._client.update(division, entity.resource, exact_id, _wire(body))
        except (ConnectionFailed, ServerFailed, UnexpectedAnswer) as error:
            self._found(entity, division, code, body, error)
        except (RequestRefused, LimitError) as error:
            raise _refusal(error) from error

    def _found(
        self,
        entity: Entity,
        division: int,
        code: str,
        body: Mapping[str, Any],
        error: ExactError | None,
    ) -> str:
        """Give the ID of the record of this code if it is as it should be.

        Raises:
            NotWritten: it is not there, or otherwise, or cannot be looked up.
        """
        try:
            rows = self._rows(entity, division, code)
        except ExactError as unseen:
            raise NotWritten(f"{error or unseen} {_UNKNOWN}", final=False) from unseen
        for row in rows:
            values = exact_item(entity, row, "").values
            if all(
                values.get(one.name) == body[one.property]
                for one in entity.fields
                if one.property in body
            ):
                return str(row["ID"])
        # Exact answers 500 to what its rules forbid: the same again would end the same.
        final = isinstance(error, ServerFailed) and not rows
        raise NotWritten(str(error or _UNKNOWN), final=final)

    def _before_writing(self, entity: Entity, division: int, code: str) -> list[dict[str, Any]]:
        try:
            return self._rows(entity, division, code)
        except (RequestRefused, LimitError) as error:
            raise _refusal(error) from error
        except (ConnectionFailed, ServerFailed, UnexpectedAnswer) as error:
            raise NotWritten(str(error), final=False) from error

    def _rows(self, entity: Entity, division: int, code: str) -> list[dict[str, Any]]:
        condition = filters.text_equals("Code", code)
        return list(whole(self._client, division, entity.resource, entity.kinds, condition))


def _wire(body: Mapping[str, Any]) -> dict[str, Any]:
    """As Exact reads it: days as zone-less ISO, for a zone would shift them."""
    return {
        name: f"{value}T00:00:00" if name == "EndDate" and value else value
        for name, value in body.items()
    }


def _refusal(error: RequestRefused | LimitError) -> NotWritten:
    """A 400 is about this record; every other refusal is about all of them."""
    if isinstance(error, RequestRefused) and error.status == _BAD_REQUEST:
        return NotWritten(str(error), final=True)
    return Stopped(str(error), final=False)
