"""The state of `event` sequences: grammar, position in the bar, bars to go, and what earlier notes propose to copy.

Folk tunes repeat themselves: the best guess at the next note is often the note at the same position some bars or a
phrase ago, or the note that followed the last occurrence of the latest notes. Those guesses are functions of the past,
so they are features, the same for every architecture.
"""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.encodings.base import Feature, Header, Ids
from melodysynthesis.encodings.event_tokens import (
    DURATIONS,
    EVENT_TOKENS,
    GRAMMAR,
    HIGHEST_PITCH,
    ID,
    KINDS,
    LOWEST_PITCH,
    MAX_BARS,
    REST,
    TOKENS,
    TONICS,
    VALUES,
    Kind,
    Slot,
    transitions,
)
from melodysynthesis.encodings.match_table import MatchTable
from melodysynthesis.errors import EncodingError
from melodysynthesis.music import MODES, TICKS_PER_WHOLE

BARS_AGO = (1, 2, 4, 8)
"""Distances in bars at which to look up the note at the same position."""

POSITIONS = 194
"""Positions in a bar in ticks, up to two whole notes; the last two: longer, and no meter."""
TO_GO = 34
"""Bars to go, up to 32; the last: not known."""
NOTE_MATCHES = 17
"""Lengths of a match with the latest notes, up to 16 notes or more."""
NO_INTERVAL = 999
"""Marks the interval to or from a rest."""
PHRASE_POSITIONS = 66

# What sounds at a tick, as a feature: nothing known, no onset (a note or rest goes on), a rest's onset, or a pitch's.
NOTHING, HELD, RESTS = 0, 1, 2
SOUNDS = HIGHEST_PITCH - LOWEST_PITCH + 4
# How long it sounds: nothing known, a sum of several durations, or one of the table.
LENGTHS = len(DURATIONS) + 2

SAME_SOUND = (-1, -1, REST, *(ID[Kind.PITCH, pitch] for pitch in range(LOWEST_PITCH, HIGHEST_PITCH + 1)))
SAME_LENGTH = (-1, -1, *(ID[Kind.DURATION, ticks] for ticks in DURATIONS))
"""The token that a sound or a duration proposes to copy: itself."""

FEATURES = (
    Feature("position in bar", POSITIONS),
    Feature("bars to go", TO_GO),
    *(Feature(f"pitch {lag} bars ago", SOUNDS, SAME_SOUND) for lag in BARS_AGO),
    *(Feature(f"duration {lag} bars ago", LENGTHS, SAME_LENGTH) for lag in BARS_AGO),
    Feature("position in phrase", PHRASE_POSITIONS),
    Feature("pitch a phrase ago", SOUNDS, SAME_SOUND),
    Feature("duration a phrase ago", LENGTHS, SAME_LENGTH),
    Feature("pitch after the last like notes", SOUNDS, SAME_SOUND),
    Feature("duration after the last like notes", LENGTHS, SAME_LENGTH),
    Feature("how many like notes", NOTE_MATCHES),
    Feature("pitch after the last like notes, transposed", SOUNDS, SAME_SOUND),
    Feature("how many like notes, transposed", NOTE_MATCHES),
    Feature("duration after the last like rhythm", LENGTHS, SAME_LENGTH),
    Feature("how many notes of like rhythm", NOTE_MATCHES),
)

SOUND_COLUMNS, LENGTH_COLUMNS = [2, 3, 4, 5, 11], [6, 7, 8, 9, 12]
"""Of `FEATURES`: what sounded at earlier places, bars ago and a phrase ago, and for how long."""
PHRASE_COLUMN, COPY_COLUMNS = 10, slice(13, None)

LENGTH_OF = np.ones(max(DURATIONS) + 1, np.int16)
LENGTH_OF[0] = NOTHING
LENGTH_OF[list(DURATIONS)] = np.arange(2, LENGTHS)
"""Ticks -> the feature's value."""

# Looked up once, for each token: members of an enumeration take as long as a small array's comparison.
IS_DURATION, IS_PHRASE = KINDS == Kind.DURATION, KINDS == Kind.PHRASE
IS_PITCH, IS_ONSET = KINDS == Kind.PITCH, np.isin(KINDS, (Kind.PITCH, Kind.REST))
IS_HEADER = np.isin(KINDS, (Kind.BEATS, Kind.UNIT, Kind.BARS))
SOUND_OF = np.where(KINDS == Kind.PITCH, VALUES - LOWEST_PITCH + 3, RESTS)
PICKUP, FIRST, AWAITS_DURATION, DONE = map(int, (Slot.PICKUP, Slot.FIRST, Slot.DURATION, Slot.DONE))
LONGEST_DURATION = max(DURATIONS)
BAR_LAGS = np.array(BARS_AGO)
KINDS_OF_MATCH = SAME, MOVED, RHYTHM = range(3)
"""Notes are compared in three ways: the same, the same but transposed, the same rhythm."""


