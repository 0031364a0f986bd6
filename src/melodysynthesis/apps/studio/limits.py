"""How much the studio takes on for one request, and for how long."""

from __future__ import annotations

from typing import NamedTuple

from melodysynthesis.encodings.base import count_bars
from melodysynthesis.errors import RequestError
from melodysynthesis.generation.request import Request
from melodysynthesis.music import Melody

MAX_REPORT_BYTES = 64 * 2**20
"""Of a study's report."""
MAX_MELODY_NOTES = 4_000
MAX_MELODY_TICKS = 500 * 96
"""500 bars of 4/4."""
MAX_OPENED = 200
"""Melodies taken from one file."""
MAX_ALTERNATIVES = 8
MAX_BARS = 64
MAX_PARTICLES = 64
MAX_STEPS = 2_000
MAX_WAITING = 64
"""Requests that wait for a worker; further ones are told to come again."""
MAX_WORKER_BYTES = 6 * 2**30
"""Address space of a worker process; most of it is reserved by libraries and never touched."""

MAX_PLAYERS, MAX_PLAYERS_EACH = 4, 2
"""People who play live at a time, each with a process of their own; and of them those from one address."""
MAX_MESSAGES_A_SECOND = 200
"""Of one who plays live; twice as many at once. The fastest glissando has fifty keys, up and down."""
MAX_MESSAGE_CHARACTERS = 20_000
MAX_UNSENT = 2_000
"""Messages that wait for a page that does not take them."""


class Seconds(NamedTuple):
    """How long a worker may take for each job; and how long a live session waits."""

    generate: float = 60
    read: float = 20
    engrave: float = 20
    convert: float = 40
    judge: float = 30
    errand: float = 1800
    sound: float = 20
    rehearse: float = 60
    improvised_note: float = 10
    unheard: float = 120
    """Without any message; a page says where it is every two seconds, one that nobody looks at each minute."""
    unplayed: float = 600
    """Without a note."""


def check_request(request: Request, models: tuple[str, ...]) -> None:
    """Refuse what would keep a worker busy for too long, and models by any other name than those on offer.

    Raises:
        RequestError: naming the field and its limit.
    """
    if request.model not in models:
        raise RequestError(f"model {request.model[:40]!r} is not one of the studio's: {', '.join(models)}")
    for name, value, most in (
        ("count", request.count, MAX_ALTERNATIVES),
        ("bars", request.number_of_bars, MAX_BARS),
        ("particles", request.particles, MAX_PARTICLES),
        ("max-steps", request.max_steps, MAX_STEPS),
        ("primers", len(request.primers), 1),
    ):
        if value is not None and value > most:
            raise RequestError(f"{name} {value}: the studio takes at most {most} at a time")
    for melody in (*request.primers, *([request.within] if request.within else [])):
        check_melody(melody)
        if count_bars(melody) > MAX_BARS:
            raise RequestError(f"{count_bars(melody)} bars: the studio goes on from, or rewrites, at most {MAX_BARS}")


def check_melody(melody: Melody) -> None:
    """Refuse a melody that is longer than anybody writes by hand.

    Raises:
        RequestError: naming what is too long.
    """
    if len(melody.notes) > MAX_MELODY_NOTES:
        raise RequestError(f"{len(melody.notes):,} notes: the studio takes melodies of at most {MAX_MELODY_NOTES:,}")
    if melody.duration > MAX_MELODY_TICKS:
        bars = MAX_MELODY_TICKS // 96
        raise RequestError(f"the melody is longer than {bars} bars of 4/4, the most that the studio takes")
