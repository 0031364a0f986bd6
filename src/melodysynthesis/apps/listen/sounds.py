"""Renders melodies with the SoundFont's piano, equally loud and at one tempo, and caches the most recently used."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock

from melodysynthesis.formats import render
from melodysynthesis.music import Melody

MOST_BYTES = 128 * 2**20
"""Size of the cache: some sixty melodies of twenty seconds."""
RENDERERS = 2
"""Number of threads that render. No other thread does, as each keeps the memory that it once needed."""


class Sounds:
    """A thread-safe cache of the sound of melodies, by their numbers."""

    def __init__(self, melody: Callable[[int], Melody], most_bytes: int = MOST_BYTES) -> None:
        """Take the function that loads the melody of a number."""
        self._melody, self._most_bytes = melody, most_bytes
        self._kept: OrderedDict[int, Future[bytes]] = OrderedDict()
        self._lock = Lock()
        self._pool = ThreadPoolExecutor(RENDERERS, thread_name_prefix="sounds")

    def __getitem__(self, number: int) -> bytes:
        """The sound as WAV, 16 bits, mono; waits if it is being rendered."""
        with self._lock:
            if number not in self._kept:
                self._kept[number] = self._pool.submit(self._render, number)
            self._kept.move_to_end(number)
            sound = self._kept[number]
        try:
            return sound.result()
        finally:
            with self._lock:
                self._forget()

    def _render(self, number: int) -> bytes:
        return render.mono(render.wav(self._melody(number)))

    def _forget(self) -> None:
        """Drop failed renderings, then the least recently used ones, until the rest fits the cache."""
        done = {number: sound for number, sound in self._kept.items() if sound.done()}
        total = 0
        for number, sound in reversed(done.items()):
            total += len(sound.result()) if sound.exception() is None else 0
            if sound.exception() is not None or total > self._most_bytes:
                del self._kept[number]
