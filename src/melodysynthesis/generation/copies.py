"""No long run of notes from the tunes that a model was trained on.

Runs are compared as in `evaluation.originality`, by rhythm: equal intervals, and equal durations up to one factor. A
run of n notes is n - 1 steps from note to note, and is looked up by a hash of 64 bits: that a new run is taken for a
copied one by mistake has a chance of one in 10^13, and does no harm.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from threading import Lock

import numpy as np
from cachetools import LRUCache, cached
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

    A note lasts until the next one begins, so that a rest behind it can make a run another one; the last note of a
    melody lasts as long as it sounds. Whether a note completes a run is known when the next begins.

    Args:
        automaton: of the melody.
        notes: the longest run.
        training: (notes,) steps of the training tunes, -1 between them.
        early: whether no note may be so long that it completes a run, even if a rest could still save it. Melodies are
            drawn so, lest the model be driven to rest; where that leads nowhere, rests are counted on.
    """

    name = "max_copy"

    def __init__(self, automaton: Automaton, notes: int, training: Ints, early: bool = True) -> None:
        self.ticks, self.lengths_, self.end = automaton.space.ticks, automaton.space.lengths, automaton.space.ticks[-1]
        self.pitches, self.notes, self.early = automaton.setting.pitches, notes, early
        self.known, self.begun = runs(training, notes), runs(training, notes - 1)

    def heads(self, past: Past, tick: Ints) -> Flags:
        """See `Memory.heads`: no note after one that would so complete a run."""
        fine = np.ones((len(tick), past.rest + 1), np.bool_)
        rows, onset, pitch = self._latest(past)
        if len(rows):
            copied = self._completes(onset, pitch, (self.ticks[tick[rows]] - onset[:, -1])[:, None])
            fine[rows, :-1] = ~copied
        return fine

    def lengths(self, past: Past, tick: Ints, event: Ints) -> Flags:
        """See `Memory.lengths`: nothing that ends the melody with a run, and `early`, no note that completes one."""
        fine = np.ones((len(tick), len(self.lengths_)), np.bool_)
        ends = self.ticks[tick, None] + self.lengths_ == self.end
        rows, onset, pitch = self._latest(past, tick, event)
        if len(rows):
            copied = self._completes(onset, pitch, np.tile(self.lengths_, (len(rows), 1)))
            fine[rows] = ~copied if self.early else ~(copied & ends[rows])
        rests = event == past.rest
        rows, onset, pitch = self._latest(past) if (rests & ends.any(axis=1)).any() else (np.zeros(0, np.int64),) * 3
        if len(rows):
            number = past.length[rows, past.onsets[rows, past.notes[rows] - 1]]
            copied = self._completes(onset, pitch, self.lengths_[number][:, None])
            fine[rows] &= ~(copied & ends[rows] & rests[rows, None])
        return fine

    def looked_at(self, past: Past, tick: int) -> bytes:
        """All of the past before a tick that counts from there on, for one particle: the latest notes."""
        onsets = past.onsets[0, max(int(past.notes[0]) - self.notes - 1, 0) : int(past.notes[0])].astype(np.int64)
        latest = np.stack([self.ticks[tick] - self.ticks[onsets], self.pitches[past.event[0, onsets]]])
        return bytes(latest.tobytes() + past.length[0, onsets[-1:]].tobytes())

    def _latest(self, past: Past, tick: Ints | None = None, event: Ints | None = None) -> tuple[Ints, Ints, Ints]:
        """Rows that have a note more than `notes`, and (rows, notes + 1) onsets and pitches of the latest.

        The last of them is that of an event that has begun, if it is told; rows where that is a rest are left out.
        """
        new = 0 if tick is None or event is None else 1
        enough = past.notes + new > self.notes
        rows = np.flatnonzero(enough if event is None else enough & (event != past.rest))
        if not len(rows):
            return rows, rows, rows
        places = past.notes[rows, None] + np.arange(new - self.notes - 1, new)
        at = past.onsets[rows[:, None], np.minimum(places, past.onsets.shape[1] - 1)].astype(np.int64)
        if tick is not None:
            at[:, -1] = tick[rows]
        sounding = past.event[rows[:, None], at].astype(np.int64)
        if event is not None:
            sounding[:, -1] = event[rows]
        return rows, self.ticks[at], self.pitches[np.minimum(sounding, len(self.pitches) - 1)]

    def _completes(self, onset: Ints, pitch: Ints, last: Ints) -> Flags:
        """(rows, k) whether notes are a run of a training tune, if the last of them has one of k durations."""
        lasting, interval = np.diff(onset, axis=1), np.diff(pitch, axis=1)
        before = _hash(steps_by_rhythm(interval[:, :-1], lasting[:, :-1], lasting[:, 1:]))
        copied = np.zeros(last.shape, np.bool_)
        like = np.flatnonzero(_is_in(before, self.begun))  # few go on
        final = steps_by_rhythm(interval[like, -1:], lasting[like, -1:], last[like])
        copied[like] = _is_in(_follow(before[like, None], final), self.known)
        return copied


@cached(LRUCache(16), key=lambda training, steps: (blake2b(training.tobytes()).digest(), steps), lock=Lock())
def runs(training: Ints, steps: int) -> Hashes:
    """Hashes of all runs of so many steps in tunes, ascending."""
    if steps == 0:
        return np.zeros(1, np.uint64)
    if len(training) < steps:
        return np.zeros(0, np.uint64)
    windows = np.lib.stride_tricks.sliding_window_view(training, steps)
    return np.unique(_hash(windows[(windows >= 0).all(axis=1)]))


def _hash(steps: Ints) -> Hashes:
    """(rows,) of (rows, steps): a polynomial of the mixed steps, which wraps around on purpose."""
    powers = np.full(steps.shape[1], BASE)
    powers[-1:] = 1
    return np.asarray((_mixed(steps) * np.multiply.accumulate(powers[::-1])[::-1]).sum(axis=1, dtype=np.uint64))


def _follow(before: Hashes, step: Ints) -> Hashes:
    """The hash of a run that is one step longer."""
    return np.asarray(before * BASE + _mixed(step))


def _mixed(step: Ints) -> Hashes:
    """Each step's bits, spread over all 64 as in SplitMix64 (Steele, Lea and Flood 2014)."""
    mixed = np.asarray(step).astype(np.uint64)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray((mixed ^ (mixed >> np.uint64(31))) + np.uint64(1))


def _is_in(values: Hashes, known: Hashes) -> Flags:
    if not len(known):
        return np.zeros(values.shape, np.bool_)
    return np.asarray(known[np.minimum(np.searchsorted(known, values), len(known) - 1)] == values)
