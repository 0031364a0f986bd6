"""What the judge reads of a melody: a row of whole numbers for each note and rest, and nothing that is absolute.

Conventions
-----------
Input: `Melody` of any encoding. A row for each note or rest, in order; a column for each field of `FIELDS`. Each value
    is below the field's size, so that it can be looked up in a table of embeddings.
Pitches are relative to the tonic, as in the encoding `event`; a melody without a key is read as written. Places and
    lengths in bars are those of the melody's own meters; without meter they are 0.
Unlike the features of a model that writes, these may look ahead: bars to go, the phrase's end, the last note.
Long melodies: of more than `MAX_ROWS` rows the first and the last halves of that number are read.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.encodings.event import sounds, tonic_shift
from melodysynthesis.encodings.event_tokens import DURATIONS, HIGHEST_PITCH, LOWEST_PITCH
from melodysynthesis.music import BEAT_UNITS, MODES, Melody

MAX_ROWS = 768
"""Rows that are read of one melody: attention takes time and memory by their square."""
REST_PITCH = HIGHEST_PITCH - LOWEST_PITCH + 1
LEAP = 12
"""Intervals beyond an octave count as an octave."""
SIXTEENTH = 6
"""Ticks."""
LAGS = (1, 2, 4, 8)
"""Bars back at which the same note may stand."""
PHRASE_LAGS = (1, 2)
"""Phrases back at which it may, at the same distance from the phrase's start; the first phrase is looked at, too."""

FIELDS: dict[str, int] = {
    "pitch": REST_PITCH + 1,
    "interval": 2 * LEAP + 2,
    "duration": len(DURATIONS),
    "position": 33,
    "bar": 32,
    "bars left": 32,
    "in phrase": 16,
    "left in phrase": 16,
    "phrase": 8,
    "match": 16,
    "as bars before": 2 ** len(LAGS),
    "as phrases before": 2 ** (len(PHRASE_LAGS) + 1),
    "equal pitches": 8,
    "mode": len(MODES) + 1,
    "beats": 17,
    "unit": len(BEAT_UNITS) + 1,
    "bars": 65,
}
"""Name and number of values of each column."""

Rows = NDArray[np.int64]


