"""What both systems of the sandbox contain when they start, and what a week changes.

Three divisions in three countries, made from published purchase data (data/ATTRIBUTION.md).
Everything is deterministic: no randomness, no clock.
"""

from __future__ import annotations

from s2p_sandbox.seeds.changes import Change, week_later
from s2p_sandbox.seeds.exact import exact_rows
from s2p_sandbox.seeds.identity import CLIENT, SERVICENOW
from s2p_sandbox.seeds.plan import DIVISIONS
from s2p_sandbox.seeds.servicenow import servicenow_rows

__all__ = [
    "CLIENT",
    "DIVISIONS",
    "SERVICENOW",
    "Change",
    "exact_rows",
    "servicenow_rows",
    "week_later",
]
