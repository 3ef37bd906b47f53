"""What differs between both systems, what waits, and how it is decided."""

from __future__ import annotations

import csv
import io
import json
import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
from support.reference_rows import ACCOUNTS, CENTERS, account, center

from s2p_reference.known import EVERY, SYSTEM, kept
from s2p_sandbox import exact
from s2p_sandbox.clock import Clock
from s2p_sandbox.server import serve
from s2p_store import PairCase, PairLink

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import House, Make

E1 = "5f0b0000-0000-4000-8000-0000000000a1"
SIDES = {"base": "Alpha", "exact": "Gamma", "servicenow": "Beta"}
CONFLICT = PairCase("cost_centers", 101, "s1", "description", "conflict", "A", SIDES)
MATCH = PairCase(
    "cost_centers", 101, "s2", "", "match", "X", {"exact": ["B"], "servicenow": "Twin"}
)


@pytest.fixture
def office(house: House) -> Iterator[House]:
    registration = exact.Registration()
    system = exact.app(house.folder / "sandbox", Clock(), seeds=False, registration=registration)
    system.add_division(101, "Small", Country="NL")
    with serve(system) as url:
        house.environment |= {
            "TAP_EXACTONLINE_API_URL": url,
            "TAP_EXACTONLINE_CLIENT_ID": registration.client_id,
            "TAP_EXACTONLINE_CLIENT_SECRET": registration.client_secret,
            "TAP_EXACTONLINE_REFRESH_TOKEN": registration.refresh_token,
        }
        house.sandbox = system
        yield house


def load(office: House, resource: str, *rows: dict[str, Any]) -> None:
    moment = {"Modified": datetime(2026, 3, 2, 12)}  # noqa: DTZ001 - Exact's wall clock
    made = [{"ID": str(uuid.uuid4()), **moment, **row} for row in rows]
    office.sandbox.load(resource, made, 101)


def keep(office: House, stream: str, *records: dict[str, object]) -> None:
    with office.open() as store:
        rows = [kept(stream, record) for record in records]
        store.reference.save(SYSTEM, EVERY, stream, rows)


def compared(office: House, *options: str, **settings: str) -> tuple[int, list[dict[str, Any]]]:
    ran = office.run("reference", "compare", "--json", *options, **settings)
    assert ran.stdout, ran.output
    return ran.exit_code, json.loads(ran.stdout)["findings"]


def test_owners_that_differ_between_the_directions_are_told(office: House) -> None:
    load(office, CENTERS, {"Code": "A", "Description": "Alpha"})
    keep(office, "cost_centers", center("s1", "A", "Alpha"))
    owned = json.dumps({"description": "servicenow", "101": {"end_date": "servicenow"}})
    one = {"TARGET_EXACTONLINE_OWNERSHIP": owned}
    ran = office.run("reference", "compare", "--json", **one)
    assert json.loads(ran.stdout)["owners"] == [
        "gl_accounts.description",
        "cost_centers.description",
        "gl_accounts.description of division 101",
        "cost_centers.description of division 101",
        "cost_centers.end_date of division 101",
    ]
    assert "do not agree who owns" in office.run("reference", "compare", **one).stdout
    both = {**one, "TARGET_SERVICENOW_S2P_OWNERSHIP": owned}
    ran = office.run("reference", "compare", "--json", **both)
    assert json.loads(ran.stdout)["owners"] == []


def test_what_was_deleted_in_servicenow_needs_a_person(office: House) -> None:
    load(office, CENTERS, {"ID": E1, "Code": "A", "Description": "Alpha"})
    keep(office, "cost_centers", center("s9", "Z", "Other"))
    with office.open() as store:
        link = PairLink("cost_centers", 101, "s1", E1, "A", {"description": "Alpha"})
        store.pairs.settle("cost_centers", 101, [link], [], "r")
    code, found = compared(office)
    (told,) = [one for one in found if one["code"] == "A"]
    assert (code, told["kind"], told["decide"]) == (2, "missing in ServiceNow", True)
    assert "It was deleted there" in told["remedy"]


def test_equal_is_equal(office: House) -> None:
    load(office, CENTERS, {"Code": "A", "Description": "Alpha"})
    keep(office, "cost_centers", center("s1", "A", "Alpha"))
    assert compared(office) == (0, [])
    assert "equal" in office.run("reference", "compare").stdout


def test_each_difference_has_its_kind_and_says_whether_it_needs_a_person(office: House) -> None:
    load(
        office,
        CENTERS,
        {"Code": "A", "Description": "Alpha"},
        {"Code": "B", "Description": "Only Exact"},
    )
    keep(office, "cost_centers", center("s1", "A", "Beta"), center("s2", "N", "New"))
    code, found = compared(office)
    assert code == 2
    told = [(one["kind"], one["code"], one["field"], one["decide"]) for one in found]
    assert told == [
        ("missing in Exact Online", "N", "", True),
        ("different", "A", "description", False),
        ("missing in ServiceNow", "B", "", False),
    ]
    code, found = compared(office, TARGET_EXACTONLINE_CREATE="true")
    assert (code, [one["decide"] for one in found]) == (0, [False, False, False])


