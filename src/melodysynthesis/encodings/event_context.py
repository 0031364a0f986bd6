"""The walk along `event` tokens: grammar, place in the bar, bars to go, and what the melody itself suggests next.

Folk tunes repeat themselves: the best guess at the next note is often what stood at the same place some bars or a
phrase ago, or what followed the last time that the latest notes were heard. Those guesses are functions of the past,
so they are features, for every architecture alike.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.encodings.base import Feature, Frame, Ids
from melodysynthesis.encodings.event_tokens import (
    ALLOWED,
    DURATIONS,
    HIGHEST_PITCH,
    ID,
    KINDS,
    LOWEST_PITCH,
    MAX_BARS,
    NEXT_SLOT,
    REST,
    TOKENS,
    TONICS,
    VALUES,
    Kind,
    Slot,
)
from melodysynthesis.encodings.likeness import Likeness
from melodysynthesis.errors import EncodingError
from melodysynthesis.music import MODES, TICKS_PER_WHOLE

LAGS = (1, 2, 4, 8)
"""How many bars ago to look for what stood at the same place."""

POSITIONS = 194
"""Positions in a bar in ticks, up to two whole notes; the last two: longer, and no meter."""
TO_GO = 34
"""Bars to go, up to 32; the last: not known."""
MATCH_LENGTHS = 17
"""Lengths of a stretch like the latest notes, up to 16 notes or more."""
NO_INTERVAL = 999
"""Stands for the interval to or from a rest."""
PHRASE_POSITIONS = 66

# What sounds at a place, as a feature: nothing known, no onset (a note or rest goes on), a rest's onset, or a pitch's.
NOTHING, HELD, RESTS = 0, 1, 2
SOUNDS = HIGHEST_PITCH - LOWEST_PITCH + 4
# How long it sounds: nothing known, a sum of several durations, or one of the table.
LENGTHS = len(DURATIONS) + 2

SAME_SOUND = (-1, -1, REST, *(ID[Kind.PITCH, pitch] for pitch in range(LOWEST_PITCH, HIGHEST_PITCH + 1)))
SAME_LENGTH = (-1, -1, *(ID[Kind.DURATION, ticks] for ticks in DURATIONS))
"""What a sound or a length suggests: itself."""

FEATURES = (
    Feature("position in bar", POSITIONS),
    Feature("bars to go", TO_GO),
    *(Feature(f"pitch {lag} bars ago", SOUNDS, SAME_SOUND) for lag in LAGS),
    *(Feature(f"duration {lag} bars ago", LENGTHS, SAME_LENGTH) for lag in LAGS),
    Feature("position in phrase", PHRASE_POSITIONS),
    Feature("pitch a phrase ago", SOUNDS, SAME_SOUND),
    Feature("duration a phrase ago", LENGTHS, SAME_LENGTH),
    Feature("pitch after the last like notes", SOUNDS, SAME_SOUND),
    Feature("duration after the last like notes", LENGTHS, SAME_LENGTH),
    Feature("how many like notes", MATCH_LENGTHS),
    Feature("pitch after the last like notes, transposed", SOUNDS, SAME_SOUND),
    Feature("how many like notes, transposed", MATCH_LENGTHS),
    Feature("duration after the last like rhythm", LENGTHS, SAME_LENGTH),
    Feature("how many notes of like rhythm", MATCH_LENGTHS),
)

LENGTH_OF = np.ones(max(DURATIONS) + 1, np.int16)
LENGTH_OF[0] = NOTHING
LENGTH_OF[list(DURATIONS)] = np.arange(2, LENGTHS)
"""Ticks -> the feature's value."""

# Looked up once, for each token: members of an enumeration take as long as a small array's comparison.
IS_DURATION, IS_PHRASE = KINDS == Kind.DURATION, KINDS == Kind.PHRASE
IS_PITCH, IS_HEAD = KINDS == Kind.PITCH, np.isin(KINDS, (Kind.PITCH, Kind.REST))
IS_FRAME = np.isin(KINDS, (Kind.BEATS, Kind.UNIT, Kind.BARS))
SOUND_OF = np.where(KINDS == Kind.PITCH, VALUES - LOWEST_PITCH + 3, RESTS)
PICKUP, FIRST, AWAITS_DURATION, DONE = map(int, (Slot.PICKUP, Slot.FIRST, Slot.DURATION, Slot.DONE))
LONGEST = max(DURATIONS)


