# ruff: noqa: ANN001, ANN401 - fixtures stand in conftest.py, states are JSON
"""A state that the tap did not write is named, and not misread."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from s2p_singer import SettingError
from tap_exactonline.given_state import fault_of

NOW = datetime(2026, 6, 25, tzinfo=timezone.utc)


def _of_part(**part: Any) -> dict[str, Any]:
    return {"bookmarks": {"bank_entries": {"partitions": [{"context": {"Division": 1}, **part}]}}}


@pytest.mark.parametrize(
    "state",
    [
        {"bookmarks": []},
        {"bookmarks": {"bank_entries": []}},
        {"bookmarks": {"bank_entries": {"partitions": None}}},
        {"bookmarks": {"bank_entries": {"partitions": [{}]}}},
        _of_part(replication_key_value="yesterday"),
        _of_part(replication_key_value=""),
        _of_part(replication_key_value="0001-01-01T00:00:00Z"),
        _of_part(replication_key_value="2028-01-01T00:00:00Z"),
        _of_part(replication_key_value="9999-12-31T23:59:59Z"),
        _of_part(fallback={"replication_key_value": "x"}),
        _of_part(recent=[1]),
        _of_part(sweeps=5),
        _of_part(sweeps={"bank_entries": 5}),
    ],
)
def test_what_is_wrong_is_named(state: dict[str, Any]) -> None:
    assert fault_of(state, NOW)


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"bookmarks": {}},
        {"bookmarks": {"bank_entries": {}}},
        _of_part(),
        _of_part(replication_key_value=None),
        _of_part(replication_key="Timestamp", replication_key_value=1, generation="- -"),
        _of_part(replication_key_value="2026-06-25T12:00:00.000Z", recent={}, resume={}),
        _of_part(fallback={}, unknown=3, sweeps={"bank_entries": {}}),
    ],
)
def test_what_is_not_wrong_is_taken(state: dict[str, Any]) -> None:
    assert fault_of(state, NOW) is None


def test_what_the_tap_has_written_is_taken(runner) -> None:
    state = runner.run().state
    assert fault_of(state, datetime.now(timezone.utc)) is None
    output = runner.run(state=state)
    assert output.error is None


def test_a_bookmark_in_the_future_ends_the_run(runner) -> None:
    with pytest.raises(SettingError, match="partition of bank_entries has a bookmark that lies in"):
        runner.run("bank_entries", state=_of_part(replication_key_value="2999-01-01T00:00:00Z"))
