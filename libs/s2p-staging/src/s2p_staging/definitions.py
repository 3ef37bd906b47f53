"""What a stream becomes in ServiceNow, read from ``tables/*.yaml``.

One file per stream. ``remember`` names values that records of other streams need from this one
(an invoice line knows its invoice by a GUID only), ``links`` names where such values come from,
``document`` is the number people know a record by (the audit trail keeps it), ``source_id`` the id
of the record in question where it is not the record's own, ``outputs`` lists the staging tables
this stream fills. One with ``closes`` ends what another output has staged. ``amount`` says what a
row is worth: the labels of the columns that hold amount and currency, or expressions where no
column does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import cache, lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec
from msgspec import Struct

from s2p_staging.amounts import Amount
from s2p_staging.closing import follow, inherit
from s2p_staging.digests import digest
from s2p_staging.errors import DefinitionError, ExpressionError
from s2p_staging.expressions import Evaluate, Write, compile_expression, compile_text
from s2p_staging.functions import FUNCTIONS, Function, moment, text_of
from s2p_staging.provenance import parts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from s2p_staging.provenance import Part

__all__ = [
    "KEY_SEPARATOR",
    "WITHOUT_TABLE",
    "Definition",
    "Field",
    "Link",
    "Output",
    "documented",
    "load_definitions",
]

KEY_SEPARATOR: Final = "|"
_TELLING: Final = re.compile(
    r"(?:choose|code|date|datetime|erp_source|inverse|minus|money|percent|plus|ratio|when|yesno)\("
    r"|s2p_(?:gl_account|cost_center)\b|'"
)
"""Expressions whose values may be shown: none of them gives a free text."""
LoadMethod = Literal["import_set", "table"]

WITHOUT_TABLE = frozenset(
    {
        "cost_units",
        "item_groups",
        "items",
        "vat_codes",
    }
)
"""Streams of Exact Online that no staging table takes: accepted and counted, not written."""


class _FieldFile(Struct, forbid_unknown_fields=True):
    value: str
    labels: list[str] = []
    feeds: str = ""
    column: str = ""


class _AmountFile(Struct, forbid_unknown_fields=True):
    currency: str
    column: str = ""
    value: str = ""


class _OutputFile(Struct, forbid_unknown_fields=True):
    name: str
    fields: dict[str, str | _FieldFile]
    staging_table: str = ""
    key: list[str] = []
    closes: str = ""
    reopens: dict[str, str] = {}
    owned: dict[str, list[str]] = {}
    load_method: LoadMethod = "import_set"
    after: list[str] = []
    when: str = ""
    optional: dict[str, str] = {}
    volatile: list[str] = []
    where_present: bool = False
    private: list[str] = []
    amount: _AmountFile | None = None


class _LinkFile(Struct, forbid_unknown_fields=True):
    stream: str
    by: str


class _StreamFile(Struct, forbid_unknown_fields=True):
    stream: str
    outputs: list[_OutputFile]
    remember: dict[str, str] = {}
    remember_by: str = "ID"
    links: dict[str, _LinkFile] = {}
    document: str = ""
    source_id: str = ""


class _FieldOverride(Struct, forbid_unknown_fields=True):
    value: str = ""
    column: str = ""


class _Override(Struct, forbid_unknown_fields=True):
    staging_table: str | None = None
    load_method: LoadMethod | None = None
    fields: dict[str, str | _FieldOverride] = {}
    enabled: bool = True
    key: list[str] = []
    after: list[str] = []
    when: str = ""
    amount: _AmountFile | None = None
    held_table: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """One staging column.

    Attributes:
        label: the label it is known by in definitions and natural keys.
        write: gives the text it is filled with.
        labels: labels the instance may give it.
        feeds: column of the primary table it must feed where the label is ambiguous.
        column: the staging column itself, where the setting `tables` names it.
        required: the run stops if the instance has no such column.
        telling: its values tell nothing about a person: codes, amounts, dates, choices.
    """

    label: str
    write: Write
    labels: tuple[str, ...]
    feeds: str
    column: str
    required: bool
    telling: bool = False


@dataclass(frozen=True, slots=True)
class Output:
    """One staging table a stream fills.

    Attributes:
        name: the stream's name, or a name of its own for a second table.
        after: names of outputs whose rows must be transformed before these.
        when: a record whose value here is not ``true`` makes no row; None: every record does.
        key: labels whose values together identify the record in ServiceNow.
        volatile: labels left out when two versions of a row are compared.
        provenance: labels under which a row tells where it comes from, if there are columns.
        where_present: not every instance has the table; one that has not goes without.
        private: labels of the key whose values may tell who someone is; a natural key, which is
            kept in clear, has a digest in their place. Never the first one: rows are found by it.
        closes: name of the output whose records a row ends: it takes over where they are staged.
        reopens: label → what takes the place of an empty value where an earlier row of the key had
            one, as an import does not copy empty values.
        owned: what either system may own → the labels that tell it.
        amount: what a row is worth; None where rows are not worth anything.
        held_table: table of the instance's own for held rows, see `held_tables`; empty for none.
    """

    name: str
    stream: str
    staging_table: str
    load_method: LoadMethod
    after: tuple[str, ...]
    when: Evaluate | None
    key: tuple[str, ...]
    fields: tuple[Field, ...]
    volatile: frozenset[str]
    provenance: frozenset[str] = frozenset()
    where_present: bool = False
    private: frozenset[str] = frozenset()
    closes: str = ""
    reopens: Mapping[str, str] = field(default_factory=dict)
    owned: Mapping[str, Sequence[str]] = field(default_factory=dict)
    amount: Amount | None = None
    held_table: str = ""

    @property
    def counted_as(self) -> str:
        """Under which name its rows are counted: those that end a record are their stream's."""
        return self.stream if self.closes else self.name

    def natural_key(self, values: Mapping[str, str]) -> str:
        """Return what identifies a record in its staging table, from values by label."""
        return self.key_of([values[label] for label in self.key])

    def key_of(self, texts: Sequence[str]) -> str:
        """Return the same from the values alone, in the order of the key's labels."""
        if not self.private:  # all but one table, and each row comes by here
            return KEY_SEPARATOR.join(texts)
        return KEY_SEPARATOR.join(
            digest(text.encode()) if label in self.private else text
            for label, text in zip(self.key, texts, strict=True)
        )


