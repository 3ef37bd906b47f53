from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2p_staging.definitions import load_definitions
from s2p_staging.errors import DefinitionError, ExpressionError
from s2p_staging.expressions import Scope, compile_expression, compile_text
from s2p_staging.functions import FUNCTIONS, text_of

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


def value(text: str, record: dict[str, Any] | None = None, **links: dict[str, Any]) -> object:
    return compile_expression(text, FUNCTIONS)(Scope(record or {}, links))


@pytest.mark.parametrize(
    ("text", "record", "expected"),
    [
        ("Code", {"Code": " 12 "}, " 12 "),
        ("code(Code)", {"Code": "       9001"}, "9001"),
        ("'it''s'", {}, "it's"),
        ("a ?? b ?? 'c'", {"a": "  ", "b": None}, "c"),
        ("a ?? b", {"a": 0}, 0),
        ("date(When)", {"When": "2026-03-04T23:30:00Z"}, "2026-03-04"),
        ("date(When)", {"When": "2026-03-04"}, "2026-03-04"),
        ("date(When)", {"When": "soon"}, None),
        ("datetime(When)", {"When": "2026-03-04T23:30:00.5+02:00"}, "2026-03-04 21:30:00"),
        ("yesno(Blocked)", {"Blocked": 1}, "true"),
        ("inverse(Blocked)", {"Blocked": True}, "false"),
        ("inverse(Blocked)", {}, None),
        ("choose(Type, 30, 'invoice', 31, 'credit_memo', 'other')", {"Type": 31}, "credit_memo"),
        ("choose(Type, 30, 'invoice')", {"Type": 9}, None),
        ("minus(a, b)", {"a": Decimal("10.10"), "b": Decimal("0.1")}, Decimal("10.00")),
        ("minus(a, b)", {"a": 5}, Decimal(5)),
        ("ratio(a, b)", {"a": 10, "b": 4}, Decimal("2.5")),
        ("ratio(a, b)", {"a": 10, "b": 0}, None),
        ("percent(p)", {"p": Decimal("0.02")}, Decimal(2)),
        ("when(a, 'x', 'y')", {"a": False}, "y"),
        ("present(a, 'x', 'y')", {"a": 0}, "x"),
        ("join('-', a, b, c)", {"a": 1, "c": "z"}, "1-z"),
        ("shorten(a, 3)", {"a": "abcdef"}, "abc"),
    ],
)
def test_expressions(text: str, record: dict[str, Any], expected: object) -> None:
    assert value(text, record) == expected


def test_links_are_what_other_records_left() -> None:
    assert value("order.number", order={"number": "4711"}) == "4711"
    assert value("order.number ?? 'none'") == "none"


@pytest.mark.parametrize(
    "text", ["", "a ??", "'open", "nope(a)", "date(a", "a b", "date(a b)", "a.b.c", "1 + 2", "()"]
)
def test_a_wrong_expression_is_shown(text: str) -> None:
    with pytest.raises(ExpressionError, match="The expression"):
        compile_expression(text, FUNCTIONS)


def test_nesting_has_a_bound() -> None:
    with pytest.raises(ExpressionError, match="nested deeper"):
        compile_expression("code(" * 30 + "a" + ")" * 30, FUNCTIONS)


@given(st.text(max_size=40))
def test_any_text_compiles_or_is_refused(text: str) -> None:
    try:
        compile_expression(text, FUNCTIONS)
    except ExpressionError as error:
        assert "\n" not in str(error) or "\n" in text  # noqa: PT017 - both ends are right here


@given(st.sampled_from(sorted(FUNCTIONS)), st.lists(JSON, min_size=3, max_size=3))
def test_no_function_raises_for_any_value(name: str, values: list[object]) -> None:
    scope = Scope(dict(zip("abc", values, strict=True)))
    arguments = {
        "minus": "a, b",
        "plus": "a, b",
        "ratio": "a, b",
        "shorten": "a, b",
        "choose": "a, b, c",
        "join": "'-', a, b",
        "when": "a, b, c",
        "present": "a, b, c",
    }.get(name, "a")
    compile_expression(f"{name}({arguments})", FUNCTIONS)(scope)


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_money_keeps_its_digits(number: Decimal) -> None:
    text = text_of(value("money(a)", {"a": number}))
    assert "e" not in text.lower()
    assert Decimal(text) == number