def rows_of(melody: Melody) -> Rows:
    """(notes and rests, FIELDS) the rows of a melody; one row of zeros for a melody without any."""
    events = list(sounds(melody))
    if not events:
        return np.zeros((1, len(FIELDS)), np.int64)
    if len(events) > MAX_ROWS:
        events = events[: MAX_ROWS // 2] + events[-MAX_ROWS // 2 :]
    shift = -tonic_shift(melody.key)
    onset = np.array([start for start, _, _ in events])
    length = np.array([end - start for start, end, _ in events])
    pitch = np.array([-1 if p is None else min(max(p + shift, LOWEST_PITCH), HIGHEST_PITCH) for _, _, p in events])
    table = {name: np.zeros(len(events), np.int64) for name in FIELDS}
    table["pitch"] = np.where(pitch < 0, REST_PITCH, pitch - LOWEST_PITCH)
    table["interval"] = _intervals(pitch)
    table["duration"] = np.searchsorted(DURATIONS, length, "right") - 1
    table["equal pitches"] = _equal_before(pitch)
    _bars(melody, onset, table)
    _phrases(melody, onset, onset + length, table)
    table["match"] = _match_lengths(table["interval"], length)
    if melody.meters:
        meter = np.searchsorted([each.tick for each in melody.meters], onset, "right") - 1
        ticks = np.array([each.bar_ticks for each in melody.meters])[meter]
        table["as bars before"] = _same_at(np.array(LAGS)[:, None] * ticks, onset, length, pitch)
    if melody.phrase_ends:
        starts, phrase = np.array([0, *melody.phrase_ends]), table["phrase"] - 1
        before = [starts[phrase] - starts[np.maximum(phrase - lag, 0)] for lag in PHRASE_LAGS]
        table["as phrases before"] = _same_at(np.stack([*before, starts[phrase]]), onset, length, pitch)
    table["mode"][:] = MODES.index(melody.key.mode) + 1 if melody.key else 0
    if melody.meters:
        table["beats"][:] = melody.meters[0].beats
        table["unit"][:] = BEAT_UNITS.index(melody.meters[0].beat_unit) + 1
    stacked = np.stack([table[name] for name in FIELDS], axis=1)
    return np.clip(stacked, 0, np.array(list(FIELDS.values())) - 1)


def padded(rows: Sequence[Rows]) -> tuple[Rows, NDArray[np.float32]]:
    """(melodies, longest, FIELDS) and (melodies, longest): rows of several melodies, and 1 where there is one."""
    longest = max(len(one) for one in rows)
    ids = np.zeros((len(rows), longest, len(FIELDS)), np.int64)
    there = np.zeros((len(rows), longest), np.float32)
    for number, one in enumerate(rows):
        ids[number, : len(one)], there[number, : len(one)] = one, 1.0
    return ids, there


def _intervals(pitch: Rows) -> Rows:
    """From the note before, rests skipped: 1 for an octave down to 2 * LEAP + 1 for one up; else 0."""
    notes = np.flatnonzero(pitch >= 0)
    found = np.zeros(len(pitch), np.int64)
    found[notes[1:]] = np.clip(np.diff(pitch[notes]), -LEAP, LEAP) + LEAP + 1
    return found


def _equal_before(pitch: Rows) -> Rows:
    """Notes of the same pitch without another between, this one not counted."""
    found, run, last = [], 0, -1
    for each in pitch.tolist():
        if each >= 0:
            run, last = (run + 1 if each == last else 0), each
        found.append(run)
    return np.array(found)


def _bars(melody: Melody, onset: Rows, table: dict[str, Rows]) -> None:
    """Fill in what has to do with bars. A pickup is read from the end of its bar."""
    bars = list(melody.bars())
    if not bars:
        return
    starts = np.array([bar.start for bar in bars])
    bar = np.searchsorted(starts, onset, "right") - 1
    starts[0] -= bars[0].meter.bar_ticks - melody.pickup if melody.pickup else 0
    table["position"] = np.minimum((onset - starts[bar]) // SIXTEENTH, 31) + 1
    table["bar"], table["bars left"] = bar, len(bars) - 1 - bar
    table["bars"][:] = len(bars)


def _phrases(melody: Melody, onset: Rows, end: Rows, table: dict[str, Rows]) -> None:
    """Fills in the phrase of each event, and how many events stand before and behind it in the phrase; from 1."""
    ends = melody.phrase_ends
    if not ends:
        return
    phrase = np.searchsorted(ends, onset, "right")
    table["phrase"] = phrase + 1
    first = np.searchsorted(phrase, phrase, "left")
    last = np.searchsorted(phrase, phrase, "right") - 1
    place = np.arange(len(onset))
    table["in phrase"], table["left in phrase"] = place - first + 1, last - place + 1
    open_end = phrase == len(ends)  # what no phrase mark follows
    table["left in phrase"][open_end & (end[last] == end[-1])] = 0


def _match_lengths(interval: Rows, length: Rows) -> Rows:
    """Length of the longest run of intervals and durations that ends here and occurred before."""
    key = interval * 4096 + np.minimum(length, 4095)
    same = np.tril(key[:, None] == key, -1)  # (here, before)
    found: Rows = same.any(axis=1).astype(np.int64)
    run = same
    for _ in range(2, FIELDS["match"]):
        longer = np.zeros_like(run)
        longer[1:, 1:] = same[1:, 1:] & run[:-1, :-1]
        if not longer.any():
            break
        found += longer.any(axis=1)
        run = longer
    return found


def _same_at(back: Rows, onset: Rows, length: Rows, pitch: Rows) -> Rows:
    """(events,) a bit for each row of `back`, (looks, events): whether the same note began so many ticks before."""
    wanted = onset - back
    place = np.minimum(np.searchsorted(onset, wanted), len(onset) - 1)
    found = (back > 0) & (onset[place] == wanted) & (length[place] == length) & (pitch[place] == pitch)
    return np.asarray((found << np.arange(len(back))[:, None]).sum(axis=0))
