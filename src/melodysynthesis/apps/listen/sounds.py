"""Melodies as sound: equally loud, by the SoundFont's piano, at one tempo. Those heard last are kept."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock, Semaphore

from melodysynthesis.formats import render
from melodysynthesis.music import Melody

MOST_BYTES = 128 * 2**20
"""Of sound that is kept: some sixty melodies of twenty seconds."""
AT_ONCE = 2
"""Melodies that are rendered at a time; further ones wait."""


class Sounds:
    """The sound of melodies by their numbers; may be asked by several threads."""

    def __init__(self, melody: Callable[[int], Melody]) -> None:
        """Ask `melody` for the melody of a number."""
        self._melody = melody
        self._kept: OrderedDict[int, bytes] = OrderedDict()
        self._bytes = 0
        self._lock, self._rendering = Lock(), Semaphore(AT_ONCE)

    def __getitem__(self, number: int) -> bytes:
        """WAV, 16 bits, mono."""
        with self._lock:
            if number in self._kept:
                self._kept.move_to_end(number)
                return self._kept[number]
        with self._rendering:
            sound = render.mono(render.wav(self._melody(number)))
        self._keep(number, sound)
        return sound

    def _keep(self, number: int, sound: bytes) -> None:
        with self._lock:
            self._bytes += len(sound) - len(self._kept.get(number, b""))
            self._kept[number] = sound
            while self._bytes > MOST_BYTES and len(self._kept) > 1:
                self._bytes -= len(self._kept.popitem(last=False)[1])
