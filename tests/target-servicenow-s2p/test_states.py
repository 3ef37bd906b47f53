from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from target_servicenow_s2p.states import StateQueue

from .conftest import gl_account, record, schema, state

if TYPE_CHECKING:
    from random import Random

    from .conftest import Feed


def test_states_leave_in_order_and_the_last_one_always(feed: Feed) -> None:
    messages: list[dict[str, Any]] = [schema("gl_accounts")]
    for number in range(40):
        messages += [record("gl_accounts", **gl_account(number)), state(done=number)]
    states = feed.run(messages, batch_size=5)
    numbers = [one["done"] for one in states]
    assert numbers == sorted(set(numbers))
    assert numbers[-1] == 39
    assert len(numbers) > 1


def test_a_state_before_any_record_leaves_at_once() -> None:
    queue = StateQueue()
    queue.arrive({"a": 1})
    assert queue.release() == {"a": 1}
    assert queue.release() is None


def test_settling_what_is_not_owed_is_a_defect() -> None:
    with pytest.raises(ValueError, match="more often than owed"):
        StateQueue().settle(0)


@given(st.lists(st.sampled_from(["record", "state", "settle"]), max_size=80), st.randoms())
def test_no_state_leaves_before_what_came_earlier_is_settled(
    steps: list[str], random: Random
) -> None:
    queue = StateQueue()
    owed: list[tuple[int, int]] = []
    arrived: dict[int, int] = {}
    for serial, step in enumerate(steps):
        if step == "record":
            queue.owe(queue.epoch)
            owed.append((queue.epoch, serial))
        elif step == "state":
            queue.arrive({"n": serial})
            arrived[serial] = serial
        elif owed:
            epoch, _ = owed.pop(random.randrange(len(owed)))
            queue.settle(epoch)
        released = queue.release()
        if released is not None:
            assert all(when > released["n"] for _, when in owed)
    for epoch, _ in owed:
        queue.settle(epoch)
    last = queue.release()
    assert queue.waiting == 0
    assert queue.owed == 0
    if last is not None:
        assert last["n"] == max(arrived)