@dataclass(frozen=True, slots=True)
class Link:
    """Where values of another record come from: ``by`` gives the ids."""

    name: str
    stream: str
    by: Write


@dataclass(frozen=True, slots=True)
class Definition:
    """One stream."""

    stream: str
    outputs: tuple[Output, ...]
    remember: Mapping[str, Write]
    remember_by: Write
    links: tuple[Link, ...]
    document: Evaluate | None = None
    source_id: Evaluate | None = None


@cache
def documented() -> tuple[_StreamFile, ...]:
    """The definitions as shipped, by stream name."""
    folder = files("s2p_staging").joinpath("tables")
    found = [
        msgspec.yaml.decode(entry.read_bytes(), type=_StreamFile)
        for entry in folder.iterdir()
        if entry.name.endswith(".yaml")
    ]
    return tuple(sorted(inherit(found), key=lambda one: one.stream))


def load_definitions(
    tables: Mapping[str, Any] | None,
    erp_sources: Mapping[str, str] | None,
    run_id: str,
    provenance: Mapping[str, str] | None = None,
) -> dict[str, Definition]:
    """Read the shipped definitions and lay the setting `tables` over them.

    Args:
        tables: output name → staging_table, load_method, enabled, fields (merged: label →
            expression, or value and column; an empty text removes the field), key, after,
            when, amount, held_table. A name that is not shipped defines a stream of its own.
        erp_sources: division → ERP source; a division without one is ``EXACT-<division>``.
        run_id: value of ``run_id()`` in expressions.
        provenance: part of a row's origin → label of its column, see `s2p_staging.provenance`.

    Returns:
        Definitions by stream; one that is switched off, or all of whose outputs are, has none.

    Raises:
        DefinitionError: the setting names an unknown stream or is malformed.
    """
    overrides = _overrides(tables or {})
    functions = _functions(erp_sources or {}, run_id)
    origin = parts(provenance)
    known = {output.name for stream in documented() for output in stream.outputs}
    own = [_own_stream(name, override) for name, override in overrides.items() if name not in known]
    return {
        stream.stream: _definition(stream, overrides, functions, origin)
        for stream in (*documented(), *own)
    }


def _own_stream(name: str, override: _Override) -> _StreamFile:
    """Define a stream that is not shipped, from the setting alone; none, if switched off."""
    if not override.enabled:
        return _StreamFile(name, [])
    labels = {label for label, given in override.fields.items() if given}
    if not (override.staging_table and labels and override.key):
        known = sorted(output.name for stream in documented() for output in stream.outputs)
        raise DefinitionError(
            f"Setting 'tables' names {name}, which is not one of {', '.join(known)}: a stream of "
            "your own needs staging_table, fields and key (the labels that identify a record), or "
            "enabled: false."
        )
    output = _OutputFile(name, {}, override.staging_table, override.key)
    return _StreamFile(name, [output])


def _overrides(tables: Mapping[str, Any]) -> dict[str, _Override]:
    try:
        return msgspec.convert(dict(tables), dict[str, _Override])
    except msgspec.ValidationError as error:
        raise DefinitionError(
            f"Setting 'tables' is malformed: {error}. Each stream takes staging_table, "
            "load_method (import_set or table), fields and enabled."
        ) from None


