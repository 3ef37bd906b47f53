"""Lines wait until those of their invoice add up to its header, and nothing overtakes them."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mapper_glcostcenter.checks import Checks

from .conftest import STATE

if TYPE_CHECKING:
    from .conftest import Runs

Record = tuple[str, dict[str, Any]]


def entry(id_: str, amount: object, **more: object) -> Record:
    return "purchase_entries", {
        "EntryID": id_,
        "EntryNumber": f"N{id_}",
        "AmountFC": amount,
        **more,
    }


def line(id_: str, of: str, amount: object, **more: object) -> Record:
    values = {"ID": id_, "EntryID": of, "GLAccountCode": "7000", "AmountFC": amount}
    return "purchase_entry_lines", {**values, **more}


def reasons(records: list[dict[str, Any]]) -> dict[str, list[str]]:
    return {each["ID"]: each["s2p_hold_reasons"] for each in records if "s2p_hold_reasons" in each}


def test_lines_that_add_up_go_on_and_others_wait_with_what_is_wrong(give: Runs) -> None:
    lines = line("a", "e1", 60, VATAmountFC=12.6), line("b", "e1", 40, VATAmountFC=8.4)
    whole = (entry("e1", 121), *lines)
    wrong = (entry("e2", 100), line("c", "e2", 60), line("d", "e2", 30))
    found = reasons(give(*whole, *wrong))
    assert found == {"a": [], "b": [], "c": ["AMOUNT_MISMATCH"], "d": ["AMOUNT_MISMATCH"]}
    with give.store() as store:
        (why,) = store.holds.summary()
    assert (why.reason, why.dimension, why.code, why.holds) == (
        "AMOUNT_MISMATCH",
        "invoice",
        "Ne2",
        2,
    )


def test_the_corrected_invoice_takes_the_place_of_the_held_one(give: Runs) -> None:
    give(entry("e2", 100), line("c", "e2", 60), line("d", "e2", 30))
    again = give(entry("e2", 90), line("c", "e2", 60), line("d", "e2", 30))
    assert reasons(again) == {"c": [], "d": []}
    with give.store() as store:
        assert store.holds.count() == 0


def test_a_line_that_was_deleted_counts_no_longer(give: Runs) -> None:
    give(entry("e1", 100), line("a", "e1", 60), line("b", "e1", 40))
    assert reasons(give(entry("e1", 60), line("a", "e1", 60))) == {"a": []}


def test_a_newer_header_is_what_its_lines_are_compared_with(give: Runs) -> None:
    older = entry("e1", 200), line("a", "e1", 100), line("b", "e1", 50)
    found = give(*older, entry("e1", 100), line("a", "e1", 100))
    assert (found[-1]["ID"], found[-1]["s2p_hold_reasons"]) == ("a", [])


def test_of_an_invoice_with_too_many_lines_all_are_held(give: Runs) -> None:
    found = reasons(give(entry("e1", 100), line("a", "e1", 100), line("b", "e1", 50), STATE))
    assert found == {"a": ["AMOUNT_MISMATCH"], "b": ["AMOUNT_MISMATCH"]}


@pytest.mark.parametrize(
    ("header", "lines"),
    [
        ({"Amount": -121, "VATAmount": -21}, [(100, 21)]),
        ({"Amount": 100}, [(100, 21)]),
        ({"Amount": 108.9, "VATAmount": 18.9, "AmountDiscount": 12.1}, [(60, 12.6), (40, 8.4)]),
        ({"Amount": 108.9, "VATAmount": 18.9, "AmountDiscountExclVat": 10}, [(100, 21)]),
        ({"AmountFCExclVat": 90, "AmountDiscountExclVat": 10}, [(100, 21)]),
    ],
    ids=["credit note", "VAT reversed", "discount", "discount without VAT", "net"],
)
def test_an_invoice_adds_up_in_whatever_way_it_is_written(
    give: Runs, header: dict[str, Any], lines: list[tuple[float, float]]
) -> None:
    records = [
        (
            "purchase_invoice_lines",
            {"ID": str(n), "InvoiceID": "v", "Amount": net, "VATAmount": vat},
        )
        for n, (net, vat) in enumerate(lines)
    ]
    found = give(("purchase_invoices", {"ID": "v", **header}), *records)
    assert "AMOUNT_MISMATCH" not in {why for each in found[1:] for why in each["s2p_hold_reasons"]}


def test_tax_that_is_withheld_from_the_supplier_is_not_missing(give: Runs) -> None:
    told = {"VATAmountFC": 21, "WithholdingAmountDC": 15}
    assert reasons(give(entry("e1", 106, VATAmountFC=21), line("a", "e1", 100, **told))) == {
        "a": []
    }


def test_numbers_beyond_measure_are_no_amounts(give: Runs) -> None:
    lines = line("a", "e1", "1E+9999999"), line("b", "e1", 5)
    assert reasons(give(entry("e1", 5), *lines)) == {"a": [], "b": []}


def test_a_line_that_comes_alone_is_added_to_those_known(give: Runs) -> None:
    give(entry("e1", 100), line("a", "e1", 60), line("b", "e1", 40))
    assert reasons(give(line("b", "e1", 40, Description="anew"))) == {"b": []}
    assert reasons(give(entry("e1", 110), line("b", "e1", 50))) == {"b": []}
    assert reasons(give(line("b", "e1", 51))) == {"b": ["AMOUNT_MISMATCH"]}


def test_the_second_half_of_an_invoice_frees_the_first(give: Runs) -> None:
    first = give(entry("e1", 100), line("a", "e1", 60))
    assert reasons(first) == {"a": ["AMOUNT_MISMATCH"]}
    again = give(("purchase_entry_lines", {}), line("b", "e1", 40))
    assert reasons(again) == {"a": [], "b": []}
    with give.store() as store:
        assert store.holds.count() == 0


def test_a_state_does_not_overtake_the_lines_it_covers(give: Runs) -> None:
    give(entry("e1", 100), line("a", "e1", 60), STATE, line("b", "e1", 40), line("x", "e9", 5))
    order = [
        each["record"].get("ID", "header") if each["type"] == "RECORD" else "STATE"
        for each in give.messages
        if each["type"] != "SCHEMA"
    ]
    assert order == ["header", "a", "STATE", "b", "x"]
    with give.store() as store:
        assert store.holds.count() == 0, "it was whole before anything was decided"


@pytest.mark.parametrize(
    "records",
    [
        (entry("e1", None), line("a", "e1", 60)),
        (entry("e1", 100), line("a", "e1", None)),
        (line("a", "e1", 60),),
    ],
    ids=["header without amount", "line without amount", "header never read"],
)
def test_what_cannot_be_judged_is_not_held(give: Runs, records: tuple[Record, ...]) -> None:
    assert reasons(give(*records)) == {"a": []}


def test_the_check_can_be_switched_off_and_cents_be_tolerated(give: Runs) -> None:
    wrong = (entry("e1", 100), line("a", "e1", "60"), line("b", "e1", 39.5))
    assert reasons(give(*wrong, checks=Checks(amounts=False))) == {"a": [], "b": []}
    lenient = Checks(amount_tolerance=Decimal("0.25"))
    assert reasons(give(*wrong, checks=lenient)) == {"a": [], "b": []}
    assert reasons(give(*wrong)) == {"a": ["AMOUNT_MISMATCH"], "b": ["AMOUNT_MISMATCH"]}


LINES = st.lists(st.tuples(st.sampled_from("pqr"), st.integers(1, 50)), min_size=1, max_size=8)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(LINES, st.sets(st.sampled_from("pqr")), st.integers(0, 8))
def test_wherever_lines_of_invoices_mingle_the_same_are_held(
    give: Runs, lines: list[tuple[str, int]], wrong: set[str], cut: int
) -> None:
    give.forget()
    totals = {id_: sum(amount for of, amount in lines if of == id_) for id_ in "pqr"}
    headers = [entry(id_, totals[id_] + (1 if id_ in wrong else 0)) for id_ in "pqr"]
    records = [line(str(number), of, amount) for number, (of, amount) in enumerate(lines)]
    found = reasons(give(*headers, *records[:cut], STATE, *records[cut:]))
    assert list(found) == [str(number) for number in range(len(lines))]
    assert {id_ for id_, why in found.items() if why} == {
        str(number) for number, (of, _) in enumerate(lines) if of in wrong
    }
