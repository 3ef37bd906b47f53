from __future__ import annotations

import os
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import event

from s2p_store import (
    AuditEvent,
    Store,
    StoreBusy,
    StoreCorrupt,
    StoreError,
    StoreFull,
    StoreKeyInvalid,
    StoreKeyMissing,
    StoreKeyWrong,
    StoreNotWritable,
    StoreSchemaNewer,
    StoreUnreachable,
    StoreUrlInvalid,
    generate_key,
)
from s2p_store.schema import HEAD, REVISIONS, VERSION_TABLE, metadata

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Clock


# --- where --------------------------------------------------------------------------------------


def test_the_default_url_counts_from_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    old = os.umask(0o022)
    try:
        with Store.open("sqlite:///.s2p/store.db") as store:
            monkeypatch.chdir("/")
            assert store.audit.verify() == []
            assert store.label == f"sqlite:///{tmp_path}/.s2p/store.db"
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / ".s2p").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / ".s2p" / "store.db").stat().st_mode) == 0o600


def test_files_beside_the_database_are_private_too(key: str, sqlite_path: Path) -> None:
    with Store.open(f"sqlite:///{sqlite_path}", key) as store, store.vault.lock("a", "c"):
        store.vault.save("a", "c", {})
        modes = {
            each.name: stat.S_IMODE(each.stat().st_mode) for each in sqlite_path.parent.iterdir()
        }
    assert len(modes) >= 3
    assert set(modes.values()) == {0o600}


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("", "is not a database URL"),
        ("store.db", "is not a database URL"),
        ("postgresql://u:12@geheim@h/d", "percent-encoded"),
        ("postgresql://u:12@x/geheim@h/d", "percent-encoded"),
        ("mysql://u:geheim@h/d", "names the database kind 'mysql'"),
        ("sqlite://", "in memory"),
        ("sqlite:///:memory:", "in memory"),
        ("sqlite://relative/store.db", "three slashes"),
        ("sqlite:///store.db?mode=ro", "only a path is possible"),
    ],
)
def test_a_url_that_names_no_store_is_told(url: str, sentence: str) -> None:
    with pytest.raises(StoreUrlInvalid, match="store_url") as refusal:
        Store.open(url)
    assert sentence in str(refusal.value)
    assert "geheim" not in str(refusal.value)


def test_a_server_that_is_down_is_told_without_the_password() -> None:
    with pytest.raises(StoreUnreachable, match="does not answer") as refusal:
        Store.open("postgresql://anna:geheim@127.0.0.1:1/store")
    assert "127.0.0.1:1/store" in str(refusal.value)
    assert "geheim" not in str(refusal.value)


def test_a_database_that_does_not_exist_is_told(postgres_server: str) -> None:
    with pytest.raises(StoreUnreachable, match="does not exist"):
        Store.open(postgres_server.replace("/postgres?", "/nowhere?"))


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_spelling_of_postgresql_is_understood(postgres_server: str, scheme: str) -> None:
    url = postgres_server.replace("postgresql://", f"{scheme}://").replace("/postgres?", "/no?")
    with pytest.raises(StoreUnreachable, match="does not exist"):
        Store.open(url)


def test_a_missing_driver_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StoreError, match=r"s2p-store\[postgres\]"):
        Store.open("postgresql://u:geheim@h/d")


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreNotWritable, match=r"write permission.*store_url"):
        Store.open(f"sqlite:///{tmp_path}/file/store.db")


def test_a_folder_in_place_of_the_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreNotWritable, match="cannot be"):
        Store.open(f"sqlite:///{tmp_path}")


def test_a_file_that_is_no_database_is_told_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    path.write_text("these are my notes, do not touch them\n" * 100)
    with pytest.raises(StoreCorrupt, match="not a store"):
        Store.open(f"sqlite:///{path}")
    assert path.read_text().startswith("these are my notes")


