"""The transform of one staging row: look-ups, coalesce, insert, update or refusal.

States and comments follow *Import set row states* and *Transform history*: ``inserted``,
``updated``, ``ignored`` ("No field values changed"), ``skipped`` (all coalesce fields empty) and
``error`` with the documented codes: 100 reference rejected, 200 choice rejected, 300 list reference
rejected, 800 invalid target record or field. Transforms run as user *system*: target ACLs do not
stop them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from s2p_sandbox.servicenow import money, storage
from s2p_sandbox.servicenow.scripts import AFTER
from s2p_sandbox.servicenow.values import BadValueError, typed

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from s2p_sandbox.servicenow.catalog import Catalog
    from s2p_sandbox.servicenow.maps import Entry, TransformMap
    from s2p_sandbox.servicenow.storage import Record, Stamp

__all__ = ["Outcome", "Transformer", "defaults"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one staging row in one map."""

    state: str
    comment: str = ""
    sys_id: str = ""
    code: int = 0


class _RejectedError(Exception):
    """The row is refused, with its error code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(slots=True)
class Transformer:
    """Transforms rows within one transaction; look-ups that hit are remembered for its life."""

    connection: sqlite3.Connection
    catalog: Catalog
    stamp: Stamp
    system_currency: str = "USD"
    _known: dict[tuple[str, ...], str] = field(default_factory=dict)

    def transform(self, mapping: TransformMap, row: Record) -> Outcome:
        """Run one map over one staging row (column → text)."""
        try:
            values = self._values(mapping, row)
        except _RejectedError as error:
            return Outcome("error", str(error), code=error.code)
        keys = [entry.target for entry in mapping.entries if entry.coalesce]
        target = {name: value for name, value in values.items() if not name.startswith("@")}
        if keys and not any(target.get(key) for key in keys):
            return Outcome("skipped", "Row skipped: all coalesce fields are empty")
        existing = self._coalesced(mapping.target, keys, target) if keys else None
        if existing is None:
            return self._insert(mapping, target)
        # With Copy empty fields off an empty staging value leaves the target's as it is.
        changes = {
            name: value
            for name, value in target.items()
            if (value or mapping.copy_empty) and value != existing[name]
        }
        if not changes:
            return Outcome("ignored", "No field values changed", existing["sys_id"])
        storage.update(self.connection, mapping.target, existing["sys_id"], changes, self.stamp)
        self._after(mapping, existing["sys_id"])
        return Outcome("updated", "", existing["sys_id"])

    def _insert(self, mapping: TransformMap, target: Mapping[str, str]) -> Outcome:
        full = defaults(self.connection, self.catalog, mapping.target)
        full.update({name: value for name, value in target.items() if value})
        (sys_id,) = storage.insert(self.connection, mapping.target, [full], self.stamp)
        self._after(mapping, sys_id)
        return Outcome("inserted", "", sys_id)

    def _after(self, mapping: TransformMap, sys_id: str) -> None:
        for script in mapping.after:
            AFTER[script](self.connection, sys_id)

    def _coalesced(
        self, table: str, keys: list[str], target: Mapping[str, str]
    ) -> sqlite3.Row | None:
        if not all(target.get(key) for key in keys):
            return None  # Coalesce empty fields is off: an empty value matches nothing
        where = " AND ".join(f'"{key}" = ? COLLATE NOCASE' for key in keys)
        found: sqlite3.Row | None = self.connection.execute(
            f'SELECT * FROM "{table}" WHERE {where} LIMIT 1',  # noqa: S608  # names from the maps
            [target[key] for key in keys],
        ).fetchone()
        return found

    def _values(self, mapping: TransformMap, row: Record) -> dict[str, str]:
        values: dict[str, str] = {}
        missing = []
        for entry in mapping.entries:
            if entry.inherit is not None:
                if not values.get(entry.target):
                    values[entry.target] = self._inherited(mapping, entry, values)
                continue
            text = row[entry.source].strip()
            if not text and entry.mandatory and mapping.enforce_mandatory_fields != "no":
                missing.append(entry.element)
                continue
            values[entry.target] = self._value(entry, text, row, values)
        if missing:
            raise _RejectedError(
                0,
                "Data Policy Exception: The following fields are mandatory: "
                + ", ".join(sorted(set(missing))),
            )
        return values

    def _value(self, entry: Entry, text: str, row: Record, values: Mapping[str, str]) -> str:
        column = entry.column
        if not text:
            return ""
        if entry.by:
            return self._references(entry, text, values)
        if column.type == "choice":
            return self._choice(entry, text)
        if column.type == "currency":
            currency = row[entry.currency].strip() if entry.currency else ""
            stored = money.stored_from_staging(text, currency, self.system_currency)
            if stored is None:
                raise _RejectedError(800, f"Invalid value for field {column.element}: '{text}'")
            return stored
        try:
            return typed(column.type, text)
        except BadValueError as error:
            raise _RejectedError(
                800, f"Invalid value for field {column.element}: {error}"
            ) from error

    @staticmethod
    def _choice(entry: Entry, text: str) -> str:
        for choice in entry.column.choices:
            if text.lower() == choice.lower():
                return choice
        if entry.action == "reject":
            raise _RejectedError(
                200, f"Choice value '{text}' rejected for field {entry.column.element}"
            )
        return ""

    def _references(self, entry: Entry, text: str, values: Mapping[str, str]) -> str:
        listed = entry.column.type == "glide_list"
        found = []
        for one in text.split(",") if listed else [text]:
            sys_id = self._reference(entry, one.strip(), values)
            if sys_id:
                found.append(sys_id)
            elif entry.action == "reject":
                raise _RejectedError(
                    300 if listed else 100,
                    f"Reference value '{one.strip()}' for field {entry.column.element.lstrip('@')}"
                    f" not found in {entry.column.reference}",
                )
        return ",".join(found)

    def _reference(self, entry: Entry, text: str, values: Mapping[str, str]) -> str:
        table = entry.column.reference
        narrowed = [(name, values[source]) for name, source in entry.within if values.get(source)]
        for by in entry.by:
            key = (table, by, text.lower(), *(part for pair in narrowed for part in pair))
            known = self._known.get(key)
            if known is not None:
                return known
            where = "".join(f' AND "{name}" = ? COLLATE NOCASE' for name, _ in narrowed)
            found = self.connection.execute(
                f'SELECT sys_id FROM "{table}" WHERE "{by}" = ? COLLATE NOCASE{where} LIMIT 1',  # noqa: S608
                [text, *(value for _, value in narrowed)],
            ).fetchone()
            if found is not None:
                sys_id: str = found["sys_id"]
                self._known[key] = sys_id
                return sys_id
        return ""

    def _inherited(self, mapping: TransformMap, entry: Entry, values: Mapping[str, str]) -> str:
        if entry.inherit is None:
            return ""
        through, name = entry.inherit
        parent = values.get(through, "")
        if not parent:
            return ""
        table = self.catalog.tables[mapping.target].by_name[through].reference
        key = (table, "@", name, parent)
        if key not in self._known:
            found = self.connection.execute(
                f'SELECT "{name}" FROM "{table}" WHERE sys_id = ?',  # noqa: S608
                (parent,),
            ).fetchone()
            self._known[key] = found[name] if found is not None else ""
        return self._known[key]


def defaults(connection: sqlite3.Connection, catalog: Catalog, table: str) -> dict[str, str]:
    """What a new record holds before anybody writes: dictionary defaults and its own number."""
    values = {}
    for column in catalog.tables[table].columns:
        if column.auto:
            (values[column.name],) = storage.next_numbers(connection, column.auto)
        elif column.default:
            values[column.name] = column.default
    return values
