"""Every test that takes `url` or `store` runs on SQLite and on a real PostgreSQL server."""

from __future__ import annotations

import shutil
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import psycopg
import pytest
from support import postgres

from s2p_store import Store, generate_key
from s2p_store.chain import FIRST_HASH
from s2p_store.schema import HEAD, VERSION_TABLE, metadata

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Work = Callable[[Store], AbstractContextManager[list[int]]]


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    with postgres.server() as uri:
        yield uri


@pytest.fixture(scope="session")
def postgres_prepared(postgres_server: str) -> str:
    """The URL of a database with all tables; whoever writes into it empties it again."""
    with closing(psycopg.connect(postgres_server, autocommit=True)) as connection:
        connection.execute("CREATE DATABASE prepared_store")
    prepared = postgres_server.replace("/postgres?", "/prepared_store?")
    Store.open(prepared).close()
    return prepared


def _empty(prepared: str) -> None:
    """Bring a prepared database back to what the migrations leave; far faster than a new one."""
    tables = ", ".join(table.name for table in metadata.sorted_tables)
    with psycopg.connect(prepared) as connection:
        connection.execute("SET LOCAL session_replication_role = replica")  # past the audit's guard
        connection.execute(f"TRUNCATE {tables}")
        connection.execute(
            "INSERT INTO s2p_audit_head (id, batch, hash) VALUES (1, 0, %s)", (FIRST_HASH,)
        )
        connection.execute(f"UPDATE {VERSION_TABLE} SET version_num = %s", (HEAD,))


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "store.db"
    Store.open(f"sqlite:///{path}").close()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty store that has its tables."""
    if request.param == "sqlite":
        path = tmp_path / ".s2p" / "store.db"
        path.parent.mkdir(mode=0o700)
        shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    prepared: str = request.getfixturevalue("postgres_prepared")
    yield prepared
    _empty(prepared)


@pytest.fixture(params=["sqlite", "postgresql"])
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A place where no store is yet."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/.s2p/store.db"
        return
    with postgres.database(request.getfixturevalue("postgres_server")) as uri:
        yield uri


@pytest.fixture
def sqlite_path(tmp_path: Path) -> Path:
    return tmp_path / ".s2p" / "store.db"


@pytest.fixture(scope="session")
def key() -> str:
    return generate_key()


class Clock:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 4, 45, tzinfo=timezone.utc)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **parts: float) -> datetime:
        self.now += timedelta(**parts)
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(url: str, key: str, clock: Clock) -> Iterator[Store]:
    with Store.open(url, key, clock=clock) as opened:
        yield opened


@pytest.fixture
def sqlite_store(sqlite_template: Path, tmp_path: Path, key: str) -> Iterator[Store]:
    path = tmp_path / "store.db"
    shutil.copyfile(sqlite_template, path)
    with Store.open(f"sqlite:///{path}", key) as opened:
        yield opened


@pytest.fixture
def work() -> Work:
    """How much SQLite works on a store meanwhile: an entry per ten steps of its machine."""

    @contextmanager
    def counted(store: Store) -> Iterator[list[int]]:
        steps: list[int] = []
        with store._database.engine.connect() as connection:
            raw = connection.connection.driver_connection  # the pool's only one
        assert raw is not None
        raw.set_progress_handler(lambda: steps.append(1), 10)
        yield steps
        raw.set_progress_handler(None, 0)

    return counted