@given(st.datetimes(timezones=st.just(timezone.utc), min_value=datetime(1, 1, 2)))  # noqa: DTZ001 - hypothesis wants it naive
def test_a_moment_survives_its_text(moment: datetime) -> None:
    text = value("datetime(a)", {"a": moment.isoformat()})
    assert text == moment.strftime("%Y-%m-%d %H:%M:%S")


@given(
    st.datetimes(min_value=datetime(1, 1, 2)),  # noqa: DTZ001 - hypothesis wants it naive
    st.sampled_from(["seconds", "milliseconds", "microseconds"]),
    st.sampled_from(["{}Z", "{}z", " {}Z", "{}+00:00", "{}"]),
)
def test_a_moment_in_utc_is_read_in_any_form(moment: datetime, spec: str, form: str) -> None:
    text = value("datetime(a)", {"a": form.format(moment.isoformat(timespec=spec))})
    assert text == moment.strftime("%Y-%m-%d %H:%M:%S")


@pytest.mark.parametrize(
    "text", ["2026-02-30T10:00:00Z", "2026-13-01T10:00:00Z", "2026-01-01T10:60:00Z"]
)
def test_what_is_no_moment_is_missing(text: str) -> None:
    assert value("datetime(a) ?? 'none'", {"a": text}) == "none"


def test_the_reserved_word_is_not_sent() -> None:
    assert text_of("NULL") == "null"


def test_every_shipped_definition_compiles_and_its_parents_exist() -> None:
    definitions = load_definitions(None, {"100": "ERP-NL"}, "run")
    outputs = {o.name: o for d in definitions.values() for o in d.outputs}
    assert set(outputs) >= {"divisions", "gl_accounts", "cost_centers", "accounts"}
    for output in outputs.values():
        assert set(output.after) <= set(outputs)
        assert set(output.key) <= {field.label for field in output.fields}
    for definition in definitions.values():
        assert {link.stream for link in definition.links} <= set(definitions)


@pytest.mark.parametrize(
    ("tables", "sentence"),
    [
        ({"nonsense": {"batch": 1}}, "malformed"),
        ({"nonsense": {"when": "Code"}}, "which is not one of"),
        ({"gl_accounts": {"fields": {"Number": "code("}}}, "tables.gl_accounts.fields"),
        ({"gl_accounts": {"fields": {"GL Account": ""}}}, "identifies the record"),
        ({"gl_accounts": {"load_method": "magic"}}, "malformed"),
        ({"gl_accounts": {"colour": "red"}}, "malformed"),
    ],
)
def test_a_wrong_override_is_told_by_name(tables: dict[str, Any], sentence: str) -> None:
    with pytest.raises(DefinitionError, match=sentence):
        load_definitions(tables, None, "run")


def test_an_override_is_laid_over_the_shipped_definition() -> None:
    tables = {
        "gl_accounts": {
            "staging_table": "x_own",
            "fields": {"Number": "", "Extra": "'yes'", "Category": {"column": "u_cat"}},
        },
        "accounts": {"enabled": False},
    }
    definitions = load_definitions(tables, None, "run")
    (output,) = definitions["gl_accounts"].outputs
    labels = {field.label: field for field in output.fields}
    assert output.staging_table == "x_own"
    assert "Number" not in labels
    assert labels["Extra"].write([Scope({})]) == ["yes"]
    assert labels["Category"].column == "u_cat"
    assert "accounts" not in {one.name for one in definitions["accounts"].outputs}


@given(
    st.sampled_from(
        [
            "a",
            "code(a)",
            " a ",
            "'x'",
            "'it''s'",
            "' NULL '",
            "12.50",
            "a ?? 'b'",
            "money(a)",
            "money(a) ?? yesno(a) ?? a.b",
            "join('-', a, a.b)",
            "a ?? a",
        ]
    ),
    st.lists(st.none() | st.booleans() | st.integers() | st.text(max_size=6) | st.just("NULL")),
)
def test_a_columns_texts_are_its_values_written_out(text: str, values: list[object]) -> None:
    scopes = [Scope({"a": value}, {"a": {"b": value}}) for value in values]
    evaluate = compile_expression(text, FUNCTIONS)
    expected = [text_of(evaluate(scope)) for scope in scopes]
    assert compile_text(text, FUNCTIONS)(scopes) == expected


@pytest.mark.parametrize("text", ["", "a b", "nothing(a)", "'x"])
def test_a_columns_text_is_refused_like_its_value(text: str) -> None:
    with pytest.raises(ExpressionError):
        compile_text(text, FUNCTIONS)
