"""One field of one pair: the base both had last, and what each has now. Pure.

============================  ==========================  =====================================
since the base                owner is Exact Online       owner is ServiceNow
============================  ==========================  =====================================
both have the same            same                        same
only Exact changed            onward (the forward way)    drift
only ServiceNow changed       drift                       write
both changed                  conflict                    conflict
there is no base yet          onward                      write
============================  ==========================  =====================================

A value that was carried to a side is no change of that side, however late it is seen.
"""

from __future__ import annotations

import enum
from typing import Final

from s2p_reference.entities import EXACT, SERVICENOW, System

__all__ = ["MISSING", "Verdict", "judge"]


class _Missing:
    """No base: the two were never known to agree."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()


class Verdict(str, enum.Enum):
    """What to do about a field."""

    SAME = "same"
    ONWARD = "onward"
    """Exact's value goes to ServiceNow by the forward way; nothing to write here."""
    WRITE = "write"
    """ServiceNow's value goes to Exact."""
    DRIFT = "drift"
    """Changed by who does not own it: told, never written."""
    CONFLICT = "conflict"


def judge(
    owner: System,
    base: object,
    exact: object,
    servicenow: object,
    *,
    carried: tuple[object, ...] = (),
) -> Verdict:
    """Decide.

    Args:
        owner: of the field.
        base: what both had when they last agreed; `MISSING` if they never did.
        exact: what Exact has now.
        servicenow: what ServiceNow has now.
        carried: values of Exact that the forward way has carried to ServiceNow since: what comes
            back equal to one of them is an echo.
    """
    if exact == servicenow:
        return Verdict.SAME
    if base is MISSING:
        return Verdict.WRITE if owner == SERVICENOW else Verdict.ONWARD
    left = exact != base
    right = servicenow != base and not (left and servicenow in carried)
    if left and right:
        return Verdict.CONFLICT
    if left:
        return Verdict.ONWARD if owner == EXACT else Verdict.DRIFT
    return Verdict.WRITE if owner == SERVICENOW else Verdict.DRIFT
