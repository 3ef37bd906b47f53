"""The ``$filter`` language: text → tree → yes or no for a row, or an SQL condition.

Understood: ``eq ne gt ge lt le``, ``and``, ``or``, parentheses, ``guid'…'``, ``datetime'…'``, text
with doubled quotes, numbers with an optional ``L``, ``M`` or ``D``, ``true``, ``false``, ``null``,
and ``trim``, ``indexof``, ``startswith``, ``endswith``, ``substringof``. Refused, as the real
server does: navigation properties, two fields compared, ``in``. A comparison with a row's null is
never true, except ``eq null``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from s2p_sandbox.exact.errors import BadRequestError, NotImplementedByServerError
from s2p_sandbox.exact.values import milliseconds_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from s2p_sandbox.exact.model import Entity

__all__ = ["Both", "Call", "Comparison", "Filter", "fields_of", "matches", "parse", "to_sql"]

OPERATORS: dict[str, str] = {"eq": "=", "ne": "<>", "gt": ">", "ge": ">=", "lt": "<", "le": "<="}
_FUNCTIONS = ("trim", "indexof", "startswith", "endswith", "substringof")
_MAX_DEPTH = 100
_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,7})?)?)?")
_TOKEN = re.compile(
    r"""\s*(?:(?P<typed>(?:guid|datetime)'(?:[^']|'')*'*)
        |(?P<text>'(?:[^']|'')*')
        |(?P<number>-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?[LlMmDdFf]?(?![\w.]))
        |(?P<word>[A-Za-z_][\w/]*)
        |(?P<mark>[(),]))""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Call:
    """A field, or a function of one: ``argument`` is the text beside the field, if any."""

    field: str
    function: str = ""
    argument: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A field or function against a literal in its stored form."""

    left: Call
    operator: str
    value: str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Both:
    """Two conditions joined by ``and`` or ``or``."""

    left: Filter
    word: str
    right: Filter


Filter = Comparison | Both


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


def parse(text: str, entity: Entity, *, substringof: bool = True) -> Filter:
    """The tree of a filter on an entity.

    Raises:
        BadRequestError: the syntax, an unknown property, a malformed literal or clashing types.
        NotImplementedByServerError: a function the server does not know.
    """
    return _Parser(text, entity, substringof=substringof).whole()


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    text = text.rstrip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None or found.lastgroup is None:
            raise BadRequestError
        kind = found.lastgroup
        yield _Token(kind, found[kind], found.start(kind))
        at = found.end()


class _Parser:
    def __init__(self, text: str, entity: Entity, *, substringof: bool) -> None:
        self._tokens = [*_tokens(text), _Token("end", "", len(text))]
        self._at = 0
        self._entity = entity
        self._substringof = substringof

    def whole(self) -> Filter:
        tree = self._any_of(0)
        if self._next.kind != "end":
            raise BadRequestError
        return tree

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    def _take(self, kind: str, text: str = "") -> _Token:
        token = self._next
        if token.kind != kind or (text and token.text != text):
            raise BadRequestError
        self._at += 1
        return token

    def _any_of(self, depth: int) -> Filter:
        tree = self._all_of(depth)
        while self._next.text == "or":
            self._at += 1
            tree = Both(tree, "or", self._all_of(depth))
        return tree

    def _all_of(self, depth: int) -> Filter:
        tree = self._term(depth)
        while self._next.text == "and":
            self._at += 1
            tree = Both(tree, "and", self._term(depth))
        return tree

    def _term(self, depth: int) -> Filter:
        if depth > _MAX_DEPTH:
            raise BadRequestError
        if self._next.text != "(" or self._next.kind != "mark":
            return self._comparison()
        self._at += 1
        tree = self._any_of(depth + 1)
        self._take("mark", ")")
        return tree

    def _comparison(self) -> Comparison:
        left, left_type = self._left()
        token = self._next
        if token.text not in OPERATORS:
            if left_type == "Boolean" and left.function:
                return Comparison(left, "eq", value=True)
            raise BadRequestError
        self._at += 1
        value, value_type = self._literal()
        if not _comparable(left_type, value_type):
            raise BadRequestError(
                f"Operator '{token.text}' incompatible with operand types "
                f"'System.{left_type}' and 'System.{value_type}' at position {token.at}."
            )
        return Comparison(left, token.text, value)

    def _left(self) -> tuple[Call, str]:
        word = self._take("word")
        if self._next.text != "(":
            return Call(word.text), self._type_of(word)
        if word.text not in _FUNCTIONS or (word.text == "substringof" and not self._substringof):
            raise NotImplementedByServerError(f"Unknown function '{word.text}' at {word.at}.")
        self._at += 1
        argument = ""
        if word.text == "substringof":
            argument = _unquoted(self._take("text").text)
            self._take("mark", ",")
        field = self._take("word")
        if self._type_of(field) != "String":
            raise BadRequestError
        if word.text in {"indexof", "startswith", "endswith"}:
            self._take("mark", ",")
            argument = _unquoted(self._take("text").text)
        self._take("mark", ")")
        result = {"trim": "String", "indexof": "Int32"}.get(word.text, "Boolean")
        return Call(field.text, word.text, argument), result

    def _type_of(self, word: _Token) -> str:
        found = self._entity.properties.get(word.text)
        if found is None or found in {"Collection", "Complex"}:
            # Also what a navigation path (Supplier/Name) ends in: it cannot be filtered.
            raise BadRequestError(
                f"No property '{word.text}' exists in type '{self._entity.model}' "
                f"at position {word.at}."
            )
        return found

    def _literal(self) -> tuple[str | int | float | bool | None, str]:
        token = self._next
        self._at += 1
        if token.kind == "typed":
            return _typed(token)
        if token.kind == "text":
            return _unquoted(token.text), "String"
        if token.kind == "number":
            return _number(token.text)
        if token.kind == "word" and token.text in {"true", "false"}:
            return token.text == "true", "Boolean"
        if token.kind == "word" and token.text == "null":
            return None, "null"
        raise BadRequestError


def _unquoted(text: str) -> str:
    return text[1:-1].replace("''", "'")


def _typed(token: _Token) -> tuple[str | int, str]:
    name, inner = token.text.split("'", 1)
    inner = inner.removesuffix("'")
    if name == "guid" and _GUID.fullmatch(inner):
        return inner.lower(), "Guid"
    if name == "datetime" and _MOMENT.fullmatch(inner):
        try:
            return milliseconds_of(inner), "DateTime"
        except ValueError:
            pass
    edm = "Guid" if name == "guid" else "DateTime"
    raise BadRequestError(f"Unrecognized 'Edm.{edm}' literal '{token.text}' in '{token.at}'.")


def _number(text: str) -> tuple[int | float, str]:
    suffix = text[-1].upper() if text[-1].isalpha() else ""
    bare = text[:-1] if suffix else text
    if suffix == "L":
        return int(bare), "Int64"
    if suffix in {"M", "D", "F"} or not bare.lstrip("-").isdigit():
        return float(bare), "Double"
    return int(bare), "Int32"


_NUMBERS = frozenset({"Int16", "Int32", "Int64", "Byte", "Double"})


def _comparable(left: str, right: str) -> bool:
    if right == "null":
        return True
    return left == right or (left in _NUMBERS and right in _NUMBERS)


def fields_of(tree: Filter) -> set[str]:
    """The properties a filter looks at."""
    if isinstance(tree, Comparison):
        return {tree.left.field}
    return fields_of(tree.left) | fields_of(tree.right)


def matches(tree: Filter, row: Mapping[str, Any]) -> bool:
    """Whether a row of stored values satisfies the filter."""
    if isinstance(tree, Both):
        if tree.word == "and":
            return matches(tree.left, row) and matches(tree.right, row)
        return matches(tree.left, row) or matches(tree.right, row)
    found = row.get(tree.left.field)
    if tree.value is None:
        return (
            (found is None)
            if tree.operator == "eq"
            else tree.operator == "ne" and found is not None
        )
    if found is None:
        return False
    return bool(_COMPARE[tree.operator](_applied(tree.left, found), tree.value))


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
}


def _applied(call: Call, found: Any) -> Any:  # noqa: ANN401  # Edm values
    if call.function == "trim":
        return found.strip(" ")
    if call.function == "indexof":
        return found.find(call.argument)
    if call.function == "startswith":
        return found.startswith(call.argument)
    if call.function == "endswith":
        return found.endswith(call.argument)
    return call.argument in found if call.function else found


def to_sql(tree: Filter, column: Callable[[str], str]) -> tuple[str, list[Any]]:
    """The filter as an SQL condition with its parameters; ``column`` names a field's SQL."""
    if isinstance(tree, Both):
        left, first = to_sql(tree.left, column)
        right, second = to_sql(tree.right, column)
        return f"({left} {tree.word.upper()} {right})", [*first, *second]
    name = column(tree.left.field)
    if tree.value is None:
        condition = {"eq": f"{name} IS NULL", "ne": f"{name} IS NOT NULL"}
        return condition.get(tree.operator, "0"), []
    shown, parameters = _sql_call(tree.left, name)
    value = int(tree.value) if isinstance(tree.value, bool) else tree.value
    return f"{shown} {OPERATORS[tree.operator]} ?", [*parameters, value]


def _sql_call(call: Call, name: str) -> tuple[str, list[Any]]:
    if call.function == "trim":
        return f"trim({name})", []
    if call.function == "indexof":
        return f"(instr({name}, ?) - 1)", [call.argument]
    if call.function == "substringof":
        return f"(instr({name}, ?) > 0)", [call.argument]
    if call.function == "startswith":
        return f"(substr({name}, 1, length(?)) = ?)", [call.argument, call.argument]
    if call.function == "endswith":
        ending = (
            f"(length({name}) >= length(?) AND substr({name}, length({name}) - length(?) + 1) = ?)"
        )
        return ending, [call.argument] * 3
    return name, []
