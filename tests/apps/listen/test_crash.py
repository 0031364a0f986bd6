"""The server is killed while people answer: what it acknowledged is there, and they go on where they were."""

from concurrent.futures import ThreadPoolExecutor
from random import Random
from threading import Event, Lock

import httpx2 as httpx
import pytest

from melodysynthesis.apps.listen.answers import load_answers
from melodysynthesis.apps.listen.database import opened
from melodysynthesis.apps.listen.design import Answer, Shape
from melodysynthesis.apps.listen.store import Store, hashed

from .conftest import fill
from .serving import served

PEOPLE = 6
ENOUGH = 60
"""Answers acknowledged before the server is killed."""


@pytest.fixture
def long(address):
    """Where there is a test that nobody finishes."""
    with opened(address, make=True) as engine:
        fill(Store(engine), shape=Shape((6, 6, 6), ratings=100, pairs=100, seed=1))
    return address


class Crowd:
    """People who answer until the server is gone, and what it has acknowledged of it."""

    def __init__(self, address):
        self.address = address
        self.acknowledged: dict[tuple[str, int], Answer] = {}
        self.lock, self.killed, self.enough = Lock(), Event(), Event()

    def take_part(self, number):
        random = Random(number)
        with httpx.Client(base_url=self.address, timeout=60) as client:
            try:
                progress = client.post("/api/participants", json={"agreed": True}).json()
                token = progress["token"]
                while question := progress["question"]:
                    said = {"pleasing": random.randint(1, 7), "human": random.randint(1, 7)}
                    body = said | {"place": question["place"], "seconds": 1}
                    answer = client.post("/api/answers", json=body, headers={"authorization": f"Bearer {token}"})
                    assert answer.status_code == 200, answer.text
                    progress = answer.json()
                    self.note((hashed(token)[:12], question["place"]), Answer(**said))
            except httpx.TransportError:
                assert self.killed.is_set()

    def note(self, place, given):
        with self.lock:
            self.acknowledged[place] = given
            if len(self.acknowledged) >= ENOUGH:
                self.enough.set()


def test_every_acknowledged_answer_survives_a_kill(long):
    with served(long) as (server, address), ThreadPoolExecutor(PEOPLE) as pool:
        crowd = Crowd(address)
        people = [pool.submit(crowd.take_part, number) for number in range(PEOPLE)]
        assert crowd.enough.wait(90)
        crowd.killed.set()
        server.kill()  # in the middle of whatever it does
        for one in people:
            one.result()
    with opened(long) as engine:
        found = load_answers(engine, Store(engine).find(None))
    kept = {
        (participant.name, place): line.answer
        for participant in found
        for place, line in enumerate(participant.trials)
        if line.answer is not None
    }
    assert {place: kept.get(place) for place in crowd.acknowledged} == crowd.acknowledged
    assert len(kept) <= len(crowd.acknowledged) + PEOPLE  # some were on their way back
    for participant in found:  # and none is missing in between
        given = [line.answer is not None for line in participant.trials]
        assert given == sorted(given, reverse=True)


def test_after_a_kill_people_go_on_where_they_were(long):
    with served(long) as (server, address), httpx.Client(base_url=address, timeout=60) as client:
        progress = client.post("/api/participants", json={"agreed": True}).json()
        me = {"authorization": f"Bearer {progress['token']}"}
        body = {"place": 0, "pleasing": 3, "human": 5}
        after = client.post("/api/answers", json=body, headers=me).json()
        server.kill()
    with served(long) as (_, address), httpx.Client(base_url=address, timeout=60) as client:
        assert client.get("/api/participant", headers=me).json() == after
        again = client.post("/api/answers", json=body, headers=me)
        assert (again.status_code, again.json()) == (200, after)
