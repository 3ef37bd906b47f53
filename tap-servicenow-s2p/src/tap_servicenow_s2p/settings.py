"""The settings of the tap."""

from __future__ import annotations

from typing import Any, Final

from singer_sdk import typing as th

from s2p_singer import STORE_SETTINGS, servicenow_settings, strict

__all__ = ["SETTINGS"]

SETTINGS: Final[dict[str, Any]] = strict(
    *servicenow_settings(),
    th.Property(
        "start_date",
        th.DateTimeType,
        title="Start date",
        description="Oldest change to read on a first run (ISO 8601; UTC without a zone).",
    ),
    th.Property(
        "overlap_seconds",
        th.IntegerType(minimum=0),
        default=300,
        title="Overlap",
        description=(
            "How far, in seconds, a read reaches back before what was read last: the longest "
            "transaction after which a record may become visible late."
        ),
    ),
    th.Property(
        "whole_read_hours",
        th.NumberType(minimum=0),
        default=24,
        title="Hours between whole reads",
        description=(
            "GL accounts and cost centers are read whole after so many hours, which alone shows "
            "what was deleted; told by ACTIVATE_VERSION. 0: never; nor with a start_date."
        ),
    ),
    *STORE_SETTINGS,
)
