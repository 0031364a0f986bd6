"""An errand is done once for all who wait, and what goes wrong with it is told to each."""

import asyncio

import pytest

from melodysynthesis.apps.studio.background import BackgroundJob
from melodysynthesis.apps.studio.pool import TooSlowError, WorkerFailedError
from melodysynthesis.errors import CorpusError


class Worker:
    """Gives one value, waits for a signal, gives another."""

    def __init__(self, mistake=None):
        self.go, self.mistake, self.ended = asyncio.Event(), mistake, False

    async def events(self, job, asked):
        yield {"name": "quick", "value": f"{job} {asked['what']}"}
        await self.go.wait()
        if self.mistake:
            raise self.mistake
        yield {"name": "slow", "value": 2}

    async def end(self):
        self.ended = True


def errand(*workers, seconds=60):
    waiting = list(workers)

    async def start(models):
        assert models == {}
        return waiting.pop(0)

    return BackgroundJob("count", {"what": "all"}, ("quick", "slow"), seconds, start)


def test_one_process_serves_all_and_who_leaves_stops_nothing():
    async def wait():
        worker = Worker()
        work = errand(worker)
        waiting = [asyncio.create_task(work.value("slow")) for _ in range(3)]
        assert await work.value("quick") == "count all"
        assert work.is_done("quick")
        assert not work.is_done("slow")
        waiting[0].cancel()
        worker.go.set()
        assert await asyncio.gather(*waiting[1:]) == [2, 2]
        assert await work.value("slow") == 2
        await work.close()
        assert worker.ended

    asyncio.run(wait())


@pytest.mark.parametrize("mistake", [CorpusError("it is not installed"), WorkerFailedError("it has died")])
def test_a_mistake_is_told_to_all_and_who_comes_later_begins_anew(mistake):
    async def wait():
        first, second = Worker(mistake), Worker()
        work = errand(first, second)
        waiting = [asyncio.create_task(work.value("slow")) for _ in range(2)]
        await work.value("quick")
        first.go.set()
        assert await asyncio.gather(*waiting, return_exceptions=True) == [mistake, mistake]
        assert not work.is_done("quick")
        second.go.set()
        assert await work.value("slow") == 2

    asyncio.run(wait())


def test_one_that_takes_too_long_is_ended():
    async def wait():
        worker = Worker()
        with pytest.raises(TooSlowError, match="was stopped"):
            await errand(worker, seconds=0.05).value("slow")
        assert worker.ended

    asyncio.run(wait())


def test_closing_ends_the_process():
    async def wait():
        worker = Worker()
        work = errand(worker)
        await work.value("quick")
        await work.close()
        assert worker.ended

    asyncio.run(wait())
