from __future__ import annotations

import threading
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from s2p_store import Store, StoreDataInvalid
from s2p_store.memory import _key, _text
from s2p_store.schema import memory, memory_pack

if TYPE_CHECKING:
    from conftest import Work


def guid(number: int) -> str:
    return str(UUID(int=number * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128))


def entries(first: int, last: int) -> dict[str, bytes]:
    return {guid(number): str(number).encode() for number in range(first, last)}


def lying(store: Store) -> tuple[int, int]:
    """How many rows lie in the index and how many packs wait for it."""
    with store._database.reading() as connection:
        sorted_in = connection.execute(select(func.count()).select_from(memory)).scalar_one()
        packs = connection.execute(select(func.count()).select_from(memory_pack)).scalar_one()
    return sorted_in, packs


def test_what_was_put_is_there_in_another_opening(url: str) -> None:
    some = {guid(1): b"\x00\xff", "100|text": b"", "Ü": b"x"}
    with Store.open(url) as store:
        store.memory.put_many("a", some)
    with Store.open(url) as store:
        assert store.memory.get_many("a", [*some, guid(2), "100|text"]) == some
        assert store.memory.get_many("b", some) == {}
        assert store.memory.get_many("a", []) == {}


def test_the_last_value_counts_sorted_in_or_not(store: Store) -> None:
    store.memory.put_many("a", {"k": b"1", "other": b"1"})
    store.memory.put_many("a", {"k": b"2"})
    assert store.memory.get_many("a", ["k"]) == {"k": b"2"}
    store.memory.put_many("a", {"k": b"3"})
    assert store.memory.get_many("a", ["k", "other"]) == {"k": b"3", "other": b"1"}


def test_putting_nothing_writes_nothing(store: Store) -> None:
    store.memory.put_many("a", {})
    assert lying(store) == (0, 0)


def test_scopes_are_apart(store: Store) -> None:
    for scope in ("a", "b"):
        store.memory.put_many(scope, {"k": scope.encode(), f"only {scope}": b""})
    assert store.memory.get_many("a", ["k", "only b"]) == {"k": b"a"}
    assert store.memory.following("a", "only a", 10) == [("only a", b"")]
    assert store.memory.following("b", "only a", 10) == []


def test_one_row_per_put_until_somebody_asks_and_one_per_key_then(store: Store) -> None:
    for _again in range(3):
        store.memory.put_many("a", entries(0, 10))
    store.memory.put_many("b", entries(0, 10))
    assert lying(store) == (0, 4)
    assert store.memory.get_many("a", [guid(3)]) == {guid(3): b"3"}
    assert lying(store) == (10, 1)


def test_entries_follow_in_the_order_they_were_put(store: Store) -> None:
    for first in range(0, 40, 10):
        store.memory.put_many("a", entries(first, first + 10))
        store.memory.put_many("b", entries(first, first + 3))
    assert store.memory.following("a", guid(35), 100) == list(entries(35, 40).items())
    assert store.memory.following("a", guid(4), 6) == list(entries(4, 10).items())
    # put again, it comes last
    store.memory.put_many("a", {guid(4): b"new"})
    assert store.memory.following("a", guid(38), 9)[-1] == (guid(4), b"new")
    assert store.memory.following("a", "unknown", 9) == []


def test_numbers_are_not_used_again_when_all_is_sorted_in(store: Store) -> None:
    for number in range(5):
        store.memory.put_many("a", {f"k{number}": str(number).encode()})
        assert store.memory.get_many("a", [f"k{number}"]) == {f"k{number}": str(number).encode()}
    expected = [(f"k{number}", str(number).encode()) for number in range(5)]
    assert store.memory.following("a", "k0", 9) == expected


def test_many_keys_are_more_than_one_question(store: Store) -> None:
    store.memory.put_many("a", entries(0, 11_000))
    assert lying(store) == (0, 3)
    assert store.memory.get_many("a", entries(0, 11_000)) == entries(0, 11_000)


def test_sorting_in_goes_by_portions_and_may_break_off(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for first in range(0, 60, 10):
        store.memory.put_many("a", entries(first, first + 10))
    monkeypatch.setattr("s2p_store.memory._PORTION", 20)
    calls: list[int] = []
    original = type(store.memory._upsert).run

    def run(self: object, connection: object, rows: list[object]) -> None:
        calls.append(len(rows))
        if len(calls) == 2:
            raise KeyboardInterrupt
        original(self, connection, rows)  # type: ignore[arg-type]

    monkeypatch.setattr(type(store.memory._upsert), "run", run)
    with pytest.raises(KeyboardInterrupt):
        store.memory.get_many("a", [guid(0)])
    assert lying(store) == (20, 4)
    assert store.memory.get_many("a", entries(0, 60)) == entries(0, 60)
    assert calls == [20, 20, 20, 20]
    assert lying(store) == (60, 0)


def test_a_put_that_breaks_off_leaves_nothing(store: Store) -> None:
    def break_off() -> None:
        with store.transaction():
            store.memory.put_many("a", {"k": b"1"})
            assert store.memory.get_many("a", ["k"]) == {"k": b"1"}
            raise RuntimeError

    with pytest.raises(RuntimeError):
        break_off()
    assert store.memory.get_many("a", ["k"]) == {}
    assert lying(store) == (0, 0)


def test_several_at_once_lose_nothing(url: str) -> None:
    wrong: list[str] = []

    def remember(part: int) -> None:
        with Store.open(url) as store:
            for first in range(part * 1000, part * 1000 + 200, 20):
                store.memory.put_many("a", entries(first, first + 20))
                if store.memory.get_many("a", entries(first, first + 20)) != entries(
                    first, first + 20
                ):
                    wrong.append(f"{part}: {first}")

    threads = [threading.Thread(target=remember, args=(part,)) for part in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    with Store.open(url) as store:
        for part in range(4):
            some = entries(part * 1000, part * 1000 + 200)
            assert store.memory.get_many("a", some) == some


def test_reading_and_writing_cost_the_same_however_much_lies_there(
    sqlite_store: Store, work: Work
) -> None:
    store = sqlite_store

    def costs(size: int) -> tuple[int, int, int]:
        scope = f"of {size}"
        for first in range(0, size, 500):
            store.memory.put_many(scope, entries(first, first + 500))
        store.memory.get_many(scope, [guid(0)])
        with work(store) as reading:
            for number in range(0, size, size // 50):
                assert store.memory.get_many(scope, [guid(number)])
        with work(store) as following:
            for number in range(0, size, size // 50):
                assert store.memory.following(scope, guid(number), 10)
        with work(store) as writing:
            for number in range(50):
                store.memory.put_many(scope, entries(size + number, size + number + 1))
        return len(reading), len(following), len(writing)

    few, many = costs(500), costs(20_000)
    assert all(now <= before * 1.5 + 10 for before, now in zip(few, many, strict=True))


def test_half_a_character_is_refused_and_not_repeated(store: Store) -> None:
    with pytest.raises(StoreDataInvalid, match="surrogate") as refusal:
        store.memory.put_many("a", {"secret\ud800": b""})
    assert "secret" not in str(refusal.value)


@given(
    st.one_of(
        st.uuids().map(str),
        st.uuids().map(lambda each: str(each).upper()),
        st.text(st.characters(codec="utf-8")),
    )
)
def test_keys_come_back_as_they_were(key: str) -> None:
    assert _text(_key(key)) == key


@given(st.lists(st.one_of(st.uuids().map(str), st.text(st.characters(codec="utf-8"))), unique=True))
def test_different_keys_lie_apart(keys: list[str]) -> None:
    assert len({_key(key) for key in keys}) == len(keys)
