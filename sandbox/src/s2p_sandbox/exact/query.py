"""The query options of one GET, checked against the entity: pure, no rows touched."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from s2p_sandbox.exact.errors import BadRequestError
from s2p_sandbox.exact.filter_parser import parse
from s2p_sandbox.exact.filters import fields_of
from s2p_sandbox.exact.model import entities
from s2p_sandbox.exact.values import iso_of, milliseconds_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from s2p_sandbox.exact.filters import Filter
    from s2p_sandbox.exact.model import Entity
    from s2p_sandbox.exact.switches import Switches

__all__ = ["Order", "Query", "next_link", "read_query", "token_of"]

_KNOWN = frozenset(
    {"$select", "$filter", "$orderby", "$expand", "$top", "$skip", "$skiptoken", "$inlinecount"}
)
# The order in which a server-made __next carries the options; $skip does not come back.
_NEXT_ORDER = ("$filter", "$expand", "$orderby", "$inlinecount", "$select")
_SAFE = "',()*/!~"
_WHOLE = re.compile(r"[0-9]{1,9}")
_TOKEN_PART = re.compile(
    r"(guid'[^']*'|datetime'[^']*'|'(?:[^']|'')*'|-?[0-9]{1,18}(?:\.[0-9]+)?L?|null)(?:,|$)"
)


@dataclass(frozen=True, slots=True)
class Order:
    """One term of ``$orderby``."""

    field: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """What a GET asks for.

    Attributes:
        select: the properties wanted, in entity order; None for all.
        nested: collection → its properties wanted; None for all of them.
        expand: the collections to carry inline.
        orders: ``$orderby``; the key always decides last.
        after: the ``$skiptoken`` as stored values of the orders and the key; empty on page one.
        given: the options as sent, for ``__next``.
    """

    select: tuple[str, ...] | None = None
    nested: Mapping[str, tuple[str, ...] | None] = field(default_factory=dict)
    expand: tuple[str, ...] = ()
    filter: Filter | None = None
    orders: tuple[Order, ...] = ()
    top: int | None = None
    skip: int = 0
    after: tuple[Any, ...] = ()
    inlinecount: bool = False
    given: Mapping[str, str] = field(default_factory=dict)


def read_query(pairs: Sequence[tuple[str, str]], entity: Entity, switches: Switches) -> Query:
    """The query of a collection or single-row GET.

    Raises:
        BadRequestError: as the real API words it where a source quotes it.
    """
    given = dict(pairs)
    if any(name.startswith("$") and name not in _KNOWN for name in given):
        raise BadRequestError
    top = _count(given, "$top")
    if entity.kind != "regular" and "$skip" in given:
        raise BadRequestError("The query option $skip is not supported for this resource.")
    _check_select(given.get("$select"), top, entity, switches)
    expand = _expand(given.get("$expand"), entity)
    select, nested = _select(given.get("$select"), expand, entity)
    orders = _orders(given.get("$orderby"), entity)
    return Query(
        select=select,
        nested=nested,
        expand=tuple(name for name in expand if name in nested),
        filter=_filter(given.get("$filter"), entity, switches),
        orders=orders,
        top=top,
        skip=_count(given, "$skip") or 0,
        after=_after(given.get("$skiptoken"), len(orders)),
        inlinecount=given.get("$inlinecount") == "allpages",
        given=given,
    )


def _count(given: Mapping[str, str], name: str) -> int | None:
    text = given.get(name)
    if text is None:
        return None
    if not _WHOLE.fullmatch(text):
        raise BadRequestError
    return int(text)


def _check_select(text: str | None, top: int | None, entity: Entity, switches: Switches) -> None:
    if text == "*" and entity.star_refused:
        text = None
    missing = not text and top != 1
    if missing and entity.kind != "regular" and switches.select_required:
        raise BadRequestError("Please add a $select or a $top=1 statement to the query string.")


def _expand(text: str | None, entity: Entity) -> tuple[str, ...]:
    if not text:
        return ()
    wanted = tuple(name.strip() for name in text.split(","))
    for name in wanted:
        if name not in entity.lines:
            raise BadRequestError(
                f"No navigation property '{name}' exists in type '{entity.model}'."
            )
    return wanted


def _select(
    text: str | None, expand: tuple[str, ...], entity: Entity
) -> tuple[tuple[str, ...] | None, dict[str, tuple[str, ...] | None]]:
    if not text or text == "*":
        return None, dict.fromkeys(expand)
    own: set[str] = set()
    inside: dict[str, set[str] | None] = {}
    for path in (part.strip() for part in text.split(",")):
        name, _, rest = path.partition("/")
        if name not in entity.properties:
            raise BadRequestError(f"The property '{name}' does not exist on type '{entity.model}'.")
        own.add(name)
        # An expanded collection comes only if it, or something in it, is selected too.
        if name in expand:
            _add_nested(inside, name, rest, entity)
    ordered = tuple(name for name in entity.properties if name in own)
    return ordered, {name: _in_order(entity, name, some) for name, some in inside.items()}


def _add_nested(inside: dict[str, set[str] | None], name: str, rest: str, entity: Entity) -> None:
    if not rest:
        inside[name] = None
        return
    line = entities()[entity.lines[name].resource]
    if rest not in line.properties:
        raise BadRequestError(f"The property '{rest}' does not exist on type '{line.model}'.")
    wanted = inside.setdefault(name, set())
    if wanted is not None:
        wanted.add(rest)


def _in_order(entity: Entity, name: str, some: set[str] | None) -> tuple[str, ...] | None:
    if some is None:
        return None
    line = entities()[entity.lines[name].resource]
    return tuple(one for one in line.properties if one in some)


def _orders(text: str | None, entity: Entity) -> tuple[Order, ...]:
    if not text:
        return ()
    orders = []
    for part in text.split(","):
        words = part.split()
        simple = words and entity.properties.get(words[0]) not in {None, "Collection", "Complex"}
        if not simple or words[1:] not in ([], ["asc"], ["desc"]):
            raise BadRequestError
        orders.append(Order(words[0], words[1:] == ["desc"]))
    return tuple(orders)


def _filter(text: str | None, entity: Entity, switches: Switches) -> Filter | None:
    if text is not None and not text.strip():
        raise BadRequestError("This $filter parameter is not supported for this resource")
    tree = None if text is None else parse(text, entity, substringof=switches.substringof)
    used = fields_of(tree) if tree is not None else set()
    refused = sorted(used - entity.filterable)
    if entity.kind != "regular" and entity.filterable and refused:
        raise BadRequestError(f"Filtering on these fields is not supported: {', '.join(refused)}")
    if entity.filter_required and switches.filter_required and not used & entity.filterable:
        listed = ",".join(name for name in entity.properties if name in entity.filterable)
        raise BadRequestError(
            "This endpoint has mandatory filtering applied. A GET request for this endpoint must "
            f"have a $filter parameter with one of the following fields in the url:{listed}"
        )
    return tree


def _after(text: str | None, orders: int) -> tuple[Any, ...]:
    if not text:
        return ()
    parts: list[Any] = []
    at = 0
    while at < len(text):
        found = _TOKEN_PART.match(text, at)
        if found is None:
            raise BadRequestError
        parts.append(_token_value(found[1]))
        at = found.end()
    if len(parts) != orders + 1:
        raise BadRequestError
    return tuple(parts)


def _token_value(text: str) -> Any:  # noqa: ANN401  # Edm values
    if text == "null":
        return None
    if text.startswith("guid'"):
        return text[5:-1].lower()
    if text.startswith("datetime'"):
        try:
            return milliseconds_of(text[9:-1])
        except ValueError as error:
            raise BadRequestError from error
    if text.startswith("'"):
        return text[1:-1].replace("''", "'")
    bare = text.removesuffix("L")
    return float(bare) if "." in bare else int(bare)


def token_of(edm: str, value: Any) -> str:  # noqa: ANN401  # one line per Edm type
    """A stored value as a part of a ``$skiptoken``."""
    if value is None:
        return "null"
    if edm == "Guid":
        return f"guid'{value}'"
    if edm == "DateTime":
        return f"datetime'{iso_of(value)}'"
    if edm == "Int64":
        return f"{value}L"
    if edm == "String":
        doubled = str(value).replace("'", "''")
        return f"'{doubled}'"
    return str(int(value) if edm == "Boolean" else value)


def next_link(url: str, query: Query, token: str, left: int | None) -> str:
    """The absolute address of the next page; ``left`` is what remains of ``$top``."""
    options = [(name, query.given[name]) for name in _NEXT_ORDER if query.given.get(name)]
    if left is not None:
        options.append(("$top", str(left)))
    options.append(("$skiptoken", token))
    return url + "?" + "&".join(f"{name}={quote(value, safe=_SAFE)}" for name, value in options)
