"""No long run of notes from the tunes that a model was trained on.

Runs are compared as in `evaluation.originality`, by rhythm: equal intervals, and equal durations up to one factor. A
run of n notes is n - 1 steps from note to note, and is looked up by a hash of 64 bits: that a new run is taken for a
copied one by mistake has a chance of one in 10^13, and does no harm.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.constraints.automaton import Automaton
from melodysynthesis.constraints.rule import Flags, Ints
from melodysynthesis.errors import RequestError
from melodysynthesis.evaluation.originality import steps_by_rhythm, training_steps
from melodysynthesis.generation.past import Past

Hashes = NDArray[np.uint64]
BASE = np.uint64(0x9E3779B97F4A7C15)


@lru_cache(maxsize=4)
def steps_of(corpus: str) -> Ints:
    """(notes,) steps of the training tunes of a corpus; -1 between tunes.

    Raises:
        CorpusError: if it can't be read.
    """
    from melodysynthesis import corpora

    if not corpus:
        raise RequestError("max-copy needs the tunes that the model was trained on, and it does not say which")
    return training_steps(corpora.load(corpus))


class MaxCopy:
    """Guaranteed: no run of more than `notes` notes stands in a training tune.

    Args:
        automaton: of the melody.
        notes: the longest run.
        training: (notes,) steps of the training tunes, -1 between them.
    """

    name = "max_copy"

    def __init__(self, automaton: Automaton, notes: int, training: Ints) -> None:
        self.ticks, self.lengths_ = automaton.space.ticks, automaton.space.lengths
        self.pitches, self.notes = automaton.setting.pitches, notes
        self.known, self.begun = runs(training, notes), runs(training, notes - 1)

    def heads(self, past: Past, tick: Ints) -> Flags:
        """See `Memory.heads`: whether it is a copy is not known before the length."""
        return np.ones((len(tick), past.rest + 1), np.bool_)

    def lengths(self, past: Past, tick: Ints, event: Ints) -> Flags:
        """See `Memory.lengths`. A rest makes the note before it last longer."""
        fine = np.ones((len(tick), len(self.lengths_)), np.bool_)
        silent = event == past.rest
        rows = np.flatnonzero(past.notes - silent >= self.notes)
        if not len(rows):
            return fine
        silent = silent[rows]
        # Onsets and pitches of the run's notes, (rows, notes + 1).
        places = (past.notes[rows] - silent)[:, None] + np.arange(-self.notes, 1)
        at = past.onsets[rows[:, None], np.minimum(places, past.onsets.shape[1] - 1)].astype(np.int64)
        at[~silent, -1] = tick[rows[~silent]]
        sounding = past.event[rows[:, None], at].astype(np.int64)
        sounding[~silent, -1] = event[rows[~silent]]
        pitch, onset = self.pitches[np.minimum(sounding, len(self.pitches) - 1)], self.ticks[at]
        lasting, interval = np.diff(onset, axis=1), np.diff(pitch, axis=1)
        before = _hash(steps_by_rhythm(interval[:, :-1], lasting[:, :-1], lasting[:, 1:]))
        like = np.flatnonzero(_is_in(before, self.begun))  # few go on
        last = (self.ticks[tick[rows[like]]] - onset[like, -1])[:, None] + self.lengths_
        final = steps_by_rhythm(interval[like, -1:], lasting[like, -1:], last)
        fine[rows[like]] = ~_is_in(_follow(before[like, None], final), self.known)
        return fine


def runs(training: Ints, steps: int) -> Hashes:
    """Hashes of all runs of so many steps in tunes, ascending."""
    if steps == 0:
        return np.zeros(1, np.uint64)
    if len(training) < steps:
        return np.zeros(0, np.uint64)
    windows = np.lib.stride_tricks.sliding_window_view(training, steps)
    return np.unique(_hash(windows[(windows >= 0).all(axis=1)]))


def _hash(steps: Ints) -> Hashes:
    """(rows,) of (rows, steps)."""
    value = np.zeros(len(steps), np.uint64)
    for column in range(steps.shape[1]):
        value = _follow(value, steps[:, column])
    return value


def _follow(before: Hashes, step: Ints) -> Hashes:
    """The hash of a run that is one step longer. Wraps around on purpose."""
    mixed = np.asarray(step).astype(np.uint64)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(before * BASE + (mixed ^ (mixed >> np.uint64(31))) + np.uint64(1))


def _is_in(values: Hashes, known: Hashes) -> Flags:
    if not len(known):
        return np.zeros(values.shape, np.bool_)
    return np.asarray(known[np.minimum(np.searchsorted(known, values), len(known) - 1)] == values)
