"""Field expressions: what a staging column is filled with, readable in one line.

::

    expression = term { "??" term }          the first term that is not missing
    term       = property | link.property | 'constant' | number | function(expression, ...)

``AccountCode`` is a property of the record, ``order.number`` a value remembered from a linked
record (see `definitions`), ``'Net'`` a constant (a quote inside is doubled), ``date(OrderDate)``
a function of `functions`. There is nothing else: no loops, no attribute access, no calls out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec
from msgspec import Struct

from s2p_staging.errors import ExpressionError
from s2p_staging.functions import Function, is_missing, text_of, texts_of

__all__ = ["Evaluate", "Scope", "Write", "compile_expression", "compile_text"]

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<name>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)?)"
    r"|(?P<number>-?\d+(?:\.\d+)?)|(?P<sign>\?\?|[(),]))"
)
_DEEPEST: Final = 20
_NOTHING: Final[Mapping[str, Any]] = {}
_PROPERTY: Final = re.compile(r"(?:code\((?P<code>[A-Za-z_]\w*)\)|(?P<name>[A-Za-z_]\w*))\Z")


class Scope(Struct, gc=False):
    """What an expression sees: one record, and what is remembered of the records it links to."""

    record: Mapping[str, Any]
    links: Mapping[str, Mapping[str, Any]] = msgspec.field(default_factory=dict)


Evaluate = Callable[[Scope], object]
Write = Callable[[Sequence[Scope]], list[str]]
_Column = Callable[[Sequence[Scope]], list[object]]
"""Gives the values of a whole portion of records, in a new list: each term of an expression is
called once for all of them, which costs a fraction of a call for each."""


def compile_expression(text: str, functions: Mapping[str, Function]) -> Evaluate:
    """Turn an expression into a function of a scope.

    Raises:
        ExpressionError: it does not follow the grammar, or names an unknown function.
    """
    column = _Parser(text, functions).whole()
    return lambda scope: column((scope,))[0]


def compile_text(text: str, functions: Mapping[str, Function]) -> Write:
    """Turn an expression into a function that gives its values as ServiceNow's import takes them.

    It is given a whole portion of records.

    Raises:
        ExpressionError: as `compile_expression`.
    """
    column = _Parser(text, functions).whole()
    plain = _PROPERTY.match(text.strip())
    if plain and plain["code"]:
        name = plain["code"]  # its text is that of the property: not worth a call for each record
        return lambda scopes: texts_of([scope.record.get(name) for scope in scopes])
    constant = _TOKEN.fullmatch(text.strip())
    if constant and constant.lastgroup in {"text", "number"}:
        written = text_of(column((Scope({}),))[0])
        return lambda scopes: [written] * len(scopes)
    return lambda scopes: texts_of(column(scopes))


class _Parser:
    """Recursive descent over the tokens of one expression."""

    def __init__(self, text: str, functions: Mapping[str, Function]) -> None:
        self._source = text
        self._functions = functions
        self._tokens = self._split(text)
        self._next = 0

    def whole(self) -> _Column:
        found = self._alternatives(0)
        if self._next < len(self._tokens):
            raise self._problem(f"nothing may follow before {self._tokens[self._next][1]!r}")
        return found

    def _split(self, text: str) -> list[tuple[str, str]]:
        tokens, position = [], 0
        stripped = text.rstrip()
        while position < len(stripped):
            match = _TOKEN.match(stripped, position)
            if match is None:
                raise self._problem(f"cannot be read from {stripped[position:][:20]!r} on")
            kind = str(match.lastgroup)
            tokens.append((kind, match.group(kind)))
            position = match.end()
        return tokens

    def _alternatives(self, depth: int) -> _Column:
        if depth > _DEEPEST:
            raise self._problem(f"is nested deeper than {_DEEPEST} levels")
        terms = [self._term(depth)]
        while self._peek() == ("sign", "??"):
            self._next += 1
            terms.append(self._term(depth))
        first, *others = terms
        if not others:
            return first

        def first_present(scopes: Sequence[Scope]) -> list[object]:
            values = first(scopes)
            missing = [
                at
                for at, value in enumerate(values)
                if value is None or (type(value) is str and not value.strip())
            ]
            for term in others:
                if not missing:
                    break
                found = term([scopes[at] for at in missing])
                for at, value in zip(missing, found, strict=True):
                    values[at] = value
                missing = [at for at in missing if is_missing(values[at])]
            for at in missing:
                values[at] = None
            return values

        return first_present

    def _term(self, depth: int) -> _Column:
        kind, word = self._take()
        if kind == "text":
            constant = word[1:-1].replace("''", "'")
            return lambda scopes: [constant] * len(scopes)
        if kind == "number":
            number = Decimal(word)
            return lambda scopes: [number] * len(scopes)
        if kind != "name":
            raise self._problem(f"a property, constant or function must stand before {word!r}")
        if self._peek() == ("sign", "("):
            return self._call(word, depth)
        link, dot, name = word.partition(".")
        if dot:
            return lambda scopes: [scope.links.get(link, _NOTHING).get(name) for scope in scopes]
        return lambda scopes: [scope.record.get(word) for scope in scopes]

    def _call(self, name: str, depth: int) -> _Column:
        function = self._functions.get(name)
        if function is None:
            known = ", ".join(sorted(self._functions))
            raise self._problem(f"the function {name} is unknown; there are {known}")
        self._next += 1
        arguments: list[_Column] = []
        while self._peek() != ("sign", ")"):
            if arguments and self._take() != ("sign", ","):
                raise self._problem("a comma must stand between arguments")
            arguments.append(self._alternatives(depth + 1))
        self._next += 1
        if not arguments:
            return lambda scopes: [function()] * len(scopes)
        return lambda scopes: list(map(function, *(argument(scopes) for argument in arguments)))

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._next] if self._next < len(self._tokens) else ("end", "")

    def _take(self) -> tuple[str, str]:
        token = self._peek()
        if token[0] == "end":
            raise self._problem("it ends too early")
        self._next += 1
        return token

    def _problem(self, what: str) -> ExpressionError:
        return ExpressionError(f"The expression {self._source!r} is wrong: {what}.")
