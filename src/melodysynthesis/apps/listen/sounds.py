"""Melodies as sound: equally loud, by the SoundFont's piano, at one tempo. Those heard last are kept."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock

from melodysynthesis.formats import render
from melodysynthesis.music import Melody

MOST_BYTES = 128 * 2**20
"""Of sound that is kept: some sixty melodies of twenty seconds."""
RENDERERS = 2
"""Threads that render, and no others do: each keeps the memory that it once needed."""


class Sounds:
    """The sound of melodies by their numbers; may be asked by several threads."""

    def __init__(self, melody: Callable[[int], Melody], most_bytes: int = MOST_BYTES) -> None:
        """Ask `melody` for the melody of a number."""
        self._melody, self._most_bytes = melody, most_bytes
        self._kept: OrderedDict[int, Future[bytes]] = OrderedDict()
        self._lock = Lock()
        self._pool = ThreadPoolExecutor(RENDERERS, thread_name_prefix="sounds")

    def __getitem__(self, number: int) -> bytes:
        """WAV, 16 bits, mono. Whoever asks for one that is being rendered waits for it."""
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
        """Drop what failed, and of the rest what was heard longest ago, until the others are few enough."""
        done = {number: sound for number, sound in self._kept.items() if sound.done()}
        total = 0
        for number, sound in reversed(done.items()):
            total += len(sound.result()) if sound.exception() is None else 0
            if sound.exception() is not None or total > self._most_bytes:
                del self._kept[number]
