"""Who owns which field: only its owner's change is carried to the other side.

Setting `ownership`: `{"description": "servicenow"}` for both kinds of reference data,
`{"cost_centers.description": "servicenow"}` for one, `{"101": {"description": "servicenow"}}` for
one division. What is named more narrowly wins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from s2p_reference.entities import ENTITIES, EXACT, SERVICENOW, Entity, System
from s2p_reference.errors import ReferenceSettingError

__all__ = ["ONLY_SERVICENOW", "Ownership", "differences", "read_ownership"]

ONLY_SERVICENOW: Final = ("manager", "parent", "valid_from")
"""Exact has no field for these: they are ServiceNow's and are never compared."""

_SYSTEMS: Final[Mapping[str, System]] = {EXACT: EXACT, SERVICENOW: SERVICENOW}
_FIELDS: Final = frozenset(one.name for entity in ENTITIES.values() for one in entity.fields)


@dataclass(frozen=True, slots=True)
class Ownership:
    """The owners that were set: (division or None, stream or None, field) → system."""

    owners: Mapping[tuple[int | None, str | None, str], System] = field(default_factory=dict)

    @property
    def divisions(self) -> tuple[int, ...]:
        """Give the divisions of which something was said."""
        return tuple(sorted({place[0] for place in self.owners if place[0] is not None}))

    def owner(self, division: int | None, entity: Entity, name: str) -> System:
        """Give who owns a field of an entity in a division."""
        for place in (
            (division, entity.stream, name),
            (division, None, name),
            (None, entity.stream, name),
            (None, None, name),
        ):
            if place in self.owners:
                return self.owners[place]
        return entity.field(name).owner

    def all_of(self, division: int | None, entity: Entity) -> dict[str, System]:
        """Give the owner of each field in a division; None: in those of which nothing was said."""
        return {one.name: self.owner(division, entity, one.name) for one in entity.fields}


def differences(one: Ownership, other: Ownership) -> list[str]:
    """Name the fields that two settings give to different owners, as the setting writes them."""
    found = []
    for division in (None, *sorted({*one.divisions, *other.divisions})):
        for entity in ENTITIES.values():
            here, there = one.all_of(division, entity), other.all_of(division, entity)
            where = "" if division is None else f" of division {division}"
            found += [
                f"{entity.stream}.{name}{where}"
                for name, owner in here.items()
                if owner != there[name]
            ]
    return found


def read_ownership(setting: Mapping[str, Any] | None) -> Ownership:
    """Read the setting `ownership`.

    Raises:
        ReferenceSettingError: names what is wrong and what may stand there.
    """
    owners: dict[tuple[int | None, str | None, str], System] = {}
    for key, value in (setting or {}).items():
        if isinstance(value, Mapping):
            if not (key.isascii() and key.isdigit()):
                raise ReferenceSettingError(
                    f"Setting 'ownership' has an object for '{key}', which is no division: write "
                    "the division's code."
                )
            for inner, owner in value.items():
                stream, name = _place(inner)
                owners[int(key), stream, name] = _system(inner, owner)
        else:
            stream, name = _place(key)
            owners[None, stream, name] = _system(key, value)
    return Ownership({place: owner for place, owner in owners.items() if place[2] in _FIELDS})


def _place(key: str) -> tuple[str | None, str]:
    stream, dot, name = key.rpartition(".")
    if dot and stream not in ENTITIES:
        raise ReferenceSettingError(
            f"Setting 'ownership' names '{key}': write {' or '.join(ENTITIES)} before the dot."
        )
    known = {one.name for one in ENTITIES[stream].fields} if dot else _FIELDS
    if name not in known and name not in {*ONLY_SERVICENOW, "code"}:
        choices = ", ".join(sorted(known))
        raise ReferenceSettingError(
            f"Setting 'ownership' names the field '{key}', which is not known: write one of "
            f"{choices}."
        )
    return stream or None, name


def _system(key: str, owner: object) -> System:
    system = _SYSTEMS.get(owner) if isinstance(owner, str) else None
    name = key.rpartition(".")[2]
    if system is None:
        raise ReferenceSettingError(
            f"Setting 'ownership' of '{key}' must be exactonline or servicenow."
        )
    if name == "code" and system == SERVICENOW:
        raise ReferenceSettingError(
            "Setting 'ownership' gives the code to servicenow, but Exact Online changes codes only "
            "in its own screens (recode): leave the code to exactonline."
        )
    if name in ONLY_SERVICENOW and system == EXACT:
        raise ReferenceSettingError(
            f"Setting 'ownership' gives '{key}' to exactonline, which has no such field: leave it "
            "to servicenow."
        )
    return system
