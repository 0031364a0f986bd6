"""Large batches are parted between threads, and nobody can tell."""

import threading

import numpy as np
import pytest

from melodysynthesis.errors import ModelError
from melodysynthesis.generation.generate import generate, generate_only
from melodysynthesis.generation.request import Request
from tests.fakes import TableEngine

REQUEST = Request(seed=3, count=200, max_steps=40)


class Workers(TableEngine):
    """An engine that says it may be stepped by three threads, and remembers which did."""

    def __init__(self, encoding):
        super().__init__(encoding)
        self.threads = set()

    def workers(self):
        return (self, self, self)

    def step(self, ids, state):
        self.threads.add(threading.get_ident())
        return super().step(ids, state)


@pytest.mark.parametrize("encoding", ["event", "grid"])
def test_threads_change_no_melody(encoding):
    engine = Workers(encoding)
    assert generate(engine, REQUEST) == generate(TableEngine(encoding), REQUEST)
    assert len(engine.threads) > 1
    assert threading.get_ident() not in engine.threads


def test_few_melodies_stay_in_the_calling_thread():
    engine = Workers("grid")
    generate(engine, REQUEST.model_copy(update={"count": 100}))
    assert engine.threads == {threading.get_ident()}


def test_progress_is_told_by_all_threads_together():
    told = []
    generate_only(Workers("grid"), REQUEST, range(200), advance=told.append)
    assert told == sorted(told)
    assert told[-1] == 200


def test_what_fails_in_one_thread_is_raised_and_ends_the_others():
    engine = Workers("event")
    engine.table[:] = np.nan
    with pytest.raises(ModelError, match="NaN or infinity"):
        generate(engine, REQUEST)


def test_an_interrupt_ends_all_threads():
    def interrupt(done):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate_only(Workers("grid"), REQUEST, range(200), advance=interrupt)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ThreadPoolExecutor")]
