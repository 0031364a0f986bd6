"""Opens the database of listening tests: an SQLite file by its path, or PostgreSQL by URL."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError

from melodysynthesis.apps.listen.tables import VERSION_TABLE
from melodysynthesis.errors import MelodyError
from melodysynthesis.formats import files

MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_SECONDS = 10
"""How long a writer waits for another."""
_WRITES = "listen_writes"
_LOCK = 0x6D656C6F
"""Held in PostgreSQL while tables are made or changed, by one program at a time."""


@contextlib.contextmanager
def opened(address: str, *, make: bool = False) -> Iterator[Engine]:
    """Open the database of an address, bring its tables to this version of the program, and close it in the end.

    Args:
        address: path of an SQLite file, ``sqlite:///...`` or ``postgresql://...``.
        make: whether to create an SQLite file that does not exist.

    Raises:
        MelodyError: if it does not exist, can't be reached or opened, or belongs to another program or a newer version.
        ModuleNotFoundError: for PostgreSQL without its driver.
    """
    url = _url(address)
    shown = files.shown(url.database or "") if url.get_backend_name() == "sqlite" else url.render_as_string()
    if url.get_backend_name() == "sqlite" and not make and not Path(url.database or "").is_file():
        raise MelodyError(f"{shown}: no such file; a listening test is made by: melody listen new")
    engine = _engine(url)
    try:
        with _driver_errors(shown):
            migrate(engine, shown)
        yield engine
    finally:
        engine.dispose()


def writing(engine: Engine) -> Engine:
    """The same database for transactions that write; SQLite runs one of these at a time."""
    return engine.execution_options(**{_WRITES: True})


def migrate(engine: Engine, shown: str = "the database") -> None:
    """Migrate the tables to this version of the program, all or nothing.

    Raises:
        MelodyError: if the database is another program's, or a newer version's.
    """
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    with writing(engine).begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql(f"select pg_advisory_xact_lock({_LOCK})")
        _check(connection, ScriptDirectory.from_config(config), shown)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _check(connection: Connection, known: ScriptDirectory, shown: str) -> None:
    """Refuse a database that is not this program's, or that a newer version has changed."""
    tables = inspect(connection).get_table_names()
    if VERSION_TABLE not in tables:
        if tables and connection.dialect.name == "sqlite":
            raise MelodyError(f"{shown}: this database belongs to another program: it has a table {tables[0]!r}")
        return
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    for revision in context.get_current_heads():
        try:
            known.get_revision(revision)
        except CommandError:
            raise MelodyError(
                f"{shown}: this database is of a newer version of melodysynthesis (its schema is {revision})"
            ) from None


def _url(address: str) -> URL:
    if "://" not in address:
        return URL.create("sqlite", database=address)
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        raise MelodyError(f"database {address.partition('://')[0]}://...: this URL can't be read") from None
    if url.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        return url.set(drivername="postgresql+psycopg")
    if url.drivername == "sqlite":
        return url
    raise MelodyError(
        f"database {url.drivername}://...: expected the path of an SQLite file, sqlite:///FILE or postgresql://..."
    )


def _engine(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True, connect_args={"connect_timeout": BUSY_SECONDS})
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS})
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)
    return engine


def _set_up(connection: Any, record: object) -> None:
    """Set up an SQLite connection: a commit is on the disk, and deleted data is overwritten."""
    del record
    connection.isolation_level = None  # transactions are started below, not by Python's guess
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    """Begin a transaction. A writer takes its lock at once: a reader that became a writer would fail, not wait."""
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get(_WRITES) else "BEGIN")


@contextlib.contextmanager
def _driver_errors(shown: str) -> Iterator[None]:
    """Turn an error of the database driver into a `MelodyError` of one line."""
    try:
        yield
    except DatabaseError as error:
        reason = " ".join(str(error.orig or error).split())
        raise MelodyError(f"{shown}: {reason[:300]}") from None
