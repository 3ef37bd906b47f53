"""Exact is read whole once a day, and in between only what was changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests
from support.reference_rows import ACCOUNTS, CENTERS, account, center

if TYPE_CHECKING:
    from conftest import Feed

MANY = 1500


def key_of(feed: Feed, code: str) -> str:
    rows = feed.exact.store.all_of(CENTERS, 101)
    return next(row.key for row in rows if row.values["Code"] == code)


def advance(feed: Feed, hours: float) -> None:
    body = {"advance_seconds": hours * 3600}
    assert requests.post(f"{feed.url}/_sandbox/clock", json=body, timeout=20).ok


def reads(feed: Feed) -> int:
    return sum(number for call, number in feed.calls().items() if call.startswith("GET"))


def spent(feed: Feed, *args: object, **changes: object) -> int:
    before = sum(feed.calls().values())
    assert feed.run(*args, **changes) == ""  # type: ignore[arg-type] - as `run` takes them
    return sum(feed.calls().values()) - before


def two(feed: Feed) -> None:
    feed.load(CENTERS, {"Code": "A", "Description": "Alpha"}, {"Code": "B", "Description": "Beta"})
    assert feed.run([center("s1", "A", "Alpha"), center("s2", "B", "Beta")]) == ""


def test_a_quiet_pass_costs_two_calls_whatever_the_size(feed: Feed) -> None:
    codes = [f"{number:04}" for number in range(MANY)]
    feed.load(CENTERS, *({"Code": code, "Description": f"Center {code}"} for code in codes))
    feed.load(
        ACCOUNTS,
        *({"Code": code, "Description": f"Account {code}", "BalanceType": "W"} for code in codes),
    )
    centers = [center(f"c{code}", code, f"Center {code}") for code in codes]
    accounts = [account(f"a{code}", code, f"Account {code}") for code in codes]
    assert spent(feed, centers, accounts) >= MANY / 60
    assert spent(feed) == 2
    assert feed.writes() == 0
    # A change costs its look-up and its write, and no more than that.
    assert spent(feed, [center("c0007", "0007", "Of its own")]) == 4
    assert feed.rows(CENTERS)["0007"]["Description"] == "Of its own"
    assert spent(feed) == 2


def test_what_exact_changes_is_seen(feed: Feed) -> None:
    two(feed)
    feed.exact.store.change(CENTERS, 101, key_of(feed, "A"), {"Description": "Gamma"})
    feed.run([center("s1", "A", "Delta")])
    assert feed.cases() == [("cost_centers", "A", "description", "conflict")]
    assert feed.writes() == 0


def test_a_deletion_is_seen_within_a_day(feed: Feed) -> None:
    two(feed)
    feed.exact.store.delete(CENTERS, 101, key_of(feed, "A"))
    for hours, known in ((23, {"A", "B"}), (1.1, {"B"}), (1, {"B"})):
        advance(feed, hours)
        assert feed.run() == ""
        with feed.store() as store:
            rows = store.reference.load("exactonline-records", "101", "cost_centers")
        assert {row["Code"] for row in rows} == known
    assert feed.run([center("s1", "A", "Other")], create=True) == ""
    assert set(feed.rows(CENTERS)) == {"B"}
    assert feed.writes() == 0


def test_what_is_gone_is_not_written_to(feed: Feed) -> None:
    two(feed)
    feed.exact.store.delete(CENTERS, 101, key_of(feed, "A"))
    assert feed.run([center("s1", "A", "Other"), center("s2", "B", "More")]) == ""
    assert feed.writes() == 1
    assert {code: row["Description"] for code, row in feed.rows(CENTERS).items()} == {"B": "More"}


def test_what_is_there_unseen_is_not_made_twice(feed: Feed) -> None:
    two(feed)
    # Its Modified lies before the last read: nothing but a whole read shows it.
    feed.load(CENTERS, {"Code": "N", "Description": "New"})
    assert feed.run([center("s3", "N", "New")], create=True) == ""
    assert feed.writes() == 0
    with feed.store() as store:
        assert {link.code for link in store.pairs.links("cost_centers", 101)} == {"A", "B", "N"}


def test_a_code_that_another_record_bears_now_is_read_anew(feed: Feed) -> None:
    two(feed)
    feed.exact.store.delete(CENTERS, 101, key_of(feed, "A"))
    again = "5f0b0000-0000-4000-8000-0000000000a1"
    feed.exact.store.change(CENTERS, 101, again, {"Code": "A", "Description": "Alpha"})
    assert feed.run() == ""
    assert feed.cases() == []
    assert feed.run([center("s1", "A", "Of its own")]) == ""
    assert feed.rows(CENTERS)["A"]["Description"] == "Of its own"


@pytest.mark.parametrize("hours", [0, 24])
def test_what_is_kept_in_another_form_is_not_believed(feed: Feed, hours: int) -> None:
    two(feed)
    with feed.store() as store:
        at = store.reference.saved_at("exactonline-records", "101", "cost_centers")
        rows = store.reference.load("exactonline-records", "101", "cost_centers")
        for row in rows:
            del row["Active"]
        store.reference.save("exactonline-records", "101", "cost_centers", rows, at=at)
    before = reads(feed)
    assert feed.run(whole_read_hours=hours) == ""
    assert reads(feed) - before == (2 if hours else 1)
    assert feed.cases() == []


def test_a_failed_look_up_leaves_the_record_for_the_next_run(feed: Feed) -> None:
    two(feed)
    feed.fault("drop_before", "filter=Code", times=None)
    said = feed.run([center("s1", "A", "Other")])
    assert "Cost center A of division 101 was not written" in said
    assert feed.writes() == 0
    feed.exact.faults.clear()
    assert feed.run() == ""
    assert feed.rows(CENTERS)["A"]["Description"] == "Other"
