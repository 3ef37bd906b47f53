from __future__ import annotations

import sqlite3
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s2p_sandbox.servicenow import storage
from s2p_sandbox.servicenow.catalog import catalog_for
from s2p_sandbox.servicenow.query import Condition, parse
from s2p_sandbox.servicenow.sql import select
from s2p_sandbox.servicenow.switches import Switches

if TYPE_CHECKING:
    from collections.abc import Iterator

CATALOG = catalog_for(Switches())
TABLE = CATALOG.tables["sn_shop_payment_term"]
NOW = datetime(2026, 3, 4, 15, 30, tzinfo=timezone.utc)
STAMP = storage.Stamp("test", "2026-03-04 15:30:00")
ROWS = [
    {"sys_id": f"{number:032x}", "name": name, "net_days_to_pay": days, "short_description": text}
    for number, (name, days, text) in enumerate(
        [
            ("30 days", "30", "net"),
            ("Immediately", "0", ""),
            ("8 days", "8", "net"),
            ("immediately", "", "a^b"),
            ("120 days", "120", "net, slow"),
        ]
    )
]


@pytest.fixture(scope="module")
def database() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.row_factory = sqlite3.Row
    connection.executescript(storage.schema())
    storage.insert(connection, "sn_fin_erp_source", [{"sys_id": "e" * 32, "name": "EXACT"}], STAMP)
    storage.insert(
        connection, "sn_shop_payment_term", [{**row, "erp_source": "e" * 32} for row in ROWS], STAMP
    )
    yield connection
    connection.close()


def found(database: sqlite3.Connection, query: str, **options: bool) -> list[str]:
    selection = select(CATALOG, TABLE, query, now=NOW, **options)
    order = f" ORDER BY {selection.order}" if selection.order else " ORDER BY rowid"
    rows = database.execute(
        f'SELECT name FROM "sn_shop_payment_term" WHERE {selection.where}{order}',
        selection.parameters,
    )
    return [row["name"] for row in rows]


@given(st.text())
def test_any_text_can_be_parsed(text: str) -> None:
    parsed = parse(text)
    assert parsed.groups


@given(st.text(st.characters(exclude_characters="\0")))
def test_a_value_comes_through_whatever_it_holds(value: str) -> None:
    parsed = parse("name=" + value.replace("^", "^^"))
    assert parsed.groups == (((Condition("name", "=", value),),),)


def test_or_binds_to_the_condition_before_it_and_nq_begins_anew() -> None:
    parsed = parse("a=1^b=2^ORb=3^NQc=4^ORDERBYa^ORDERBYDESCb")
    a, b2, b3, c = (
        Condition(n, "=", v) for n, v in (("a", "1"), ("b", "2"), ("b", "3"), ("c", "4"))
    )
    assert parsed.groups == (((a,), (b2, b3)), ((c,),))
    assert [(one.field, one.descending) for one in parsed.order] == [("a", False), ("b", True)]


FIELDS = {"name": str, "short_description": str, "net_days_to_pay": float}
CONDITIONS = st.one_of(
    st.tuples(
        st.sampled_from(["name", "short_description"]),
        st.sampled_from(
            ["=", "!=", "<", "<=", ">", ">=", "LIKE", "NOT LIKE", "STARTSWITH", "ENDSWITH"]
        ),
        st.sampled_from(["30 days", "immediately", "days", "net", "8", "Imm"]),
    ),
    st.tuples(
        st.just("net_days_to_pay"),
        st.sampled_from(["=", "!=", "<", "<=", ">", ">="]),
        st.sampled_from(["0", "8", "30", "31", "120"]),
    ),
)


