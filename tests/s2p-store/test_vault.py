from __future__ import annotations

import threading
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from s2p_store import (
    Store,
    StoreDataInvalid,
    StoreKeyMissing,
    StoreLockTimeout,
    StoreTampered,
)

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Clock

TOKENS = {"access_token": "gAAA-secret", "refresh_token": "stamp-secret", "expires_in": 600}


def test_what_is_saved_is_loaded_by_another_opening(url: str, key: str) -> None:
    with Store.open(url, key) as store:
        store.vault.save("exact-online", "client", TOKENS)
    with Store.open(url, key) as store:
        assert store.vault.load("exact-online", "client") == TOKENS


def test_an_unknown_entry_is_none(store: Store) -> None:
    assert store.vault.load("exact-online", "client") is None


def test_entries_are_apart_by_system_client_and_user(store: Store) -> None:
    for place in (("a", "c", ""), ("b", "c", ""), ("a", "d", ""), ("a", "c", "u")):
        store.vault.save(place[0], place[1], {"of": list(place)}, user=place[2])
    assert store.vault.load("a", "c") == {"of": ["a", "c", ""]}
    assert store.vault.load("a", "c", "u") == {"of": ["a", "c", "u"]}
    assert [(e.system, e.client_id, e.user) for e in store.vault.entries()] == [
        ("a", "c", ""),
        ("a", "c", "u"),
        ("a", "d", ""),
        ("b", "c", ""),
    ]


def test_a_later_save_replaces_and_dates_the_entry(store: Store, clock: Clock) -> None:
    store.vault.save("a", "c", {"n": 1})
    later = clock.advance(minutes=9)
    store.vault.save("a", "c", {"n": Decimal("1.10")})
    found = store.vault.find("a", "c")
    assert found is not None
    assert (found.payload, found.saved_at) == ({"n": Decimal("1.10")}, later)
    assert "1.10" not in repr(found)


def test_the_file_never_holds_a_token_in_clear(key: str, sqlite_path: Path) -> None:
    with Store.open(f"sqlite:///{sqlite_path}", key) as store:
        store.vault.save("exact-online", "client", TOKENS)
        written = b"".join(each.read_bytes() for each in sqlite_path.parent.iterdir())
    assert b"s2p_vault" in written
    assert b"secret" not in written


def test_without_a_key_the_vault_says_how_to_get_one(url: str) -> None:
    with Store.open(url) as store:
        with pytest.raises(StoreKeyMissing, match=r"store_key.*S2P_STORE_KEY.*s2p key"):
            store.vault.load("a", "c")
        with pytest.raises(StoreKeyMissing):
            store.vault.save("a", "c", {})


def test_a_payload_that_is_no_json_is_refused_and_changes_nothing(store: Store) -> None:
    store.vault.save("a", "c", {"n": 1})
    with pytest.raises(StoreDataInvalid):
        store.vault.save("a", "c", {"n": b"bytes"})
    assert store.vault.load("a", "c") == {"n": 1}


def test_a_payload_moved_to_another_row_is_told(store: Store) -> None:
    store.vault.save("a", "mine", {"n": 1})
    store.vault.save("a", "yours", {"n": 2})
    with store._database.writing() as connection:
        connection.exec_driver_sql(
            "UPDATE s2p_vault SET payload = "
            "(SELECT payload FROM s2p_vault WHERE client_id = 'yours') WHERE client_id = 'mine'"
        )
    with pytest.raises(StoreTampered, match="backup"):
        store.vault.load("a", "mine")


def test_the_lock_keeps_others_out_until_it_is_given_back(url: str, key: str) -> None:
    with Store.open(url, key) as mine, Store.open(url, key) as yours:
        with (
            mine.vault.lock("a", "c"),
            pytest.raises(StoreLockTimeout, match="'vault a c'"),
            yours.vault.lock("a", "c", timeout=0),
        ):
            pass
        with yours.vault.lock("a", "c", timeout=0):
            pass


def test_locks_of_different_entries_do_not_meet(store: Store) -> None:
    with store.vault.lock("a", "c", timeout=0), store.vault.lock("a", "c", "user", timeout=0):
        pass


def test_the_lock_is_given_back_after_an_error(store: Store) -> None:
    with pytest.raises(RuntimeError), store.vault.lock("a", "c", timeout=0):
        raise RuntimeError
    with store.vault.lock("a", "c", timeout=0):
        pass


def test_saving_under_the_lock_works(store: Store) -> None:
    with store.vault.lock("a", "c", timeout=0):
        store.vault.save("a", "c", {"n": 1})
        assert store.vault.load("a", "c") == {"n": 1}


def test_waiting_for_the_lock_sleeps_as_told(url: str, key: str) -> None:
    seconds = 0.0

    def sleep(duration: float) -> None:
        nonlocal seconds
        seconds += duration

    with (
        Store.open(url, key) as mine,
        Store.open(url, key, monotonic=lambda: seconds, sleep=sleep) as yours,
        mine.vault.lock("a", "c"),
        pytest.raises(StoreLockTimeout, match="more than 30 s"),
        yours.vault.lock("a", "c", timeout=30),
    ):
        pass
    assert 30 <= seconds < 31


def test_one_of_two_threads_has_the_lock(store: Store) -> None:
    inside = 0
    most = 0

    def refresh() -> None:
        nonlocal inside, most
        for _ in range(5):
            with store.vault.lock("a", "c"):
                inside += 1
                most = max(most, inside)
                inside -= 1

    threads = [threading.Thread(target=refresh) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
