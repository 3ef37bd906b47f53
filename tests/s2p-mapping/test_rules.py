from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2p_mapping.errors import RulesFileError
from s2p_mapping.rule_file import COLUMNS, parse_rules
from s2p_mapping.rules import Conditions, Rule, RuleSet

if TYPE_CHECKING:
    import random

HEADER = ",".join(COLUMNS)
DAY = date(2026, 6, 15)


def parse(*rows: str) -> RuleSet:
    return parse_rules("\n".join((HEADER, *rows)) + "\n", "rules.csv")


def target(rules: RuleSet, code: str, division: int = 101, day: date = DAY, **asked: str) -> str:
    rule = rules.find("gl_account", code, division, day, Conditions(**asked))
    return rule.target if rule else ""


def test_precedence_of_scope_and_dates() -> None:
    common = "*,gl_account,7000,,,,,,common,"
    common_dated = "*,gl_account,7000,,,,2026-01-01,2026-12-31,common-dated,"
    division = "101,gl_account,7000,,,,,,division,"
    dated = "101,gl_account,7000,,,,2026-06-01,2026-06-30,dated,"
    assert target(parse(common), "7000") == "common"
    assert target(parse(common, common_dated), "7000") == "common-dated"
    assert target(parse(common, common_dated, division), "7000") == "division"
    assert target(parse(common, common_dated, division, dated), "7000") == "dated"
    assert target(parse(common, division, dated), "7000", day=date(2026, 7, 1)) == "division"
    assert target(parse(common, division, dated), "7000", division=102) == "common"


def test_conditions_and_narrowness() -> None:
    rules = parse(
        "*,gl_account,7*,,,,,,wide,",
        "*,gl_account,70*,,,,,,narrow,",
        "*,gl_account,7000-7099,,,,,,range,",
        "*,gl_account,7001,,,,,,code,",
        "*,gl_account,70*,S1,,,,,supplier,",
        "*,gl_account,70*,,G1,,,,group,",
    )
    assert target(rules, "7100") == "wide"
    assert target(rules, "70") == "narrow"
    assert target(rules, "7050") == "range"
    assert target(rules, "7001") == "code"
    assert target(rules, "7001", item_group="G1") == "group"
    assert target(rules, "7001", item_group="G1", supplier="S1") == "supplier"
    assert target(rules, "8000") == ""


def test_a_code_with_a_dash_is_no_range() -> None:
    rules = parse("*,gl_account,CC-12,,,,,,x,", "*,gl_account,1-20,,,,,,y,")
    assert target(rules, "CC-12") == "x"
    assert target(rules, "1-20") == "y"
    assert target(rules, "5") == ""


def test_spreadsheet_habits_are_understood() -> None:
    text = "\ufeff# comment\n" + ";".join(COLUMNS) + "\n\n*;gl_account;1;;;;;;2;x, y\n"
    assert target(parse_rules(text.lstrip("\ufeff")), "1") == "2"


def test_a_note_may_have_several_lines() -> None:
    rules = parse(
        '*,gl_account,1,,,,,,2,"for Ina,\nsee ""4711""\n\n# not a comment"',
        "*,gl_account,3,,,,,,4,",
    )
    assert (target(rules, "1"), target(rules, "3")) == ("2", "4")
    with pytest.raises(RulesFileError, match="line 5, column division: 'x'"):
        parse('*,gl_account,1,,,,,,2,"for\n\nIna"', "x,gl_account,3,,,,,,4,")


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("x,gl_account,1,,,,,,2,", "line 2, column division: 'x' is neither"),
        (",gl_account,1,,,,,,2,", "line 2, column division: it is empty"),
        ("*,account,1,,,,,,2,", "line 2, column dimension: 'account' is none of"),
        ("*,gl_account,,,,,,,2,", "line 2, column source: it is empty"),
        ("*,gl_account,7*1,,,,,,2,", "line 2, column source: a * may stand only at the end"),
        ("*,gl_account,7099-7000,,,,,,2,", "write 7000-7099"),
        ("*,gl_account,1,,,,31-12-2026,,2,", "line 2, column valid_from: '31-12-2026' is not"),
        ("*,gl_account,1,,,,20261231,,2,", "line 2, column valid_from: '20261231' is not"),
        ("*,gl_account,1,,,,2026-02-01,2026-01-01,2,", "line 2, column valid_to: it lies before"),
        ("*,gl_account,1,,,,,,,", "line 2, column target: it is empty"),
        ("*,gl_account,1,,,,,,2,note,more", "line 2: 11 cells"),
        ('*,gl_account,"1,,,,,,2,', "line 2: a quotation mark is not closed"),
    ],
)
def test_a_broken_row_is_named(row: str, problem: str) -> None:
    with pytest.raises(RulesFileError) as caught:
        parse(row)
    assert problem in str(caught.value)
    assert len(caught.value.problems) == 1