def holds(row: dict[str, str], condition: tuple[str, str, str]) -> bool:
    name, operator, value = condition
    left: str | float = row[name]
    right: str | float = value
    if FIELDS[name] is float:
        if not left:
            return operator == "!="  # an empty number is no number, so it differs from each
        left, right = float(left), float(value)
    text, part = str(left), str(right)
    return {
        "=": lambda: left == right,
        "!=": lambda: left != right,
        "<": lambda: left < right,  # type: ignore[operator]
        "<=": lambda: left <= right,  # type: ignore[operator]
        ">": lambda: left > right,  # type: ignore[operator]
        ">=": lambda: left >= right,  # type: ignore[operator]
        "LIKE": lambda: part in text,
        "NOT LIKE": lambda: part not in text,
        "STARTSWITH": lambda: text.startswith(part),
        "ENDSWITH": lambda: text.endswith(part),
    }[operator]()


@settings(max_examples=200)
@given(
    st.lists(
        st.lists(st.lists(CONDITIONS, min_size=1, max_size=3), min_size=1, max_size=3),
        min_size=1,
        max_size=3,
    )
)
def test_sql_selects_what_the_grammar_means(
    database: sqlite3.Connection, groups: list[list[list[tuple[str, str, str]]]]
) -> None:
    query = "^NQ".join(
        "^".join("^OR".join("".join(one) for one in clause) for clause in group) for group in groups
    )
    expected = [
        row["name"]
        for row in ROWS
        if any(all(any(holds(row, one) for one in clause) for clause in group) for group in groups)
    ]
    assert found(database, query) == expected


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("net_days_to_payIN0,8", ["Immediately", "8 days"]),
        ("net_days_to_payNOT IN0,8,30,120", ["immediately"]),
        ("net_days_to_payBETWEEN8@30", ["30 days", "8 days"]),
        ("short_descriptionISEMPTY", ["Immediately"]),
        ("short_descriptionISNOTEMPTY^net_days_to_payISEMPTY", ["immediately"]),
        ("short_description=a^^b", ["immediately"]),
        ("name*day^nameENDSWITHdays^name!*8", ["30 days", "120 days"]),
        ("erp_source.name=EXACT^name=8 days", ["8 days"]),
        ("erp_sourceLIKEXAC^name=8 days", ["8 days"]),
        ("erp_source.name=OTHER", []),
        ("sys_created_on>=javascript:gs.daysAgoStart(0)^name=8 days", ["8 days"]),
        ("sys_created_on>javascript:gs.dateGenerate('2026-03-04','23:59:59')", []),
        ("sys_created_onONToday@2026-03-04 00:00:00@2026-03-04 23:59:59^name=8 days", ["8 days"]),
        ("name=30 days^ORname=8 days^ORDERBYDESCnet_days_to_pay", ["30 days", "8 days"]),
        ("ORDERBYnet_days_to_pay^net_days_to_payISNOTEMPTY",
         ["Immediately", "8 days", "30 days", "120 days"]),
        ("sys_id>" + ROWS[2]["sys_id"] + "^ORDERBYsys_id", ["immediately", "120 days"]),
        ("nameANYTHING^net_days_to_pay=8", ["8 days"]),
        ("nameSAMEASname^net_days_to_pay=8", ["8 days"]),
    ],
)  # fmt: skip
def test_operators(database: sqlite3.Connection, query: str, names: list[str]) -> None:
    assert found(database, query) == names


@pytest.mark.parametrize(
    "part", ["no_such=1", "name~1", "erp_source.no=1", "name=javascript:evil()"]
)
def test_an_invalid_part_is_ignored_or_empties_the_answer(
    database: sqlite3.Connection, part: str
) -> None:
    assert found(database, f"name=8 days^{part}") == ["8 days"]
    assert len(found(database, part)) == len(ROWS)
    assert found(database, f"name=8 days^{part}", invalid_returns_nothing=True) == []


def test_values_compare_with_their_case_unless_the_instance_folds_it(
    database: sqlite3.Connection,
) -> None:
    assert found(database, "name=immediately") == ["immediately"]
    assert found(database, "name=immediately", case_sensitive=False) == [
        "Immediately",
        "immediately",
    ]
