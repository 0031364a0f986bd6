"""Several melodies for one request in the order to hear them: likely ones first, each unlike those before it.

The order is greedy (maximal marginal relevance: Carbonell and Goldstein, SIGIR 1998): next comes the melody whose
likelihood and whose distance to the nearest before it, both as ranks among those that are left, are best together.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.generation.generated import Generated
from melodysynthesis.generation.request import MAX_COUNT, Request
from melodysynthesis.music import Melody

POOL = 3
"""So many melodies are drawn for each one that is kept."""


def pool(request: Request) -> Request:
    """A request of more melodies, to be `ranked`; the same at temperature 0, where there is only one."""
    more = min(POOL * request.count, MAX_COUNT)
    return request if request.temperature == 0 else request.model_copy(update={"count": more})


def ranked(made: Sequence[Generated], count: int, heard: Melody | None = None) -> list[Generated]:
    """At most `count` of the melodies, each once: the likeliest, then ones that are likely and unlike those before.

    Args:
        made: the melodies.
        count: how many to choose.
        heard: a melody that is known already, and not chosen again.
    """
    left = list({one.melody.notes: one for one in made if heard is None or one.melody.notes != heard.notes}.values())
    likelihood = [one.log_likelihood / max(one.notes_drawn, 1) for one in left]
    chosen: list[int] = []
    while len(chosen) < min(count, len(left)):
        open_ones = [number for number in range(len(left)) if number not in chosen]
        likely = _ranks([likelihood[number] for number in open_ones])
        apart = _ranks([_apart(left, number, chosen) for number in open_ones])
        chosen.append(open_ones[int(np.argmax(likely + (apart if chosen else 0)))])
    return [left[number] for number in chosen]


def distance(a: Melody, b: Melody) -> float:
    """Share of the time in which two melodies do not sound the same, from 0 to 1; where notes begin counts too."""
    end = max(a.duration, b.duration)
    return float((_sounding(a, end) != _sounding(b, end)).any(axis=0).mean()) if end else 0.0


def _apart(melodies: Sequence[Generated], number: int, chosen: Sequence[int]) -> float:
    return min((distance(melodies[number].melody, melodies[other].melody) for other in chosen), default=0.0)


def _sounding(melody: Melody, end: int) -> NDArray[np.int64]:
    """(2, end) pitch at each tick or -1, and the onset of what sounds there."""
    sounds = np.full((2, end), -1)
    for note in melody.notes:
        sounds[:, note.onset : note.end] = [[note.pitch], [note.onset]]
    return sounds


def _ranks(values: Sequence[float]) -> NDArray[np.float64]:
    """Ranks from 0 to 1; equal values have the same."""
    ordered = sorted(set(values))
    return np.array([ordered.index(value) for value in values]) / max(len(ordered) - 1, 1)
