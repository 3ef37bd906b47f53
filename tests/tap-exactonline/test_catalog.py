"""The catalog as reviewed: a change of schema shows in a diff of ``catalog/``."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tap_exactonline.definitions import STREAMS
from tap_exactonline.tap import TapExactOnline

FOLDER = Path(__file__).parent / "catalog"
CATALOG = {
    stream["tap_stream_id"]: stream
    for stream in TapExactOnline(config={}, validate_config=False).catalog_dict["streams"]
}


def test_streams_come_in_the_promised_order() -> None:
    assert list(CATALOG) == [
        "divisions",
        "gl_accounts",
        "cost_centers",
        "cost_units",
        "item_groups",
        "items",
        "payment_conditions",
        "vat_codes",
        "accounts",
        "purchase_orders",
        "purchase_order_lines",
        "purchase_invoices",
        "purchase_invoice_lines",
        "purchase_entries",
        "purchase_entry_lines",
        "bank_entries",
        "bank_entry_lines",
        "deletions",
    ]


@pytest.mark.parametrize("stream", [definition.name for definition in STREAMS])
def test_the_catalog_is_the_reviewed_one(stream: str) -> None:
    path = FOLDER / f"{stream}.json"
    text = json.dumps(CATALOG[stream], indent=1) + "\n"
    if os.environ.get("UPDATE_CATALOG"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert text == path.read_text(), "set UPDATE_CATALOG=1, run again and review the difference"


def test_keys_are_preceded_by_the_division() -> None:
    for name, stream in CATALOG.items():
        expected = ["Code"] if name == "divisions" else ["Division"]
        assert list(stream["key_properties"][:1]) == expected
        for key in stream["key_properties"]:
            assert "null" not in stream["schema"]["properties"][key]["type"]


def test_what_is_read_whole_says_so() -> None:
    whole = {
        name for name, stream in CATALOG.items() if stream["replication_method"] != "INCREMENTAL"
    }
    assert whole == {
        "divisions",
        "gl_accounts",
        "cost_centers",
        "cost_units",
        "item_groups",
        "payment_conditions",
        "vat_codes",
        "purchase_entry_lines",
    }


@pytest.mark.parametrize("definition", STREAMS, ids=lambda definition: definition.name)
def test_every_property_can_be_read_somewhere(definition) -> None:  # noqa: ANN001
    for endpoint in (definition.endpoint, definition.fallback):
        if endpoint is None:
            continue
        sources = {endpoint.aliases.get(name, name) for name in definition.properties}
        assert set(definition.keys) - {"Division"} <= set(endpoint.properties)
        assert sources & set(endpoint.properties)
