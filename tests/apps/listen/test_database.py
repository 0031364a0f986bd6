"""The tables that migrations make are those that are described; what can't be opened is told in a line."""

import os
import sqlite3
import subprocess
import sys

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text

from melodysynthesis.apps.listen.database import opened
from melodysynthesis.apps.listen.tables import VERSION_TABLE, Table
from melodysynthesis.errors import MelodyError


def test_migrations_make_the_tables_that_are_described(address):
    with opened(address, make=True) as engine, engine.connect() as connection:
        options = {"version_table": VERSION_TABLE, "compare_type": True, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        ours = {*Table.metadata.tables, VERSION_TABLE}
        found = [each for each in compare_metadata(context, Table.metadata) if _table(each) in ours]
        assert found == []
        assert set(inspect(connection).get_table_names()) >= ours
        for name, table in Table.metadata.tables.items():
            assert _constraints_of(inspect(connection), name) == _constraints(table)


def _table(difference):
    """What table a difference is of: in PostgreSQL others may be there too."""
    first = difference[0] if isinstance(difference, list) else difference
    return first[1].name if hasattr(first[1], "name") else first[2]


def _constraints_of(inspector, table):
    """Names of a table's constraints in the database."""
    lists = (inspector.get_check_constraints, inspector.get_unique_constraints, inspector.get_foreign_keys)
    named = [inspector.get_pk_constraint(table), *(each for get in lists for each in get(table))]
    return {each["name"] for each in named}


def _constraints(table):
    """The same as they are described."""
    return {str(each.name) for each in table.constraints}


def test_it_is_opened_again_as_it_was(address):
    for _ in range(2):
        with opened(address, make=True) as engine, engine.begin() as connection:
            connection.execute(text("delete from listen_test"))


def test_a_newer_database_is_refused_and_left_alone(address):
    with opened(address, make=True) as engine:
        with engine.begin() as connection:
            connection.execute(text(f"update {VERSION_TABLE} set version_num = '9999'"))
        with (
            pytest.raises(MelodyError, match=r"newer version of melodysynthesis \(its schema is 9999\)"),
            opened(address),
        ):
            pass
        with engine.connect() as connection:
            assert connection.scalar(text(f"select version_num from {VERSION_TABLE}")) == "9999"


def test_sqlite_keeps_what_is_committed_and_wipes_what_is_deleted(tmp_path):
    with opened(str(tmp_path / "a.sqlite"), make=True) as engine, engine.connect() as connection:
        told = {
            name: connection.execute(text(f"pragma {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        }
    assert told == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1}


def test_a_file_that_is_no_database_is_told_and_left_alone(tmp_path):
    path = tmp_path / "tune.abc"
    path.write_bytes(b"X:1\nK:C\nCDEF|\n" * 100)
    with pytest.raises(MelodyError, match=r"tune\.abc: file is not a database"), opened(str(path), make=True):
        pass
    assert path.read_bytes() == b"X:1\nK:C\nCDEF|\n" * 100


def test_another_program_s_database_is_told_and_left_alone(tmp_path):
    path = tmp_path / "photos.sqlite"
    with sqlite3.connect(path) as other:
        other.execute("create table photos (id integer)")
    with (
        pytest.raises(MelodyError, match="belongs to another program: it has a table 'photos'"),
        opened(str(path), make=True),
    ):
        pass
    with sqlite3.connect(path) as other:
        assert other.execute("select name from sqlite_master").fetchall() == [("photos",)]


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("nowhere.sqlite", "no such file"),
        ("nowhere/there.sqlite", "no such file"),
        ("mysql://me:secret@here/x", r"database mysql://\.\.\.: expected"),
        ("sqlite+aiosqlite:///x", r"database sqlite\+aiosqlite://\.\.\.: expected"),
        ("nonsense://", "expected the path of an SQLite file"),
        ("postgresql://[::", "this URL can't be read"),
        ("postgresql://me:secret@localhost:1/x", r"me:\*\*\*@localhost:1/x: connection failed"),
    ],
)
def test_a_wrong_address_is_told_in_a_line_without_passwords(address, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MelodyError, match=told) as error, opened(address):
        pass
    assert "secret" not in str(error.value)
    assert "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_missing_is_told(tmp_path):
    with (
        pytest.raises(MelodyError, match="unable to open database file"),
        opened(str(tmp_path / "nowhere" / "a.sqlite"), make=True),
    ):
        pass


def test_a_missing_driver_says_what_to_install(tmp_path):
    """As the command line tells it, where psycopg is not installed."""
    hidden = "import sys; sys.modules['psycopg'] = None; from melodysynthesis.apps.cli import main; main()"
    command = [sys.executable, "-c", hidden, "listen", "list", "--database", "postgresql://localhost/x"]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ, cwd=tmp_path, check=False)
    assert done.returncode == 2
    assert done.stderr == "melody: psycopg is not installed: pip install 'melodysynthesis[postgres]'\n"
