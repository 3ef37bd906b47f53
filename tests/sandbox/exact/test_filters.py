"""The filter language against an evaluator, against SQLite, and against malformed text."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2p_sandbox.exact.errors import BadRequestError, NotImplementedByServerError
from s2p_sandbox.exact.filter_parser import parse
from s2p_sandbox.exact.filters import fields_of, matches, to_sql
from s2p_sandbox.exact.model import entities

ACCOUNTS = entities()["crm/Accounts"]
GUID = "0b6bd3d0-3a5c-4b3e-9d2f-0123456789ab"


def row(**values: object) -> dict[str, Any]:
    return {"ID": GUID, **values}


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        (f"ID eq guid'{GUID.upper()}'", {}, True),
        ("Name eq 'O''Brien'", {"Name": "O'Brien"}, True),
        ("Code eq '8'", {"Code": "                 8"}, False),
        ("trim(Code) eq '8'", {"Code": "                 8"}, True),
        ("IsSupplier eq true and Blocked eq false", {"IsSupplier": True, "Blocked": False}, True),
        ("CreditLinePurchase ge -8500", {"CreditLinePurchase": -8500}, True),
        ("CreditLinePurchase lt 1.5", {"CreditLinePurchase": 1}, True),
        ("Modified ge datetime'2022-01-01T00:00:00'", {"Modified": 1640995200000}, True),
        ("Modified gt datetime'2022-01-01T00:00:00.000'", {"Modified": 1640995200000}, False),
        ("Modified gt datetime'2022-01-01'", {"Modified": 1640995200001}, True),
        ("Parent ne null", {"Parent": GUID}, True),
        ("Parent eq null", {}, True),
        ("Name ne 'x'", {}, False),
        ("Name eq 'a' or Name eq 'b' and City eq 'c'", {"Name": "a"}, True),
        ("(Name eq 'a' or Name eq 'b') and City eq 'c'", {"Name": "a"}, False),
        ("indexof(Name,'ell') ge 0", {"Name": "hello"}, True),
        ("startswith(Name,'he') eq true", {"Name": "hello"}, True),
        ("endswith(Name,'lo')", {"Name": "hello"}, True),
        ("substringof('ell',Name) eq true", {"Name": "hello"}, True),
    ],
)
def test_what_a_filter_finds(text: str, values: dict[str, Any], *, expected: bool) -> None:
    assert matches(parse(text, ACCOUNTS), row(**values)) is expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ID eq guid'dsadsds'", "Unrecognized 'Edm.Guid' literal 'guid'dsadsds'' in '6'."),
        (
            "ID eq 6",
            (
                "Operator 'eq' incompatible with operand types 'System.Guid' and 'System.Int32' "
                "at position 3."
            ),
        ),
        ("Name eq City", "Bad Request - Error in query syntax."),
        ("Name eq", "Bad Request - Error in query syntax."),
        ("Name in ('a')", "Bad Request - Error in query syntax."),
        ("Name eq 'a", "Bad Request - Error in query syntax."),
        ("(Name eq 'a'", "Bad Request - Error in query syntax."),
        ("(" * 1500 + "Name eq 'a'", "Bad Request - Error in query syntax."),
    ],
)
def test_refused_as_the_server_words_it(text: str, message: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        parse(text, ACCOUNTS)
    assert caught.value.text == message


def test_navigation_properties_cannot_be_filtered() -> None:
    with pytest.raises(BadRequestError, match="BankAccounts/ID"):
        parse(f"BankAccounts/ID eq guid'{GUID}'", ACCOUNTS)


def test_an_unknown_function_is_not_implemented() -> None:
    with pytest.raises(NotImplementedByServerError):
        parse("toupper(Name) eq 'A'", ACCOUNTS)
    with pytest.raises(NotImplementedByServerError):
        parse("substringof('a',Name) eq true", ACCOUNTS, substringof=False)


texts = st.text(alphabet="ab' %é", max_size=4)
moments = st.datetimes().map(lambda one: one.replace(microsecond=one.microsecond // 1000 * 1000))


def _quoted(text: str) -> str:
    doubled = text.replace("'", "''")
    return f"'{doubled}'"


comparisons = st.one_of(
    st.tuples(
        st.sampled_from(["Name", "City", "trim(Name)"]),
        st.sampled_from(["eq", "ne", "gt", "ge", "lt", "le"]),
        texts.map(_quoted) | st.just("null"),
    ),
    st.tuples(
        st.sampled_from(["CreditLinePurchase", "PurchaseLeadDays", "indexof(Name,'a')"]),
        st.sampled_from(["eq", "ne", "gt", "ge", "lt", "le"]),
        st.integers(-3, 3).map(str) | st.sampled_from(["1L", "0.5", "-1.5M", "null"]),
    ),
    st.tuples(
        st.just("Blocked"), st.sampled_from(["eq", "ne"]), st.sampled_from(["true", "false"])
    ),
    st.tuples(
        st.just("Modified"),
        st.sampled_from(["eq", "gt", "le"]),
        moments.map(lambda one: f"datetime'{one.isoformat(timespec='milliseconds')}'"),
    ),
    st.tuples(
        st.sampled_from(["startswith(Name,'a')", "substringof('b',Name)"]),
        st.just("eq"),
        st.just("true"),
    ),
).map(" ".join)
filters = st.recursive(
    comparisons,
    lambda inner: st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(
        lambda parts: f"({parts[0]}) {parts[1]} {parts[2]}"
    ),
    max_leaves=6,
)
rows = st.fixed_dictionaries(
    {},
    optional={
        "Name": texts,
        "City": texts,
        "CreditLinePurchase": st.integers(-3, 3) | st.sampled_from([0.5, -1.5]),
        "PurchaseLeadDays": st.integers(-3, 3),
        "Blocked": st.booleans(),
        "Modified": st.integers(-(10**13), 10**13),
    },
)


@given(text=filters, values=rows)
def test_sql_and_evaluation_agree(text: str, values: dict[str, Any]) -> None:
    tree = parse(text, ACCOUNTS)
    condition, parameters = to_sql(tree, lambda name: f"json_extract(body, '$.{name}')")
    connection = sqlite3.connect(":memory:")
    sql = f"SELECT 1 FROM (SELECT ? AS body) WHERE {condition}"
    found = connection.execute(sql, [json.dumps(values), *parameters]).fetchone()
    connection.close()
    assert (found is not None) is matches(tree, values)


@given(text=filters)
def test_a_filter_names_its_fields(text: str) -> None:
    assert fields_of(parse(text, ACCOUNTS)) <= set(ACCOUNTS.properties)


@given(st.text(max_size=60) | st.text(alphabet="Name eqordt()'1-L,", max_size=60))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    with contextlib.suppress(BadRequestError, NotImplementedByServerError):
        parse(text, ACCOUNTS)
