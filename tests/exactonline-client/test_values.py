# ruff: noqa: ANN001 - what fixtures give stands in conftest.py
from __future__ import annotations

from datetime import date, datetime, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exactonline_client import RowConverter, UnexpectedAnswer, expanded, filters
from exactonline_client.envelope import error_text, open_envelope, parse_json

KINDS = {
    "ID": "guid",
    "Code": "code",
    "Name": "text",
    "Timestamp": "int64",
    "Modified": "instant",
    "EntryDate": "date",
    "Amount": "number",
}


def test_each_form_becomes_its_plain_value() -> None:
    row = {
        "__metadata": {"uri": "u", "type": "t"},
        "ID": "ABCDEF00-0000-0000-0000-000000000001",
        "Code": "                 8",
        "Name": " as it is ",
        "Timestamp": "13419952052",
        "Modified": "/Date(1782404376547)/",
        "EntryDate": "/Date(1717027200000)/",
        "Amount": Decimal("10.10"),
        "Unasked": 1,
    }
    assert RowConverter("x/Y", KINDS)(row) == {
        "ID": "abcdef00-0000-0000-0000-000000000001",
        "Code": "8",
        "Name": " as it is ",
        "Timestamp": 13419952052,
        "Modified": "2026-06-25T14:19:36.547Z",
        "EntryDate": "2024-05-30",
        "Amount": Decimal("10.10"),
    }
    objects = RowConverter("x/Y", KINDS, as_objects=True)(row)
    assert objects["Modified"] == datetime(2026, 6, 25, 14, 19, 36, 547000, tzinfo=timezone.utc)
    assert objects["EntryDate"] == date(2024, 5, 30)


def test_null_and_absent_are_none() -> None:
    assert set(RowConverter("x/Y", KINDS)({"Code": None}).values()) == {None}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Modified", "2026-06-25T14:19:36"),
        ("Modified", "/Date(now)/"),
        ("Modified", "/Date(999999999999999999)/"),
        ("Modified", 17),
        ("EntryDate", "/Date(-999999999999999999)/"),
        ("Timestamp", "many"),
        ("Code", 12),
    ],
)
def test_a_malformed_value_is_named_by_property_not_shown(name: str, value: object) -> None:
    with pytest.raises(UnexpectedAnswer, match=f"{name} in x/Y") as caught:
        RowConverter("x/Y", KINDS)({name: value})
    assert str(value) not in str(caught.value)


@pytest.mark.parametrize(
    ("sent", "read"), [(True, True), (False, False), (1, True), (0, False), (None, None)]
)
def test_a_flag_is_a_boolean_however_exact_sends_it(sent: object, read: object) -> None:
    assert RowConverter("x/Y", {"Blocked": "flag"})({"Blocked": sent})["Blocked"] is read


@pytest.mark.parametrize("sent", ["yes", 2, "true"])
def test_anything_else_is_no_flag(sent: object) -> None:
    with pytest.raises(UnexpectedAnswer, match="a Blocked in x/Y"):
        RowConverter("x/Y", {"Blocked": "flag"})({"Blocked": sent})


def test_a_byte_order_mark_is_no_part_of_the_answer() -> None:
    assert parse_json(b'\xef\xbb\xbf{"d":[]}', "a read") == {"d": []}


def test_decimals_keep_their_digits() -> None:
    document = parse_json(b'{"d":[{"A":1234567890123456.10,"B":0.1,"C":3}]}', "x")
    assert open_envelope(document, "x").rows == [
        {"A": Decimal("1234567890123456.10"), "B": Decimal("0.1"), "C": 3}
    ]


@pytest.mark.parametrize(
    ("document", "rows", "link"),
    [
        ({"d": {"results": [{"a": 1}], "__next": "n"}}, [{"a": 1}], "n"),
        ({"d": {"results": []}}, [], None),
        ({"d": [{"a": 1}]}, [{"a": 1}], None),
        ({"d": []}, [], None),
        ({"d": {"a": 1}}, [{"a": 1}], None),
    ],
)
def test_all_three_envelopes_open(document, rows, link) -> None:
    envelope = open_envelope(document, "x")
    assert (envelope.rows, envelope.next_url) == (rows, link)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.sampled_from(["d", "results", "a"]), inner)
        ),
        max_leaves=8,
    )
)
def test_any_other_json_is_told_as_a_sentence(document) -> None:
    try:
        envelope = open_envelope(document, "crm/Accounts of division 1")
    except UnexpectedAnswer as error:
        told = str(error)
    else:
        assert all(isinstance(row, dict) for row in envelope.rows)
        return
    assert "crm/Accounts of division 1" in told


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"<html><body>Object moved", "HTML"),
        (b'\xef\xbb\xbf<?xml version="1.0"?><feed/>', "XML"),
        (b'{"d":{"results":[{"ID"', "complete"),
        (b"", "empty"),
        (b"\xff\xfe", "complete"),
    ],
)
def test_bodies_that_are_not_json(body: bytes, word: str) -> None:
    with pytest.raises(UnexpectedAnswer, match=word):
        parse_json(body, "crm/Accounts")


def test_error_bodies_with_their_line_ends() -> None:
    body = (
        b'{\r\n"error": {\r\n"code": "", "message": {\r\n"lang": "", '
        b'"value": "Bad Request - Error in query syntax."\r\n}\r\n}\r\n}'
    )
    assert error_text(body) == "Bad Request - Error in query syntax."
    assert error_text(b"<html>") == ""
    assert error_text(b"[1]") == ""
    assert error_text(b'{"error":{"message":null}}') == ""


def test_expanded_lists_and_deferred_ones() -> None:
    assert expanded({"results": [{"a": 1}]}).rows == [{"a": 1}]
    assert expanded([{"a": 1}]).rows == [{"a": 1}]
    assert expanded({"__deferred": {"uri": "u"}}) is None
    assert expanded(None) is None


def test_a_text_in_a_filter_cannot_end_it() -> None:
    assert filters.text_equals("Code", "A'1") == "Code eq 'A''1'"


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (rb"caf\u00e9 \ud83d\ude00", "caf\u00e9 \U0001f600"),
        (rb"cut \ud83d", "cut \ufffd"),
        (rb"\ude00\ud83d\ud83d\ude00", "\ufffd\ufffd\U0001f600"),
        (rb"C:\\ud83d", r"C:\ud83d"),
        (rb"\\\ud83d\n", "\\\ufffd\n"),
    ],
)
def test_half_a_character_ends_no_read(sent: bytes, read: str) -> None:
    assert parse_json(b'{"d":["' + sent + b'"]}', "x") == {"d": [read]}