class EventContext:
    """A batch of `event` sequences under way; see `Context`. Arrays are (batch,) unless said otherwise."""

    def __init__(self, batch: int, frame: Frame) -> None:
        self.frame = frame
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
        self.same, self.moved, self.rhythm = (Likeness(batch) for _ in range(3))

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
        then = NEXT_SLOT[self.slot, ids]
        if (then < 0).any():
            row = int(np.argmax(then < 0))
            raise EncodingError(f"token {TOKENS[ids[row]][0]!r} can't follow in slot {Slot(self.slot[row]).name}")
        durations, in_prefix = IS_DURATION[ids], self.slot <= PICKUP
        lasts, heads = np.flatnonzero(durations & ~in_prefix), np.flatnonzero(IS_HEAD[ids])
        if len(lasts):
            self._take_duration(lasts, VALUES[ids[lasts]])
        if len(heads):
            self._take_head(heads, SOUND_OF[ids[heads]])
        pitches = np.flatnonzero(IS_PITCH[ids])
        if len(pitches):
            same = ids[pitches] == self.last_pitch[pitches]
            self.repeats[pitches] = np.where(same, self.repeats[pitches], 0) + 1
            self.last_pitch[pitches] = ids[pitches]
        phrase = np.flatnonzero(IS_PHRASE[ids])
        if len(phrase):
            self.last_phrase_start[phrase] = self.phrase_start[phrase]
            self.phrase_start[phrase] = self.tick[phrase]
        pickup = durations & in_prefix
        if pickup.any() or IS_FRAME[ids].any():
            self._take_frame(ids, pickup, in_prefix)
        self.slot = then

    def _take_frame(self, ids: Ids, pickup: NDArray[np.bool_], in_prefix: NDArray[np.bool_]) -> None:
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

    def _take_head(self, rows: NDArray[np.int64], sounds: NDArray[np.int64]) -> None:
        self._grow()
        self.sound_at[rows, self.tick[rows]] = sounds
        self.sounds[rows, self.count[rows]] = sounds
        self.ticks[rows, self.count[rows]] = 0
        before = self.sounds[rows, np.maximum(self.count[rows] - 1, 0)]
        is_interval = (sounds > RESTS) & (before > RESTS)
        self.intervals[rows, self.count[rows]] = np.where(is_interval, sounds - before, NO_INTERVAL)
        self.count[rows] += 1
        for likeness in (self.same, self.moved, self.rhythm):
            likeness.begin(rows)

    def _take_duration(self, rows: NDArray[np.int64], ticks: NDArray[np.int64]) -> None:
        last = self.count[rows] - 1
        # A tied duration lengthens the note that is there.
        self.ticks[rows, last] += ticks.astype(np.int32)
        whole = self.ticks[rows, last]
        self.length_at[rows, self.tick[rows] + ticks - whole] = LENGTH_OF[np.minimum(whole, LONGEST)]
        self.tick[rows] += ticks
        self._compare(rows, last)
        late = self.tick[rows] >= self.bar_end[rows]
        bar = self.bar_ticks[rows]
        over = np.where(late & (bar > 0), (self.tick[rows] - self.bar_end[rows]) // np.maximum(bar, 1) + 1, 0)
        pickup_ends = (self.pickup[rows] > 0) & (self.bar_end[rows] == self.pickup[rows]) & (over > 0)
        first_bar = pickup_ends & (self.bars_ended[rows] == 0)
        self.bars_ended[rows] += over - first_bar
        self.bar_end[rows] += over * bar

    def _compare(self, rows: NDArray[np.int64], last: NDArray[np.int64]) -> None:
        """Compare the latest note with each earlier one: the same, the same but transposed, the same rhythm."""
        width = int(last.max()) + 1
        row, earlier = np.arange(len(rows)), np.arange(width) < last[:, None]

        def equal(values: NDArray[Any]) -> NDArray[np.bool_]:
            values = values[rows, :width]
            like: NDArray[np.bool_] = values == values[row, last][:, None]
            return like

        lasts_like = equal(self.ticks) & earlier
        self.rhythm.compare(rows, lasts_like)
        self.same.compare(rows, lasts_like & equal(self.sounds))
        self.moved.compare(rows, lasts_like & equal(self.intervals))

    def _grow(self) -> None:
        if self.tick.max() + LONGEST >= self.sound_at.shape[1]:
            more = ((0, 0), (0, self.sound_at.shape[1]))
            self.sound_at = np.pad(self.sound_at, more, constant_values=HELD)
            self.length_at = np.pad(self.length_at, more)
        if self.count.max() + 1 >= self.sounds.shape[1]:
            more = ((0, 0), (0, self.sounds.shape[1]))
            self.sounds, self.ticks = np.pad(self.sounds, more), np.pad(self.ticks, more)
            self.intervals = np.pad(self.intervals, more)
            for likeness in (self.same, self.moved, self.rhythm):
                likeness.grow()

    def features(self) -> NDArray[np.int64]:
        """(batch, features): the values of `FEATURES` before the next token."""
        # Between a note's pitch and its duration the tick still is its onset: both are predicted from the same place.
        onset = self.tick
        bar, metered = self.bar_ticks, (self.bar_ticks > 0) & (self.slot >= FIRST)
        position = np.where(metered, np.minimum(bar - (self.bar_end - onset), POSITIONS - 2), POSITIONS - 1)
        to_go = np.where(metered & (self.bars > 0), np.clip(self.bars - self.bars_ended, 0, TO_GO - 2), TO_GO - 1)
        columns = [position, to_go]
        earlier = [np.where(metered, onset - lag * bar, -1) for lag in LAGS]
        looks = [self._at(tick) for tick in earlier]
        columns += [sound for sound, _ in looks] + [length for _, length in looks]
        in_phrase = onset - self.phrase_start
        columns.append(np.minimum(in_phrase // 6, PHRASE_POSITIONS - 1))
        place = np.where(self.last_phrase_start >= 0, self.last_phrase_start + in_phrase, -1)
        columns += self._at(np.where(place < self.phrase_start, place, -1))
        columns += self._suggestions()
        return np.stack(columns, axis=1).astype(np.int64)

    def _at(self, tick: NDArray[np.int64]) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
        rows, known = np.arange(len(tick)), tick >= 0
        tick = np.maximum(tick, 0)
        return np.where(known, self.sound_at[rows, tick], NOTHING), np.where(known, self.length_at[rows, tick], NOTHING)

    def _suggestions(self) -> list[NDArray[np.int64]]:
        """What followed the longest stretch like the latest notes, for each way of being like, and that length."""
        rows = np.arange(len(self.slot))
        pending = np.equal(self.slot, AWAITS_DURATION)
        # While a note waits for its duration it is already counted, but the comparison is that of the note before.
        whole = self.count - pending
        width = max(int(self.count.max()), 1)

        def following(likeness: Likeness) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.int64]]:
            best, length = likeness.longest(width)
            found = (length > 0) & (best + 1 < whole)
            after = np.where(found, best + 1, 0)
            return after, found, np.where(found, np.minimum(length, MATCH_LENGTHS - 1), 0)

        def lengths(after: NDArray[np.int64], found: NDArray[np.bool_]) -> NDArray[np.int64]:
            ticks = np.minimum(self.ticks[rows, after], LONGEST)
            return np.where(found, LENGTH_OF[ticks], NOTHING)

        after, found, length = following(self.same)
        columns = [np.where(found, self.sounds[rows, after], NOTHING), lengths(after, found), length]
        after, found, length = following(self.moved)
        latest, interval = self.sounds[rows, np.maximum(whole - 1, 0)], self.intervals[rows, after]
        sound = np.clip(latest + interval, RESTS + 1, SOUNDS - 1)
        sound = np.where(interval == NO_INTERVAL, self.sounds[rows, after], sound)
        columns += [np.where(found, sound, NOTHING), length]
        after, found, length = following(self.rhythm)
        return [*columns, lengths(after, found), length]

    def allowed(self) -> NDArray[np.bool_]:
        """(batch, vocabulary): what the grammar and the frame let follow."""
        allowed = ALLOWED[self.slot]
        if (self.slot <= PICKUP).any():
            allowed &= self._framed()
        return allowed

    def _framed(self) -> NDArray[np.bool_]:
        """(batch, vocabulary): what agrees with the frame in the slots before the notes."""
        agrees = np.ones((len(self.slot), len(TOKENS)), bool)
        key, meter, frame = self.frame.key, self.frame.meter, self.frame
        wanted: dict[Slot, int] = {}
        if key is not None:
            wanted[Slot.TONIC] = ID[Kind.TONIC, TONICS.index(key.tonic) + 1]
            wanted[Slot.MODE] = ID[Kind.MODE, MODES.index(key.mode) + 1]
        if meter is not None:
            wanted[Slot.METER] = ID[Kind.BEATS, meter.beats]
            wanted[Slot.UNIT] = ID[Kind.UNIT, meter.beat_unit]
        for slot, token in wanted.items():
            agrees[self.slot == slot] = np.arange(len(TOKENS)) == token
        at_pickup = self.slot == Slot.PICKUP
        if frame.bars is not None:
            agrees[at_pickup] &= (KINDS != Kind.BARS) | (min(frame.bars, MAX_BARS) == VALUES)
        is_duration = KINDS == Kind.DURATION
        if frame.pickup is None:
            # Any pickup is shorter than its bar.
            agrees[at_pickup] &= ~is_duration | ((self.bar_ticks - self.pickup)[at_pickup, None] > VALUES)
        else:
            # One that is asked for is said in one way only, as `encode` says it: the longest parts first.
            left = np.maximum(frame.pickup - self.pickup, 0)[at_pickup]
            part = np.array((0, *DURATIONS))[np.searchsorted(DURATIONS, left, "right")]
            agrees[at_pickup] &= np.where(is_duration, part[:, None] == VALUES, left[:, None] == 0)
        return agrees

    def select(self, indices: NDArray[np.int64]) -> Self:
        """A new context of the sequences at `indices`."""
        new = object.__new__(type(self))
        for name, value in vars(self).items():
            setattr(new, name, value[indices] if isinstance(value, np.ndarray | Likeness) else value)
        return new
