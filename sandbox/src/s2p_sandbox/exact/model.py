"""Exact Online's entities as data: properties with Edm types, keys, twins, what may be filtered.

``entities.json`` is a reduced copy of the publicly documented property lists (documentation pages
of 2025, live replies of 2026). A bulk or sync endpoint has no rows of its own: ``rows_of`` names
the regular resource it shows.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["BULK_PAGE", "ORDERS_FEED", "REGULAR_PAGE", "Entity", "Lines", "entities"]

REGULAR_PAGE = 60
BULK_PAGE = 1000
ORDERS_FEED = "sync/PurchaseOrder/PurchaseOrders"


@dataclass(frozen=True, slots=True)
class Lines:
    """A collection property: which resource its rows are and which property points back."""

    resource: str
    parent: str


@dataclass(frozen=True, slots=True)
class Entity:
    """One endpoint below ``/api/v1/{division}/``.

    Attributes:
        name: the case-sensitive path, such as ``crm/Accounts``.
        kind: regular, bulk or sync.
        properties: name → Edm type without the prefix, ``Collection`` or ``Complex``, in the order
            in which replies carry them.
        filterable: what may be filtered; empty means everything (regular endpoints).
        filter_required: a GET must filter on one of ``filterable``.
        deleted_type: the ``EntityType`` of its deletions in ``sync/Deleted``; None: no trace.
    """

    name: str
    kind: str
    type: str
    key: str
    methods: tuple[str, ...]
    properties: Mapping[str, str]
    rows_of: str
    modified: str | None = None
    parent: str | None = None
    scope: str | None = None
    lines: Mapping[str, Lines] = field(default_factory=dict)
    filterable: frozenset[str] = frozenset()
    required: tuple[str, ...] = ()
    filter_required: bool = False
    select_required: bool = False
    star_refused: bool = False
    deleted_type: int | None = None

    @property
    def page_size(self) -> int:
        """Rows per page: 60 on regular endpoints, 1000 on bulk and sync."""
        return REGULAR_PAGE if self.kind == "regular" else BULK_PAGE

    @property
    def model(self) -> str:
        """The type name in a row's ``__metadata``."""
        return f"Exact.Web.Api.Models.{self.type}"


@cache
def entities() -> Mapping[str, Entity]:
    """All entities by name."""
    raw = json.loads(files(__package__).joinpath("entities.json").read_text(encoding="utf-8"))
    return {name: _entity(name, fact) for name, fact in raw.items()}


def _entity(name: str, fact: dict[str, Any]) -> Entity:
    shaped = dict(fact)
    shaped["name"] = name
    shaped["rows_of"] = fact.get("rows_of", name)
    for listed in ("methods", "required"):
        shaped[listed] = tuple(fact.get(listed, ()))
    shaped["filterable"] = frozenset(fact.get("filterable", ()))
    shaped["lines"] = {nav: Lines(*target) for nav, target in fact.get("lines", {}).items()}
    return Entity(**shaped)
