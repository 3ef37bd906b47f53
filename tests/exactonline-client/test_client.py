# ruff: noqa: ANN001, ANN003, ANN202 - what fixtures give stands in conftest.py
from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime

import pytest

from exactonline_client import (
    AuthorizationError,
    ConnectionFailed,
    DailyLimitReached,
    ForeignRow,
    KeyBlocked,
    PagingError,
    RequestRefused,
    ServerFailed,
    SettingError,
    StillLimited,
    UnexpectedAnswer,
)

URL = "https://exact.example/api/v1/1/crm/Accounts?$select=ID"


def _read(client, **options):
    return [
        row for rows in client.pages(1, "crm/Accounts", select=["ID"], **options) for row in rows
    ]


def _epoch_ms(moment) -> str:
    return str(int(moment.timestamp() * 1000))


def test_links_are_followed_verbatim_to_the_end(kit) -> None:
    link = f"{URL}&$skiptoken=guid'790fc424-0000-0000-0000-000000000000'%20x"
    kit.script(kit.rows({"ID": "a"}, next_url=link), kit.rows({"ID": "b"}))
    assert _read(kit.client()) == [{"ID": "a"}, {"ID": "b"}]
    assert kit.wire.asked == [URL, link]
    assert kit.calls == [1, 1]


def test_the_query_is_encoded_as_exact_shows_it(kit) -> None:
    url = kit.client().url(
        7,
        "purchaseentry/PurchaseEntries",
        select=["EntryID", "PurchaseEntryLines/ID"],
        filter="Modified ge datetime'2026-01-01T00:00:00'",
        expand="PurchaseEntryLines",
    )
    assert url == (
        "https://exact.example/api/v1/7/purchaseentry/PurchaseEntries?$filter=Modified%20ge%20"
        "datetime%272026-01-01T00%3A00%3A00%27&$select=EntryID,PurchaseEntryLines/ID"
        "&$expand=PurchaseEntryLines"
    )
    with pytest.raises(SettingError, match="6000"):
        kit.client().url(7, "x/Y", select=["A" * 100] * 60)


@pytest.mark.parametrize(
    "link",
    [
        "https://elsewhere.example/api/v1/1/crm/Accounts",
        "http://exact.example/api/v1/1/crm/Accounts",
        "https://exact.example:8443/x",
        "https://exact.example@elsewhere.example/",
        "/relative",
    ],
)
def test_the_token_is_sent_nowhere_else(kit, link: str) -> None:
    kit.script(kit.rows({"ID": "a"}, next_url=link))
    with pytest.raises(PagingError, match="another host"):
        _read(kit.client())
    assert len(kit.wire.asked) == 1


def test_a_circle_of_links_ends(kit) -> None:
    kit.wire.answer = lambda _url: kit.rows({"ID": "a"}, next_url=URL)
    with pytest.raises(PagingError, match="read already"):
        _read(kit.client())


def test_a_row_of_another_division_stops_everything(kit) -> None:
    kit.script(kit.rows({"ID": "a", "Division": 1}, {"ID": "b", "Division": 2}))
    with pytest.raises(ForeignRow, match="division 2"):
        _read(kit.client())


def test_passing_failures_are_waited_out(kit) -> None:
    kit.script(
        ConnectionFailed("reset"),
        kit.reply(status=503),
        kit.reply(status=408),
        kit.reply(body=b'{"d":{"resu'),
        kit.rows({"ID": "a"}),
    )
    assert _read(kit.client()) == [{"ID": "a"}]
    assert len(kit.time.slept) == 4


@pytest.mark.parametrize(
    ("answer", "kind", "calls"),
    [
        (ConnectionFailed("no route"), ConnectionFailed, 6),
        (503, ServerFailed, 6),
        (500, ServerFailed, 3),
        (b'{"d":', UnexpectedAnswer, 3),
        (b"<html>login</html>", UnexpectedAnswer, 1),
        (302, UnexpectedAnswer, 1),
        (400, RequestRefused, 1),
        (403, RequestRefused, 1),
        (404, RequestRefused, 1),
        (501, RequestRefused, 1),
    ],
)
def test_lasting_failures_end_in_bounds(kit, answer, kind, calls) -> None:
    def give(_url):
        if isinstance(answer, int):
            return kit.error(answer, "Exact says why.\r\nIn two lines.")
        return kit.reply(body=answer) if isinstance(answer, bytes) else answer

    kit.wire.answer = give
    with pytest.raises(kind) as caught:
        _read(kit.client())
    assert len(kit.wire.asked) == calls
    assert "\n" not in str(caught.value)
    assert sum(kit.time.slept) <= 1 + 2 + 4 + 8 + 16


def test_the_reason_header_speaks_where_the_body_does_not(kit) -> None:
    kit.script(kit.reply(status=403, headers={"Reason": "NoDivisionAccess"}))
    with pytest.raises(RequestRefused, match="NoDivisionAccess") as caught:
        _read(kit.client())
    assert caught.value.status == 403


def test_a_dead_token_is_replaced_once(kit) -> None:
    kit.script(kit.reply(status=401), kit.rows({"ID": "a"}))
    kit.script_forms(kit.token_answer(2))
    assert _read(kit.client()) == [{"ID": "a"}]
    assert kit.wire.tokens == ["access-1", "access-2"]

    kit.script(kit.reply(status=401), kit.reply(status=401))
    kit.script_forms(kit.token_answer(3))
    with pytest.raises(AuthorizationError, match="s2p login"):
        _read(kit.client())


