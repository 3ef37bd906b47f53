"""What was deleted in ServiceNow is not believed to be there, and not made anew by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.reference_rows import CENTERS, center

from s2p_reference.known import EVERY, SYSTEM

if TYPE_CHECKING:
    import pytest
    from conftest import Feed


def known(feed: Feed) -> set[str]:
    with feed.store() as store:
        return {row["id"] for row in store.reference.load(SYSTEM, EVERY, "cost_centers")}


def test_what_a_whole_read_lacks_is_gone(feed: Feed) -> None:
    feed.load(CENTERS, {"Code": "A", "Description": "Alpha"})
    feed.run([center("s1", "A", "Alpha"), center("s2", "NEW", "Of its own")], version=1)
    assert feed.cases() == [("cost_centers", "NEW", "", "create")]
    feed.run([center("s1", "A", "Alpha")], version=2)
    assert known(feed) == {"s1"}
    # Proposed it is no more, and not made.
    assert feed.run(create=True) == ""
    assert feed.cases() == []
    assert set(feed.rows(CENTERS)) == {"A"}


def test_changes_in_between_belong_to_the_version(feed: Feed) -> None:
    feed.run([center("s1", "A", "Alpha")], version=1)
    feed.run([center("s2", "B", "Beta")], version=1)
    assert known(feed) == {"s1", "s2"}


def test_a_record_that_is_gone_is_told_and_nothing_is_deleted(feed: Feed) -> None:
    feed.load(CENTERS, {"Code": "A", "Description": "Alpha"})
    feed.run([center("s1", "A", "Alpha"), center("s9", "Z", "Other")], version=1)
    feed.run([center("s9", "Z", "Other")], version=2)
    assert set(feed.rows(CENTERS)) == {"A"}
    assert feed.writes() == 0


def test_one_made_anew_takes_the_place_of_the_one_that_is_gone(feed: Feed) -> None:
    feed.load(CENTERS, {"Code": "A", "Description": "Alpha"})
    feed.run([center("s1", "A", "Alpha")], version=1)
    feed.run([center("s2", "A", "Beta")], version=2)
    assert feed.cases() == []
    assert feed.rows(CENTERS)["A"]["Description"] == "Beta"
    with feed.store() as store:
        assert [link.servicenow_id for link in store.pairs.links("cost_centers", 101)] == ["s2"]


def test_most_of_many_are_not_believed_to_be_gone(
    feed: Feed, caplog: pytest.LogCaptureFixture
) -> None:
    many = [center(f"s{number}", f"C{number}", f"Center {number}") for number in range(30)]
    feed.run(many, version=1)
    feed.run(many[:5], version=2)
    assert len(known(feed)) == 30
    assert "looks like a right that was lost" in caplog.text
    feed.run(many[:20], version=3)
    assert len(known(feed)) == 20
