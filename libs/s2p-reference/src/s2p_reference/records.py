"""What is remembered of two records that are one, and what waits for a person. Pure data."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["REFUSED_BY_EXACT", "Case", "CaseKey", "CaseKind", "Link"]

REFUSED_BY_EXACT: Final = "refused"
"""Stands for Exact's value in a refusal of a new record that Exact itself has spoken."""


@dataclass(frozen=True, slots=True)
class Link:
    """A record of Exact and the record of ServiceNow that is the same account or cost center.

    Attributes:
        base: field → what both had when they last agreed; a field that never agreed is not there.
    """

    stream: str
    division: int
    exact_id: str
    servicenow_id: str
    code: str
    base: Mapping[str, object] = field(default_factory=dict)

    @classmethod
    def of(cls, kept: Any) -> Link:  # noqa: ANN401 - the store's form, which is not known here
        """Make one of what a store keeps: the same attributes."""
        return cls(
            kept.stream,
            kept.division,
            kept.exact_id,
            kept.servicenow_id,
            kept.code,
            dict(kept.base),
        )


class CaseKind(str, enum.Enum):
    """Why something waits for a person."""

    CONFLICT = "conflict"
    """Both sides changed a field."""
    CREATE = "create"
    """ServiceNow has what Exact has not: proposed, as `create` is off."""
    MATCH = "match"
    """It may be the same as something that Exact has."""
    REFUSED = "refused"
    """It cannot be written as it is; the message says why and what helps."""


CaseKey = tuple[str, int, str, str]
"""stream, division, ServiceNow's sys_id, field ("" for the whole record)."""


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that waits.

    Attributes:
        field: the field in question; "" for the whole record.
        base: what both had; None also if they never agreed.
        exact: what Exact has; for a match the codes of the likely twins.
        servicenow: what ServiceNow has; for a whole record its name.
        choice: what a person decided and no run has carried out yet: exactonline or servicenow for
            a conflict, new or same:CODE for a match, new for a proposal, again for a refusal.
    """

    stream: str
    division: int
    servicenow_id: str
    field: str
    kind: CaseKind
    code: str
    base: object = None
    exact: object = None
    servicenow: object = None
    message: str = ""
    choice: str = ""

    @classmethod
    def of(cls, kept: Any) -> Case:  # noqa: ANN401 - the store's form, which is not known here
        """Make one of what a store keeps: the same attributes, values under `sides`."""
        return cls(
            kept.stream,
            kept.division,
            kept.servicenow_id,
            kept.field,
            CaseKind(kept.kind),
            kept.code,
            kept.sides.get("base"),
            kept.sides.get("exact"),
            kept.sides.get("servicenow"),
            kept.message,
            kept.choice,
        )

    @property
    def sides(self) -> dict[str, object]:
        """Base and both values, as a store keeps them."""
        return {"base": self.base, "exact": self.exact, "servicenow": self.servicenow}

    @property
    def key(self) -> CaseKey:
        """What it is known by: there is never more than one of a key."""
        return self.stream, self.division, self.servicenow_id, self.field

    @property
    def about_exact(self) -> bool:
        """Whether Exact refused it, and not a rule that is looked at anew each time."""
        return self.exact == REFUSED_BY_EXACT

    @property
    def about(self) -> tuple[object, ...]:
        """What the choice was made about: if it differs, the choice is for something else."""
        return self.kind, self.exact, self.servicenow
