"""Exact Online and ServiceNow on this machine, as far as they are publicly documented.

Two HTTP servers, one SQLite file each, one clock. Nothing here imports the pipeline that is
tested against it: a misreading of either system must not be shared by both sides.
"""

from __future__ import annotations

__all__: list[str] = []
