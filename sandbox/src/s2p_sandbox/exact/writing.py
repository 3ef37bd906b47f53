"""Writes: POST, PUT and DELETE as the documentation and the recordings describe their replies."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from s2p_sandbox.exact.errors import BadRequestError, NotFoundError, ServerFaultError
from s2p_sandbox.exact.model import entities

if TYPE_CHECKING:
    from s2p_sandbox.exact.model import Entity
    from s2p_sandbox.exact.rows import RowStore
    from s2p_sandbox.exact.switches import Switches

__all__ = ["Writer", "parse_body", "sparse"]

_CODE_LENGTHS = {
    "financial/GLAccounts": "gl_account_code_length",
    "hrm/Costcenters": "cost_center_code_length",
}
_UNIQUE_CODE = frozenset({"financial/GLAccounts", "hrm/Costcenters", "hrm/Costunits"})


def parse_body(body: bytes) -> dict[str, Any]:
    """The object of a POST or PUT.

    Raises:
        BadRequestError: the body is no JSON object.
    """
    try:
        found = msgspec.json.decode(body)
    except msgspec.DecodeError:
        found = None
    if not isinstance(found, dict):
        raise BadRequestError(
            "Error processing request stream. "
            "The request should be a valid top-level resource object."
        )
    return found


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes rows of one division; each call is one transaction."""

    store: RowStore
    division: int
    switches: Switches

    def create(self, entity: Entity, values: dict[str, Any]) -> str:
        """Insert a row, its lines with it; returns the new key."""
        missing = [name for name in entity.required if values.get(name) in (None, "", [])]
        if missing:
            raise BadRequestError(f"Mandatory: {missing[0]}")
        own, lines = _split(entity, values)
        self._check_length(entity, own)
        self._check_unique(entity, own, key=None)
        key = str(own.pop(entity.key, None) or uuid.uuid4())
        with self.store.database.transaction():
            self._change(entity, key, own)
            for name, rows in lines.items():
                line = entities()[entity.lines[name].resource]
                for number, row in enumerate(rows, start=1):
                    inner, _deeper = _split(line, row)
                    inner = {"LineNumber": number, **inner, entity.lines[name].parent: key}
                    self._change(line, str(uuid.uuid4()), inner)
            self._bump_header(entity, own)
        return key

    def update(self, entity: Entity, key: str, values: dict[str, Any]) -> None:
        """Change some properties of a row; lines are changed at their own address."""
        row = self.store.get(entity.rows_of, self.division, key)
        if row is None:
            raise NotFoundError
        own, _lines = _split(entity, values)
        own.pop(entity.key, None)
        self._check_unique(entity, own, key=key)
        with self.store.database.transaction():
            self._change(entity, key, own)
            self._bump_header(entity, {**row.values, **own})

    def remove(self, entity: Entity, key: str, user: str) -> None:
        """Delete a row, its lines with it."""
        row = self.store.get(entity.rows_of, self.division, key)
        if row is None:
            raise NotFoundError
        with self.store.database.transaction():
            self.store.delete(entity.name, self.division, key, by=user)
            self._bump_header(entity, row.values)

    def _change(self, entity: Entity, key: str, own: dict[str, Any]) -> None:
        try:
            self.store.change(entity.name, self.division, key, own)
        except ValueError as error:
            raise BadRequestError(f"Error processing request stream. {error}") from error

    def _check_length(self, entity: Entity, own: dict[str, Any]) -> None:
        longest = getattr(self.switches, _CODE_LENGTHS.get(entity.name, ""), None)
        if longest is not None and len(str(own.get("Code"))) > longest:
            raise ServerFaultError("Value too long: Code.")

    def _check_unique(self, entity: Entity, own: dict[str, Any], key: str | None) -> None:
        if entity.name not in _UNIQUE_CODE or "Code" not in own:
            return
        for row in self.store.all_of(entity.name, self.division):
            if row.values.get("Code") == own["Code"] and row.key != key:
                raise ServerFaultError("Data already exists.")

    def _bump_header(self, entity: Entity, values: dict[str, Any]) -> None:
        header = values.get(entity.parent) if entity.parent else None
        if not self.switches.line_bumps_header or header is None:
            return
        for owner in entities().values():
            if any(lines.resource == entity.name for lines in owner.lines.values()):
                self.store.touch(owner.name, self.division, str(header))


def sparse(entity: Entity, full: dict[str, Any]) -> dict[str, Any]:
    """What a POST answers by default: keys filled, Byte flags 0, links deferred, the rest null."""
    shown: dict[str, Any] = {"__metadata": full["__metadata"]}
    for name, edm in entity.properties.items():
        if edm == "Collection" or name == entity.key:
            shown[name] = full[name]
        else:
            shown[name] = 0 if edm == "Byte" else None
    return shown


def _split(
    entity: Entity, values: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, list[dict[str, Any]]]]:
    own: dict[str, Any] = {}
    lines: dict[str, list[dict[str, Any]]] = {}
    for name, value in values.items():
        if name not in entity.properties:
            raise BadRequestError(
                f"Error processing request stream. The property name '{name}' specified for type "
                f"'{entity.model}' is not valid."
            )
        if name in entity.lines:
            lines[name] = value.get("results", []) if isinstance(value, dict) else value
        else:
            own[name] = value
    return own, lines
