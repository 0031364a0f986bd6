"""Sounds are rendered once, however many ask, and only so many are kept."""

from concurrent.futures import ThreadPoolExecutor
from threading import Lock

import pytest

from melodysynthesis.apps.listen.sounds import Sounds
from melodysynthesis.errors import FormatError
from melodysynthesis.formats import render

from .conftest import tunes

TUNES = list(tunes(4))


class Melodies:
    """Melodies by number, and how often each was asked for."""

    def __init__(self):
        self.asked, self.lock = [], Lock()

    def __call__(self, number):
        with self.lock:
            self.asked.append(number)
        if number == 9:
            raise FormatError("there is none")
        return TUNES[number]


def test_a_sound_is_that_of_the_melody_and_half_as_large_as_stereo():
    sound, stereo = Sounds(Melodies())[1], render.wav(TUNES[1])
    assert sound == render.mono(stereo)
    assert len(sound) - 44 == (len(stereo) - 44) / 2


def test_many_who_ask_at_the_same_time_have_it_rendered_once():
    melodies = Melodies()
    sounds = Sounds(melodies)
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(sounds.__getitem__, [0, 1] * 16))
    assert len(set(found)) == 2
    assert sorted(melodies.asked) == [0, 1]


def test_those_heard_longest_ago_are_rendered_anew():
    melodies = Melodies()
    sounds = Sounds(melodies, most_bytes=2 * len(Sounds(melodies)[0]) + 100)
    melodies.asked.clear()
    for number in (0, 1, 0, 2, 0, 1):
        assert sounds[number].startswith(b"RIFF")
    assert melodies.asked == [0, 1, 2, 1]


def test_a_failure_is_not_kept():
    melodies = Melodies()
    sounds = Sounds(melodies)
    for _ in range(2):
        with pytest.raises(FormatError, match="there is none"):
            sounds[9]
    assert melodies.asked == [9, 9]
