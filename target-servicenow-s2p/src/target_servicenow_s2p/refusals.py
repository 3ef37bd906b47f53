"""What a refusal asks for: time, other data, or a change of the instance's configuration; pure.

ServiceNow gives no code with most of them ("not all errors produce error codes", *Import run
history*), so its words decide; the first kind that fits counts.
"""

from __future__ import annotations

from typing import Final, Literal

__all__ = ["Remedy", "remedy_of"]

Remedy = Literal["retry later", "needs data", "needs configuration"]

_SIGNS: Final[tuple[tuple[Remedy, tuple[str, ...]], ...]] = (
    (
        "needs configuration",
        (
            "not authorized",
            "acl",
            "business rule",
            "script error",
            "transform script",
            "invalid table",
            "transform map",
            "field not found",
        ),
    ),
    (
        "retry later",
        (
            "reference value",
            "not found",
            "does not exist",
            "unable to resolve",
            "could not be resolved",
            "cleaned the import set up",
            "quota",
            "timed out",
            "deadlock",
        ),
    ),
)


def remedy_of(message: str) -> Remedy:
    """Tell from ServiceNow's words what would let the row in.

    What refers to a record that is not there is let in once it is; what no word tells needs other
    data: mandatory fields, values out of range, choices that do not exist.
    """
    words = message.lower()
    for remedy, signs in _SIGNS:
        if any(sign in words for sign in signs):
            return remedy
    return "needs data"