def test_what_servicenow_changed_against_ownership_needs_a_person(office: House) -> None:
    load(office, CENTERS, {"ID": E1, "Code": "A", "Description": "Alpha"})
    keep(office, "cost_centers", center("s1", "A", "Beta"))
    with office.open() as store:
        link = PairLink("cost_centers", 101, "s1", E1, "A", {"description": "Alpha"})
        store.pairs.settle("cost_centers", 101, [link], [], "run-1")
    code, (one,) = compared(office)
    assert (code, one["kind"], one["decide"]) == (2, "different", True)
    assert "Only exactonline owns this" in one["remedy"]
    owned = json.dumps({"description": "servicenow"})
    code, (one,) = compared(office, TARGET_EXACTONLINE_OWNERSHIP=owned)
    assert (code, one["decide"]) == (0, False)


def test_duplicates_and_what_is_inactive_but_in_use(office: House, make: Make) -> None:
    load(office, ACCOUNTS, {"Code": "7000", "Description": "x", "IsBlocked": True})
    load(office, CENTERS, {"Code": "A", "Description": "Alpha"})
    keep(office, "gl_accounts", account("g1", "7000", "x", inactive=True))
    keep(office, "cost_centers", center("s1", "A", "Alpha"), center("s2", "A", "Alpha again"))
    with office.open() as store:
        store.holds.put([make.hold(1, ("gl_account", "7000"), division=101)])
    code, found = compared(office)
    assert code == 2
    kinds = {(one["kind"], one["code"]) for one in found}
    assert {("duplicate", "A"), ("inactive but in use", "7000")} <= kinds


def test_csv_for_spreadsheets(office: House) -> None:
    keep(office, "cost_centers", center("s2", "N", "=New"))
    ran = office.run("reference", "compare", "--csv")
    (row,) = csv.DictReader(io.StringIO(ran.stdout))
    assert (row["kind"], row["code"], row["servicenow"]) == (
        "missing in Exact Online",
        "N",
        "'=New",
    )
    assert ran.exit_code == 2


def test_nothing_to_compare_says_what_to_run(office: House) -> None:
    office.open().close()
    ran = office.run("reference", "compare")
    assert ran.exit_code == 1
    assert "meltano run tap-servicenow-s2p target-exactonline" in ran.stderr


def test_what_waits_is_shown_with_all_sides_and_decided_once(house: House) -> None:
    with house.open() as store:
        store.pairs.settle("cost_centers", 101, [], [CONFLICT, MATCH], "run-1")
    ran = house.run("reference", "conflicts", "--json")
    assert ran.exit_code == 2
    first, second = json.loads(ran.stdout)["waiting"]
    assert (first["key"], first["base"], first["exact"], first["servicenow"]) == (
        "s1:description",
        "Alpha",
        "Gamma",
        "Beta",
    )
    assert second["choices"] == ["new", "same:CODE", "gone"]
    assert "s1:description" in house.run("reference", "conflicts").stdout
    done = house.run("reference", "conflicts", "resolve", "s1", "--choose", "servicenow")
    assert done.exit_code == 0, done.output
    done = house.run("reference", "conflicts", "resolve", "X", "--choose", "same:B")
    assert done.exit_code == 0, done.output
    with house.open() as store:
        assert [case.choice for case in store.pairs.cases()] == ["servicenow", "same:B"]
    assert house.run("reference", "conflicts").exit_code == 0


def test_what_servicenow_has_no_more_is_forgotten(house: House) -> None:
    keep(house, "cost_centers", center("s1", "A", "Alpha"), center("s2", "X", "Twin"))
    with house.open() as store:
        store.pairs.settle("cost_centers", 101, [], [MATCH], "run-1")
    ran = house.run("reference", "conflicts", "resolve", "s2", "--choose", "gone")
    assert ran.exit_code == 0, ran.output
    with house.open() as store:
        rows = store.reference.load(SYSTEM, EVERY, "cost_centers")
        assert [row["id"] for row in rows] == ["s1"]


def test_exacts_value_is_sent_again_when_it_was_chosen(house: House, make: Make) -> None:
    key, table = "A|EXACT-101", "sn_fcms_intg_imp_cost_center"
    with house.open() as store:
        store.pairs.settle("cost_centers", 101, [], [CONFLICT], "run-1")
        store.ledger.put_many([make.entry(key, "done", table=table)])
    ran = house.run("reference", "conflicts", "resolve", "s1", "--choose", "exactonline")
    assert "sends Exact Online's value to ServiceNow again" in ran.stdout
    with house.open() as store:
        assert store.ledger.get_many(table, [key])[key].content_hash is None


@pytest.mark.parametrize(
    ("key", "choice", "says"),
    [
        ("s1", "newest", "exactonline or servicenow"),
        ("s2", "same:", "new or same:CODE or gone"),
        ("s2", "servicenow", "new or same:CODE or gone"),
        ("nobody", "new", "No case fits"),
        ("s", "new", "2 cases fit"),
    ],
)
def test_a_choice_that_cannot_be_names_what_can(
    house: House, key: str, choice: str, says: str
) -> None:
    with house.open() as store:
        store.pairs.settle("cost_centers", 101, [], [CONFLICT, MATCH], "run-1")
    ran = house.run("reference", "conflicts", "resolve", key, "--choose", choice)
    assert ran.exit_code == 1
    assert says in ran.stderr


def test_nothing_waits(house: House) -> None:
    house.open().close()
    ran = house.run("reference", "conflicts")
    assert (ran.exit_code, ran.stdout.strip()) == (0, "Nothing waits.")
