"""The studio's limits on the size and the time of a request."""

from __future__ import annotations

from typing import NamedTuple

from melodysynthesis.encodings.base import count_bars
from melodysynthesis.errors import RequestError
from melodysynthesis.generation.request import Request
from melodysynthesis.music import Melody

MAX_REPORT_BYTES = 64 * 2**20
"""Size of a study's report."""
MAX_MELODY_NOTES = 4_000
MAX_MELODY_TICKS = 500 * 96
"""500 bars of 4/4."""
MAX_OPENED = 200
"""Melodies taken from one file."""
MAX_BARS = 64
MAX_OF_FIELD = {"count": 8, "bars": MAX_BARS, "particles": 64, "drafts": 16, "max_steps": 2_000}
"""The largest value of a request's field, where the studio takes less than a request may say."""
MAX_WAITING = 64
"""Requests that wait for a worker; further ones are refused with 503."""
MAX_OPENED_MODELS = 3
"""Models that a worker keeps open; the one that was used longest ago is closed."""
MAX_WORKER_BYTES = 6 * 2**30
"""Address space of a worker process; most of it is reserved by libraries and never touched."""

MAX_PLAYERS, MAX_PLAYERS_EACH = 4, 2
"""Live sessions at a time, each with a process of its own; and those from one address."""
MAX_MESSAGES_A_SECOND = 200
"""Messages of a live session; twice as many in a burst. The fastest glissando has fifty keys, up and down."""
MAX_MESSAGE_CHARACTERS = 20_000
MAX_UNSENT = 2_000
"""Messages that wait for a page that does not read them."""


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
    silent: float = 120
    """Without any message. A page sends one every two seconds, a hidden page every minute."""
    unplayed: float = 600
    """Without a note."""


def check_request(request: Request, models: tuple[str, ...]) -> None:
    """Check that a request names a model on offer and would not keep a worker busy for too long.

    Raises:
        RequestError: naming the field and its limit.
    """
    if request.model not in models:
        raise RequestError(f"model {request.model[:40]!r} is not one of the studio's: {', '.join(models)}")
    if request.judge is not None:  # a file of the machine that the studio runs on
        raise RequestError("the studio has a judge of its own: leave out judge")
    values = {name: getattr(request, name) for name in MAX_OF_FIELD} | {"bars": request.number_of_bars}
    for name, most in MAX_OF_FIELD.items():
        if values[name] is not None and values[name] > most:
            raise RequestError(f"{name.replace('_', '-')} {values[name]}: the studio takes at most {most} at a time")
    if len(request.primers) > 1:
        raise RequestError(f"primers {len(request.primers)}: the studio takes at most 1 at a time")
    for melody in (*request.primers, *([request.within] if request.within else [])):
        check_melody(melody)
        if count_bars(melody) > MAX_BARS:
            raise RequestError(f"{count_bars(melody)} bars: the studio goes on from, or rewrites, at most {MAX_BARS}")


def check_melody(melody: Melody) -> None:
    """Check that a melody is not too long.

    Raises:
        RequestError: naming what is too long.
    """
    if len(melody.notes) > MAX_MELODY_NOTES:
        raise RequestError(f"{len(melody.notes):,} notes: the studio takes melodies of at most {MAX_MELODY_NOTES:,}")
    if melody.duration > MAX_MELODY_TICKS:
        bars = MAX_MELODY_TICKS // 96
        raise RequestError(f"the melody is longer than {bars} bars of 4/4, the most that the studio takes")
