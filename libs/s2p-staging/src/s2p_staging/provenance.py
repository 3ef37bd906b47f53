"""Where a staged row comes from, and under which labels it tells so; pure."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from s2p_staging.errors import DefinitionError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["LONGEST", "Part", "parts"]

LONGEST: Final = 100
"""Characters a column for any of them needs."""


class Part(Struct, frozen=True, forbid_unknown_fields=True):
    """One thing a row tells of its origin.

    Attributes:
        label: label of its column.
        column: name for a column that is yet to be made, without ServiceNow's prefix.
        value: expression.
        volatile: a change of it alone is no reason to stage a row again.
    """

    label: str
    column: str
    value: str
    volatile: bool = False


@cache
def _shipped() -> Mapping[str, Part]:
    raw = files("s2p_staging").joinpath("provenance.yaml").read_bytes()
    return msgspec.yaml.decode(raw, type=dict[str, Part])


def parts(labels: Mapping[str, str] | None = None) -> list[Part]:
    """Return what rows tell of their origin, with the setting `provenance` laid over it.

    Args:
        labels: part → label of its column; an empty text leaves the part out.

    Raises:
        DefinitionError: there is no such part.
    """
    labels = labels or {}
    shipped = _shipped()
    if unknown := sorted(set(labels) - set(shipped)):
        raise DefinitionError(
            f"Setting 'provenance' names {', '.join(unknown)}: it takes {', '.join(shipped)}."
        )
    given = {name: labels.get(name, part.label) for name, part in shipped.items()}
    return [
        msgspec.structs.replace(part, label=given[name])
        for name, part in shipped.items()
        if given[name]
    ]
