"""What both systems keep of a GL account and of a cost center, as data.

Facts: the writable properties of `hrm/Costcenters` and `financial/GLAccounts` in Exact's
documentation; the columns of `cmn_cost_center` and `sn_fin_gl_account`. Exact publishes no length
of a code, so there is none here: the setting `code_lengths` can tell it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from s2p_reference.values import balance_type, code, day, flag, inverse, name

__all__ = [
    "ENTITIES",
    "EXACT",
    "SERVICENOW",
    "Entity",
    "Field",
    "Item",
    "Kind",
    "System",
    "exact_item",
    "servicenow_item",
]

System = Literal["exactonline", "servicenow"]
EXACT: Final[System] = "exactonline"
SERVICENOW: Final[System] = "servicenow"

Row = Mapping[str, Any]
Kind = Literal["text", "code", "guid", "number", "flag", "int64", "instant", "date"]
"""Kinds of values as `exactonline_client.RowConverter` knows them."""


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that can differ.

    Attributes:
        name: in settings and reports.
        property: what Exact calls it in a POST or PUT.
        exact: its comparable value out of a row of Exact, as `RowConverter` gives it.
        servicenow: its comparable value out of a record of `tap-servicenow-s2p`.
        owner: who owns it if the settings do not say.
    """

    name: str
    property: str
    exact: Callable[[Row], object]
    servicenow: Callable[[Row], object]
    owner: System = EXACT


@dataclass(frozen=True, slots=True)
class Entity:
    """A kind of reference data.

    Attributes:
        stream: its name in the pipe.
        title: for a person, in the singular.
        resource: where Exact takes it.
        reading: where Exact gives all of it with the fewest calls.
        kinds: the properties that are read, with their kinds.
        code: out of a ServiceNow record.
        needs: properties that a new one must have and that nobody may guess.
        fields: what is compared, apart from the code.
    """

    stream: str
    title: str
    resource: str
    reading: str
    kinds: Mapping[str, Kind]
    code: Callable[[Row], str]
    needs: tuple[str, ...]
    fields: tuple[Field, ...]

    @property
    def heading(self) -> str:
        """The title at the beginning of a sentence."""
        return self.title[0].upper() + self.title[1:]

    def field(self, name: str) -> Field:
        """Give a field by its name."""
        return next(one for one in self.fields if one.name == name)


@dataclass(frozen=True, slots=True)
class Item:
    """One GL account or cost center as one system has it.

    Attributes:
        id: Exact's ID or ServiceNow's sys_id.
        values: field → comparable value; what the row does not tell is left out.
        active: whether it may be used today.
    """

    id: str
    code: str
    name: str
    values: Mapping[str, object]
    active: bool = True


def _ended(row: Row) -> object:
    """The last day; what is only inactive ended when that was said, as on the forward way."""
    if row.get("EndDate"):
        return day(row["EndDate"])
    return day(row.get("Modified")) if row.get("Active") is False else None


ENTITIES: Final[Mapping[str, Entity]] = {
    "gl_accounts": Entity(
        stream="gl_accounts",
        title="GL account",
        resource="financial/GLAccounts",
        reading="bulk/Financial/GLAccounts",
        kinds={
            "ID": "guid",
            "Code": "code",
            "Description": "text",
            "BalanceType": "text",
            "IsBlocked": "flag",
            "Modified": "instant",
            "Division": "number",
        },
        code=lambda row: code(row.get("gl_account") or row.get("number")),
        needs=("Type", "BalanceSide", "BalanceType"),
        fields=(
            Field(
                "description",
                "Description",
                exact=lambda row: name(row.get("Description")),
                servicenow=lambda row: name(row.get("account_name") or row.get("display_name")),
            ),
            Field(
                "type",
                "BalanceType",
                exact=lambda row: row.get("BalanceType") or None,
                servicenow=lambda row: balance_type(row.get("type")),
            ),
            Field(
                "blocked",
                "IsBlocked",
                exact=lambda row: bool(row.get("IsBlocked")),
                servicenow=lambda row: flag(row.get("inactive"), inverse(row.get("active"))),
            ),
        ),
    ),
    "cost_centers": Entity(
        stream="cost_centers",
        title="cost center",
        resource="hrm/Costcenters",
        reading="hrm/Costcenters",
        kinds={
            "ID": "guid",
            "Code": "code",
            "Description": "text",
            "Active": "flag",
            "EndDate": "date",
            "Modified": "instant",
            "Division": "number",
        },
        code=lambda row: code(row.get("account_number") or row.get("code")),
        needs=(),
        fields=(
            Field(
                "description",
                "Description",
                exact=lambda row: name(row.get("Description")),
                servicenow=lambda row: name(row.get("name")),
            ),
            Field(
                "end_date",
                "EndDate",
                exact=_ended,
                servicenow=lambda row: day(row.get("valid_to")),
            ),
        ),
    ),
}


def exact_item(entity: Entity, row: Row, today: str) -> Item:
    """Make an item of a converted row of Exact; `today` is YYYY-MM-DD."""
    values = {field.name: field.exact(row) for field in entity.fields}
    return _item(entity, str(row["ID"]), code(row.get("Code")), values, today)


def servicenow_item(entity: Entity, record: Row, today: str) -> Item:
    """Make an item of a record of `tap-servicenow-s2p`.

    A value that Exact has no word for (a type of account it does not know) is left out: it is
    neither compared nor written.
    """
    values = {field.name: field.servicenow(record) for field in entity.fields}
    return _item(entity, str(record["sys_id"]), entity.code(record), values, today)


def _item(entity: Entity, id_: str, its_code: str, values: dict[str, object], today: str) -> Item:
    told = {
        field: value
        for field, value in values.items()
        if value is not None or entity.field(field).property == "EndDate"
    }
    end = values.get("end_date")
    active = not values.get("blocked") and not (isinstance(end, str) and end < today)
    return Item(id_, its_code, str(values.get("description") or ""), told, active)
