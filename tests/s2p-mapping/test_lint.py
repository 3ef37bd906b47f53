from __future__ import annotations

from datetime import date
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2p_mapping.lint import check
from s2p_mapping.reference import Catalogue, Entry, Reference
from s2p_mapping.rule_file import COLUMNS, parse_rules
from s2p_mapping.rules import Conditions, Rule, RuleSet

TODAY = date(2026, 6, 15)
DIVISIONS = {101: "NL", 102: "BE"}
REFERENCE = Reference(
    {
        "NL": Catalogue(
            [
                Entry("4000", "Purchases", "a"),
                Entry("4100", "Old", "b", active=False),
                Entry("4200", "Ended", "c", valid_to=date(2026, 3, 31)),
            ]
        ),
        "BE": Catalogue([Entry("4000", "Achats", "d"), Entry("4100", "Vieux", "e")]),
    },
    {"NL": Catalogue([Entry("CC1", "Logistics", "f")])},
)


def found(*rows: str, divisions: dict[int, str] | None = None) -> list[tuple[str, int | None]]:
    rules = parse_rules("\n".join((",".join(COLUMNS), *rows)))
    known = DIVISIONS if divisions is None else divisions
    return [(each.kind, each.line) for each in check(rules, REFERENCE, known, TODAY)]


def test_sound_rules_have_no_findings() -> None:
    assert not found(
        "*,gl_account,70*,,,,,,-same-,",
        "101,gl_account,7000-7099,,,,,,4000,",
        "101,gl_account,7010,,,,,,4000,within the range: how an exception is written",
        "101,gl_account,7010,S1,,,2026-01-01,,4000,",
        "101,cost_center,9*,,,,,,CC1,",
    )


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (["101,gl_account,1,,,,,,4999,"], [("dead target", 2)]),
        (["101,gl_account,1,,,,,,4100,"], [("inactive target", 2)]),
        (["101,gl_account,1,,,,,,4200,"], [("inactive target", 2)]),
        # It decides only about days on which its target was open.
        (["101,gl_account,1,,,,,2026-03-01,4200,"], []),
        (["*,gl_account,1,,,,,,4100,"], [("inactive target", 2)]),
        (["102,gl_account,1,,,,,,4100,"], []),
        (["101,gl_account,4999,,,,,,-same-,"], [("dead target", 2)]),
        (["103,gl_account,1,,,,,,4000,"], [("unknown division", 2)]),
        (["101,cost_unit,1,,,,,,anything,"], []),
    ],
)
def test_targets_and_divisions(rows: list[str], expected: list[tuple[str, int]]) -> None:
    assert found(*rows) == expected


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        # Crossing ranges of one rank.
        (
            ["101,gl_account,7000-7050,,,,,,4000,", "101,gl_account,7040-7099,,,,,,-same-,"],
            [("overlap", 3)],
        ),
        (["101,gl_account,7000-7050,,,,,,4000,", "101,gl_account,7040-7099,,,,,,4000,"], []),
        (
            ["101,gl_account,70*,,,,,,4000,", "101,gl_account,6990-7005,,,,,,-same-,"],
            [("overlap", 3)],
        ),
        (["101,gl_account,7000-7050,,,,,,4000,", "*,gl_account,7040-7099,,,,,,-same-,"], []),
        (["101,gl_account,7000-7050,S1,,,,,4000,", "101,gl_account,7040-7099,S2,,,,,-same-,"], []),
        # A range of one code loses to the code; a wider one only if every code has its own rule.
        (
            ["101,gl_account,7000-7000,,,,,,4000,", "101,gl_account,7000,,,,,,4000,"],
            [("unreachable", 2)],
        ),
        (
            [
                "101,gl_account,7000-7001,,,,,,4000,",
                "101,gl_account,7000,,,,,,4000,",
                "101,gl_account,7001,,,,,,4000,",
            ],
            [("unreachable", 2)],
        ),
        (["101,gl_account,7000-7001,,,,,,4000,", "101,gl_account,7000,,,,,,4000,"], []),
        # Dated rules that together leave no day.
        (
            [
                "101,gl_account,7000,,,,,,4000,",
                "101,gl_account,7000,,,,,2025-12-31,4000,",
                "101,gl_account,70*,,,,2026-01-01,,4000,",
            ],
            [("unreachable", 2)],
        ),
        # Every known division has a rule of its own.
        (
            [
                "*,gl_account,7*,,,,,,4000,",
                "101,gl_account,7*,,,,,,4000,",
                "102,gl_account,*,,,,,,4000,",
            ],
            [("unreachable", 2)],
        ),
        (["*,gl_account,7*,,,,,,4000,", "101,gl_account,*,,,,,,4000,"], []),
    ],
)
def test_overlap_and_reach(rows: list[str], expected: list[tuple[str, int]]) -> None:
    assert found(*rows) == expected


def test_nothing_is_said_about_what_is_not_known() -> None:
    rules = parse_rules("\n".join((",".join(COLUMNS), "103,gl_account,1,,,,,,9,")))
    assert not check(rules, None, {}, TODAY)


CODES = [f"{number:02d}" for number in range(100)]
DAYS = [date(2025, 6, 1), date(2026, 1, 1), date(2026, 6, 1), date(2027, 1, 1)]
SOURCES = ["00-01", "00-00", "01-03", "00", "01", "0*", "*", "00*"]
RULES = st.builds(
    Rule,
    dimension=st.just("gl_account"),
    source=st.sampled_from(SOURCES),
    target=st.just("4000"),
    division=st.sampled_from([None, 101, 102]),
    supplier=st.sampled_from([None, "S1"]),
    valid_from=st.sampled_from([None, date(2026, 1, 1)]),
    valid_to=st.sampled_from([None, date(2025, 12, 31), date(2026, 12, 31)]),
).filter(lambda rule: (rule.valid_from or date.min) <= (rule.valid_to or date.max))


@given(st.lists(RULES, max_size=8, unique=True))
def test_unreachable_is_what_decides_about_no_line_there_could_be(rules: list[Rule]) -> None:
    numbered = [
        Rule(
            rule.dimension, rule.source, rule.target, rule.division, rule.supplier, line=number,
            valid_from=rule.valid_from, valid_to=rule.valid_to,
        )
        for number, rule in enumerate(rules, start=1)
    ]  # fmt: skip
    mine = RuleSet(numbered)
    told = {each.line for each in check(mine, None, DIVISIONS, TODAY) if each.kind == "unreachable"}
    asked = [Conditions(), Conditions("S1")]
    codes = [*CODES[:5], "0", "", "0x", "00x", "x"]
    deciding = {
        winner.line
        for code, division, day, condition in product(codes, DIVISIONS, DAYS, asked)
        if (winner := mine.find("gl_account", code, division, day, condition))
    }
    assert told == {rule.line for rule in mine} - deciding
