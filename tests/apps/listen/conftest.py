"""A listening test of three small sets, in SQLite, and in PostgreSQL where a URL of one is given."""

import os

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import create_engine, inspect, make_url, text

from melodysynthesis.apps.listen.api import application
from melodysynthesis.apps.listen.database import opened
from melodysynthesis.apps.listen.design import Answer, Shape
from melodysynthesis.apps.listen.store import Store
from melodysynthesis.apps.listen.tables import PREFIX
from melodysynthesis.notation import parse_notes

POSTGRESQL = "MELODYSYNTHESIS_TEST_POSTGRESQL"
SETS = ("burgundy", "cobalt", "ochre")  # words that stand nowhere else
SHAPE = Shape((6, 6, 6), ratings=3, pairs=4, seed=7)


def tunes(count):
    """Short melodies, each another; their source is what no participant may see."""
    from dataclasses import replace

    for number in range(count):
        notes = " ".join(f"{'CDEFGAB'[(number + step * step) % 7]}{4 + number // 7}:1/8" for step in range(8))
        yield replace(parse_notes(notes), source=f"<b>secret</b> {number}")


def fill(store, name="listening", shape=SHAPE):
    """Make a test; itself."""
    sets = {of: list(tunes(size)) for of, size in zip(SETS, shape.sizes, strict=False)}
    store.make(name, sets, shape, title="Which melody?", consent="First.\n\nSecond <i>part</i>.")
    return store.find(name)


def answer_of(turn, pleasing=4, human=3, choice="first"):
    """An attentive answer."""
    if turn.kind == "pair":
        return Answer(choice=turn.demanded or choice)
    return Answer(int(turn.demanded or pleasing), int(turn.demanded or human))


def answer_all(store, test, token, **said):
    """Answer all that is left."""
    while turn := store.progress(test, token).turn:
        store.answer(test, token, turn.place, answer_of(turn, **said), 2.5)


@pytest.fixture(scope="session")
def postgresql():
    """The URL of a database that this process of the tests has for itself; it is dropped in the end."""
    server = os.environ.get(POSTGRESQL)
    if not server:
        pytest.skip(f"needs PostgreSQL: {POSTGRESQL} is the URL of a database whose owner may create others")
    url = make_url(server).set(drivername="postgresql+psycopg")
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    name = f"melodysynthesis_tests_{worker}_{os.getpid()}"
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text(f'create database "{name}"'))
            yield url.set(drivername="postgresql", database=name).render_as_string(hide_password=False)
            connection.execute(text(f'drop database "{name}" with (force)'))
    finally:
        engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request, tmp_path):
    """Where an empty database is."""
    if request.param == "sqlite":
        return str(tmp_path / "answers.sqlite")
    url = request.getfixturevalue("postgresql")
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        for table in inspect(connection).get_table_names():
            if table.startswith(PREFIX):
                connection.execute(text(f'drop table "{table}" cascade'))
    engine.dispose()
    return url


@pytest.fixture
def store(address):
    with opened(address, make=True) as engine:
        yield Store(engine)


@pytest.fixture
def test(store):
    return fill(store)


@pytest.fixture
def client(store, test):
    with TestClient(application(store, test), base_url="http://localhost:8766") as client:
        yield client
