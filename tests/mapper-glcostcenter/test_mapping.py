from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapper_glcostcenter.derive import Line
from mapper_glcostcenter.exact import ExactReference, guid
from mapper_glcostcenter.mapping import HELD, MAPPED, LineMapping, Requirements, map_line
from s2p_mapping.reasons import SENTENCES, Reason, sentence
from s2p_mapping.reference import Catalogue, Entry, Reference
from s2p_mapping.resolve import Resolver
from s2p_mapping.rule_file import COLUMNS, parse_rules
from s2p_mapping.rules import RuleSet

DAY = date(2026, 6, 15)
NL = 101


def exact() -> ExactReference:
    known = ExactReference()
    nl = known.division(NL)
    for code, extra in {
        "7000": {"Description": "Inkoop handelsgoederen"},
        "7100": {"Description": "Energie", "UseCostcenter": 1},
        "7200": {"Description": "Oude rekening", "IsBlocked": True},
        "7300": {"Description": "Büro & Kosten"},
        "7400": {"Description": "Dubbel"},
        "7500": {"Description": "Nergens"},
        "7600": {"Description": "Balans", "UseCostcenter": 2},
    }.items():
        nl.learn("gl_accounts", f"gl-{code}", {"Code": code, **extra})
    for code, extra in {
        "CC1": {"Description": "Logistiek"},
        "CC2": {"Description": "Ended", "EndDate": "2026-05-31"},
        "CC3": {"Description": "Inactive", "Active": False},
        "CC4": {"Description": "Mobiliteit"},
    }.items():
        nl.learn("cost_centers", f"cc-{code}", {"Code": code, **extra})
    nl.learn("item_groups", "group", {"Code": "G1", "GLCosts": "gl-7100"})
    nl.learn("items", "item", {"Code": "I1", "GLCosts": "gl-7000", "ItemGroup": "group"})
    nl.learn("items", "grouped", {"Code": "I2", "ItemGroup": "group"})
    nl.learn("items", "bare", {"Code": "I3"})
    nl.learn("items", "coded", {"Code": "I4", "GLCosts": "gl-never-read", "GLCostsCode": "7000"})
    nl.learn("items", "dangling", {"Code": "I5", "GLCosts": "gl-never-read"})
    nl.learn("accounts", "supplier", {"Code": "S1", "GLAccountPurchase": "gl-7300"})
    nl.learn("accounts", "plain", {"Code": "S2"})
    be = known.division(102)
    be.learn("gl_accounts", "gl-be", {"Code": "7000"})
    be.learn("items", "item-be", {"Code": "I1", "GLCosts": "gl-be"})
    be.learn("accounts", "supplier-be", {"Code": "S1"})
    return known


def entry(
    code: str,
    name: str = "",
    *,
    active: bool = True,
    valid_from: date | None = None,
    valid_to: date | None = None,
) -> Entry:
    return Entry(code, name or code, f"sys-{code}", active, valid_from, valid_to)


GL = [
    entry("7000"),
    entry("7100"),
    entry("7200"),
    entry("7600"),
    entry("7300", active=False),
    entry("4300", "BURO KOSTEN"),
    entry("4401", "dubbel"),
    entry("4402", "Dubbel"),
]
CC = [
    entry("CC1"),
    entry("CC2"),
    entry("CC3"),
    entry("M1", "mobiliteit", valid_to=date(2026, 12, 31)),
    entry("OLD", valid_to=date(2025, 12, 31)),
    entry("NEW", valid_from=date(2026, 7, 1)),
    Entry("TWICE", "twice", "a"),
    Entry("TWICE", "Twice", "b"),
]


def resolver(
    rules: RuleSet | None = None,
    *,
    erp_sources: dict[int, str] | None = None,
    match_by_name: bool = True,
) -> Resolver:
    reference = Reference({"EXACT-101": Catalogue(GL)}, {"EXACT-101": Catalogue(CC)})
    return Resolver(reference, rules or RuleSet(), erp_sources or {}, match_by_name)


