"""Emitting the records of one page of one stream, whatever way it was read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exactonline_client import UnexpectedAnswer

if TYPE_CHECKING:
    from tap_exactonline.definitions import Endpoint
    from tap_exactonline.output import Limit, Output
    from tap_exactonline.rows import RowPlan

__all__ = ["emit", "nameless"]


def emit(
    output: Output, plan: RowPlan, records: list[dict[str, Any]], read_at: str, limit: Limit
) -> None:
    """Write records without what they carry for the tap's own use.

    Args:
        output: takes them.
        plan: made them.
        records: changed in place.
        read_at: RFC 3339, UTC.
        limit: of a dry run.

    Raises:
        UnexpectedAnswer: one has no key.
    """
    key = output.definition.id
    if any(record[key] is None for record in records):
        raise nameless(key, output.definition.endpoint)
    for name in plan.hidden:
        for record in records:
            del record[name]
    output.write(limit.take(records), read_at)


def nameless(name: str, endpoint: Endpoint) -> UnexpectedAnswer:
    """Say that a row lacks what identifies or orders it."""
    return UnexpectedAnswer(
        f"Exact Online sent a row of {endpoint.resource} without its {name}. Nothing was read "
        "past it; if it lasts, report the row to Exact."
    )
