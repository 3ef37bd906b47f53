"""Several processes at once, and processes that die. Each child is this very file."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime, timezone
from typing import IO, TYPE_CHECKING

import psycopg
import pytest

from s2p_store import AuditEvent, Hold, LedgerEntry, Store, StoreUnreachable

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime(2026, 11, 23, 4, 45, tzinfo=timezone.utc)
BATCH = 50
ROUNDS = 10


def _ledger(name: str, number: int) -> list[LedgerEntry]:
    return [
        LedgerEntry(
            table="t",
            natural_key=f"{name}-{number}-{n}",
            source_version=None,
            content_hash=None,
            state="sent",
            import_set=None,
            row=None,
            outcome=None,
            target_sys_id=None,
            message=None,
            run_id="r",
            updated_at=NOW,
        )
        for n in range(BATCH)
    ]


def _events(name: str, number: int) -> list[AuditEvent]:
    return [
        AuditEvent("r", NOW, "s", 1, f"{name}-{number}-{n}", "staged", None) for n in range(BATCH)
    ]


def _held(name: str, number: int) -> list[Hold]:
    return [
        Hold("s", 1, f"{name}-{number}", NOW, ("A",), (), None, None, None, "r", NOW, {"n": number})
    ]


def write_everything(store: Store, name: str) -> None:
    for number in range(ROUNDS):
        store.ledger.put_many(_ledger("shared", number))
        store.audit.append(_events(name, number))
        store.holds.put(_held(name, number))
        store.runs.count("r", "all", "s", written=1)
        store.reference.merge("x", "y", "z", [{"id": f"{name}-{number}"}], at=NOW)


def refresh_tokens(store: Store, name: str) -> None:
    for _ in range(ROUNDS):
        with store.vault.lock("exact", "client"):
            seen = store.vault.load("exact", "client") or {"generation": 0}
            store.vault.save("exact", "client", {"generation": seen["generation"] + 1, "by": name})


def write_until_killed(store: Store, name: str) -> None:
    for number in range(10_000):
        with store.transaction():
            store.ledger.put_many(_ledger(name, number))
            store.audit.append(_events(name, number))
        store.holds.put(_held(name, number))
        sys.stdout.write("done\n")
        sys.stdout.flush()


def hold_the_lock_until_killed(store: Store, name: str) -> None:
    with store.vault.lock("exact", "client"):
        sys.stdout.write(f"{name} has it\n")
        sys.stdout.flush()
        sys.stdin.read()


def start(
    work: Callable[[Store, str], None], url: str, key: str, name: str
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", __file__, work.__name__, url, key, name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(children: list[subprocess.Popen[str]]) -> list[str]:
    return [child.communicate()[1] for child in children]


def kill(child: subprocess.Popen[str]) -> None:
    child.kill()
    child.communicate()


def _stream(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe


def test_processes_create_and_fill_one_new_store_together(new_url: str, key: str) -> None:
    names = ["a", "b", "c", "d"]
    errors = finish([start(write_everything, new_url, key, name) for name in names])
    assert errors == [""] * len(names)
    with Store.open(new_url, key) as store:
        assert store.audit.verify() == []
        assert sum(1 for _ in store.audit.events()) == len(names) * ROUNDS * BATCH
        assert sum(1 for _ in store.ledger.in_flight()) == ROUNDS * BATCH
        assert store.holds.count() == len(names) * ROUNDS
        assert store.runs.report("r").counter("s", "written") == len(names) * ROUNDS
        assert len(store.reference.load("x", "y", "z")) == len(names) * ROUNDS


def test_each_event_of_a_batch_lies_beside_its_neighbours(url: str, key: str) -> None:
    finish([start(write_everything, url, key, name) for name in ("a", "b")])
    with Store.open(url, key) as store:
        ids = [each.source_id for each in store.audit.events()]
    for first in range(0, len(ids), BATCH):
        batch = ids[first].rsplit("-", 1)[0]  # type: ignore[union-attr]
        assert ids[first : first + BATCH] == [f"{batch}-{n}" for n in range(BATCH)]


def test_no_refresh_is_lost_between_processes(url: str, key: str) -> None:
    errors = finish([start(refresh_tokens, url, key, name) for name in ("a", "b", "c")])
    assert errors == [""] * 3
    with Store.open(url, key) as store:
        assert store.vault.load("exact", "client")["generation"] == 3 * ROUNDS  # type: ignore[index]


def test_a_killed_writer_leaves_whole_calls_and_all_that_were_confirmed(url: str, key: str) -> None:
    child = start(write_until_killed, url, key, "a")
    confirmed = [_stream(child.stdout).readline() for _ in range(7)]
    kill(child)
    assert confirmed == ["done\n"] * 7
    with Store.open(url, key) as store:
        assert store.audit.verify() == []
        events = {each.source_id for each in store.audit.events()}
        entries = {each.natural_key for each in store.ledger.in_flight()}
        assert events == entries  # one transaction
        assert len(events) % BATCH == 0
        assert len(events) >= 7 * BATCH
        assert store.holds.count() >= 7
        store.audit.append(_events("after", 0))
        assert store.audit.verify() == []


def test_the_lock_of_a_killed_process_is_free(url: str, key: str) -> None:
    Store.open(url, key).close()
    child = start(hold_the_lock_until_killed, url, key, "a")
    assert _stream(child.stdout).readline() == "a has it\n"
    kill(child)
    with Store.open(url, key) as store, store.vault.lock("exact", "client", timeout=10):
        pass


def test_a_server_that_restarts_between_calls_is_not_noticed(url: str, key: str) -> None:
    with Store.open(url, key) as store:
        store.vault.save("exact", "client", {"n": 1})
        if not store._database.is_sqlite:
            _cut_all_connections(url)
        assert store.vault.load("exact", "client") == {"n": 1}


def test_a_connection_lost_within_a_transaction_is_told_and_undoes_it(
    postgres_server: str, key: str
) -> None:
    name = "lost_in_transaction"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    url = postgres_server.replace("/postgres?", f"/{name}?")

    def lose(store: Store) -> None:
        with store.transaction():
            store.vault.save("exact", "client", {"n": 2})
            _cut_all_connections(url)
            store.vault.save("exact", "other", {"n": 2})

    with Store.open(url, key) as store:
        store.vault.save("exact", "client", {"n": 1})
        with pytest.raises(StoreUnreachable, match="does not answer"):
            lose(store)
        assert store.vault.load("exact", "client") == {"n": 1}
        assert store.vault.load("exact", "other") is None


def _cut_all_connections(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


if __name__ == "__main__":
    work, store_url, store_key, child_name = sys.argv[1:]
    with Store.open(store_url, store_key) as opened:
        globals()[work](opened, child_name)