def mapping(
    rules: RuleSet | None = None,
    requirements: Requirements | None = None,
    day: date = DAY,
    *,
    match_by_name: bool = True,
    division: int | None = NL,
    **line: str,
) -> LineMapping:
    return map_line(
        Line(division=division, **line),
        day,
        exact(),
        resolver(rules, match_by_name=match_by_name),
        requirements or Requirements(),
    )


def rule(*rows: str) -> RuleSet:
    return parse_rules("\n".join((",".join(COLUMNS), *rows)))


@pytest.mark.parametrize(
    ("line", "account", "text"),
    [
        ({"gl_account": "gl-7000"}, "7000", "gl: line account 7000 → same code; cc: none"),
        ({"gl_account_code": "7000"}, "7000", "gl: line account 7000 → same code; cc: none"),
        # The account was recoded after the line was read: its GUID leads to the code of today.
        ({"gl_account": "gl-7000", "gl_account_code": "6999"}, "7000", "gl: line account 7000 →"),
        ({"item": "item"}, "7000", "gl: item GLCosts 7000 → same code; cc: none"),
        ({"item": "coded"}, "7000", "gl: item GLCosts 7000 → same code"),
        ({"supplier": "supplier"}, "4300", "supplier GLAccountPurchase 7300 → same name 4300"),
        ({"item": "bare", "supplier": "supplier"}, "4300", "supplier GLAccountPurchase 7300"),
        ({"item": "item", "cost_center": "CC1"}, "7000", "cc: CC1 → same code"),
        ({"item": "grouped", "cost_center": "CC4"}, "7100", "item group GLCosts 7100 → same code"),
    ],
)
def test_a_line_finds_its_account(line: dict[str, str], account: str, text: str) -> None:
    mapped = mapping(**line)
    assert (mapped.status, mapped.gl_account) == (MAPPED, account)
    assert mapped.gl_account_sys_id == f"sys-{account}"
    assert mapped.reasons == ()
    assert text in mapped.rule


def test_a_rule_can_forbid_a_code_or_its_combination_with_a_cost_center() -> None:
    rules = rule("101,gl_account,70*,,,CC1,,,-none-,", "*,gl_account,7000,,,,,,-same-,")
    forbidden = mapping(rules, gl_account="gl-7000", cost_center="CC1")
    assert forbidden.reasons == (Reason.GL_ACCOUNT_INACTIVE,)
    assert forbidden.waiting_for == (("gl_account", "7000"),)
    assert (forbidden.gl_account, forbidden.cost_center) == (None, "CC1")
    assert "rule 101 70* (cost center CC1) → not allowed" in forbidden.rule
    assert mapping(rules, gl_account="gl-7000", cost_center="CC4").reasons == ()
    closed = mapping(
        rule("101,cost_center,CC1,,,,,,-none-,"), gl_account="gl-7000", cost_center="CC1"
    )
    assert closed.reasons == (Reason.COST_CENTER_INACTIVE,)


@pytest.mark.parametrize(
    ("unused", "center", "reasons"),
    [
        ("keep", "CC1", ()),
        ("drop", None, ()),
        ("hold", None, (Reason.COST_CENTER_INACTIVE,)),
    ],
)
def test_a_cost_center_on_an_account_that_takes_none(
    unused: Any,  # noqa: ANN401 - one of three words
    center: str | None,
    reasons: tuple[Reason, ...],
) -> None:
    requirements = Requirements(unused_cost_center=unused)
    mapped = mapping(requirements=requirements, gl_account="gl-7600", cost_center="CC1")
    assert (mapped.gl_account, mapped.cost_center, mapped.reasons) == ("7600", center, reasons)
    unknown = mapping(requirements=requirements, gl_account="gl-7600", cost_center="ZZ")
    assert bool(unknown.reasons) is (unused != "drop")
    assert mapping(requirements=requirements, gl_account="gl-7600").reasons == ()


def test_a_cost_center_is_found_by_its_name() -> None:
    mapped = mapping(item="item", cost_center="CC4")
    assert (mapped.cost_center, mapped.cost_center_sys_id) == ("M1", "sys-M1")
    assert mapped.rule.endswith("cc: CC4 → same name M1")


