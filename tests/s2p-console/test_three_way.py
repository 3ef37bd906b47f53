"""`s2p explain` tells, per line of an order, what was ordered, received and invoiced."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from s2p_mapping.three_way import BILLED, MATCHES, ORDERED, ORDERS, memory_scope

if TYPE_CHECKING:
    from conftest import House, Make

    from s2p_store import Store

ORDER, INVOICE, TWIN = (f"5f0b0000-0000-4000-8000-00000000000{n}" for n in "abc")


@pytest.fixture
def billed(house: House, store: Store, make: Make) -> House:
    """Order 7: line 1 of 10, of which two invoices bill 4 and 7; line 2 of which none bills."""
    first, second = make.line_id(1), make.line_id(2)

    def remember(name: str, entries: dict[str, tuple[str, ...]]) -> None:
        packed = {key: msgspec.msgpack.encode(texts) for key, texts in entries.items()}
        store.memory.put_many(memory_scope(1234567, name), packed)

    remember(ORDERS, {ORDER: ("s", "2026-01-01", "7", "EUR", "")})
    remember(
        ORDERED,
        {
            first: ("i", ORDER, "1", "pc", "10", "10.0", "2.50"),
            # Before quantities were remembered:
            second: ("i",),
        },
    )
    remember(BILLED, {first: (INVOICE, "4", TWIN, "7")})
    over = "QUANTITY_ABOVE_ORDERED"
    remember(
        MATCHES,
        {
            INVOICE: (first, "4", "2.50", "ready"),
            TWIN: (first, "7", "2.50", "ready_with_deviation", over),
        },
    )
    lines = {"stream": "purchase_order_lines"}
    invoices = {"stream": "purchase_invoice_lines"}
    store.audit.append(
        [
            make.event("staged", "7|1|EXACT-NL", source_id=first, **lines),
            make.event("staged", "7|2|EXACT-NL", source_id=second, **lines),
            make.event("staged", "V9|1|EXACT-NL", source_id=INVOICE.upper(), **invoices),
        ]
    )
    return house


def explained(house: House, document: str) -> list[dict[str, Any]]:
    found: dict[str, Any] = json.loads(house.run("explain", document, "--json").stdout)
    lines: list[dict[str, Any]] = found["three_way_match"]
    return lines


def test_an_order_shows_each_of_its_lines(billed: House) -> None:
    second, first = sorted(explained(billed, "7"), key=lambda line: line["order"])
    assert {name: first[name] for name in ("order", "line", "ordered", "received", "price")} == {
        "order": "7",
        "line": "1",
        "ordered": "10",
        "received": "10.0",
        "price": "2.50",
    }
    assert (first["invoiced"], first["open"]) == ("11", "-1")
    assert [(each["quantity"], each["status"]) for each in first["invoice_lines"]] == [
        ("4", "ready"),
        ("7", "ready_with_deviation"),
    ]
    assert (second["ordered"], second["invoiced"], second["invoice_lines"]) == (None, "0", [])


def test_an_invoice_shows_the_order_lines_it_bills(billed: House) -> None:
    (line,) = explained(billed, "V9")
    assert (line["order"], line["invoiced"]) == ("7", "11")


def test_it_is_told_in_words(billed: House) -> None:
    shown = " ".join(billed.run("explain", "7").stdout.split())
    assert "Ordered, received, invoiced" in shown
    assert "4 ready; 7 ready, but more is invoiced than was ordered" in shown
    assert "none yet" in shown


def test_a_document_without_order_has_none(house: House, store: Store, make: Make) -> None:
    store.audit.append([make.event("staged", "26700012|EXACT-NL")])
    assert explained(house, "26700012") == []
    assert "Ordered" not in house.run("explain", "26700012").stdout
