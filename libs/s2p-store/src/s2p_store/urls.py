"""From the setting `store_url` to the place it names (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from s2p_store.errors import StoreUrlInvalid

__all__ = ["StorePlace", "parse_store_url"]

_REMEDY = (
    "set store_url to sqlite:///PATH (for example sqlite:///.s2p/store.db) "
    "or postgresql://USER:PASSWORD@HOST/DATABASE"
)


@dataclass(frozen=True, slots=True)
class StorePlace:
    """Where the store lives.

    `url` is what SQLAlchemy gets; `label` is what messages show: it never carries a password.
    `path` is the absolute path of the SQLite file, None for PostgreSQL.
    """

    url: URL
    label: str
    path: Path | None

    def __repr__(self) -> str:
        return f"StorePlace({self.label})"


def parse_store_url(text: str, cwd: Path) -> StorePlace:
    """Read `store_url`; a relative SQLite path counts from `cwd`.

    Raises:
        StoreUrlInvalid: no URL, an unknown database, or a SQLite URL without a file.
    """
    try:
        url = make_url(text.strip())
    except (ArgumentError, ValueError, AttributeError):
        # the text itself is not repeated: a mistyped URL may still hold a password
        raise StoreUrlInvalid(f"The setting store_url is not a database URL: {_REMEDY}.") from None
    if url.drivername in ("sqlite", "sqlite+pysqlite"):
        return _sqlite(url, cwd)
    if url.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        if "@" in f"{url.host} {url.database}":
            # an @ in the password ended it too early: its rest would be shown as host or database
            raise StoreUrlInvalid(
                "The user or password in the setting store_url holds characters that end them "
                "too early: write / @ : ? # % in them percent-encoded (%2F %40 %3A %3F %23 %25)."
            )
        url = url.set(drivername="postgresql+psycopg")
        shown = URL.create(
            "postgresql",
            host=url.host or _as_text(url.query.get("host")),
            port=url.port,
            database=url.database,
        )
        return StorePlace(url, shown.render_as_string(), None)
    raise StoreUrlInvalid(
        f"The setting store_url names the database kind {url.drivername!r}, "
        f"which the store does not know: {_REMEDY}."
    )


def _sqlite(url: URL, cwd: Path) -> StorePlace:
    if url.host or url.query:
        raise StoreUrlInvalid(
            "The setting store_url is an SQLite URL with a host or options; "
            f"only a path is possible (three slashes, four for an absolute path): {_REMEDY}."
        )
    if not url.database or url.database == ":memory:":
        raise StoreUrlInvalid(
            "The setting store_url names an SQLite database in memory, "
            f"where nothing would survive the run: {_REMEDY}."
        )
    path = Path(url.database).expanduser()
    path = path if path.is_absolute() else cwd / path
    return StorePlace(URL.create("sqlite+pysqlite", database=str(path)), f"sqlite:///{path}", path)


def _as_text(value: str | tuple[str, ...] | None) -> str | None:
    return value[0] if isinstance(value, tuple) else value