@pytest.mark.parametrize(
    ("line", "reason", "waiting_for"),
    [
        ({}, Reason.GL_ACCOUNT_UNDERIVABLE, ()),
        ({"item": "bare"}, Reason.GL_ACCOUNT_UNDERIVABLE, (("item", "I3"),)),
        ({"item": "bare", "supplier": "plain"}, Reason.GL_ACCOUNT_UNDERIVABLE, (("item", "I3"),)),
        ({"item": "dangling"}, Reason.GL_ACCOUNT_UNDERIVABLE, (("item", "I5"),)),
        # An item nobody has read may have an account of its own: the supplier's is not taken.
        ({"item": "x", "supplier": "supplier"}, Reason.GL_ACCOUNT_UNDERIVABLE, (("item", "x"),)),
        ({"supplier": "plain"}, Reason.GL_ACCOUNT_UNDERIVABLE, (("supplier", "S2"),)),
        ({"supplier": "x"}, Reason.GL_ACCOUNT_UNDERIVABLE, (("supplier", "x"),)),
        ({"gl_account": "x"}, Reason.GL_ACCOUNT_UNDERIVABLE, (("gl_account", "x"),)),
        ({"gl_account": "gl-7500"}, Reason.GL_ACCOUNT_MISSING, (("gl_account", "7500"),)),
        ({"gl_account": "gl-7200"}, Reason.GL_ACCOUNT_INACTIVE, (("gl_account", "7200"),)),
        ({"gl_account_code": "7300"}, None, ()),
        ({"gl_account": "gl-7400"}, Reason.GL_ACCOUNT_AMBIGUOUS, (("gl_account", "7400"),)),
        ({"item": "item", "cost_center": "X"}, Reason.COST_CENTER_MISSING, (("cost_center", "X"),)),
        (
            {"item": "item", "cost_center": "CC2"},
            Reason.COST_CENTER_INACTIVE,
            (("cost_center", "CC2"),),
        ),
        (
            {"item": "item", "cost_center": "CC3"},
            Reason.COST_CENTER_INACTIVE,
            (("cost_center", "CC3"),),
        ),
        (
            {"item": "item", "cost_center": "OLD"},
            Reason.COST_CENTER_INACTIVE,
            (("cost_center", "OLD"),),
        ),
        (
            {"item": "item", "cost_center": "NEW"},
            Reason.COST_CENTER_INACTIVE,
            (("cost_center", "NEW"),),
        ),
        (
            {"item": "item", "cost_center": "TWICE"},
            Reason.COST_CENTER_AMBIGUOUS,
            (("cost_center", "TWICE"),),
        ),
        ({"item": "grouped"}, Reason.COST_CENTER_REQUIRED, ()),
        ({"division": None, "item": "item"}, Reason.DIVISION_MISMATCH, ()),
        ({"gl_account": "gl-be"}, Reason.DIVISION_MISMATCH, ()),
        ({"item": "item-be"}, Reason.DIVISION_MISMATCH, ()),
        ({"supplier": "supplier-be"}, Reason.DIVISION_MISMATCH, ()),
    ],
)
def test_a_line_waits_with_its_reason(
    line: dict[str, Any],
    reason: Reason | None,
    waiting_for: tuple[tuple[str, str], ...],
) -> None:
    held = mapping(**line)
    assert held.reasons == ((reason,) if reason else ())
    assert held.status == (HELD if reason else MAPPED)
    assert held.waiting_for == waiting_for


def test_both_reasons_are_told_and_what_is_known_is_kept() -> None:
    held = mapping(gl_account="gl-7500", cost_center="X")
    assert held.reasons == (Reason.GL_ACCOUNT_MISSING, Reason.COST_CENTER_MISSING)
    assert held.waiting_for == (("gl_account", "7500"), ("cost_center", "X"))
    half = mapping(item="item", cost_center="X")
    assert (half.gl_account, half.cost_center) == ("7000", None)


