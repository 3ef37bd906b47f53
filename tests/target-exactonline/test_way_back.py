"""What ServiceNow owns reaches Exact Online, once, and nothing else does."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

import pytest
from support.reference_rows import ACCOUNTS, CENTERS, account, center

if TYPE_CHECKING:
    from conftest import Feed

TEMPLATES = {"gl_accounts": {"Expense": {"Type": 121, "BalanceSide": "D", "BalanceType": "W"}}}


def test_an_owned_change_is_put_and_a_quiet_pass_writes_nothing(feed: Feed) -> None:
    feed.load(CENTERS, {"Code": "A", "Description": "Alpha"})
    assert feed.run([center("s1", "A", "Alpha")]) == ""
    assert feed.writes() == 0
    changed = center("s1", "A", "Beta", valid_to="2030-01-31T00:00:00Z")
    assert feed.run([changed]) == ""
    row = feed.rows(CENTERS)["A"]
    assert row["Description"] == "Beta"
    assert feed.writes() == 1
    before = sum(feed.calls().values())
    assert feed.run([changed]) == ""
    assert feed.writes() == 1
    assert sum(feed.calls().values()) - before <= 12
    with feed.store() as store:
        kinds = [event.kind for event in store.audit.events()]
        assert kinds == ["reference_updated"]
        assert store.audit.verify() == []


def test_a_days_end_arrives_as_that_day(feed: Feed) -> None:
    feed.load(CENTERS, {"Code": "A", "Description": "Alpha"})
    feed.run([center("s1", "A", "Alpha", valid_to="2030-07-31T00:00:00Z")])
    feed.run()
    end = feed.rows(CENTERS)["A"]["EndDate"]
    assert end == datetime(2030, 7, 31, tzinfo=timezone.utc).timestamp() * 1000
    assert feed.writes() == 1


def test_what_does_not_own_a_field_never_writes_it(feed: Feed) -> None:
    feed.settings["ownership"] = {}
    feed.load(CENTERS, {"Code": "A", "Description": "Alpha"})
    feed.run([center("s1", "A", "Alpha")])
    feed.run([center("s1", "A", "Beta")])
    assert feed.writes() == 0
    assert feed.rows(CENTERS)["A"]["Description"] == "Alpha"
    assert feed.cases() == []


def test_ownership_of_a_division(feed: Feed) -> None:
    feed.exact.add_division(102, "Other", Country="NL")
    feed.settings["ownership"] = {"102": {"cost_centers.description": "servicenow"}}
    for division in (101, 102):
        feed.load(CENTERS, {"Code": "A", "Description": "Alpha"}, division=division)
    records = [
        center("s1", "A", "Beta"),
        center("s2", "A", "Beta", erp_source="Benelux"),
    ]
    assert feed.run(records, erp_sources={"102": "Benelux"}) == ""
    assert feed.rows(CENTERS, 101)["A"]["Description"] == "Alpha"
    assert feed.rows(CENTERS, 102)["A"]["Description"] == "Beta"


def test_what_only_servicenow_has_is_proposed_then_made(feed: Feed) -> None:
    records = [center("s1", "NEW", "Of its own")]
    accounts = [account("g1", "7777", "Travel")]
    assert feed.run(records, accounts, templates=TEMPLATES) == ""
    assert feed.writes() == 0
    assert feed.cases() == [
        ("cost_centers", "NEW", "", "create"),
        ("gl_accounts", "7777", "", "create"),
    ]
    assert feed.run(create=True, templates=TEMPLATES) == ""
    assert feed.rows(CENTERS)["NEW"]["Description"] == "Of its own"
    made = feed.rows(ACCOUNTS)["7777"]
    assert (made["Type"], made["BalanceSide"], made["BalanceType"]) == (121, "D", "W")
    assert feed.cases() == []
    assert feed.run(create=True, templates=TEMPLATES) == ""
    assert feed.writes() == 2


def test_one_proposal_can_be_accepted(feed: Feed) -> None:
    feed.run([center("s1", "NEW", "Of its own")])
    feed.choose("new")
    feed.run()
    assert set(feed.rows(CENTERS)) == {"NEW"}


def test_nothing_is_made_while_a_likely_twin_exists(feed: Feed) -> None:
    feed.load(
        CENTERS,
        {"Code": "010", "Description": "Sales"},
        {"Code": "020", "Description": "Twice"},
        {"Code": "021", "Description": "Twice"},
    )
    records = [center("s1", "10", "Something"), center("s2", "X", "twice")]
    assert feed.run(records, create=True) == ""
    assert feed.writes() == 0
    assert [kind for *_, kind in feed.cases()] == ["match", "match"]
    with feed.store() as store:
        first = store.pairs.cases()[0]
        assert first.sides["exact"] == ["010"]
        store.pairs.choose(first, "same:010")
    feed.run(create=True)
    assert [code for _, code, *_ in feed.cases()] == ["X"]
    assert feed.rows(CENTERS)["010"]["Description"] == "Something"
    assert len(feed.rows(CENTERS)) == 3


def test_a_record_made_anew_in_servicenow_can_take_the_place_of_the_old_one(feed: Feed) -> None:
    feed.load(CENTERS, {"Code": "A", "Description": "Alpha"})
    feed.run([center("s1", "A", "Alpha")])
    feed.run([center("s2", "A", "Beta")])
    assert feed.cases() == [("cost_centers", "A", "", "match")]
    feed.choose("same:A")
    feed.run()
    assert feed.rows(CENTERS)["A"]["Description"] == "Beta"
    with feed.store() as store:
        assert [link.servicenow_id for link in store.pairs.links("cost_centers", 101)] == ["s2"]


def test_a_choice_that_cannot_be_done_is_asked_again(feed: Feed) -> None:
    feed.load(CENTERS, {"Code": "010", "Description": "Sales"})
    feed.run([center("s1", "10", "Something")])
    feed.choose("same:999")
    for _ in range(2):
        feed.run()
        with feed.store() as store:
            (case,) = store.pairs.cases()
            assert case.choice == ""
            assert "'same:999' cannot be done" in case.message


def test_a_conflict_waits_for_a_side(feed: Feed) -> None:
    feed.load(CENTERS, {"Code": "A", "Description": "Alpha"})
    feed.run([center("s1", "A", "Alpha")])
    key = next(iter(feed.exact.store.all_of(CENTERS, 101))).key
    feed.exact.store.change(CENTERS, 101, key, {"Description": "Gamma"})
    for _ in range(2):
        assert feed.run([center("s1", "A", "Beta")]) == ""
    assert feed.writes() == 0
    with feed.store() as store:
        (case,) = store.pairs.cases()
        assert case.sides == {"base": "Alpha", "exact": "Gamma", "servicenow": "Beta"}
        asked = [event for event in store.audit.events() if event.kind == "reference_conflict"]
        assert len(asked) == 1
    feed.choose("servicenow")
    feed.run()
    assert feed.rows(CENTERS)["A"]["Description"] == "Beta"
    assert feed.cases() == []


def test_what_the_forward_way_carried_is_no_change_of_servicenow(feed: Feed) -> None:
    feed.settings["ownership"] = {}
    feed.load(CENTERS, {"Code": "A", "Description": "Alpha"})
    feed.run([center("s1", "A", "Alpha")])
    key = next(iter(feed.exact.store.all_of(CENTERS, 101))).key
    with feed.store() as store:
        sent = {"id": key, "Code": "A", "Description": "Beta", "Active": None, "EndDate": None}
        store.reference.save("exactonline", "101", "cost_centers", [sent])
    feed.exact.store.change(CENTERS, 101, key, {"Description": "Gamma"})
    feed.run([center("s1", "A", "Beta")])
    assert feed.cases() == []
    feed.run([center("s1", "A", "Delta")])
    assert feed.cases() == [("cost_centers", "A", "description", "conflict")]


def test_bad_input_is_told_per_record_and_the_rest_goes_on(
    feed: Feed,
) -> None:
    records = [center("s1", "TOO-LONG-FOR-EXACT", "x"), center("s2", "OK", "Fine")]
    accounts = [account("g1", "7777", "No template"), account("g2", "7778", "Odd", type=None)]
    lengths = {"cost_centers": 8}
    assert feed.run(records, accounts, create=True, code_lengths=lengths) == ""
    assert set(feed.rows(CENTERS)) == {"OK"}
    assert feed.rows(ACCOUNTS) == {}
    assert [(code, kind) for _, code, _, kind in feed.cases()] == [
        ("TOO-LONG-FOR-EXACT", "refused"),
        ("7777", "refused"),
        ("7778", "refused"),
    ]
    with feed.store() as store:
        messages = [case.message for case in store.pairs.cases()]
    assert "takes 8" in messages[0]
    assert "no template" in messages[1]


def test_a_missing_scope_and_a_closed_division_leave_the_rest_alone(feed: Feed) -> None:
    feed.exact.add_division(102, "Closed", Country="NL")
    feed.exact.switches.set(denied_divisions=(102,), division_reason="DivisionBlocked")
    feed.exact.switches.set(denied_scopes=("financial.generalledgers",))
    said = feed.run(
        [center("s1", "A", "Alpha"), center("s2", "B", "Beta", erp_source="EXACT-102")],
        [account("g1", "7777", "Travel")],
        create=True,
        templates=TEMPLATES,
    )
    assert "1 cost centers of division 102 could not be compared" in said
    assert "1 GL accounts of division 101 could not be compared" in said
    assert set(feed.rows(CENTERS)) == {"A"}


def test_without_the_right_to_manage_each_record_waits_and_one_is_asked(feed: Feed) -> None:
    records = [center("s1", "N1", "One"), center("s2", "N2", "Two"), center("s3", "N3", "Three")]
    body = '{"error": {"message": {"value": "Application Scope Violated. Cannot manage."}}}'
    params = {"code": 403, "body": body}
    feed.fault("status", "POST /api/v1/101/hrm", times=None, params=params)
    said = feed.run(records, create=True)
    assert "lacks its scope" in said
    assert "2 more cost centers of division 101 were left" in said
    assert feed.writes() == 1
    assert [(code, kind) for _, code, _, kind in feed.cases()] == [
        ("N1", "refused"),
        ("N2", "refused"),
        ("N3", "refused"),
    ]
    feed.exact.faults.clear()
    assert feed.run(create=True) == ""
    assert set(feed.rows(CENTERS)) == {"N1", "N2", "N3"}
    assert feed.cases() == []


def test_records_of_other_erp_sources_are_left_alone(feed: Feed) -> None:
    records = [center("s1", "A", "x", erp_source="SAP"), center("s2", "B", "x", erp_source=None)]
    assert feed.run(records, create=True) == ""
    assert feed.calls() == {}


@pytest.mark.parametrize("kind", ["drop_after", "drop_before"])
def test_a_record_of_unknown_fate_is_looked_up_and_made_once(feed: Feed, kind: str) -> None:
    feed.fault(kind, "POST /api/v1/101/hrm")
    first = feed.run([center("s1", "NEW", "Of its own")], create=True)
    assert (first == "") == (kind == "drop_after")
    assert feed.run(create=True) == ""
    assert feed.run(create=True) == ""
    assert len(list(feed.exact.store.all_of(CENTERS, 101))) == 1
    with feed.store() as store:
        (link,) = store.pairs.links("cost_centers", 101)
        assert link.base["description"] == "Of its own"


@pytest.mark.parametrize("kind", ["drop_after", "drop_before", "status"])
def test_a_change_of_unknown_fate_is_looked_up(feed: Feed, kind: str) -> None:
    feed.load(CENTERS, {"Code": "A", "Description": "Alpha"})
    feed.run([center("s1", "A", "Alpha")])
    feed.fault(kind, "PUT /api/v1/101/hrm")
    feed.run([center("s1", "A", "Beta")])
    assert feed.run() == ""
    assert feed.rows(CENTERS)["A"]["Description"] == "Beta"
    assert feed.cases() == []


def test_what_exact_refuses_is_not_sent_again_until_it_changes(feed: Feed) -> None:
    feed.exact.switches.set(cost_center_code_length=2)
    said = feed.run([center("s1", "LONG", "x")], create=True)
    assert "Cost center LONG of division 101 was not written" in said
    assert feed.run(create=True) == ""
    assert feed.writes() == 1
    assert [kind for *_, kind in feed.cases()] == ["refused"]
    feed.exact.switches.set(cost_center_code_length=8)
    feed.choose("again")
    assert feed.run(create=True) == ""
    assert set(feed.rows(CENTERS)) == {"LONG"}
    assert feed.cases() == []


def test_state_leaves_when_its_records_are_kept(feed: Feed) -> None:
    feed.exact.switches.set(denied_divisions=(101,))
    feed.run([center("s1", "A", "Alpha")])
    assert feed.states == [{"upto": 0}]
    feed.exact.switches.set(denied_divisions=())
    feed.run(create=True)
    assert set(feed.rows(CENTERS)) == {"A"}


def test_no_person_is_kept(feed: Feed) -> None:
    feed.run([center("s1", "A", "Alpha", manager="Jo Jansen")])
    assert b"Jansen" not in (feed.folder / "store.db").read_bytes()
    wal = feed.folder / "store.db-wal"
    assert not wal.exists() or b"Jansen" not in wal.read_bytes()


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"ownership": {"code": "servicenow"}}, "recode"),
        ({"templates": {"gl_accounts": {"*": {"BalanceSide": "X"}}}}, "BalanceSide"),
        ({"erp_sources": {"101": "X", "102": "X"}}, "two divisions"),
        ({"code_lengths": {"items": 3}}, "code_lengths"),
        ({"creates": True}, "Unknown setting"),
        ({"client_id": None}, "client_id"),
    ],
)
def test_a_wrong_setting_ends_at_once(feed: Feed, settings: dict[str, object], says: str) -> None:
    assert says in feed.run([center("s1", "A", "x")], **settings)
    assert feed.calls() == {}
