from __future__ import annotations

import pytest

from tap_exactonline.definitions import STREAMS
from tap_exactonline.entities import ENTITIES, json_schema, kind_of
from tap_exactonline.rows import RowPlan

BY_NAME = {definition.name: definition for definition in STREAMS}


@pytest.mark.parametrize(
    ("name", "edm", "kind"),
    [
        ("Modified", "DateTime", "instant"),
        ("DivisionMoveDate", "DateTime", "instant"),
        ("EntryDate", "DateTime", "date"),
        ("ReceiptDate", "DateTime", "date"),
        ("From", "DateTime", "date"),
        ("SupplierCode", "String", "code"),
        ("Unit", "String", "code"),
        ("CostCenter", "String", "code"),
        ("Country", "String", "code"),
        ("Description", "String", "text"),
        ("Notes", "String", "text"),
        ("Timestamp", "Int64", "int64"),
        ("AmountFC", "Double", "number"),
    ],
)
def test_kinds(name: str, edm: str, kind: str) -> None:
    assert kind_of(name, edm) == kind


def test_schemas_say_what_is_never_null() -> None:
    schema = json_schema({"Division": "Int32", "ID": "Guid", "DueDate": "DateTime"}, ("Division",))
    assert schema == {
        "type": "object",
        "properties": {
            "Division": {"type": ["integer"]},
            "ID": {"type": ["string", "null"]},
            "DueDate": {"type": ["string", "null"], "format": "date"},
        },
        "required": ["Division"],
    }


def test_order_lines_take_codes_where_the_feed_has_guids() -> None:
    definition = BY_NAME["purchase_order_lines"]
    plan = RowPlan(definition, definition.endpoint, frozenset({"CostCenter", "InStock"}))
    assert plan.select == (
        "Timestamp",
        "CostCenterCode",
        "Division",
        "ID",
        "LineNumber",
        "Modified",
    )
    row = {"CostCenterCode": "CC1 ", "ID": "A", "Timestamp": "7", "LineNumber": 1, "Division": 5}
    assert plan.convert(row, 5) == {
        "Division": 5,
        "ID": "a",
        "CostCenter": "CC1",
        "InStock": None,
        "Timestamp": 7,
        "LineNumber": 1,
        "Modified": None,
    }
    assert plan.hidden == ("LineNumber", "Modified")


@pytest.mark.parametrize("definition", STREAMS, ids=lambda definition: definition.name)
def test_everything_selected_is_asked_for_once(definition) -> None:  # noqa: ANN001 - parametrized
    plan = RowPlan(definition, definition.endpoint, frozenset(definition.properties))
    assert len(set(plan.select)) == len(plan.select)
    assert set(plan.select) <= set(ENTITIES[definition.endpoint.resource])