def test_the_document_date_decides() -> None:
    assert mapping(item="item", cost_center="CC2", day=date(2026, 5, 31)).status == MAPPED
    assert mapping(item="item", cost_center="CC2", day=date(2026, 6, 1)).status == HELD
    assert mapping(item="item", cost_center="OLD", day=date(2025, 12, 31)).status == MAPPED
    assert mapping(item="item", cost_center="NEW", day=date(2026, 7, 1)).status == MAPPED


def test_names_can_be_left_out_of_account() -> None:
    held = mapping(supplier="supplier", match_by_name=False)
    assert held.reasons == (Reason.GL_ACCOUNT_INACTIVE,)


def test_requirements_decide_about_what_is_absent_only() -> None:
    loose = Requirements(gl_account=False)
    assert mapping(requirements=loose, item="bare").status == MAPPED
    assert mapping(requirements=loose, gl_account="gl-7500").status == HELD
    assert mapping(requirements=loose, division=None).reasons == (Reason.DIVISION_MISMATCH,)
    strict = Requirements(cost_center=True)
    assert mapping(requirements=strict, item="item").reasons == (Reason.COST_CENTER_REQUIRED,)


def test_a_rule_goes_before_everything_else() -> None:
    moved = mapping(rule("101,gl_account,70*,,,,,,4300,"), item="item")
    assert moved.gl_account == "4300"
    assert moved.rule == "gl: item GLCosts 7000 → rule 101 70* → 4300; cc: none"
    same = mapping(rule("*,gl_account,7200,,,,,,-same-,"), gl_account="gl-7200")
    assert (same.gl_account, same.status) == ("7200", MAPPED)
    successor = mapping(rule("*,cost_center,CC2,,,,,,CC1,"), item="item", cost_center="CC2")
    assert successor.cost_center == "CC1"


def test_a_rule_with_a_dead_target_holds_the_line() -> None:
    missing = mapping(rule("101,gl_account,7000,,,,,,9999,"), item="item")
    assert missing.reasons == (Reason.GL_ACCOUNT_MISSING,)
    assert missing.waiting_for == (("gl_account", "9999"),)
    assert "rule 101 7000 → 9999, not in ServiceNow" in missing.rule
    inactive = mapping(rule("101,gl_account,7000,,,,,,7300,"), item="item")
    assert inactive.reasons == (Reason.GL_ACCOUNT_INACTIVE,)


def test_conditions_of_rules_are_codes_of_the_line() -> None:
    rules = rule(
        "101,gl_account,7000,S1,,,,,4300,",
        "101,gl_account,7100,,G1,,,,7000,",
        "101,gl_account,7000,,,CC1,,,7100,",
    )
    assert mapping(rules, item="item", supplier="supplier").gl_account == "4300"
    assert mapping(rules, item="item", supplier="plain").gl_account == "7000"
    assert mapping(rules, item="grouped", cost_center="CC1").gl_account == "7000"
    assert mapping(rules, item="item", cost_center="CC1").gl_account == "7100"


def test_erp_sources_keep_divisions_apart() -> None:
    other = resolver(erp_sources={NL: "SAP"})
    line = Line(division=NL, item="item")
    assert map_line(line, DAY, exact(), other, Requirements()).reasons == (
        Reason.GL_ACCOUNT_MISSING,
    )


def test_shared_cost_centers_serve_every_erp_source() -> None:
    reference = replace(resolver().reference, shared_cost_centers=Catalogue([entry("X")]))
    catalogue = reference.catalogue("cost_center", "anything")
    assert [found.code for found in catalogue.by_code("X")] == ["X"]


def test_duplicates_are_found_by_id_code_and_name() -> None:
    twice = Reference({"E": Catalogue([*GL, *GL])}, {"E": Catalogue(CC)})
    found = {(d.dimension, d.by, d.value, d.sys_ids) for d in twice.duplicates()}
    assert {each for each in found if each[1] == "id"} == {
        ("gl_account", "id", entry.sys_id, (entry.sys_id,)) for entry in GL
    }
    # The same row twice is one entry: it is ambiguous to no line.
    assert {each for each in found if each[1] != "id"} == {
        ("gl_account", "name", "dubbel", ("sys-4401", "sys-4402")),
        ("cost_center", "code", "TWICE", ("a", "b")),
        ("cost_center", "name", "twice", ("a", "b")),
    }


