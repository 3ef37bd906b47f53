"""The ``$filter`` language: text → tree.

Understood: ``eq ne gt ge lt le``, ``and``, ``or``, parentheses, ``guid'…'``, ``datetime'…'``, text
with doubled quotes, numbers with an optional ``L``, ``M`` or ``D``, ``true``, ``false``, ``null``,
and ``trim``, ``indexof``, ``startswith``, ``endswith``, ``substringof``. Refused, as the real
server does: navigation properties, two fields compared, ``in``. A comparison with a row's null is
never true, except ``eq null``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from s2p_sandbox.exact.errors import BadRequestError, NotImplementedByServerError
from s2p_sandbox.exact.filters import OPERATORS, Both, Call, Comparison
from s2p_sandbox.exact.values import milliseconds_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from s2p_sandbox.exact.filters import Filter
    from s2p_sandbox.exact.model import Entity

__all__ = ["parse"]

_FUNCTIONS = ("trim", "indexof", "startswith", "endswith", "substringof")
_MAX_DEPTH = 100
_LONGEST = 2**63
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
        return _whole(bare), "Int64"
    if suffix in {"M", "D", "F"} or not bare.lstrip("-").isdigit():
        return float(bare), "Double"
    return _whole(bare), "Int32"


_NUMBERS = frozenset({"Int16", "Int32", "Int64", "Byte", "Double"})


def _comparable(left: str, right: str) -> bool:
    if right == "null":
        return True
    return left == right or (left in _NUMBERS and right in _NUMBERS)


def _whole(text: str) -> int:
    # A number of thousands of digits is refused by Python itself, one beyond 64 bits by SQLite.
    value = (
        int(text) if len(text) <= len(str(_LONGEST)) and text.lstrip("-").isascii() else _LONGEST
    )
    if not -_LONGEST <= value < _LONGEST:
        raise BadRequestError
    return value
