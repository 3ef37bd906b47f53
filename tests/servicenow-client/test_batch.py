"""The Batch API: every call has the answer or the error it would have had alone."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servicenow_client import (
    AmbiguousWrite,
    Answer,
    ApiCall,
    BatchRefused,
    ContentRefused,
    Forbidden,
    NoAnswer,
    NotFound,
    Patience,
    Request,
    ServiceNowClient,
    Throttled,
    Unavailable,
    connect,
    import_call,
    imported,
    insert_call,
    update_call,
)
from servicenow_client.batch_form import cut, item_of, read_batch
from servicenow_client.batching import BatchSize

from .conftest import JSON, answer

if TYPE_CHECKING:
    from collections.abc import Callable

LOST = NoAnswer("dropped", "the connection was closed")


def created(item: dict[str, Any]) -> tuple[int, object]:
    return 201, {"result": {"sys_id": body_of(item).get("n", "x")}}


def body_of(item: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(b64decode(item["body"])) if item.get("body") else {}
    return found


@dataclass
class Instance:
    """Serves batches item by item; None leaves an item unserved, and all behind it."""

    serve: Callable[[dict[str, Any]], tuple[int, object] | None] = created
    first: list[Answer | NoAnswer] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    made: Counter[str] = field(default_factory=Counter)
    singles: list[Request] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    milliseconds: int = 1
    now: float = 1_700_000_000.0

    def __call__(self, request: Request) -> Answer:
        if request.path == "/oauth_token.do":
            return answer(200, {"access_token": "token", "expires_in": 1799})
        if request.path != "/api/now/v1/batch":
            self.singles.append(request)
            return answer(201, {"result": {"sys_id": json.loads(request.body or b"{}").get("n")}})
        sent = json.loads(request.body or b"")
        self.sizes.append(len(sent["rest_requests"]))
        scripted = self.first.pop(0) if self.first else None
        if isinstance(scripted, NoAnswer):
            raise scripted
        if scripted is not None:
            return scripted
        served: list[dict[str, Any]] = []
        unserved: list[str] = []
        for item in sent["rest_requests"]:
            told = None if unserved else self.serve(item)
            if told is None:
                unserved.append(item["id"])
                continue
            self.made[str(body_of(item).get("n"))] += 1
            served.append(
                {
                    "id": item["id"],
                    "status_code": told[0],
                    "execution_time": self.milliseconds,
                    "headers": [
                        {"name": k, "value": v} for one in self.headers for k, v in one.items()
                    ],
                    "body": b64encode(json.dumps(told[1]).encode()).decode(),
                }
            )
        served.reverse()  # no order is promised
        return answer(
            200,
            {
                "batch_request_id": sent["batch_request_id"],
                "serviced_requests": served,
                "unserviced_requests": unserved,
            },
        )

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def client(self) -> ServiceNowClient:
        return connect(
            "https://acme.service-now.com",
            client_id="me",
            client_secret="hush-hush",
            transport=self,
            clock=lambda: self.now,
            sleep=self.sleep,
            rng=Random(7),
            patience=Patience(attempts=4, total=600.0),
        )


def inserts(count: int) -> list[ApiCall]:
    return [insert_call("u_rows", {"n": str(n)}) for n in range(count)]


def test_many_calls_cost_few_requests_and_keep_their_order() -> None:
    instance = Instance()
    answers = instance.client().batch(inserts(120))
    assert [one.read()["result"]["sys_id"] for one in answers] == [str(n) for n in range(120)]
    assert sorted(instance.sizes) == [20, 50, 50]
    assert set(instance.made.values()) == {1}


def test_nothing_to_do_costs_nothing() -> None:
    instance = Instance()
    assert instance.client().batch([]) == []
    assert instance.sizes == []


def test_an_item_is_the_call_as_it_would_go_alone() -> None:
    seen: list[dict[str, Any]] = []

    def serve(item: dict[str, Any]) -> tuple[int, object]:
        seen.append(item)
        return 200, {"result": {}}

    calls = [
        update_call("u_rows", "a" * 32, {"name": "Ünï & co"}),
        import_call("sn_fcms_intg_imp_supplier", {"u_a": "1"}),
        ApiCall("GET", "/api/now/table/t", {"sysparm_query": "a=b^c=ü&d"}),
    ]
    Instance(serve).client().batch(calls)
    assert [one["id"] for one in seen] == ["0", "1", "2"]
    assert [one["method"] for one in seen] == ["PATCH", "POST", "GET"]
    assert seen[0]["url"] == f"/api/now/table/u_rows/{'a' * 32}?sysparm_exclude_reference_link=true"
    assert body_of(seen[0]) == {"name": "Ünï & co"}
    assert seen[1]["url"] == "/api/now/import/sn_fcms_intg_imp_supplier"
    assert parse_qs(urlsplit(seen[2]["url"]).query) == {"sysparm_query": ["a=b^c=ü&d"]}
    assert "body" not in seen[2]
    assert {"name": "Content-Type", "value": "application/json"} in seen[1]["headers"]


@pytest.mark.parametrize(
    ("told", "error"),
    [
        ((404, {"error": {"message": "No Record found"}}), NotFound),
        ((400, {"error": {"message": "bad"}}), ContentRefused),
        ((403, {"error": {"message": "denied"}}), AmbiguousWrite),
        ((202, {}), AmbiguousWrite),
        ((503, {"error": {"message": "busy"}}), AmbiguousWrite),
        ((201, {}), AmbiguousWrite),
        ((200, {"result": {}, "error": {"message": "cancelled"}}), AmbiguousWrite),
    ],
)
def test_an_items_error_is_the_one_it_would_have_alone(
    told: tuple[int, object], error: type[Exception]
) -> None:
    def serve(item: dict[str, Any]) -> tuple[int, object]:
        return told if body_of(item)["n"] == "1" else created(item)

    good, bad, other = Instance(serve).client().batch(inserts(3))
    assert good.error is None
    assert other.error is None
    assert type(bad.error) is error
    with pytest.raises(error):
        bad.read()


def test_a_change_that_is_denied_is_no_ambiguous_write() -> None:
    def serve(_: object) -> tuple[int, object]:
        return 403, {"error": {"message": "denied"}}

    (told,) = Instance(serve).client().batch([update_call("t", "x", {"a": "b"})])
    assert type(told.error) is Forbidden


def test_what_was_not_served_is_sent_again_in_smaller_batches() -> None:
    turns = iter(range(10**6))

    def serve(item: dict[str, Any]) -> tuple[int, object] | None:
        return None if next(turns) % 11 == 10 else created(item)

    instance = Instance(serve)
    answers = instance.client().batch(inserts(50))
    assert instance.sizes[0] == 50
    assert max(instance.sizes[1:]) <= 25
    doubtful = [one for one in answers if isinstance(one.error, AmbiguousWrite)]
    # Only the call at which a batch ended may have been begun; it is not made a second time.
    assert 1 <= len(doubtful) < 10
    assert set(instance.made.values()) == {1}
    assert len(instance.made) + len(doubtful) == 50


def test_what_may_be_made_twice_is_simply_made_again() -> None:
    turns = iter(range(10**6))

    def serve(_: object) -> tuple[int, object] | None:
        return (200, {"result": {"sys_id": "x"}}) if next(turns) % 4 else None

    answers = Instance(serve).client().batch([update_call("t", str(n), {}) for n in range(9)])
    assert all(one.error is None for one in answers)


def test_an_instance_that_serves_nothing_ends_the_trying() -> None:
    answers = Instance(lambda _: None).client().batch([update_call("t", "x", {})] * 3)
    assert {type(one.error) for one in answers} == {Unavailable}


def test_a_lost_answer_makes_every_new_record_ambiguous_and_repeats_changes() -> None:
    instance = Instance(first=[LOST])
    made, changed = instance.client().batch(
        [insert_call("t", {"n": "new"}), update_call("t", "x", {"n": "old"})]
    )
    assert isinstance(made.error, AmbiguousWrite)
    assert made.error.status is None
    assert changed.error is None
    assert instance.made == {"old": 1}


@pytest.mark.parametrize(
    "lost",
    [
        LOST,
        answer(500, {"error": {"message": "boom"}}),
        answer(202),
        Answer(200, JSON, b'{"serviced_requests":[{"id'),
        answer(200, {"serviced_requests": [], "error": {"message": "cancelled"}}),
        answer(200, {"serviced_requests": [{"id": "0", "status_code": 201, "body": "%%%"}]}),
        answer(200, {"serviced_requests": [{"id": "other", "status_code": 201, "body": ""}]}),
    ],
)
def test_no_new_record_is_sent_twice_without_an_answer(lost: Answer | NoAnswer) -> None:
    instance = Instance(first=[lost])
    (told,) = instance.client().batch(inserts(1))
    assert isinstance(told.error, AmbiguousWrite)
    assert instance.sizes == [1]


def test_a_refused_rate_is_waited_for() -> None:
    limited = answer(429, {"error": {"message": "Rate limit exceeded"}}, retry_after="7")
    instance = Instance(first=[limited])
    (told,) = instance.client().batch(inserts(1))
    assert told.error is None
    assert instance.pauses[0] >= 7


def test_a_rate_refused_to_an_item_is_waited_for_too() -> None:
    turns = iter(range(10**6))

    def serve(item: dict[str, Any]) -> tuple[int, object]:
        return created(item) if next(turns) else (429, {"error": {"message": "Rate limit"}})

    instance = Instance(serve, headers=[{"Retry-After": "5"}])
    answers = instance.client().batch(inserts(2))
    assert [one.error for one in answers] == [None, None]
    assert instance.pauses[0] >= 5


def test_a_rate_that_stays_refused_is_told() -> None:
    instance = Instance(lambda _: (429, {"error": {"message": "Rate limit"}}))
    (told,) = instance.client().batch(inserts(1))
    assert isinstance(told.error, Throttled)


@pytest.mark.parametrize("status", [400, 401, 404])
def test_a_refused_batch_api_is_told_before_anything_is_done(status: int) -> None:
    refusal = answer(status, {"error": {"message": "no"}})
    instance = Instance(first=[refusal, refusal])
    client = instance.client()
    with pytest.raises(BatchRefused, match="one by one"):
        client.batch(inserts(3))
    with pytest.raises(BatchRefused):
        client.batch(inserts(3))
    assert len(instance.sizes) <= 2
    assert not instance.made


def test_a_batch_that_is_forbidden_may_have_been_done_all_the_same() -> None:
    instance = Instance(first=[answer(403, {"error": {"message": "no"}})])
    client = instance.client()
    (told,) = client.batch(inserts(1))
    assert isinstance(told.error, AmbiguousWrite)
    assert told.error.status is None
    with pytest.raises(BatchRefused):
        client.batch(inserts(1))
    assert client.send(inserts(1)[0]).error is None
    assert len(instance.singles) == 1


def test_a_slow_batch_makes_the_next_one_smaller() -> None:
    instance = Instance(milliseconds=400)
    client = instance.client()
    client.batch(inserts(50))
    client.batch(inserts(50))
    assert instance.sizes[:3] == [50, 25, 25]


def test_the_size_comes_back_slowly() -> None:
    size = BatchSize()
    size.was_too_much(50)
    size.was_too_much(25)
    assert size.now == 12
    size.was_fine()
    assert size.now == 12
    for _ in range(100):
        size.was_fine()
    assert size.now == 50
    size.was_too_much(1)
    assert size.now == 1
    for _ in range(4):
        size.was_fine()
    assert size.now == 2


def test_a_row_without_result_is_ambiguous() -> None:
    with pytest.raises(AmbiguousWrite):
        imported("t", {"result": []})


@given(
    st.lists(st.text(max_size=40), max_size=30),
    st.integers(1, 9),
    st.integers(1, 2000),
)
def test_cut_loses_nothing_and_keeps_to_both_bounds(
    texts: list[str], most: int, largest: int
) -> None:
    items = [item_of(n, insert_call("t", {"a": text})) for n, text in enumerate(texts)]
    pieces = list(cut(items, most, largest))
    assert [item for piece in pieces for item in piece] == items
    assert all(1 <= len(piece) <= most for piece in pieces)
    sent = [sum(len(one["url"]) + len(one["body"]) for one in piece) for piece in pieces]
    assert all(size <= largest or len(piece) == 1 for size, piece in zip(sent, pieces, strict=True))


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["id", "status_code", "body", "headers", "name", "value", "x"]), inner
        )
    ),
    max_leaves=12,
)


@given(JSON_VALUES, JSON_VALUES)
def test_whatever_comes_back_is_read_without_surprise(served: object, unserved: object) -> None:
    found, left = read_batch({"serviced_requests": served, "unserviced_requests": unserved})
    assert not found.keys() & left
    assert all(isinstance(one.status, int) for one in found.values())
