"""The 17 descriptors of the original study, with its names and column order and its arithmetic.

Conventions
-----------
Input: a melody's sounds in order, notes and rests, each with its duration in ticks. Two rests next to one
    another count as two if the source says so (grid text can; a `Melody` can't). Source: Ghoshal et al.,
    "Fusing Memory and Attention", Expert Systems with Applications 2026, arXiv 2603.21282, and the figures
    published with it, which these equal to 1e-9 on each of its melodies. They describe and do not judge:
    none is better for being higher.

The melody is cut into *segments* of four quarters. A sound that crosses a segment's end is cut there once
and its rest opens the next segment, however long it is; a sound that would begin on a segment's end is
never cut. Where a sound has made its segment longer than four quarters, the next sound is lengthened by the
excess. (So the study's program did.)

Mean over the segments that have a value; variances are of the population:

====================  ======================================================================================
Pitch Variance        of MIDI numbers
Pitch Range           highest less lowest, semitones
Rhythmic Variance     of the durations of notes and rests, quarters squared
Note Density          notes per quarter
Rest Ratio            share of the segment's duration that is rest
Interval Variability  variance of absolute intervals between neighbouring notes
Note Repetition       longest run of one pitch
Contour Stability     number of changes of direction; segments of two or more notes
Syncopation           number of notes that start off the segment's quarters
Harmonic Tension      mean tension of intervals, by size: see `TENSION`
KL Divergence         nats, of the segment's pitches from the whole melody's; an absent pitch counts 1e-10
====================  ======================================================================================

Of the whole melody:

=====================  =====================================================================================
Pitch Entropy          bits, of MIDI numbers
Rhythmic Entropy       bits, of the durations of notes
Motif Diversity Index  distinct successions of three pitches, over all of them
Harmonic Complexity    half of: distinct intervals without octaves over 12, plus a tenth of the variance of their
                       differences
Contour Variability    changes of direction per neighbouring pair of notes, in percent
Tonal Drift            number of different keys of 4/4 measures, less one; a note belongs to the measure it starts
                       in, whole
=====================  =====================================================================================

Keys of measures, for Tonal Drift, are those whose profile correlates best (Krumhansl and Schmuckler's method, Krumhansl
1990, with Aarden's weights of 2003 for the Essen collection, as listed by Humdrum's ``keycor``). The arithmetic follows
music21's `analyze("key")` operation by operation, because the original study's figures were made with it: where two
keys fit equally well, the last bit of a sum decides. So sums run over the pitch classes in order, powers are Python's,
and of equal correlations the higher tonic wins, then minor.

What can't be measured (no note, no interval) is 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.encodings.event import sounds as notes_and_rests
from melodysynthesis.formats.grid import HOLD, REST, STEP_TICKS
from melodysynthesis.music import TICKS_PER_QUARTER, TICKS_PER_WHOLE, Melody

NAMES = (
    "Pitch Variance", "Pitch Range", "Rhythmic Variance", "Note Density", "Rest Ratio", "Interval Variability",
    "Note Repetition", "Contour Stability", "Syncopation", "Harmonic Tension", "KL Divergence", "Pitch Entropy",
    "Rhythmic Entropy", "Motif Diversity Index", "Harmonic Complexity", "Contour Variability", "Tonal Drift",
)  # fmt: skip
SUMMARIES = ("SUM", "MEAN", "MIN", "MAX", "MEDIAN", "STD", "COUNT")

SEGMENT_TICKS = TICKS_PER_WHOLE
ABSENT = 1e-10
CHUNK = 256
"""Melodies described at once."""
LARGE = 2**32
"""More than any value that is paired with a melody's number in one integer."""

TENSION = np.array([0.1, 0.8, 0.6, 0.4, 0.2, 0.3, 0.5, 0.3, 0.2, 0.4, 0.6, 0.8])
"""By absolute interval without octaves: a semitone and a major seventh 0.8 ... a fourth and a fifth 0.3."""

MAJOR_PROFILE = (
    17.7661, 0.145624, 14.9265, 0.160186, 19.8049, 11.3587, 0.291248, 22.062, 0.145624, 8.15494, 0.232998, 4.95122,
)  # fmt: skip
MINOR_PROFILE = (
    18.2648, 0.737619, 14.0499, 16.8599, 0.702494, 14.4362, 0.702494, 18.6161, 4.56621, 1.93186, 7.37619, 1.75623,
)  # fmt: skip

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


