# ruff: noqa: ANN001 - what fixtures give stands in conftest.py
"""Refusals are counted by Exact: an endpoint rests before they block the app."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exactonline_client import EndpointRests, Refusal, RequestRefused
from exactonline_client.governor import endpoint_of
from exactonline_client.velocity import rests_until

START = datetime(2026, 3, 2, tzinfo=timezone.utc)
HOUR = timedelta(hours=1)


class Log:
    """An error log that lives as long as the test."""

    def __init__(self) -> None:
        self.noted: dict[tuple[int, str], list[Refusal]] = defaultdict(list)

    def refusals(self, division: int, endpoint: str) -> list[Refusal]:
        return self.noted[division, endpoint]

    def note(self, division: int, endpoint: str, refusal: Refusal) -> None:
        self.noted[division, endpoint].append(refusal)


def _read(client, division: int = 1, resource: str = "crm/Accounts") -> list[object]:
    return list(client.pages(division, resource, select=["ID"]))


@given(st.lists(st.integers(0, 20_000), max_size=60))
def test_no_hour_ever_holds_more_than_five_refusals(seconds: list[int]) -> None:
    """Whenever somebody tries, and every try is refused."""
    refusals: list[Refusal] = []
    for second in sorted(seconds):
        now = START + timedelta(seconds=second)
        until = rests_until(refusals, now)
        if until is None:
            refusals.append(Refusal(now, 403))
        else:
            assert now < until <= now + HOUR
    for one in refusals:
        assert sum(one.at <= other.at < one.at + HOUR for other in refusals) <= 5


@pytest.mark.parametrize("status", [400, 403, 404])
def test_runs_that_are_refused_stop_asking_until_the_hour_is_over(kit, status) -> None:
    log = Log()
    kit.wire.answer = lambda _url: kit.error(status, "no")
    kit.wire.answer_form = lambda _form: kit.token_answer(len(kit.wire.forms) + 1)
    for _ in range(11):
        with pytest.raises(RequestRefused):
            _read(kit.client(errors=log))
        kit.time.sleep(300)
    assert len(kit.wire.asked) == 5
    with pytest.raises(EndpointRests, match=f"HTTP {status}.*before 2026-06-25"):
        _read(kit.client(errors=log))
    kit.time.sleep(3600)
    with pytest.raises(RequestRefused):
        _read(kit.client(errors=log))
    assert len(kit.wire.asked) == 6


def test_other_endpoints_and_divisions_are_asked(kit) -> None:
    log = Log()
    for _ in range(5):
        log.note(1, "crm/Accounts", Refusal(kit.start, 404))
    kit.wire.answer = lambda _url: kit.rows()
    with pytest.raises(EndpointRests):
        _read(kit.client(errors=log))
    assert _read(kit.client(errors=log), division=2) == [[]]
    assert _read(kit.client(errors=log), resource="crm/Contacts") == [[]]


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("https://x/api/v1/7/crm/Accounts?$select=ID", "crm/Accounts"),
        ("https://x/nl/api/v1/7/sync/CRM/Accounts?a", "sync/CRM/Accounts"),
        ("https://x/api/v1/7/crm/Accounts(guid'1')", "crm/Accounts"),
        ("https://x/other?y", "https://x/other"),
    ],
)
def test_errors_are_counted_by_endpoint(url: str, endpoint: str) -> None:
    assert endpoint_of(url, 7) == endpoint
