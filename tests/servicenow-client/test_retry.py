from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servicenow_client import (
    AmbiguousWrite,
    Call,
    ContentRefused,
    Forbidden,
    Hibernating,
    NoAnswer,
    NotFound,
    NotServiceNow,
    Rejected,
    ServiceNowClient,
    Throttled,
    Unavailable,
    Unreachable,
)
from servicenow_client.answers import read_body
from servicenow_client.http import Answer
from servicenow_client.retry import Patience, Verdict, judge, retry_after, wait_before

from .conftest import Network, answer, html, page

DROPPED = NoAnswer("dropped", "the connection was closed")
UNSENT = NoAnswer("unsent", "the connection was refused")
TIMEOUT = NoAnswer("timeout", "no answer within 60 s")
CUT = Answer(200, {"content-type": "application/json"}, b'{"result":[{"sys_')
PARTIAL = answer(
    200,
    {"result": [{"sys_id": "1"}], "error": {"message": "Transaction cancelled: maximum execution"}},
)


@pytest.mark.parametrize(
    "trouble",
    [
        answer(503, {"error": {"message": "busy"}}),
        html("bad gateway", 502),
        answer(202),
        answer(429),
        DROPPED,
        UNSENT,
        TIMEOUT,
        CUT,
        PARTIAL,
        Answer(200, {}, b""),
    ],
)
def test_a_read_survives_passing_trouble(
    network: Network, client: ServiceNowClient, trouble: Answer | NoAnswer
) -> None:
    network.script = [trouble, page({"sys_id": "1"}), page()]
    assert list(client.query("t")) == [{"sys_id": "1"}]
    assert len(network.pauses) == 1


@pytest.mark.parametrize(
    "trouble",
    [
        answer(503),
        html("bad gateway", 502),
        answer(202, {"result": {}}),
        answer(403, {"error": {"message": "Insufficient rights"}}),
        answer(201),
        DROPPED,
        TIMEOUT,
        Answer(201, {"content-type": "application/json"}, b'{"result":{'),
    ],
)
def test_a_write_that_may_have_happened_is_the_callers_to_look_up(
    network: Network, client: ServiceNowClient, trouble: Answer | NoAnswer
) -> None:
    network.script = [trouble]
    with pytest.raises(AmbiguousWrite, match="may or may not exist"):
        client.insert("t", {"u_name": "x"})
    assert network.pauses == []


@pytest.mark.parametrize("trouble", [answer(429), UNSENT, answer(401)])
def test_a_write_that_cannot_have_happened_is_repeated(
    network: Network, client: ServiceNowClient, trouble: Answer | NoAnswer
) -> None:
    network.script = [trouble, answer(201, {"result": {"sys_id": "1"}})]
    assert client.insert("t", {}) == {"sys_id": "1"}


def test_a_change_is_repeated_because_twice_is_the_same_as_once(
    network: Network, client: ServiceNowClient
) -> None:
    network.script = [DROPPED, answer(200, {"result": {"sys_id": "1"}})]
    assert client.update("t", "1", {"a": "b"}) == {"sys_id": "1"}


@pytest.mark.parametrize(
    ("trouble", "error", "sentence"),
    [
        ([answer(403, {"error": {"message": "no"}})], Forbidden, "role or the ACL"),
        ([answer(404, {"error": {"message": "No Record found"}})], NotFound, "has no /api/now"),
        ([answer(400, {"error": {"message": "Invalid table t"}})], NotFound, "Invalid table"),
        ([answer(400, {"error": {"message": "bad", "detail": "why"}})], Rejected, "bad - why"),
        ([html("<title>Instance Hibernating page</title>")], Hibernating, "wake it"),
        (
            [Answer(302, {"location": "https://developer.servicenow.com/x"}, b"")],
            Hibernating,
            "wake it",
        ),
        ([html("<h1>login</h1>")], NotServiceNow, "check instance_url"),
        ([html("<h1>nothing here</h1>", 404)], NotServiceNow, "check instance_url"),
        ([answer(200, [1, 2])], NotServiceNow, "something other"),
        ([DROPPED] * 4, Unreachable, "cannot be reached"),
        ([answer(503)] * 4, Unavailable, "run again later"),
        ([answer(429, None, retry_after="40")] * 4, Throttled, "wait 40 s"),
        ([answer(429, None, retry_after="4000")], Throttled, "wait 4000 s"),
    ],
)
def test_every_failure_is_a_sentence(
    network: Network,
    client: ServiceNowClient,
    trouble: list[Answer | NoAnswer],
    error: type[Exception],
    sentence: str,
) -> None:
    network.script = list(trouble)
    with pytest.raises(error, match=sentence) as caught:
        list(client.query("t"))
    assert type(caught.value) is error
    assert network.script == []


