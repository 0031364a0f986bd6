"""Where a model is surprised: bits per note and accuracy by scale degree, metric position, phrase and notes before.

Conventions
-----------
Input: a `Prediction` and the melodies that were judged. Unit: music bits per note, as `evaluation.prediction` has
them; accuracy is the share of notes whose own token was predicted right: on `event` its pitch, on `grid` its pitch and
that it begins there. Each comes with its 95 % bootstrap interval over tunes, the same tunes for all parts. A note of
which a thing is not known, such as the degree where there is no key, is in no part of that breakdown.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.encodings import Encoding, Group
from melodysynthesis.errors import RequestError
from melodysynthesis.evaluation.features import MelodyFacts
from melodysynthesis.evaluation.labels import pitch_name, reading_order, token_label
from melodysynthesis.evaluation.prediction import Prediction
from melodysynthesis.evaluation.statistics import UNKNOWN, Interval, drawn_weights, interval_of
from melodysynthesis.music import Melody

BREAKDOWN_RESAMPLES = 1000
DEGREES = ("1", "♭2", "2", "♭3", "3", "4", "♯4", "5", "♭6", "6", "♭7", "7")
WEIGHTS = ("off the beat", "half a beat", "other beat", "middle of the bar", "bar line")
"""By `theory.metric_weight`."""
PLACES = ("first note", "second note", "inside", "last but one", "last note")
NOTES_BEFORE = (0, 1, 2, 4, 8, 16, 32, 64)
"""The least number of notes before, for each class."""

Floats = NDArray[np.float64]


class NoteGroup(NamedTuple):
    """Notes of one kind: how many, what they cost, and how often they were right."""

    name: str
    notes: int
    bits: Interval
    accuracy: Interval


def _degree(facts: MelodyFacts) -> list[str]:
    return [DEGREES[degree] for degree in facts.degrees]


def _metric(facts: MelodyFacts) -> list[str]:
    return [WEIGHTS[weight] for weight in facts.weights()]


def _phrase(facts: MelodyFacts) -> list[str]:
    places = []
    for notes in facts.phrases:
        last = len(notes) - 1
        places += [
            PLACES[4] if n == last else PLACES[0] if n == 0 else PLACES[3] if n == last - 1 else PLACES[min(n, 2)]
            for n in range(len(notes))
        ]
    return places


def _notes_before(facts: MelodyFacts) -> list[str]:
    return [NOTES_BEFORE_NAMES[bisect_right(NOTES_BEFORE, number) - 1] for number in range(len(facts.notes))]


def _notes_before_names() -> tuple[str, ...]:
    ends = [following - 1 for following in NOTES_BEFORE[1:]]
    spans = [str(low) if low == high else f"{low} to {high}" for low, high in zip(NOTES_BEFORE, ends, strict=False)]
    return (*spans, f"{NOTES_BEFORE[-1]} or more")


NOTES_BEFORE_NAMES = _notes_before_names()

BREAKDOWNS: dict[str, tuple[tuple[str, ...], Callable[[MelodyFacts], list[str]]]] = {
    "scale degree": (DEGREES, _degree),
    "metric position": (WEIGHTS[::-1], _metric),
    "place in the phrase": (PLACES, _phrase),
    "notes heard before": (NOTES_BEFORE_NAMES, _notes_before),
}
"""Name of a breakdown -> names of its groups, and a function that gives the group of each note of a melody. A list that
is shorter than the melody leaves its notes out. The last note of a phrase counts as that, even if it is the first."""


def breakdown(found: Prediction, melodies: Sequence[Melody], *, seed: int = 0) -> dict[str, list[NoteGroup]]:
    """The parts of each of `BREAKDOWNS` that have notes.

    Args:
        found: what `prediction.judge` made of the melodies.
        melodies: the same ones, in the same order.
        seed: of the bootstrap.

    Raises:
        RequestError: if the melodies are others.
    """
    facts = [MelodyFacts(melodies[number]) for number in found.numbers if number < len(melodies)]
    if [len(one.notes) for one in facts] != found.notes.tolist():
        raise RequestError("these are not the melodies that were predicted: their notes are not as many")
    weights = drawn_weights(len(facts), BREAKDOWN_RESAMPLES, np.random.default_rng(seed))
    answer = {}
    for name, (parts, part_of) in BREAKDOWNS.items():
        codes = np.concatenate([_codes(part_of(one), parts, len(one.notes)) for one in facts])
        groups = [_part(found, part, codes == code, weights) for code, part in enumerate(parts)]
        answer[name] = [part for part in groups if part.notes]
    return answer


def _codes(names: list[str], parts: tuple[str, ...], notes: int) -> NDArray[np.int64]:
    if len(names) != notes:
        return np.full(notes, -1)
    return np.array([parts.index(name) for name in names], np.int64)


def _part(found: Prediction, name: str, chosen: NDArray[np.bool_], weights: Floats) -> NoteGroup:
    tunes = weights.shape[1]
    of_tune = found.note_tune[chosen]
    notes = np.bincount(of_tune, minlength=tunes).astype(np.float64)
    sums = (np.bincount(of_tune, values[chosen], tunes) for values in (found.note_bits, found.note_right))
    return NoteGroup(name, int(notes.sum()), *(_ratio(np.asarray(each, float), notes, weights) for each in sums))


def _ratio(above: Floats, below: Floats, weights: Floats) -> Interval:
    """A ratio of sums over tunes with its interval; without one where there is a single tune that has any."""
    if not below.any():
        return UNKNOWN
    totals = weights @ below
    draws = np.where(totals > 0, (weights @ above) / np.where(totals > 0, totals, 1), np.nan)
    value = float(above.sum() / below.sum())
    return interval_of(value, draws if np.count_nonzero(below) > 1 else draws[:0])


class Confusion(NamedTuple):
    """Shares (true, predicted + 1) of what was predicted for each true thing of one kind; the last is other kinds."""

    labels: list[str]
    shares: Floats
    tokens: NDArray[np.int64]


def confusion(found: Prediction, group: Group) -> Confusion:
    """What was predicted for the true pitches or durations, a `Group`, that occur; each row adds up to 1.

    Pitches are without their octave: on `event` by scale degree, on `grid`, which knows no tonic, by name.
    """
    encoding = found.encoding
    ids = [token for token in reading_order(encoding) if encoding.groups[token] == group]
    names = [_name(encoding, encoding.vocabulary[token], group) for token in ids]
    if group == Group.NOTE:
        order = DEGREES if encoding.tonic_relative else tuple(pitch_name(60 + number)[:-1] for number in range(12))
    else:
        order = tuple(dict.fromkeys(names))
    rows = np.zeros((len(order), len(encoding.vocabulary)))
    rows[[order.index(name) for name in names], ids] = 1
    counts, totals = rows @ found.confusion @ rows.T, rows @ found.confusion.sum(axis=1)
    occurs = np.flatnonzero(totals)
    shares = counts[np.ix_(occurs, occurs)] / totals[occurs, None]
    rest = np.maximum(1 - shares.sum(axis=1, keepdims=True), 0)
    return Confusion([order[n] for n in occurs.tolist()], np.hstack([shares, rest]), totals[occurs].astype(np.int64))


def _name(encoding: Encoding, token: str, group: Group) -> str:
    if group != Group.NOTE:
        return token_label(token)
    pitch = int(token.rpartition(":")[2])
    return DEGREES[pitch % 12] if encoding.tonic_relative else pitch_name(60 + pitch % 12)[:-1]