def test_every_broken_row_is_named() -> None:
    with pytest.raises(RulesFileError) as caught:
        parse("x,gl_account,1,,,,,,2,", "*,gl_account,1,,,,,,2,", "*,gl,1,,,,,,2,")
    assert [problem.line for problem in caught.value.problems] == [2, 4]


@pytest.mark.parametrize("header", ["", "division,source", HEADER + ",extra", HEADER + ",note"])
def test_a_wrong_header_is_told(header: str) -> None:
    if not header:
        assert len(parse_rules("")) == 0
        return
    with pytest.raises(RulesFileError, match="line 1: "):
        parse_rules(header + "\n")


def test_rules_that_decide_the_same_collide() -> None:
    with pytest.raises(RulesFileError, match=r"line 4.* as line 2"):
        parse(
            "*,gl_account,1,,,,2026-01-01,,2,",
            "*,gl_account,1,,,,2025-01-01,2025-12-31,3,",
            "*,gl_account,1,,,,2026-05-01,2026-06-01,3,",
        )
    parse("*,gl_account,1,,,,2026-01-01,,2,", "*,gl_account,1,,,,,2025-12-31,3,")


CODES = ["7000", "7001", "7100", "80"]
RULES = st.builds(
    Rule,
    dimension=st.just("gl_account"),
    source=st.sampled_from([*CODES, "7*", "70*", "*", "7000-7099", "7001-7100"]),
    target=st.sampled_from(["A", "B", "-same-"]),
    division=st.sampled_from([None, 101, 102]),
    supplier=st.sampled_from([None, "S1"]),
    item_group=st.sampled_from([None, "G1"]),
    cost_center=st.sampled_from([None, "C1"]),
    valid_from=st.sampled_from([None, date(2026, 1, 1), date(2026, 6, 1)]),
    valid_to=st.sampled_from([None, date(2026, 12, 31)]),
)


@given(st.lists(RULES, max_size=12), st.randoms(use_true_random=False))
def test_the_order_of_rows_never_decides(rules: list[Rule], rng: random.Random) -> None:
    shuffled = list(rules)
    rng.shuffle(shuffled)
    one, other = RuleSet(rules), RuleSet(shuffled)
    assert one.digest == other.digest
    for code in CODES:
        for asked in (Conditions(), Conditions("S1", "G1", "C1"), Conditions(item_group="G1")):
            found = one.find("gl_account", code, 101, DAY, asked)
            assert found == other.find("gl_account", code, 101, DAY, asked)
            if found:
                assert found.covers(code)
                assert found.division in (None, 101)
                assert found.applies(DAY, asked)


@given(st.lists(RULES, min_size=2, max_size=12, unique=True))
def test_no_two_different_rules_have_equal_precedence(rules: list[Rule]) -> None:
    assert len({rule.precedence for rule in rules}) <= len(rules)
    seen: dict[tuple[object, ...], Rule] = {}
    for rule in rules:
        before = seen.setdefault((rule.division, *rule.precedence), rule)
        assert before == rule
