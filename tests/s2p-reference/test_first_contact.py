# ruff: noqa: ANN401 - values are JSON
"""Matching, ownership, templates, values: the pure parts."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2p_mapping.normalise import normalise_name
from s2p_reference.creation import Rules, body_of, obstacle, read_templates
from s2p_reference.decide import MISSING, Verdict, judge
from s2p_reference.entities import ENTITIES, Item, exact_item, servicenow_item
from s2p_reference.errors import ReferenceSettingError
from s2p_reference.matching import match
from s2p_reference.ownership import read_ownership
from s2p_reference.plan import Sides, make_plan
from s2p_reference.values import code, day, flag, name, squeezed

CENTERS, ACCOUNTS = ENTITIES["cost_centers"], ENTITIES["gl_accounts"]
TODAY = "2026-11-27"


def item(id_: str, its_code: str, its_name: str, *, active: bool = True) -> Item:
    return Item(id_, its_code, its_name, {"description": its_name, "end_date": None}, active)


ITEMS = st.lists(
    st.tuples(st.sampled_from(["A", "a", "01", "1", "B-1", "b1"]), st.sampled_from("XYZ")),
    max_size=6,
)


@given(ours=ITEMS, theirs=ITEMS)
def test_everything_is_matched_unsure_or_new_and_only_once(
    ours: list[tuple[str, str]], theirs: list[tuple[str, str]]
) -> None:
    exact = [item(f"e{n}", *one) for n, one in enumerate(ours)]
    servicenow = [item(f"s{n}", *one) for n, one in enumerate(theirs)]
    found = match(exact, servicenow)
    ids = [
        *(other.id for _, other in found.pairs),
        *(one.id for one, _ in found.unsure),
        *(one.id for one in found.new),
    ]
    assert sorted(ids) == sorted(one.id for one in servicenow)
    assert len({one.id for one, _ in found.pairs}) == len(found.pairs)
    for new in found.new:
        assert all(squeezed(one.code) != squeezed(new.code) for one in exact)
        assert all(normalise_name(one.name) != normalise_name(new.name) for one in exact)


def test_code_first_then_a_unique_name_then_a_person() -> None:
    exact = [
        item("e1", "10", "Sales"),
        item("e2", "20", "Büro"),
        item("e3", "30", "Twice"),
        item("e4", "31", "Twice"),
    ]
    servicenow = [
        item("s1", "10", "Something else"),
        item("s2", "X", "BURO"),
        item("s3", "Y", "twice"),
        item("s4", "Z", "Of its own"),
        item("s5", "030", "Nearly"),
    ]
    found = match(exact, servicenow)
    assert [(one.id, other.id) for one, other in found.pairs] == [("e1", "s1"), ("e2", "s2")]
    assert [(one.id, twins) for one, twins in found.unsure] == [
        ("s3", ("30", "31")),
        ("s5", ("30",)),
    ]
    assert [one.id for one in found.new] == ["s4"]


def test_a_twin_that_has_a_partner_already_still_counts() -> None:
    found = match([item("e1", "10", "Sales")], [item("s2", "10", "Sales")], taken={"e1"})
    assert not found.pairs
    assert found.unsure == [(item("s2", "10", "Sales"), ("10",))]


def test_what_servicenow_has_twice_is_not_made_twice() -> None:
    found = match([], [item("s1", "N", "One"), item("s2", "n", "Two")])
    assert not found.new
    assert [one.id for one, _ in found.unsure] == ["s1", "s2"]


def test_what_is_not_in_use_is_not_made() -> None:
    sides = Sides(CENTERS, 1, [], [item("s1", "N", "Old", active=False)])
    plan = make_plan(sides, read_ownership({}).all_of(1, CENTERS), Rules(create=True))
    assert not plan.creations
    assert not plan.cases


@given(
    owner=st.sampled_from(["exactonline", "servicenow"]),
    base=st.sampled_from([MISSING, 1, 2, 3]),
    exact=st.integers(1, 3),
    servicenow=st.integers(1, 3),
)
def test_only_its_owner_changes_a_field(
    owner: Any, base: object, exact: int, servicenow: int
) -> None:
    verdict = judge(owner, base, exact, servicenow)
    if exact == servicenow:
        assert verdict is Verdict.SAME
    elif base is not MISSING and base not in {exact, servicenow}:
        assert verdict is Verdict.CONFLICT
    elif verdict is Verdict.WRITE:
        assert owner == "servicenow"
        assert servicenow != base
    elif verdict is Verdict.ONWARD:
        assert owner == "exactonline"
        assert exact != base
    else:
        assert verdict is Verdict.DRIFT


def test_the_narrower_ownership_wins() -> None:
    owned = read_ownership(
        {
            "description": "servicenow",
            "gl_accounts.description": "exactonline",
            "101": {"description": "exactonline", "cost_centers.end_date": "servicenow"},
        }
    )
    assert owned.all_of(100, CENTERS) == {"description": "servicenow", "end_date": "exactonline"}
    assert owned.all_of(101, CENTERS) == {"description": "exactonline", "end_date": "servicenow"}
    assert owned.owner(100, ACCOUNTS, "description") == "exactonline"


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ({"code": "servicenow"}, "recode"),
        ({"descripton": "servicenow"}, "not known"),
        ({"description": "sap"}, "exactonline or servicenow"),
        ({"manager": "exactonline"}, "no such field"),
        ({"nl": {"description": "servicenow"}}, "no division"),
        ({"items.description": "servicenow"}, "before the dot"),
    ],
)
def test_a_wrong_ownership_names_the_remedy(setting: dict[str, Any], says: str) -> None:
    with pytest.raises(ReferenceSettingError, match=says):
        read_ownership(setting)


def test_no_account_without_its_template() -> None:
    new = Item("s1", "7777", "Travel", {"description": "Travel", "blocked": False, "type": "W"})
    types = {"s1": "Expense"}
    assert "There is no template" in (obstacle(ACCOUNTS, 1, new, Rules(types=types)) or "")
    templates = read_templates(
        {
            "gl_accounts": {"Expense": {"Type": 121, "BalanceSide": "D", "BalanceType": "W"}},
            "1": {"gl_accounts": {"*": {"UseCostcenter": 1}, "expense": {"Type": 110}}},
        }
    )
    rules = Rules(templates=templates, types=types, code_lengths={"cost_centers": 8})
    assert obstacle(ACCOUNTS, 1, new, rules) is None
    assert body_of(ACCOUNTS, 1, new, rules) == {
        "Code": "7777",
        "Description": "Travel",
        "BalanceType": "W",
        "Type": 110,
        "BalanceSide": "D",
        "UseCostcenter": 1,
    }
    assert "takes 8" in (obstacle(CENTERS, 1, item("s", "123456789", "x"), rules) or "")


@pytest.mark.parametrize(
    "setting",
    [
        {"items": {}},
        {"gl_accounts": []},
        {"gl_accounts": {"*": {"BalanceSide": "X"}}},
        {"gl_accounts": {"*": {"Type": "110"}}},
        {"1": {"gl_accounts": {"*": {"Code": "1"}}}},
    ],
)
def test_a_wrong_template_is_refused_at_start(setting: dict[str, Any]) -> None:
    with pytest.raises(ReferenceSettingError, match="templates"):
        read_templates(setting)


@given(st.one_of(st.none(), st.text(), st.integers(), st.booleans(), st.lists(st.text())))
def test_values_take_whatever_comes(value: Any) -> None:
    assert isinstance(code(value), str)
    assert name(name(value)) == name(value)
    assert day(day(value)) == day(value)
    assert flag(flag(value)) == flag(value)


def test_both_systems_forms_of_one_record_are_equal() -> None:
    exact = exact_item(
        ACCOUNTS,
        {"ID": "e", "Code": "7777", "Description": "Travel  costs", "BalanceType": "W"},
        TODAY,
    )
    servicenow = servicenow_item(
        ACCOUNTS,
        {
            "sys_id": "s",
            "gl_account": "7777",
            "display_name": "Travel costs",
            "type": "Profit and loss",
            "inactive": False,
        },
        TODAY,
    )
    assert exact.values == servicenow.values
    ended = exact_item(
        CENTERS, {"ID": "e", "Code": "A", "Description": "x", "EndDate": "2026-01-31"}, TODAY
    )
    theirs = servicenow_item(
        CENTERS,
        {"sys_id": "s", "account_number": "A", "name": "x", "valid_to": "2026-01-31T00:00:00Z"},
        TODAY,
    )
    assert ended.values == theirs.values
    assert not ended.active