class Sound(NamedTuple):
    """A note, or a rest whose `pitch` is None; `duration` in ticks."""

    pitch: int | None
    duration: int


def describe(melody: Melody) -> Floats:
    """(17,) the descriptors of a melody, in the order of `NAMES`."""
    return np.asarray(describe_sounds([sounds_of(melody)])[0])


def sounds_of(melody: Melody) -> list[Sound]:
    """The notes of a melody and the rests between them."""
    return [Sound(pitch, end - start) for start, end, pitch in notes_and_rests(melody)]


def sounds_of_tokens(tokens: Iterable[str]) -> list[Sound]:
    """The sounds of a grid text's song, neighbouring rests kept apart. Tokens are taken to be valid."""
    sounds: list[Sound] = []
    for token in tokens:
        if token == HOLD:
            sounds[-1] = Sound(sounds[-1].pitch, sounds[-1].duration + STEP_TICKS)
        else:
            sounds.append(Sound(None if token == REST else int(token), STEP_TICKS))
    return sounds


def describe_sounds(melodies: Sequence[Sequence[Sound]]) -> Floats:
    """(melodies, 17) the descriptors of the sounds of each melody, in the order of `NAMES`."""
    rows = [np.zeros((0, len(NAMES)))]
    for start in range(0, len(melodies), CHUNK):
        chunk = melodies[start : start + CHUNK]
        rows.append(np.column_stack([*_of_segments(_cut(chunk), _pitch_shares(chunk)), *_of_whole(chunk)]))
    return np.concatenate(rows)


def summarise(rows: Floats) -> Floats:
    """(7, 17) the rows `SUMMARIES` of descriptors (melodies, 17); STD is of the sample, 0 for a single melody."""
    if not len(rows):
        return np.zeros((len(SUMMARIES), len(NAMES)))
    spread = rows.std(axis=0, ddof=1) if len(rows) > 1 else np.zeros(len(NAMES))
    return np.array([
        rows.sum(axis=0), rows.mean(axis=0), rows.min(axis=0), rows.max(axis=0), np.median(rows, axis=0), spread,
        np.full(len(NAMES), float(len(rows))),
    ])  # fmt: skip


class _Pieces(NamedTuple):
    """Sounds of many melodies, cut into segments numbered through. A rest's pitch is -1; offsets are in ticks."""

    segment: Ints  # (pieces,)
    offset: Ints  # (pieces,) from the segment's start
    duration: Ints  # (pieces,)
    pitch: Ints  # (pieces,)
    melody: Ints  # (segments,)


def _cut(melodies: Sequence[Sequence[Sound]]) -> _Pieces:
    pieces: list[tuple[int, int, int, int]] = []
    melody_of: list[int] = []
    for number, sounds in enumerate(melodies):
        now = 0
        melody_of.extend([number] if sounds else [])
        for pitch, ticks in sounds:
            left, name = ticks, -1 if pitch is None else pitch
            if now + left > SEGMENT_TICKS:
                room = SEGMENT_TICKS - now
                if room > 0:
                    pieces.append((len(melody_of) - 1, now, room, name))
                # `room` is negative in a segment that a long sound has made too long: the next sound grows by it
                left, now = left - room, 0
                melody_of.append(number)
            pieces.append((len(melody_of) - 1, now, left, name))
            now += left
    segment, offset, duration, pitches = np.array(pieces, np.int64).reshape(-1, 4).T
    return _Pieces(segment, offset, duration, pitches, np.array(melody_of, np.int64))


