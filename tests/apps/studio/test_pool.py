"""Workers: no job holds one for longer than it may, and nobody's work goes on when they are gone."""

import asyncio
import contextlib
import os
import signal

import pytest

from melodysynthesis.apps.studio.limits import MAX_WAITING
from melodysynthesis.apps.studio.pool import Pool, TooBusyError, TooSlowError, WorkerFailedError
from melodysynthesis.errors import MelodyError

LONG = {"request": {"model": "scale", "seed": 1, "bars": 60, "meter": "4/4", "key": "C major", "count": 8}}
SHORT = {"request": LONG["request"] | {"bars": 2, "count": 1}}


@pytest.fixture
def with_pool(models):
    """Runs a coroutine function on a pool of one worker."""

    def run(work):
        async def opened():
            pool = Pool({"scale": models["event"]}, 1)
            await pool.open()
            try:
                await work(pool)
                assert (await pool.one("generate", SHORT, 60))["type"] == "melody"  # it works as before
            finally:
                await pool.close()

        asyncio.run(opened())

    return run


def test_who_leaves_stops_the_work(with_pool):
    async def leave(pool):
        async with contextlib.aclosing(pool.events("generate", LONG, 60)) as events:
            assert (await anext(events))["type"] == "notes"

    with_pool(leave)


def test_a_job_that_takes_too_long_is_ended(with_pool):
    async def wait(pool):
        await pool.one("generate", SHORT, 60)
        with pytest.raises(TooSlowError, match="ask for less"):
            await pool.one("generate", LONG, 0.01)

    with_pool(wait)


def test_a_worker_that_dies_is_replaced(with_pool):
    async def kill(pool):
        await pool.one("generate", SHORT, 60)
        (worker,) = pool._all
        os.kill(worker._process.pid, signal.SIGKILL)
        with pytest.raises(WorkerFailedError, match="died"):
            await pool.one("generate", SHORT, 60)

    with_pool(kill)


def test_who_comes_when_too_many_wait_is_told():
    async def crowd():
        pool = Pool({}, 0)
        waiting = [asyncio.create_task(pool.one("generate", SHORT, 1)) for _ in range(MAX_WAITING)]
        await asyncio.sleep(0)
        with pytest.raises(TooBusyError):
            await pool.one("generate", SHORT, 1)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    asyncio.run(crowd())


def test_a_mistake_costs_no_worker(with_pool):
    async def ask(pool):
        await pool.one("generate", SHORT, 60)
        before = set(pool._all)
        with pytest.raises(MelodyError, match="no melody keeps"):
            await pool.one("generate", {"request": SHORT["request"] | {"range": "C#4-C#4", "scale": "major"}}, 60)
        assert pool._all == before

    with_pool(ask)


def test_what_takes_a_moment_goes_before_melodies_and_these_before_what_is_found_of_them():
    async def crowd():
        pool, order = Pool({}, 0), []

        async def work(job):
            worker = await pool._next_worker(job)
            order.append(job)
            pool._release(worker)

        waiting = [asyncio.create_task(work(job)) for job in ("judge", "generate", "engrave", "judge", "generate")]
        leaving = asyncio.create_task(work("sound"))
        await asyncio.sleep(0)
        pool._release(object())
        leaving.cancel()  # its turn has come, and it goes: nobody's turn is lost
        await asyncio.gather(*waiting)
        assert order == ["engrave", "generate", "generate", "judge", "judge"]

    asyncio.run(crowd())