def test_a_damaged_database_is_told(sqlite_path: Path) -> None:
    url = f"sqlite:///{sqlite_path}"
    Store.open(url).close()
    content = bytearray(sqlite_path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    sqlite_path.write_bytes(content)
    with pytest.raises(StoreCorrupt, match="backup"):
        Store.open(url).audit.verify()


def test_a_full_disk_is_told_and_loses_nothing(sqlite_path: Path, clock: Clock) -> None:
    def some(number: int) -> list[AuditEvent]:
        return [
            AuditEvent("r", clock.now, "s", 1, str(n), "k", None, {"text": "x" * 200})
            for n in range(number)
        ]

    with Store.open(f"sqlite:///{sqlite_path}") as store:
        store.audit.append(some(3))

        @event.listens_for(store._database.engine, "begin")
        def limit(connection: object) -> None:
            connection.exec_driver_sql("PRAGMA max_page_count=80")  # type: ignore[attr-defined]

        with pytest.raises(StoreFull, match=r"full.*free some room"):
            store.audit.append(some(5000))
        assert store.audit.verify() == []
        assert list(store.audit.events()) == some(3)


def test_a_lock_held_too_long_is_told(
    url: str, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    monkeypatch.setattr("s2p_store.database.LOCK_WAIT_SECONDS", 0.001)
    with Store.open(url) as mine, Store.open(url) as yours, mine.transaction():
        mine.audit.append([AuditEvent("r", clock.now, "s", 1, "x", "k", None)])
        with pytest.raises(StoreBusy, match="locked for too long"):
            yours.audit.append([AuditEvent("r", clock.now, "s", 1, "y", "k", None)])


# --- the key ------------------------------------------------------------------------------------


def test_generated_keys_differ_and_have_the_documented_length() -> None:
    assert len({generate_key() for _ in range(10)}) == 10
    assert len(generate_key()) == 44


@pytest.mark.parametrize("bad", ["x", "a" * 44, "é" * 44, "KEY,", ",KEY", "KEY,short"])
def test_a_text_that_is_no_key_is_told_and_not_repeated(url: str, key: str, bad: str) -> None:
    text = bad.replace("KEY", key)
    with pytest.raises(StoreKeyInvalid, match=r"store_key.*s2p key") as refusal:
        Store.open(url, text)
    assert key not in str(refusal.value)


@pytest.mark.parametrize("none", [None, "", "  "])
def test_no_key_is_no_error_until_it_is_needed(url: str, none: str | None) -> None:
    with Store.open(url, none) as store:
        assert not store.has_key
        with pytest.raises(StoreKeyMissing):
            store.rotate()


def test_another_key_is_told_at_opening(url: str, key: str) -> None:
    Store.open(url, key).close()
    with pytest.raises(StoreKeyWrong, match="not the key of the store"):
        Store.open(url, generate_key())
    Store.open(url, key).close()


def test_a_key_is_changed_in_three_steps(url: str, key: str) -> None:
    new = generate_key()
    with Store.open(url, key) as store:
        store.vault.save("a", "c", {"n": 1})
    with Store.open(url, f"{new}, {key}") as store:
        assert store.vault.load("a", "c") == {"n": 1}
        store.vault.save("a", "d", {"n": 2})
    with pytest.raises(StoreKeyWrong):
        Store.open(url, new)
    with Store.open(url, f"{new},{key}") as store:
        assert store.rotate() == 2  # the entry of the old key, and the check
        assert store.rotate() == 0
    with Store.open(url, new) as store:
        assert store.vault.load("a", "c") == {"n": 1}
        assert store.vault.load("a", "d") == {"n": 2}
    with pytest.raises(StoreKeyWrong):
        Store.open(url, key)


# --- the schema ---------------------------------------------------------------------------------


def test_the_revisions_the_code_knows_are_the_migrations() -> None:
    config = Config()
    config.set_main_option("script_location", "s2p_store:migrations")
    scripts = ScriptDirectory.from_config(config)
    assert tuple(reversed([each.revision for each in scripts.walk_revisions()])) == REVISIONS
    assert scripts.get_current_head() == HEAD


def test_the_migrated_tables_are_those_the_code_describes(new_url: str) -> None:
    with Store.open(new_url) as store, store._database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        differences = [
            each
            for each in compare_metadata(context, metadata)
            if each[0] != "remove_index"  # indexes are the migrations' business alone
        ]
    assert differences == []


def test_a_store_of_a_newer_version_is_refused_untouched(url: str) -> None:
    with Store.open(url) as store, store._database.writing() as connection:
        connection.exec_driver_sql(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    with pytest.raises(StoreSchemaNewer, match=r"9999.*upgrade"):
        Store.open(url)


def test_opening_an_up_to_date_store_does_not_load_alembic(url: str) -> None:
    Store.open(url).close()
    script = (
        "import sys; from s2p_store import Store; Store.open(sys.argv[1]).close(); "
        "sys.exit('alembic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script, url], check=False).returncode == 0


def test_a_migration_that_fails_leaves_nothing_behind(
    new_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr("alembic.operations.Operations.create_index", fail, raising=True)
        with pytest.raises(RuntimeError):
            Store.open(new_url)
    with Store.open(new_url) as store:
        assert store.audit.verify() == []


# --- transactions -------------------------------------------------------------------------------


def test_several_calls_in_one_transaction_are_kept_together(store: Store) -> None:
    with store.transaction():
        store.runs.start("r1", "tap")
        store.vault.save("a", "c", {"n": 1})
        assert store.vault.load("a", "c") == {"n": 1}
    assert store.vault.load("a", "c") == {"n": 1}


def test_a_transaction_that_breaks_off_keeps_nothing(store: Store, clock: Clock) -> None:
    def break_off() -> None:
        with store.transaction():
            store.vault.save("a", "c", {"n": 1})
            store.audit.append([AuditEvent("r", clock.now, "s", 1, "x", "k", None)])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        break_off()
    assert store.vault.load("a", "c") is None
    assert list(store.audit.events()) == []
    assert store.audit.verify() == []


def test_a_transaction_is_seen_by_others_only_when_it_ends(url: str, key: str) -> None:
    with Store.open(url, key) as mine, Store.open(url, key) as yours:
        with mine.transaction():
            mine.vault.save("a", "c", {"n": 1})
            assert yours.vault.load("a", "c") is None
        assert yours.vault.load("a", "c") == {"n": 1}


def test_repr_shows_neither_password_nor_key(store: Store, key: str) -> None:
    for each in (store, store._cipher, store._database.place):
        assert key not in repr(each)
        assert "postgres:" not in repr(each)