def _of_segments(pieces: _Pieces, shares: Floats) -> list[Floats]:
    """The first eleven descriptors, each (melodies,). `shares` (melodies, 128) are of the pitches before cutting."""
    count, melodies = len(pieces.melody), len(shares)
    sounding = pieces.pitch >= 0
    segment, pitch = pieces.segment[sounding], pieces.pitch[sounding]
    notes = np.bincount(segment, minlength=count)
    quarters = np.bincount(pieces.segment, pieces.duration, count) / TICKS_PER_QUARTER
    rests = np.bincount(pieces.segment[~sounding], pieces.duration[~sounding], count) / TICKS_PER_QUARTER
    first = np.flatnonzero(np.diff(segment, prepend=-1))  # the first note of each segment that has one
    within = segment[1:] == segment[:-1]  # neighbouring notes of one segment
    turns = _turns(np.diff(pitch)) & within[1:] & within[:-1]
    off_beat = pieces.offset[sounding] % TICKS_PER_QUARTER != 0
    sizes, inside = np.abs(np.diff(pitch))[within], segment[1:][within]

    def mean(values: Floats | Ints, least_notes: int = 0) -> Floats:
        known = notes >= least_notes
        return _averages(np.asarray(values, np.float64)[known], pieces.melody[known], melodies)

    def at_first(values: Ints) -> Ints:
        spread = np.zeros(count, np.int64)
        spread[segment[first]] = values
        return spread

    def over_notes(ufunc: np.ufunc, values: Ints) -> Ints:
        return at_first(ufunc.reduceat(values, first)) if len(first) else np.zeros(count, np.int64)

    return [
        mean(_variances(pitch, segment, count), 1),
        mean(over_notes(np.maximum, pitch) - over_notes(np.minimum, pitch), 1),
        mean(_variances(pieces.duration / TICKS_PER_QUARTER, pieces.segment, count)),
        mean(notes / quarters),
        mean(rests / quarters),
        mean(_variances(sizes, inside, count), 2),
        mean(over_notes(np.maximum, _runs(pitch, within)), 1),
        mean(np.bincount(segment[2:][turns], minlength=count), 2),
        mean(np.bincount(segment[off_beat], minlength=count)),
        mean(_averages(TENSION[sizes % 12], inside, count), 2),
        mean(_divergences(segment, pitch, notes, shares[pieces.melody]), 1),
    ]


def _of_whole(melodies: Sequence[Sequence[Sound]]) -> list[Floats]:
    """The last six descriptors, each (melodies,)."""
    count = len(melodies)
    lengths = [len(sounds) for sounds in melodies]
    melody = np.repeat(np.arange(count), lengths)
    flat = [(-1 if pitch is None else pitch, ticks) for sounds in melodies for pitch, ticks in sounds]
    pitch, ticks = np.array(flat, np.int64).reshape(-1, 2).T
    ends = np.cumsum(ticks)
    onset = ends - ticks - np.repeat(np.concatenate([[0], ends])[np.cumsum([0, *lengths])[:-1]], lengths)
    sounding = pitch >= 0
    melody, pitch, ticks, onset = melody[sounding], pitch[sounding], ticks[sounding], onset[sounding]
    pair = melody[1:] == melody[:-1]  # neighbouring notes of one melody
    triple = pair[1:] & pair[:-1]
    intervals = np.diff(pitch)
    classes = np.abs(intervals) % 12
    triples = ((pitch[:-2] * 128 + pitch[1:-1]) * 128 + pitch[2:])[triple]
    pairs_in, triples_in = melody[1:][pair], melody[2:][triple]
    turned = melody[2:][_turns(intervals) & triple]
    differences = _variances(np.diff(classes)[triple], triples_in, count)
    keys = _different(*_measure_keys(melody, pitch, ticks, onset), count)
    return [
        _entropy(pitch, melody, count),
        _entropy(ticks, melody, count),
        _different(triples, triples_in, count) / np.maximum(np.bincount(triples_in, minlength=count), 1),
        0.5 * (_different(classes[pair], pairs_in, count) / 12 + 0.1 * differences),
        100.0 * np.bincount(turned, minlength=count) / np.maximum(np.bincount(pairs_in, minlength=count), 1),
        np.maximum(keys - 1.0, 0.0),
    ]


def _measure_keys(melody: Ints, pitch: Ints, ticks: Ints, onset: Ints) -> tuple[Ints, Ints]:
    """Keys of the 4/4 measures in which a note starts, and the melody that each measure is of."""
    if not len(pitch):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    places, measure = np.unique(melody * LARGE + onset // TICKS_PER_WHOLE, return_inverse=True)
    cells = np.bincount(measure * 12 + pitch % 12, ticks / TICKS_PER_QUARTER, 12 * len(places))
    quarters = np.asarray(cells, np.float64).reshape(-1, 12)
    different, which = np.unique(quarters, axis=0, return_inverse=True)
    return likely_keys(different)[which], places // LARGE


def _turns(intervals: Ints) -> Bools:
    """(intervals - 1,) whether neighbouring intervals go different ways; a repeated note is no way."""
    return np.asarray(intervals[1:] * intervals[:-1] < 0)


def _runs(pitch: Ints, within: Bools) -> Ints:
    """(notes,) how many notes of one pitch, up to this one, stand in a row within the segment."""
    places = np.arange(len(pitch))
    new = np.concatenate([[True], (pitch[1:] != pitch[:-1]) | ~within])[: len(pitch)]
    return np.asarray(places - np.maximum.accumulate(np.where(new, places, 0)) + 1)


def _pitch_shares(melodies: Sequence[Sequence[Sound]]) -> Floats:
    """(melodies, 128) share of each pitch among the notes; zeros without notes."""
    cells = [128 * n + pitch for n, sounds in enumerate(melodies) for pitch, _ in sounds if pitch is not None]
    counts = np.bincount(np.array(cells, np.int64), minlength=128 * len(melodies)).reshape(-1, 128)
    return np.asarray(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1))