def test_deleted_and_recoded_reference_data_is_forgotten() -> None:
    known = exact()
    nl = known.division(NL)
    nl.learn("cost_centers", "cc-CC1", {"Code": "CC9"})
    assert "CC1" not in nl.cost_centers
    nl.forget_all_but("cost_centers", ["cc-CC1"])
    assert set(nl.cost_centers) == {"CC9"}
    nl.forget_all_but("gl_accounts", ["gl-7000"])
    assert set(nl.account_by_code) == {"7000"}


def test_earlier_runs_are_asked_once_per_division() -> None:
    asked: list[int] = []

    def load(division: int) -> list[tuple[str, str, dict[str, Any]]]:
        asked.append(division)
        return [("gl_accounts", "g", {"Code": "1"})]

    known = ExactReference(load)
    assert known.division(7).accounts["g"].code == "1"
    known.division(7)
    assert asked == [7]


def test_every_reason_has_a_sentence_with_its_code() -> None:
    assert set(SENTENCES) == set(Reason)
    assert "GL account 7000" in sentence(Reason.GL_ACCOUNT_MISSING, "7000")
    assert "{" not in "".join(sentence(reason) for reason in Reason)


def test_guids_have_one_form() -> None:
    assert guid("ABC") == "abc"
    assert guid("00000000-0000-0000-0000-000000000000") is None
    assert guid(None) is guid("") is guid(5) is None


LINES = st.builds(
    Line,
    division=st.sampled_from([None, NL, 102, 999]),
    item=st.sampled_from([None, "item", "grouped", "bare", "coded", "dangling", "item-be", "x"]),
    supplier=st.sampled_from([None, "supplier", "plain", "supplier-be", "x"]),
    gl_account=st.sampled_from([None, "gl-7000", "gl-7200", "gl-7400", "gl-7500", "gl-be"]),
    gl_account_code=st.sampled_from([None, "7000", "7300", "x"]),
    cost_center=st.sampled_from([None, "CC1", "CC2", "CC3", "CC4", "OLD", "TWICE", "X"]),
)
DAYS = st.dates(date(2025, 1, 1), date(2027, 1, 1))
REQUIREMENTS = st.builds(Requirements, gl_account=st.booleans(), cost_center=st.booleans())


@given(LINES, DAYS, REQUIREMENTS)
def test_no_line_is_both_mapped_and_held(line: Line, day: date, requirements: Requirements) -> None:
    mapped = map_line(line, day, exact(), resolver(), requirements)
    assert (mapped.status == HELD) == bool(mapped.reasons)
    if mapped.status == MAPPED:
        assert mapped.waiting_for == ()
        assert mapped.gl_account or not requirements.gl_account
        assert mapped.cost_center or not (requirements.cost_center or line.cost_center)
    assert (mapped.gl_account is None) == (mapped.gl_account_sys_id is None)
    assert (mapped.cost_center is None) == (mapped.cost_center_sys_id is None)
    assert mapped.rule.startswith("gl: ")
    for code, catalogue in ((mapped.gl_account, GL), (mapped.cost_center, CC)):
        assert code is None or any(e.code == code and e.open_on(day) for e in catalogue)


@given(st.lists(st.tuples(LINES, DAYS), max_size=6), st.permutations(range(6)))
def test_the_order_of_lines_does_not_change_the_result(
    lines: list[tuple[Line, date]], order: list[int]
) -> None:
    known, decide = exact(), resolver()

    def run(indices: list[int]) -> dict[int, LineMapping]:
        return {
            index: map_line(*lines[index], known, decide, Requirements())
            for index in indices
            if index < len(lines)
        }

    assert run(list(range(6))) == run(order)