def _functions(erp_sources: Mapping[str, str], run_id: str) -> Mapping[str, Function]:
    known: dict[str, str] = {str(division): source for division, source in erp_sources.items()}

    @lru_cache(256, typed=True)  # asked for every row of a handful of divisions
    def source_of(division: object) -> str | None:
        number = text_of(division)
        return known.get(number) or f"EXACT-{number}" if number else None

    def erp_source(division: object) -> object:
        return source_of(division if type(division) is int else text_of(division))

    began = moment(datetime.now(timezone.utc))
    return {
        **FUNCTIONS,
        "erp_source": erp_source,
        "run_id": lambda: run_id,
        "run_began": lambda: began,
    }


def _definition(
    stream: _StreamFile,
    overrides: Mapping[str, _Override],
    functions: Mapping[str, Function],
    origin: Sequence[Part],
) -> Definition:
    enabled = overrides.get(stream.stream, _Override()).enabled
    given = {output.name: _override(output, overrides) for output in stream.outputs}
    if stream.source_id:
        origin = [
            msgspec.structs.replace(part, value=stream.source_id)
            if part.value.startswith("s2p_source_id")
            else part
            for part in origin
        ]
    return Definition(
        stream.stream,
        tuple(
            _output(stream.stream, output, given[output.name], functions, origin)
            for output in stream.outputs
            if enabled and given[output.name].enabled
        ),
        {name: compile_text(text, functions) for name, text in stream.remember.items()},
        compile_text(stream.remember_by, functions),
        tuple(
            Link(name, link.stream, compile_text(link.by, functions))
            for name, link in stream.links.items()
        ),
        compile_expression(stream.document, functions) if stream.document else None,
        compile_expression(stream.source_id, functions) if stream.source_id else None,
    )


def _override(output: _OutputFile, overrides: Mapping[str, _Override]) -> _Override:
    own = overrides.get(output.name, _Override())
    closed = overrides.get(output.closes)
    return own if closed is None else follow(output, own, closed)


def _output(
    stream: str,
    output: _OutputFile,
    override: _Override,
    functions: Mapping[str, Function],
    origin: Sequence[Part],
) -> Output:
    specs: dict[str, tuple[_FieldFile, bool]] = {
        label: (spec if isinstance(spec, _FieldFile) else _FieldFile(spec), True)
        for label, spec in output.fields.items()
    }
    specs |= {label: (_FieldFile(text), False) for label, text in output.optional.items()}
    for label, given in override.fields.items():
        new = _FieldOverride(given) if isinstance(given, str) else given
        before = specs[label][0] if label in specs else _FieldFile("")
        value = new.value or (before.value if new.column else "")
        if value:
            specs[label] = (
                msgspec.structs.replace(before, value=value, column=new.column or before.column),
                True,
            )
        else:
            specs.pop(label, None)
    load_method = override.load_method or output.load_method
    told = [part for part in origin if load_method == "import_set" and part.label not in specs]
    specs |= {part.label: (_FieldFile(part.value), False) for part in told}
    key = tuple(override.key or output.key)
    if missing := [label for label in key if label not in specs]:
        raise DefinitionError(
            f"Setting 'tables.{output.name}.fields' has no {', '.join(missing)}, which identifies "
            "the record: give it an expression."
        )
    try:
        fields = tuple(
            Field(
                label,
                compile_text(spec.value, functions),
                tuple(spec.labels) or (label,),
                spec.feeds,
                spec.column,
                required,
                _TELLING.match(spec.value) is not None,
            )
            for label, (spec, required) in specs.items()
        )
        amount = _amount(override.amount or output.amount, functions)
    except ExpressionError as error:
        raise ExpressionError(f"Setting 'tables.{output.name}.fields': {error}") from None
    when = override.when or output.when
    return Output(
        output.name,
        stream,
        override.staging_table or output.staging_table,
        load_method,
        tuple(override.after or output.after),
        compile_expression(when, functions) if when else None,
        key,
        fields,
        frozenset((*output.volatile, *(part.label for part in told if part.volatile))),
        frozenset(part.label for part in told),
        output.where_present and not override.staging_table,
        frozenset(output.private) if key == tuple(output.key) else frozenset(),
        output.closes,
        output.reopens,
        output.owned,
        amount,
        override.held_table,
    )


def _amount(given: _AmountFile | None, functions: Mapping[str, Function]) -> Amount | None:
    if given is None:
        return None
    if given.column:
        return Amount(given.column, given.currency)
    amount, currency = (compile_text(text, functions) for text in (given.value, given.currency))
    return Amount(written=(amount, currency))
