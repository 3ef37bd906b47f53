"""Requests that are refused for good: the rows that are fine get through, the others are told."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from servicenow_client import ContentRefused
from target_servicenow_s2p.halving import Halving
from target_servicenow_s2p.journal import Journal

from .conftest import REFERENCE, SOURCE, DiedError, die, gl_account, many, record, state

if TYPE_CHECKING:
    from .conftest import Feed

TABLE = "sn_fcms_intg_gl_account_stage"
POST = f"POST .*{TABLE}/insertMultiple"


def accounts(count: int, *bad: int, text: str = "<script>") -> list[Any]:
    def make(number: int) -> dict[str, object]:
        return {**gl_account(number), **({"Description": text} if number in bad else {})}

    return [*REFERENCE, *many("gl_accounts", count, make), state(done=True)]


def refused(feed: Feed) -> dict[str, str | None]:
    with feed.store() as store:
        assert not list(store.ledger.in_flight())
        return {entry.natural_key: entry.message for entry in store.ledger.failed()}


def staged(feed: Feed) -> Counter[str]:
    return Counter(row["u_gl_account"] for row in feed.instance.rows(TABLE))


def posts(feed: Feed) -> int:
    status = requests.get(f"{feed.instance.url}/_sandbox/status", timeout=20).json()
    return sum(number for call, number in status["calls"].items() if "insertMultiple" in call)


@pytest.mark.parametrize("code", [400, 403, 413])
@pytest.mark.parametrize("bad", [[7], [0], [59], [0, 1], [20, 21, 22, 23], [3, 59]])
def test_rows_that_a_firewall_stops_stop_no_others(feed: Feed, code: int, bad: list[int]) -> None:
    feed.instance.fault("firewall", POST, times=None, word="<script>", code=code)
    assert feed.run(accounts(60, *bad)) == [{"done": True}]
    keys = {f"{5000 + number}|{SOURCE}" for number in bad}
    messages = refused(feed)
    assert set(messages) == keys
    assert all(f"status {code}" in str(said) for said in messages.values())
    fine = {"4000", "4100"} | {f"{5000 + n}" for n in range(60) if n not in bad}
    assert staged(feed) == Counter(dict.fromkeys(fine, 1))
    assert {row["gl_account"] for row in feed.instance.rows("sn_fin_gl_account")} == fine
    with feed.store() as store:
        (event, *_) = store.audit.events(source_id=f"g{bad[0]}", newest_first=True)
    assert (event.kind, event.detail["remedy"]) == ("failed", "needs data")
    assert feed.run([state(again=True)]) == [{"again": True}]


def test_a_row_that_servicenow_finds_too_large_is_told_in_its_words(feed: Feed) -> None:
    column = {"name": TABLE, "element": "u_account_name", "max_length": "9000"}
    body = {"table": "sys_dictionary", "rows": [column], "key": ["name", "element"]}
    feed.instance.control("rows", body)
    feed.instance.switch(max_body_bytes=4000)
    messages = accounts(60, 30, text="x" * 5000)
    assert feed.run(messages) == [{"done": True}]
    assert len(staged(feed)) == 61
    ((key, said),) = refused(feed).items()
    assert key == f"5030|{SOURCE}"
    assert "Rejected large REST payload" in str(said)
    assert set(staged(feed).values()) == {1}


def test_a_record_that_was_put_right_is_staged(feed: Feed) -> None:
    feed.instance.fault("firewall", POST, times=None, word="<script>")
    feed.run(accounts(60, 7))
    assert feed.run(accounts(60)) == [{"done": True}]
    assert refused(feed) == {}
    assert staged(feed) == Counter(dict.fromkeys(staged(feed), 1))


@pytest.mark.parametrize("code", [400, 403, 413])
def test_a_refusal_of_everything_ends_the_run_after_few_requests(feed: Feed, code: int) -> None:
    feed.instance.fault("firewall", POST, times=None, word="{", code=code)
    before = posts(feed)
    with pytest.raises(ContentRefused, match="it is not about a row") as caught:
        feed.run(accounts(60))
    assert "\n" not in str(caught.value)
    assert posts(feed) - before <= 10
    assert feed.states == []
    feed.instance.control("faults", method="DELETE")
    assert feed.run(accounts(60)) == [{"done": True}]
    assert refused(feed) == {}
    assert staged(feed) == Counter(dict.fromkeys(staged(feed), 1))
    assert len(staged(feed)) == 62


def test_an_answer_lost_between_the_halves_stages_nothing_twice(feed: Feed) -> None:
    feed.instance.fault("firewall", POST, times=9, word="<script>")
    feed.instance.fault("drop_after", POST, times=2)
    assert feed.run(accounts(60, 7, 40)) == [{"done": True}]
    assert staged(feed) == Counter(dict.fromkeys(staged(feed), 1))


@pytest.mark.parametrize("moment", ["posted", "finish"])
def test_a_run_that_dies_between_the_halves_is_picked_up(
    feed: Feed, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    def dead(*_: object) -> None:
        raise DiedError

    feed.run(REFERENCE)
    feed.instance.fault("firewall", POST, times=None, word="<script>")
    messages = accounts(60, 7)[len(REFERENCE) :]
    with monkeypatch.context() as patched:
        patched.setattr(Journal, moment, dead)
        die(feed, messages, batch_size=40)
    feed.instance.control("settle", {"timeout_seconds": 30})
    assert feed.run(messages, batch_size=40) == [{"done": True}]
    assert list(refused(feed)) == [f"5007|{SOURCE}"]
    assert staged(feed) == Counter(dict.fromkeys(staged(feed), 1))
    assert len(staged(feed)) == 61


def test_a_supplier_that_a_firewall_stops_stops_no_others(feed: Feed) -> None:
    path = "POST .*import/sn_fcms_intg_imp_supplier$"
    feed.instance.fault("firewall", "POST .*/batch", times=None, word="rest_requests")
    feed.instance.fault("firewall", path, times=None, word="<script>")
    suppliers = [
        record("accounts", ID=f"s{n}", Code=f"{n}", Name=name, IsSupplier=True)
        for n, name in enumerate(("One", "<script>", "Three"))
    ]
    assert feed.run([*REFERENCE, *suppliers, state(done=True)]) == [{"done": True}]
    assert len(feed.instance.rows("sn_fin_supplier")) == 3  # one of them is in REFERENCE
    assert "status 403" in str(refused(feed)[f"1|{SOURCE}"])


class Refusing:
    """Takes what holds no bad row."""

    def __init__(self, bad: set[int]) -> None:
        self.bad = bad
        self.taken: list[int] = []
        self.requests = 0

    def __call__(self, halving: Halving) -> None:
        while not halving.is_over:
            piece: Any = halving.next()
            self.requests += 1
            if self.bad.intersection(piece):
                halving.note_refused(piece, ContentRefused("Refused.", 400, "no"))
            else:
                self.taken.extend(piece)
                halving.note_taken()


@given(st.integers(1, 300), st.data())
def test_every_row_is_taken_or_refused_once(count: int, data: st.DataObject) -> None:
    bad = data.draw(st.sets(st.integers(0, count - 1), max_size=12))
    rows: Any = range(count)
    server, halving = Refusing(bad), Halving(rows)
    try:
        server(halving)
    except ContentRefused:
        assert len(bad) >= 3
        assert len(server.taken) == len(set(server.taken))
    else:
        assert sorted(server.taken) == sorted(set(range(count)) - bad)
        assert sorted(row for row, _ in halving.refused) == sorted(bad)  # type: ignore[type-var] - rows are numbers here


@given(st.integers(3, 2000))
def test_what_refuses_everything_is_found_out_soon(count: int) -> None:
    rows: Any = range(count)
    server = Refusing(set(rows))
    with pytest.raises(ContentRefused):
        server(Halving(rows))
    assert server.requests <= count.bit_length() + 5