@pytest.mark.parametrize(
    ("trouble", "error", "said"),
    [
        (answer(400, {"error": {"message": "bad", "detail": "why"}}), ContentRefused, "bad - why"),
        (html("<h1>too large</h1>", 413), ContentRefused, ""),
        (answer(400, {"error": {"message": "Invalid table t"}}), NotFound, None),
        (
            answer(400, {"error": {"message": "Requested URI does not represent any resource"}}),
            Rejected,
            None,
        ),
        (html("<h1>no such page</h1>", 404), NotServiceNow, None),
    ],
)
def test_a_refusal_that_may_be_due_to_the_content_is_told_apart(
    network: Network,
    client: ServiceNowClient,
    trouble: Answer,
    error: type[Exception],
    said: str | None,
) -> None:
    network.script = [trouble]
    with pytest.raises(error) as caught:
        client.insert_multiple("t", [{"Name": "x"}])
    assert type(caught.value) is error
    assert getattr(caught.value, "said", None) == said


@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        (html("<h1>blocked</h1>", 403), ContentRefused),
        (html("<h1>too large</h1>", 413), ContentRefused),
        (answer(403, {"error": {"message": "no"}}), Forbidden),
        (answer(403), Forbidden),
    ],
)
def test_a_change_that_is_refused_is_told_from_one_that_is_not_allowed(
    network: Network, client: ServiceNowClient, trouble: Answer, error: type[Exception]
) -> None:
    network.script = [trouble]
    with pytest.raises(error) as caught:
        client.update("t", "1", {"a": "b"})
    assert type(caught.value) is error


@pytest.mark.parametrize(
    ("trouble", "foreign"),
    [(html("<h1>blocked</h1>", 403), True), (answer(403, {"error": {"message": "no"}}), False)],
)
def test_a_write_that_something_before_servicenow_refused_is_told_apart(
    network: Network, client: ServiceNowClient, trouble: Answer, *, foreign: bool
) -> None:
    network.script = [trouble]
    with pytest.raises(AmbiguousWrite) as caught:
        client.insert_multiple("t", [{"Name": "x"}])
    assert caught.value.foreign is foreign


def test_a_hibernating_page_after_a_post_means_nothing_was_done(
    network: Network, client: ServiceNowClient
) -> None:
    network.script = [html("<title>Instance Hibernating page</title>")]
    with pytest.raises(Hibernating):
        client.insert("t", {})


def test_every_attempt_is_counted_without_ids(network: Network) -> None:
    calls: list[Call] = []
    client = network.client(on_call=calls.append)
    network.script = [answer(503), answer(200, {"result": {"sys_id": "f" * 32}})]
    client.get("sys_user", "f" * 32)
    assert calls == [
        Call("POST", "oauth_token.do", 200),
        Call("GET", "table/sys_user", 503),
        Call("GET", "table/sys_user", 200),
    ]


def test_an_error_hides_the_value_that_collided() -> None:
    said = read_body(
        answer(403, {"error": {"message": "Unique Key violation (Duplicate entry 'Jo Doe' for"}})
    ).said
    assert "Jo Doe" not in said
    assert "Duplicate entry" in said


def test_retry_after_and_reset_are_seconds() -> None:
    assert retry_after({"retry-after": "12"}, 0) == 12
    assert retry_after({"x-ratelimit-reset": "1100"}, 1000) == 100
    assert retry_after({"x-ratelimit-reset": "900"}, 1000) == 0
    date = {"retry-after": "Thu, 01 Jan 1970 00:02:00 GMT"}
    assert retry_after(date, 50) == 70
    assert retry_after(date, 500) == 0
    assert retry_after({"retry-after": "soon", "x-ratelimit-reset": "70"}, 50) == 20
    assert retry_after({"retry-after": "nan"}, 0) is None
    assert retry_after({}, 0) is None


@given(st.integers(1, 60), st.none() | st.floats(0, 1e5), st.integers())
def test_waits_are_bounded_and_honour_the_instance(
    attempt: int, asked: float | None, seed: int
) -> None:
    patience = Patience()
    pause = wait_before(attempt, asked, patience, Random(seed))
    if asked is None:
        assert 0 <= pause <= min(patience.cap, patience.base * 2 ** (attempt - 1))
    else:
        assert asked <= pause <= asked + 2.0


@given(st.integers(100, 599))
def test_a_post_is_never_repeated_where_something_may_have_happened(status: int) -> None:
    if judge("POST", status) is Verdict.RETRY:
        assert status == 429
    if judge("GET", status) is Verdict.DONE:
        assert 200 <= status < 300


@given(st.binary(max_size=200), st.sampled_from(["application/json", "text/html", ""]))
def test_any_body_is_classified(body: bytes, content_type: str) -> None:
    found = read_body(Answer(200, {"content-type": content_type}, body))
    assert found.kind in {"json", "empty", "error", "garbled", "hibernating", "foreign"}
