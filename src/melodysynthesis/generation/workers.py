"""Batches side by side: a thread for each engine, so that the work between the steps is shared out too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from queue import SimpleQueue
from threading import Lock

from melodysynthesis.generation.generated import Generated
from melodysynthesis.runtime.base import Engine


class Tally:
    """Adds up how many melodies of each batch have ended; the batches may be stepped by several threads."""

    def __init__(self, advance: Callable[[int], None]) -> None:
        self._advance = advance
        self._done: dict[int, int] = {}
        self._lock = Lock()
        self.stopped = False

    def tell(self, number: int, done: int) -> None:
        """Of batch `number` so many have ended. Raises in every thread once one of them has failed."""
        with self._lock:
            if self.stopped:
                raise _StoppedError
            self._done[number] = done
            self._advance(sum(self._done.values()))


class _StoppedError(Exception):
    """Ends the other threads after one has failed, or after an interrupt."""


def side_by_side(
    make: Callable[[int, Engine], list[Generated]], batches: int, engines: Sequence[Engine], tally: Tally
) -> list[Generated]:
    """The melodies of all batches, as many at a time as there are engines, each in a thread of its own."""
    free: SimpleQueue[Engine] = SimpleQueue()
    for engine in engines:
        free.put(engine)

    def work(number: int) -> list[Generated]:
        engine = free.get()
        try:
            return make(number, engine)
        finally:
            free.put(engine)

    with ThreadPoolExecutor(len(engines)) as pool:
        futures = [pool.submit(work, number) for number in range(batches)]
        try:
            done, left = wait(futures, return_when=FIRST_EXCEPTION)
        except BaseException:
            tally.stopped = True
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        tally.stopped = bool(left)
        for future in left:
            future.cancel()
        return [generated for future in done for generated in future.result()]  # raises what failed
