from __future__ import annotations

import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from s2p_store import InboxEvent, Store

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Clock


def _event(key: str = "a", action: str = "Update", at: int = 1, **changes: object) -> InboxEvent:
    values: dict[str, object] = {"division": 1, "topic": "Items", "key": key, "action": action}
    return InboxEvent(**{**values, "event_at": f"2026-03-02T12:00:{at:02}", **changes})  # type: ignore[arg-type]  # a test's short form


def _what(store: Store) -> dict[str, str]:
    return {one.event.key: one.event.action for one in store.inbox.waiting(1)}


EVENTS = st.lists(
    st.builds(
        _event, st.sampled_from("abc"), st.sampled_from(["Update", "Delete"]), st.integers(1, 9)
    ),
    max_size=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(events=EVENTS, data=st.data())
def test_the_last_that_happened_counts_in_whatever_order_it_came(
    store: Store, events: list[InboxEvent], data: st.DataObject
) -> None:
    for entry in store.inbox.waiting():
        store.inbox.settle(entry.event.division, entry.event.topic, entry.number)
    for event in data.draw(st.permutations([*events, *events[:3]])):
        store.inbox.put([event])
    expected: dict[str, str] = {}
    for event in sorted(events, key=lambda one: (one.event_at, one.action == "Delete")):
        expected[event.key] = event.action
    assert _what(store) == expected


def test_what_comes_again_while_it_is_read_stays(store: Store) -> None:
    store.inbox.put([_event("a"), _event("b")])
    taken = store.inbox.waiting(1)
    store.inbox.put([_event("a", at=2)])
    store.inbox.settle(1, "Items", max(one.number for one in taken))
    assert _what(store) == {"a": "Update"}


def test_divisions_and_topics_are_kept_apart(store: Store, clock: Clock) -> None:
    store.inbox.put([_event("a"), _event("a", division=2), _event("a", topic="Accounts")])
    store.inbox.settle(1, "Items", 10)
    left = [(one.event.division, one.event.topic) for one in store.inbox.waiting()]
    assert left == [(1, "Accounts"), (2, "Items")]
    assert store.inbox.last_received(1, ["Items", "Nothing"]) == clock.now
    assert store.inbox.last_received(3, ["Items"]) is None


def test_an_event_survives_its_process(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    program = """
        import os, sys
        from s2p_store import InboxEvent, Store
        Store.open(sys.argv[1]).inbox.put([InboxEvent(1, "Items", "a", "Create", "2026")])
        os._exit(9)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program), url], check=False, timeout=60)
    with Store.open(url) as store:
        assert _what(store) == {"a": "Create"}
