"""No long run of notes from the tunes that a model was trained on.

Runs are compared by rhythm or by interval and looked up by their hashes (`corpora.run_index`). It does no harm that a
new run is, very rarely, taken for a copied one.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from melodysynthesis.constraints.automaton import Automaton
from melodysynthesis.constraints.rule import Flags, Ints
from melodysynthesis.corpora.run_index import extend, hash_runs, interval_steps, rhythm_steps, run_table, steps_of_tunes
from melodysynthesis.errors import RequestError
from melodysynthesis.generation.stepper import EventHistory


@lru_cache(maxsize=4)
def steps_of(corpus: str, kind: str) -> Ints:
    """(notes,) steps by one of `KINDS` of the training tunes of a corpus; -1 between tunes.

    Raises:
        CorpusError: if it can't be read.
    """
    from melodysynthesis import corpora

    if not corpus:
        raise RequestError("max-copy needs the tunes that the model was trained on, and it does not say which")
    training = corpora.load(corpus).split("train")
    return steps_of_tunes(training.columns, training.indices, kind)


class MaxCopy:
    """Guaranteed: no run of more than `notes` notes occurs in a training tune.

    A note lasts until the next one begins, so a following rest changes its duration and breaks the match; the last note
    of a melody lasts as long as it sounds. Whether a note completes a run is known when the next begins.

    Args:
        automaton: of the melody.
        notes: the longest run.
        training: (notes,) steps of the training tunes, -1 between them.
        early: whether a note may not complete a run even if a rest could still break the match. Melodies are drawn
            with it first, so that the model need not rest; without it, rests may break a match.
    """

    name = "max_copy"

    def __init__(self, automaton: Automaton, notes: int, training: Ints, early: bool = True) -> None:
        self.ticks, self.lengths_, self.end = automaton.space.ticks, automaton.space.lengths, automaton.space.ticks[-1]
        self.pitches, self.notes, self.early = automaton.context.pitches, notes, early
        self.copied, self.beginnings = run_table(training, notes), run_table(training, notes - 1)

    def may_begin(self, history: EventHistory, tick: Ints) -> Flags:
        """See `HistoryRule.may_begin`: no note after one that would so complete a run."""
        fine = np.ones((len(tick), history.rest + 1), np.bool_)
        rows, onset, pitch = self._latest(history)
        if len(rows):
            copied = self._completes(onset, pitch, (self.ticks[tick[rows]] - onset[:, -1])[:, None])
            fine[rows, :-1] = ~copied
        return fine

    def may_last(self, history: EventHistory, tick: Ints, event: Ints) -> Flags:
        """See `HistoryRule.may_last`: no run at the end of the melody and, with `early`, none at all."""
        fine = np.ones((len(tick), len(self.lengths_)), np.bool_)
        ends = self.ticks[tick, None] + self.lengths_ == self.end
        rows, onset, pitch = self._latest(history, tick, event)
        if len(rows):
            copied = self._completes(onset, pitch, np.tile(self.lengths_, (len(rows), 1)))
            fine[rows] = ~copied if self.early else ~(copied & ends[rows])
        rests = event == history.rest
        rows, onset, pitch = self._latest(history) if (rests & ends.any(axis=1)).any() else (np.zeros(0, np.int64),) * 3
        if len(rows):
            number = history.length[rows, history.onsets[rows, history.notes[rows] - 1]]
            copied = self._completes(onset, pitch, self.lengths_[number][:, None])
            fine[rows] &= ~(copied & ends[rows] & rests[rows, None])
        return fine

    def state_key(self, history: EventHistory, tick: int) -> bytes:
        """All of the history before a tick that counts from there on, for one particle: the latest notes."""
        onsets = history.onsets[0, max(int(history.notes[0]) - self.notes - 1, 0) : int(history.notes[0])].astype(
            np.int64
        )
        latest = np.stack([self.ticks[tick] - self.ticks[onsets], self.pitches[history.event[0, onsets]]])
        return bytes(latest.tobytes() + history.length[0, onsets[-1:]].tobytes())

    def _latest(
        self, history: EventHistory, tick: Ints | None = None, event: Ints | None = None
    ) -> tuple[Ints, Ints, Ints]:
        """Rows that have a note more than `notes`, and (rows, notes + 1) onsets and pitches of the latest.

        The last of them is that of an event that has begun, if it is given; rows where that is a rest are left out.
        """
        new = 0 if tick is None or event is None else 1
        enough = history.notes + new > self.notes
        rows = np.flatnonzero(enough if event is None else enough & (event != history.rest))
        if not len(rows):
            return rows, rows, rows
        places = history.notes[rows, None] + np.arange(new - self.notes - 1, new)
        at = history.onsets[rows[:, None], np.minimum(places, history.onsets.shape[1] - 1)].astype(np.int64)
        if tick is not None:
            at[:, -1] = tick[rows]
        sounding = history.event[rows[:, None], at].astype(np.int64)
        if event is not None:
            sounding[:, -1] = event[rows]
        return rows, self.ticks[at], self.pitches[np.minimum(sounding, len(self.pitches) - 1)]

    def _completes(self, onset: Ints, pitch: Ints, last: Ints) -> Flags:
        """(rows, k) whether notes are a run of a training tune, if the last of them has one of k durations."""
        lasting, interval = np.diff(onset, axis=1), np.diff(pitch, axis=1)
        before = hash_runs(rhythm_steps(interval[:, :-1], lasting[:, :-1], lasting[:, 1:]), self.notes - 1)
        copied = np.zeros(last.shape, np.bool_)
        candidates = np.flatnonzero(self.beginnings.has(before[:, 0]))  # few runs get so far
        final = rhythm_steps(interval[candidates, -1:], lasting[candidates, -1:], last[candidates])
        copied[candidates] = self.copied.has(extend(before[candidates], final))
        return copied


class MaxCopyPitches:
    """Guaranteed: no run of more than `notes` notes has the intervals of one in a training tune.

    Args:
        automaton: of the melody.
        notes: the longest run.
        training: (notes,) steps by interval of the training tunes, -1 between them.
    """

    name = "max_copy_pitches"

    def __init__(self, automaton: Automaton, notes: int, training: Ints) -> None:
        self.lengths, self.pitches, self.notes = len(automaton.space.lengths), automaton.context.pitches, notes
        self.copied, self.beginnings = run_table(training, notes), run_table(training, notes - 1)

    def may_begin(self, history: EventHistory, tick: Ints) -> Flags:
        """See `HistoryRule.may_begin`: no pitch that completes a run."""
        fine = np.ones((len(tick), history.rest + 1), np.bool_)
        rows = np.flatnonzero(history.notes >= self.notes)
        if len(rows):
            pitch = self._latest(history, rows)
            before = hash_runs(interval_steps(np.diff(pitch, axis=1)), self.notes - 1)
            known = np.flatnonzero(self.beginnings.has(before[:, 0]))  # few runs get so far
            following = interval_steps(self.pitches - pitch[known, -1:])
            fine[rows[known], :-1] = ~self.copied.has(extend(before[known], following))
        return fine

    def may_last(self, history: EventHistory, tick: Ints, event: Ints) -> Flags:
        """See `HistoryRule.may_last`: any length."""
        del history, event
        return np.ones((len(tick), self.lengths), np.bool_)

    def state_key(self, history: EventHistory, tick: int) -> bytes:
        """See `HistoryRule.state_key`: the pitches of the latest notes."""
        del tick
        return bytes(self._latest(history, np.zeros(1, np.int64)).tobytes())

    def _latest(self, history: EventHistory, rows: Ints) -> Ints:
        """(rows, notes) pitches of the latest notes; of fewer, where there are no more in the first row."""
        places = np.arange(-min(self.notes, int(history.notes[rows[0]])), 0)
        at = history.onsets[rows[:, None], history.notes[rows, None] + places].astype(np.int64)
        return np.asarray(self.pitches[history.event[rows[:, None], at]])