class EventContext:
    """A batch of `event` sequences under way; see `Context`. Arrays are (batch,) unless their comment differs."""

    next_slot = transitions(GRAMMAR, len(EVENT_TOKENS))
    """(slots, vocabulary): the slot that a token leads to, -1 where the grammar forbids it."""
    can_follow = next_slot >= 0

    def __init__(self, batch: int, header: Header) -> None:
        self.header = header
        self.slot = np.full(batch, Slot.TONIC, np.int64)
        self.tick = np.zeros(batch, np.int64)
        self.beats = np.zeros(batch, np.int64)
        self.bar_ticks = np.zeros(batch, np.int64)
        self.bar_end = np.zeros(batch, np.int64)
        self.pickup = np.zeros(batch, np.int64)
        self.bars = np.full(batch, -1, np.int64)
        self.bars_ended = np.zeros(batch, np.int64)
        self.last_pitch = np.zeros(batch, np.int64)
        self.repeats = np.zeros(batch, np.int64)
        self.phrase_start = np.zeros(batch, np.int64)
        self.last_phrase_start = np.full(batch, -1, np.int64)
        # What starts at each tick, and how long it is: (batch, ticks), grown as needed.
        self.sound_at = np.full((batch, 512), HELD, np.int16)
        self.length_at = np.zeros((batch, 512), np.int16)
        # The notes and rests so far: (batch, notes), `count` of them. A rest's interval is none that a note has.
        self.count = np.zeros(batch, np.int64)
        self.sounds = np.zeros((batch, 64), np.int16)
        self.intervals = np.zeros((batch, 64), np.int16)
        self.ticks = np.zeros((batch, 64), np.int32)
        self.matches = MatchTable((batch, len(KINDS_OF_MATCH)))
        self._features: NDArray[np.int64] | None = None  # until something but an onset changes them

    @property
    def done(self) -> NDArray[np.bool_]:
        """Whether the sequence has ended."""
        return np.equal(self.slot, DONE)

    @property
    def in_body(self) -> NDArray[np.bool_]:
        """Whether notes may follow."""
        return np.greater_equal(self.slot, FIRST)

    @property
    def end_tick(self) -> NDArray[np.int64]:
        """Tick at which the melody ends if it keeps its number of bars; the last bar is short by the pickup."""
        to_go = self.bars - self.bars_ended
        known = (self.bars > 0) & (self.bars < MAX_BARS) & (self.bar_ticks > 0) & self.in_body
        in_pickup = (self.bars_ended == 0) & (self.pickup > 0) & (self.tick < self.pickup)
        last = self.bar_end + (to_go - ~in_pickup) * self.bar_ticks
        return np.where(known, last - self.pickup, 0)

    def advance(self, ids: Ids) -> None:
        """Take one token for each sequence."""
        then = self.next_slot[self.slot, ids]
        if then.min(initial=0) < 0:
            row = int(np.argmax(then < 0))
            raise EncodingError(f"token {TOKENS[ids[row]][0]!r} can't follow in slot {Slot(self.slot[row]).name}")
        durations, in_prefix = IS_DURATION[ids], self.slot < FIRST
        (timed,), (onsets,) = (durations & ~in_prefix).nonzero(), IS_ONSET[ids].nonzero()
        if len(onsets) < len(ids):
            self._features = None
        if len(timed):
            self._advance_duration(timed, VALUES[ids[timed]])
        if len(onsets):
            self._advance_onset(onsets, SOUND_OF[ids[onsets]])
        (pitches,) = IS_PITCH[ids].nonzero()
        if len(pitches):
            same = ids[pitches] == self.last_pitch[pitches]
            self.repeats[pitches] = np.where(same, self.repeats[pitches], 0) + 1
            self.last_pitch[pitches] = ids[pitches]
        (phrase,) = IS_PHRASE[ids].nonzero()
        if len(phrase):
            self.last_phrase_start[phrase] = self.phrase_start[phrase]
            self.phrase_start[phrase] = self.tick[phrase]
        pickup = durations & np.equal(self.slot, PICKUP)
        if pickup.any() or IS_HEADER[ids].any():
            self._advance_header(ids, pickup, in_prefix)
        self.slot = then

    def _advance_header(self, ids: Ids, pickup: NDArray[np.bool_], in_prefix: NDArray[np.bool_]) -> None:
        kind, value = KINDS[ids], VALUES[ids]
        beats, unit, bars = kind == Kind.BEATS, kind == Kind.UNIT, kind == Kind.BARS
        self.pickup[pickup] += value[pickup]
        self.beats[beats] = value[beats]
        new = self.beats[unit] * TICKS_PER_WHOLE // value[unit]
        # A change of meter starts a new bar, so a bar that was under way ends here.
        # A pickup is no bar of its own.
        in_pickup = (self.bars_ended == 0) & (self.tick < self.pickup)
        under_way = ~in_prefix & unit & ~in_pickup & (self.bar_end != self.tick + self.bar_ticks)
        self.bars_ended[under_way] += 1
        self.bar_ticks[unit] = new
        self.bar_end[unit] = self.tick[unit] + new
        self.bars[bars] = value[bars]
        self.bar_end[bars] = np.where(self.pickup[bars] > 0, self.pickup[bars], self.bar_ticks[bars])

    def _advance_onset(self, rows: NDArray[np.int64], sounds: NDArray[np.int64]) -> None:
        self._make_room_for_note()
        self.sound_at[rows, self.tick[rows]] = sounds
        self.sounds[rows, self.count[rows]] = sounds
        self.ticks[rows, self.count[rows]] = 0
        before = self.sounds[rows, np.maximum(self.count[rows] - 1, 0)]
        is_interval = (sounds > RESTS) & (before > RESTS)
        self.intervals[rows, self.count[rows]] = np.where(is_interval, sounds - before, NO_INTERVAL)
        self.count[rows] += 1
        self.matches.begin(rows)

    def _advance_duration(self, rows: NDArray[np.int64], ticks: NDArray[np.int64]) -> None:
        last = self.count[rows] - 1
        # A tied duration lengthens the note that is there.
        self.ticks[rows, last] += ticks.astype(np.int32)
        whole = self.ticks[rows, last]
        self.length_at[rows, self.tick[rows] + ticks - whole] = LENGTH_OF[np.minimum(whole, LONGEST_DURATION)]
        self.tick[rows] += ticks
        self._make_room_for_ticks()
        self._compare(rows, last)
        late = self.tick[rows] >= self.bar_end[rows]
        bar = self.bar_ticks[rows]
        over = np.where(late & (bar > 0), (self.tick[rows] - self.bar_end[rows]) // np.maximum(bar, 1) + 1, 0)
        pickup_ends = (self.pickup[rows] > 0) & (self.bar_end[rows] == self.pickup[rows]) & (over > 0)
        first_bar = pickup_ends & (self.bars_ended[rows] == 0)
        self.bars_ended[rows] += over - first_bar
        self.bar_end[rows] += over * bar

    def _compare(self, rows: NDArray[np.int64], last: NDArray[np.int64]) -> None:
        """Compare the latest note with each earlier one, in each of `KINDS_OF_MATCH`."""
        width = int(last.max()) + 1
        matches = np.empty((len(rows), len(KINDS_OF_MATCH), width), np.bool_)
        for kind, values in ((RHYTHM, self.ticks), (SAME, self.sounds), (MOVED, self.intervals)):
            np.equal(values[rows, :width], values[rows, last][:, None], out=matches[:, kind])
        matches[:, RHYTHM] &= np.arange(width) < last[:, None]
        matches[:, :RHYTHM] &= matches[:, RHYTHM:]
        self.matches.compare(rows, matches)

    def _make_room_for_ticks(self) -> None:
        """Grow the arrays of ticks. One long rest may need several times the length of everything before it."""
        room = self.sound_at.shape[1]
        needed = int(self.tick.max()) + 1
        if needed > room:
            more = ((0, 0), (0, max(room, needed - room)))
            self.sound_at = np.pad(self.sound_at, more, constant_values=HELD)
            self.length_at = np.pad(self.length_at, more)

    def _make_room_for_note(self) -> None:
        """Grow the notes, twofold, so that another one fits."""
        if self.count.max() + 1 >= self.sounds.shape[1]:
            more = ((0, 0), (0, self.sounds.shape[1]))
            self.sounds, self.ticks = np.pad(self.sounds, more), np.pad(self.ticks, more)
            self.intervals = np.pad(self.intervals, more)
            self.matches.grow()

    def features(self) -> NDArray[np.int64]:
        """(batch, features): the values of `FEATURES` before the next token."""
        # Between a note's pitch and its duration the tick is still its onset: both are predicted from one position, and
        # from the same features.
        if self._features is None:
            self._features = self._new_features()
        return self._features

    def _new_features(self) -> NDArray[np.int64]:
        rows, bar, onset = np.arange(len(self.slot))[:, None], self.bar_ticks, self.tick
        metered = (bar > 0) & (self.slot >= FIRST)
        columns = np.empty((len(rows), len(FEATURES)), np.int64)
        columns[:, 0] = np.where(metered, np.minimum(bar - (self.bar_end - onset), POSITIONS - 2), POSITIONS - 1)
        to_go = np.minimum(np.maximum(self.bars - self.bars_ended, 0), TO_GO - 2)
        columns[:, 1] = np.where(metered & (self.bars > 0), to_go, TO_GO - 1)
        in_phrase = onset - self.phrase_start
        columns[:, PHRASE_COLUMN] = np.minimum(in_phrase // 6, PHRASE_POSITIONS - 1)
        place = np.empty((len(rows), len(BARS_AGO) + 1), np.int64)
        place[:, :-1] = np.where(metered[:, None], onset[:, None] - bar[:, None] * BAR_LAGS, -1)
        phrase_ago = self.last_phrase_start + in_phrase
        known = (self.last_phrase_start >= 0) & (phrase_ago < self.phrase_start)
        place[:, -1] = np.where(known, phrase_ago, -1)
        was, place = place >= 0, np.maximum(place, 0)
        columns[:, SOUND_COLUMNS] = self.sound_at[rows, place] * was
        columns[:, LENGTH_COLUMNS] = self.length_at[rows, place] * was
        columns[:, COPY_COLUMNS] = self._copy_candidates(rows)
        return columns

    def _copy_candidates(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """(batch, 7) what followed the longest match with the latest notes, and its length; for each kind of match."""
        # A note without its duration is already counted, but only the notes before it have been compared.
        whole = self.count - np.equal(self.slot, AWAITS_DURATION)
        best, length = self.matches.longest(max(int(self.count.max()), 1))
        found = (length > 0) & (best + 1 < whole[:, None])
        after = (best + 1) * found
        length = np.minimum(length, NOTE_MATCHES - 1) * found
        sounds = self.sounds[rows, after]
        lasts = LENGTH_OF[np.minimum(self.ticks[rows, after], LONGEST_DURATION)] * found
        each = rows[:, 0]
        latest, interval = self.sounds[each, np.maximum(whole - 1, 0)], self.intervals[each, after[:, MOVED]]
        moved = np.minimum(np.maximum(latest + interval, RESTS + 1), SOUNDS - 1)
        sounds[:, MOVED] = np.where(interval == NO_INTERVAL, sounds[:, MOVED], moved)
        sounds *= found
        columns = np.empty((len(rows), 7), np.int64)
        columns[:, 0], columns[:, 3] = sounds[:, SAME], sounds[:, MOVED]
        columns[:, 1], columns[:, 5] = lasts[:, SAME], lasts[:, RHYTHM]
        columns[:, [2, 4, 6]] = length
        return columns

    def allowed(self) -> NDArray[np.bool_]:
        """(batch, vocabulary): the tokens that the grammar and the header allow next."""
        allowed = self.can_follow[self.slot]
        if (self.slot <= PICKUP).any():
            allowed &= self._header_mask()
        return allowed

    def _header_mask(self) -> NDArray[np.bool_]:
        """(batch, vocabulary): the tokens that agree with the header in the slots before the notes."""
        width = self.next_slot.shape[1]
        kinds, values = KINDS[:width], VALUES[:width]
        agrees = np.ones((len(self.slot), width), bool)
        key, meter, header = self.header.key, self.header.meter, self.header
        wanted: dict[Slot, int] = {}
        if key is not None:
            wanted[Slot.TONIC] = ID[Kind.TONIC, TONICS.index(key.tonic) + 1]
            wanted[Slot.MODE] = ID[Kind.MODE, MODES.index(key.mode) + 1]
        if meter is not None:
            wanted[Slot.METER] = ID[Kind.BEATS, meter.beats]
            wanted[Slot.UNIT] = ID[Kind.UNIT, meter.beat_unit]
        for slot, token in wanted.items():
            agrees[self.slot == slot] = np.arange(width) == token
        at_pickup = self.slot == Slot.PICKUP
        if header.bars is not None:
            agrees[at_pickup] &= (kinds != Kind.BARS) | (min(header.bars, MAX_BARS) == values)
        is_duration = kinds == Kind.DURATION
        if header.pickup is None:
            # Any pickup is shorter than its bar.
            agrees[at_pickup] &= ~is_duration | ((self.bar_ticks - self.pickup)[at_pickup, None] > values)
        else:
            # A given pickup is written in one way only, as `encode` writes it: the longest durations first.
            left = np.maximum(header.pickup - self.pickup, 0)[at_pickup]
            part = np.array((0, *DURATIONS))[np.searchsorted(DURATIONS, left, "right")]
            agrees[at_pickup] &= np.where(is_duration, part[:, None] == values, left[:, None] == 0)
        return agrees

    def select(self, indices: NDArray[np.int64]) -> Self:
        """A new context of the sequences at `indices`."""
        new = object.__new__(type(self))
        for name, value in vars(self).items():
            setattr(new, name, value[indices] if isinstance(value, np.ndarray | MatchTable) else value)
        return new