def _divergences(segment: Ints, pitch: Ints, notes: Ints, whole: Floats) -> Floats:
    """(segments,) Kullback-Leibler divergence of each segment's pitches from its melody's, `whole` (segments, 128)."""
    used = np.flatnonzero(whole.any(axis=0))  # a few dozen of the 128, which are most of the work
    width, whole = len(used), whole[:, used]
    cells = np.bincount(segment * width + np.searchsorted(used, pitch), minlength=width * len(notes))
    share = np.maximum(cells.reshape(len(notes), width) / np.maximum(notes, 1)[:, None], ABSENT)
    occurs = whole > 0
    return np.asarray((share * np.log(share / np.where(occurs, whole, 1.0)) * occurs).sum(axis=1))


def _averages(values: Floats, groups: Ints, count: int) -> Floats:
    """(count,) mean of each group's values; 0 for an empty group."""
    return np.asarray(np.bincount(groups, values, count) / np.maximum(np.bincount(groups, minlength=count), 1))


def _variances(values: Floats | Ints, groups: Ints, count: int) -> Floats:
    """(count,) population variance of each group's values; 0 for an empty group."""
    apart = values - _averages(np.asarray(values, np.float64), groups, count)[groups]
    return _averages(apart**2, groups, count)


def _different(values: Ints, groups: Ints, count: int) -> Ints:
    """(count,) how many different values each group has."""
    return np.bincount(np.unique(groups * LARGE + values) // LARGE, minlength=count)


def _entropy(values: Ints, groups: Ints, count: int) -> Floats:
    """(count,) entropy of each group's values in bits."""
    pairs, times = np.unique(groups * LARGE + values, return_counts=True)
    group = pairs // LARGE
    shares = times / np.bincount(groups, minlength=count)[group]
    return np.asarray(np.bincount(group, shares * np.log2(1 / shares), count))


def likely_keys(distributions: Floats) -> Ints:
    """(measures,) number of the key: twice the tonic's pitch class, plus 1 for minor.

    Args:
        distributions: (measures, 12) quarters; a measure without notes has no key, so leave it out.
    """
    means = _in_order(distributions) / 12
    apart = distributions - means[:, None]
    # sums over pitch classes in order: (measures, keys)
    agreement = np.zeros((len(distributions), 24))
    for pitch_class in range(12):
        agreement = agreement + _PROFILES[:, pitch_class] * apart[:, pitch_class, None]
    spread = _in_order(np.array([[value**2 for value in row] for row in apart.tolist()]).reshape(-1, 12))
    products = (spread[:, None] * _SPREADS).ravel().tolist()
    scale = np.array([product**0.5 for product in products]).reshape(-1, 24)
    fit = np.divide(agreement, scale, out=np.zeros_like(agreement), where=scale > 0)
    return np.asarray(23 - np.argmax(fit[:, ::-1], axis=1))  # the last of equal ones


def _in_order(values: Floats) -> Floats:
    """Sums of rows from left to right; numpy's own sum adds in another order."""
    total = np.zeros(len(values))
    for column in values.T:
        total = total + column
    return total


def _profiles() -> Floats:
    """(keys, 12) each key's profile less its mean, by pitch class."""
    rows = []
    for tonic in range(12):
        for weights in (MAJOR_PROFILE, MINOR_PROFILE):
            mean = float(_in_order(np.array([weights]))[0]) / 12
            rows.append([weights[(pitch_class - tonic) % 12] - mean for pitch_class in range(12)])
    return np.array(rows)


_PROFILES = _profiles()
_SPREADS = _in_order(np.array([[value**2 for value in row] for row in _PROFILES.tolist()]))
