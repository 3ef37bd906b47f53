"""Suggestions: likely ones first, the same whatever the order, in four languages, never applied."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2p_mapping.errors import RulesFileError
from s2p_mapping.reference import Entry
from s2p_mapping.rule_file import parse_rules, read_rules
from s2p_mapping.rule_writer import add_rule, with_rule
from s2p_mapping.rules import Rule
from s2p_mapping.suggest import concepts, suggest

if TYPE_CHECKING:
    from pathlib import Path

DAY = date(2026, 6, 1)
CHART = [
    Entry("4200", "Office expenses", "a"),
    Entry("4300", "Travel expenses", "b"),
    Entry("4310", "Car costs", "c"),
    Entry("6100", "Rent of premises", "d"),
    Entry("4900", "Insurance", "e"),
    Entry("4999", "Kantoorkosten (closed)", "f", active=False),
]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Kantoorkosten", "4200"),
        ("Frais de bureau", "4200"),
        ("Bürokosten", "4200"),
        ("Reiskosten", "4300"),
        ("Frais de voyage", "4300"),
        ("Autokosten", "4310"),
        ("Huur bedrijfspand", "6100"),
        ("Verzekeringen", "4900"),
        ("Versicherungskosten", "4900"),
    ],
)
def test_the_likeliest_is_first_in_four_languages(name: str, code: str) -> None:
    best, *_ = suggest("9", name, CHART, DAY)
    assert best.entry.code == code


def test_what_is_closed_or_the_code_itself_is_not_suggested() -> None:
    codes = {each.entry.code for each in suggest("4200", "Kantoorkosten", CHART, DAY)}
    assert not {"4999", "4200"} & codes


def test_nothing_alike_is_nothing() -> None:
    assert suggest("88", "Zonnepanelen", CHART, DAY) == []
    assert suggest("88", "", CHART, DAY) == []


@given(st.permutations(CHART), st.text(max_size=20), st.text(max_size=6))
def test_the_order_of_the_entries_does_not_matter(chart: list[Entry], name: str, code: str) -> None:
    found = suggest(code, name, chart, DAY)
    assert found == suggest(code, name, CHART, DAY)
    assert all(0 <= each.score <= 100 for each in found)
    assert [each.score for each in found] == sorted((e.score for e in found), reverse=True)


@given(st.text())
def test_concepts_of_concepts_are_the_same(name: str) -> None:
    assert concepts(concepts(name)) == concepts(name)


CODES = st.from_regex(r"[A-Z0-9]{1,6}", fullmatch=True)
NOTES = st.text(st.characters(blacklist_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=20).map(
    lambda text: " ".join(text.split())
)
RULES = st.builds(
    Rule,
    dimension=st.sampled_from(["gl_account", "cost_center"]),
    source=CODES,
    target=CODES,
    division=st.none() | st.integers(1, 10**7),
    supplier=st.none() | CODES,
    note=NOTES,
)


@given(RULES, st.sampled_from(["rules.csv", "rules.yaml"]))
def test_a_rule_that_is_written_is_read_as_it_was(rule: Rule, name: str) -> None:
    (read,) = parse_rules(with_rule("", rule, name), name)
    assert (read, read.note) == (rule, rule.note)


def test_what_stood_in_the_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "rules.csv"
    path.write_text("# ours\ndivision;dimension;source;target;note\n*;gl_account;70*;-same-;all\n")
    add_rule(path, Rule("cost_center", "CC12", "CC40", 101, note="accepted; by a person"))
    lines = path.read_text().splitlines()
    assert lines[:3] == ["# ours", "division;dimension;source;target;note",
                         "*;gl_account;70*;-same-;all"]  # fmt: skip
    assert lines[3] == '101;cost_center;CC12;CC40;"accepted; by a person"'
    assert len(read_rules(path)) == 2


def test_a_rule_that_does_not_go_with_the_others_is_refused_whole(tmp_path: Path) -> None:
    path = tmp_path / "rules.csv"
    add_rule(path, Rule("cost_center", "CC12", "CC40"))
    before = path.read_bytes()
    with pytest.raises(RulesFileError, match="same codes on the same days"):
        add_rule(path, Rule("cost_center", "CC12", "CC41"))
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["rules.csv"]


def test_a_condition_without_a_column_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rules.csv"
    path.write_text("division,dimension,source,target\n")
    with pytest.raises(RulesFileError, match="no column supplier"):
        add_rule(path, Rule("gl_account", "1", "2", supplier="S1"))