def test_the_minutes_limit_is_kept_not_hit(kit) -> None:
    reset = kit.start + timedelta(seconds=23)
    headers = {
        "X-RateLimit-Minutely-Remaining": "0",
        "X-RateLimit-Minutely-Reset": _epoch_ms(reset),
        "X-RateLimit-Remaining": "4000",
    }
    first = kit.reply({"d": {"results": [], "__next": URL + "&p=2"}}, headers=headers)
    kit.script(first, kit.rows())
    _read(kit.client())
    assert kit.time.slept == [25.0]


def test_limits_are_counted_by_exacts_clock(kit) -> None:
    there = kit.start + timedelta(hours=5)
    headers = {
        "Date": format_datetime(there, usegmt=True),
        "X-RateLimit-Minutely-Remaining": "0",
        "X-RateLimit-Minutely-Reset": _epoch_ms(there + timedelta(seconds=10)),
    }
    first = kit.reply({"d": {"results": [], "__next": URL + "&p=2"}}, headers=headers)
    kit.script(first, kit.rows())
    pages = list(kit.client().walk(1, "crm/Accounts", select=["ID"]))
    assert kit.time.slept == [12.0]
    assert pages[0].read_at == there


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"X-RateLimit-Minutely-Remaining": "0", "X-RateLimit-Minutely-Reset": "+10"}, 12.0),
        ({"X-RateLimit-Minutely-Remaining": "0"}, 25.0),
        ({}, 25.0),
        ({"Retry-After": "7"}, 7.0),
    ],
)
def test_a_minutes_refusal_is_waited_out(kit, headers, wait) -> None:
    headers = {
        name: _epoch_ms(kit.start + timedelta(seconds=10)) if value == "+10" else value
        for name, value in headers.items()
    }
    kit.script(kit.reply(status=429, headers=headers), kit.rows({"ID": "a"}))
    assert _read(kit.client()) == [{"ID": "a"}]
    assert kit.time.slept == [wait]


def test_a_minutes_refusal_that_never_lifts_ends(kit) -> None:
    kit.wire.answer = lambda _url: kit.reply(
        status=429, headers={"X-RateLimit-Minutely-Remaining": "0"}
    )
    with pytest.raises(StillLimited):
        _read(kit.client())
    assert len(kit.wire.asked) == 5


def test_a_refusal_that_names_no_limit_and_lasts_is_a_blocked_key(kit) -> None:
    kit.wire.answer = lambda _url: kit.reply(status=429)
    with pytest.raises(KeyBlocked, match="ten errors within an hour"):
        _read(kit.client())
    assert len(kit.wire.asked) == 3


@pytest.mark.parametrize("reset", ["+3600", None, "1683936000"])
def test_a_days_refusal_stops_the_division(kit, reset) -> None:
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Limit": "5000"}
    if reset:
        hour = _epoch_ms(kit.start + timedelta(hours=1))
        headers["X-RateLimit-Reset"] = hour if reset == "+3600" else reset
    kit.script(kit.reply(status=429, headers=headers))
    with pytest.raises(DailyLimitReached) as caught:
        _read(kit.client())
    assert caught.value.division == 1
    assert kit.start < caught.value.resets_at
    assert kit.time.slept == []


def test_the_reserve_stops_before_the_call(kit) -> None:
    headers = {
        "X-RateLimit-Remaining": "250",
        "X-RateLimit-Reset": _epoch_ms(kit.start + timedelta(hours=1)),
    }
    kit.script(kit.reply({"d": {"results": [], "__next": URL + "&p=2"}}, headers=headers))
    with pytest.raises(DailyLimitReached, match="250 are reserved"):
        _read(kit.client(reserve_daily_calls=250))
    assert kit.calls == [1]


@pytest.mark.parametrize("reset", [None, "1000", "soon"])
def test_the_reserve_holds_without_a_sensible_reset(kit, reset) -> None:
    headers = {"X-RateLimit-Remaining": "250"} | ({"X-RateLimit-Reset": reset} if reset else {})
    kit.script(kit.reply({"d": {"results": [], "__next": URL + "&p=2"}}, headers=headers))
    with pytest.raises(DailyLimitReached) as caught:
        _read(kit.client(reserve_daily_calls=250))
    assert kit.start < caught.value.resets_at <= kit.start + timedelta(days=1)


@pytest.mark.parametrize(
    ("status", "asked", "wait"),
    [(503, "30", 30.0), (429, "7", 7.0), (429, "90000", 300.0), (429, "inf", 25.0)],
)
def test_a_wait_that_exact_asks_for_is_kept_within_reason(kit, status, asked, wait) -> None:
    kit.script(kit.reply(status=status, headers={"Retry-After": asked}), kit.rows({"ID": "a"}))
    assert _read(kit.client()) == [{"ID": "a"}]
    assert kit.time.slept == [wait]


def test_me_and_divisions(kit) -> None:
    kit.script(kit.rows({"UserID": "u", "CurrentDivision": 124132}), kit.rows({"Code": 1}))
    client = kit.client()
    assert client.current_division() == 124132
    assert client.divisions(124132, ["Code"]) == [{"Code": 1}]
    assert kit.calls == [None, 124132]
    kit.script(kit.rows())
    with pytest.raises(UnexpectedAnswer):
        client.me()
