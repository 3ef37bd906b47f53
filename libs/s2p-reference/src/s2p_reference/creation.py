"""What a new record of Exact consists of, and why there may be none. Pure; nothing is guessed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from s2p_reference.entities import ENTITIES, Entity, Item
from s2p_reference.errors import ReferenceSettingError

__all__ = ["Rules", "Templates", "body_of", "obstacle", "read_templates"]

Templates = Mapping[tuple[int | None, str, str | None], Mapping[str, Any]]
"""(division or None, stream, ServiceNow's type in lower case or None) → properties of Exact."""

_SIDES: Final = ("D", "C")
_BALANCE: Final = ("B", "W")


@dataclass(frozen=True, slots=True)
class Rules:
    """What the settings say about new records.

    Attributes:
        create: whether they are made or only proposed.
        templates: what nobody may guess.
        code_lengths: stream → characters Exact takes, where they are known.
        types: ServiceNow's sys_id → its word for the type of account, for the template.
    """

    create: bool = False
    templates: Templates = field(default_factory=dict)
    code_lengths: Mapping[str, int] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)


def obstacle(entity: Entity, division: int, item: Item, rules: Rules) -> str | None:
    """Say why Exact cannot have a record, with the remedy; None if nothing stands in the way."""
    longest = rules.code_lengths.get(entity.stream)
    if longest is not None and len(item.code) > longest:
        return (
            f"The code has {len(item.code)} characters and Exact Online takes {longest} for a "
            f"{entity.title}. Give it a shorter code in ServiceNow, or correct code_lengths."
        )
    if not item.name:
        return f"The {entity.title} has no name in ServiceNow, and Exact Online insists on one."
    template = _template(entity, division, item, rules)
    missing = [name for name in entity.needs if name not in template]
    if missing:
        kind = rules.types.get(item.id)
        which = f" of type '{kind}'" if kind else ""
        return (
            f"There is no template that says {', '.join(missing)} of a new {entity.title}{which} "
            f"in division {division}. Set templates: "
            f'{{"{entity.stream}": {{"{kind or "*"}": {{…}}}}}} with a type of Exact Online, '
            "BalanceSide D or C, BalanceType B or W."
        )
    return None


def body_of(entity: Entity, division: int, item: Item, rules: Rules) -> dict[str, Any]:
    """Give what a POST sends: code, what ServiceNow says, and the template for the rest."""
    told = {
        one.property: item.values[one.name]
        for one in entity.fields
        if item.values.get(one.name) not in (None, False)
    }
    return {"Code": item.code, **told, **_template(entity, division, item, rules)}


def _template(entity: Entity, division: int, item: Item, rules: Rules) -> dict[str, Any]:
    """Put the templates together, the narrower ones over the wider ones."""
    kind = (rules.types.get(item.id) or "").strip().lower() or None
    found: dict[str, Any] = {}
    for place in (
        (None, entity.stream, None),
        (division, entity.stream, None),
        (None, entity.stream, kind),
        (division, entity.stream, kind),
    ):
        found.update(rules.templates.get(place, {}))
    return found


def read_templates(setting: Mapping[str, Any] | None) -> Templates:
    """Read the setting `templates`.

    `{"gl_accounts": {"*": {…}, "Expense": {…}}, "101": {"gl_accounts": {…}}}`: per stream, and
    within a division, the properties of a new record by ServiceNow's type; `*` is for all types.

    Raises:
        ReferenceSettingError: names what is wrong.
    """
    templates: dict[tuple[int | None, str, str | None], Mapping[str, Any]] = {}
    for key, value in (setting or {}).items():
        if key.isascii() and key.isdigit():
            for stream, kinds in _object(key, value).items():
                _read(templates, int(key), stream, kinds)
        else:
            _read(templates, None, key, value)
    return templates


def _read(
    templates: dict[tuple[int | None, str, str | None], Mapping[str, Any]],
    division: int | None,
    stream: str,
    kinds: object,
) -> None:
    if stream not in ENTITIES:
        raise ReferenceSettingError(
            f"Setting 'templates' names '{stream}': write {' or '.join(ENTITIES)}, or a division's "
            "code with these in it."
        )
    for kind, properties in _object(stream, kinds).items():
        template = _object(f"{stream}.{kind}", properties)
        _check(f"{stream}.{kind}", template)
        templates[division, stream, None if kind == "*" else kind.strip().lower()] = template


def _object(key: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ReferenceSettingError(f"Setting 'templates' must have an object for '{key}'.")
    return value


def _check(place: str, template: Mapping[str, Any]) -> None:
    for name, allowed in (("BalanceSide", _SIDES), ("BalanceType", _BALANCE)):
        if name in template and template[name] not in allowed:
            raise ReferenceSettingError(
                f"Setting 'templates' has for {place} a {name} that is not {' or '.join(allowed)}."
            )
    if "Type" in template and type(template["Type"]) is not int:
        raise ReferenceSettingError(
            f"Setting 'templates' has for {place} a Type that is no number."
        )
    if "Code" in template:
        raise ReferenceSettingError(f"Setting 'templates' has for {place} a Code: leave it out.")
