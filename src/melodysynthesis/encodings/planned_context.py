"""The state of `planned` sequences: that of `event`, and the plan with the place in it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.encodings.base import Feature, Header, Ids
from melodysynthesis.encodings.event_context import (
    AWAITS_DURATION,
    FIRST,
    LENGTH_OF,
    LENGTHS,
    LONGEST_DURATION,
    POSITIONS,
    RESTS,
    SAME_LENGTH,
    SAME_SOUND,
    SOUNDS,
    TO_GO,
    EventContext,
)
from melodysynthesis.encodings.event_context import FEATURES as EVENT_FEATURES
from melodysynthesis.encodings.event_tokens import (
    END,
    HIGHEST_PITCH,
    KINDS,
    LOWEST_PITCH,
    MAX_BARS,
    PHRASE,
    PLANNED_GRAMMAR,
    REST,
    TIE,
    TOKENS,
    VALUES,
    Kind,
    Slot,
    transitions,
)
from melodysynthesis.encodings.plan import LETTERS, MAX_SECTIONS, SECTIONS

MIDDLE_C = 60
FIRST_SOUND = RESTS + 1
"""The sound of the lowest pitch."""
TIME_LEFT = 66
"""Values of the time left: none known, then in sixteenths, up to 64 or more."""
PHRASES_TO_GO = 18
"""None known, then up to 16 or more."""

PLANNED_FEATURES = (
    *EVENT_FEATURES,
    Feature("phrase of the plan", len(SECTIONS) + 1),
    Feature("time left in the phrase, or to plan", TIME_LEFT),
    Feature("phrases to go", PHRASES_TO_GO),
    Feature("degree of the last note", 13),
    Feature("pitch at the same place of the earlier phrase", SOUNDS, SAME_SOUND),
    Feature("duration at the same place of the earlier phrase", LENGTHS, SAME_LENGTH),
    Feature("time left in the melody", TIME_LEFT),
    Feature("duration to the end of the phrase", LENGTHS, SAME_LENGTH),
    Feature("nearest pitch of the last degree", SOUNDS, SAME_SOUND),
)

PLAN, FIRST_SECTION, NEXT_SECTION = map(int, (Slot.PLAN, Slot.FIRST_SECTION, Slot.NEXT_SECTION))
SECTION_IDS, PLAN_DURATION_IDS, PLAN_PITCH_IDS = (
    np.flatnonzero(kind == KINDS) for kind in (Kind.SECTION, Kind.DURATION, Kind.PITCH)
)
DEGREE = np.where(KINDS == Kind.PITCH, VALUES % 12, -1)
"""(vocabulary,): of a pitch, its semitones above the tonic."""
LETTER, PRIME = np.arange(len(SECTIONS)) // 2, np.arange(len(SECTIONS)) % 2
"""Of each name of a phrase, the number of its letter, and whether it has a prime."""


class PlannedContext(EventContext):
    """A batch of `planned` sequences under way; see `Context`. Arrays are (batch,) unless their comment differs."""

    next_slot = transitions(PLANNED_GRAMMAR, len(TOKENS))
    can_follow = next_slot >= 0

    def __init__(self, batch: int, header: Header) -> None:
        super().__init__(batch, header)
        self.last = np.full(batch, -1, np.int64)
        self.latest = np.full(batch, MIDDLE_C, np.int64)  # pitch of the latest note that has a duration
        self.sections = np.zeros(batch, np.int64)
        self.letters = np.zeros(batch, np.int64)  # how many different ones
        # The plan, (batch, MAX_SECTIONS): the value of each phrase's token, and the tick at which it ends.
        self.section = np.zeros((batch, MAX_SECTIONS), np.int64)
        self.section_end = np.zeros((batch, MAX_SECTIONS), np.int64)
        self.planned_ticks = np.zeros(batch, np.int64)
        self.phrase = np.zeros(batch, np.int64)  # number of the phrase under way
        # (batch, letters): start and end of the latest phrase of each letter; the earlier one of the phrase under way.
        self.latest_start = np.full((batch, len(LETTERS)), -1, np.int64)
        self.latest_end = np.zeros((batch, len(LETTERS)), np.int64)
        self.earlier_start, self.earlier_end = np.full(batch, -1, np.int64), np.zeros(batch, np.int64)

    @property
    def planned(self) -> NDArray[np.bool_]:
        """Whether the sequence has a plan."""
        return np.greater_equal(self.last, 0)

    @property
    def planning(self) -> NDArray[np.bool_]:
        """Whether the plan is being written, or may be."""
        return (self.slot >= PLAN) & (self.slot < FIRST)

    @property
    def promised_ticks(self) -> NDArray[np.int64]:
        """Length of the melody by its meter and its number of bars; 0 where that is open."""
        known = (self.bars > 0) & (self.bars < MAX_BARS)
        return np.where(known, self.bars * self.bar_ticks, 0)

    @property
    def end_tick(self) -> NDArray[np.int64]:
        """Tick at which the melody ends, by its plan or else by its number of bars; see `Context.end_tick`."""
        return np.where(self.planned & self.in_body, self.planned_ticks, super().end_tick)

    @property
    def ends_wrong(self) -> NDArray[np.bool_]:
        """Whether the latest note is not of the degree that the plan ends with."""
        return np.asarray(self.planned & (DEGREE[self.last_pitch] != self.last))

    def advance(self, ids: Ids) -> None:
        """Take one token for each sequence."""
        writing, timed = self.planning, np.equal(self.slot, AWAITS_DURATION)
        super().advance(ids)
        sounding = timed & (self.repeats > 0)
        self.latest[sounding] = VALUES[self.last_pitch[sounding]]
        if writing.any():
            self._advance_plan(np.flatnonzero(writing), ids)
        (marked,) = (self.planned & np.equal(ids, PHRASE)).nonzero()
        if len(marked):
            self.phrase[marked] += 1
            self._begin_phrase(marked[self.phrase[marked] < self.sections[marked]])

    def _advance_plan(self, rows: NDArray[np.int64], ids: Ids) -> None:
        kind, value = KINDS[ids[rows]], VALUES[ids[rows]]
        last, section, duration = kind == Kind.LAST, kind == Kind.SECTION, kind == Kind.DURATION
        self.last[rows[last]] = value[last]
        own, names = rows[section], value[section]
        self.section[own, self.sections[own]] = names
        self.sections[own] += 1
        self.letters[own] = np.maximum(self.letters[own], LETTER[names] + 1)
        self.planned_ticks[rows[duration]] += value[duration]
        own = rows[section | duration]
        self.section_end[own, self.sections[own] - 1] = self.planned_ticks[own]
        self._begin_phrase(rows[(kind == Kind.NOTES) & self.planned[rows]])

    def _begin_phrase(self, rows: NDArray[np.int64]) -> None:
        """The phrase under way begins here: note which earlier one has its letter."""
        letter = LETTER[self.section[rows, self.phrase[rows]]]
        self.earlier_start[rows], self.earlier_end[rows] = (
            self.latest_start[rows, letter],
            self.latest_end[rows, letter],
        )
        self.latest_start[rows, letter] = self.tick[rows]
        self.latest_end[rows, letter] = self.section_end[rows, self.phrase[rows]]

    def _new_features(self) -> NDArray[np.int64]:
        columns = np.empty((len(self.slot), len(PLANNED_FEATURES)), np.int64)
        event, plan = np.split(columns, [len(EVENT_FEATURES)], axis=1)
        event[:] = super()._new_features()
        each, planning, phrase = np.arange(len(columns)), self.planning, np.minimum(self.phrase, MAX_SECTIONS - 1)
        under_way = self.planned & self.in_body & (self.phrase < self.sections)
        writing = planning & (self.sections > 0)
        number = np.where(writing, np.maximum(self.sections - 1, 0), phrase)
        plan[:, 0] = np.where(under_way | writing, self.section[each, number] + 1, 0)
        to_plan = self.promised_ticks - self.planned_ticks
        left = np.where(planning, to_plan, self.section_end[each, phrase] - self.tick)
        known = under_way | (planning & (self.promised_ticks > 0))
        plan[:, 1] = np.where(known, np.clip(left // 6 + 1, 1, TIME_LEFT - 1), 0)
        plan[:, 2] = np.where(under_way, np.minimum(self.sections - phrase, PHRASES_TO_GO - 1), 0)
        plan[:, 3] = self.last + 1
        place = self.earlier_start + self.tick - self.phrase_start
        copied = under_way & (self.earlier_start >= 0) & (place < self.earlier_end)
        place = np.where(copied, place, 0)
        plan[:, 4] = self.sound_at[each, place] * copied
        plan[:, 5] = self.length_at[each, place] * copied
        to_end, left = self.planned_ticks - self.tick, np.where(under_way, left, 0)
        plan[:, 6] = np.where(under_way, np.clip(to_end // 6 + 1, 1, TIME_LEFT - 1), 0)
        plan[:, 7] = LENGTH_OF[np.clip(left, 0, LONGEST_DURATION)]
        plan[:, 8] = self._last_pitch_to_come() * (under_way & (self.sections - phrase == 1))
        if planning.any():
            bar = np.maximum(self.bar_ticks, 1)
            in_bar = (self.planned_ticks - self.pickup) % bar
            event[planning, 0] = np.minimum(in_bar, POSITIONS - 2)[planning]
            bars = np.clip(to_plan // bar, 0, TO_GO - 2)
            event[planning, 1] = np.where(self.promised_ticks > 0, bars, TO_GO - 1)[planning]
        return columns

    def _last_pitch_to_come(self) -> NDArray[np.int64]:
        """(batch,) of the pitches that the melody may end with, the nearest to the latest whole note, as a sound."""
        nearest = self.latest + (self.last - self.latest + 6) % 12 - 6
        nearest += 12 * (nearest < LOWEST_PITCH) - 12 * (nearest > HIGHEST_PITCH)
        return np.asarray(nearest - LOWEST_PITCH + FIRST_SOUND)

    def allowed(self) -> NDArray[np.bool_]:
        """(batch, vocabulary): the tokens that the grammar, the header and the plan allow next."""
        allowed = super().allowed()
        (sections,) = ((self.slot == FIRST_SECTION) | (self.slot == NEXT_SECTION)).nonzero()
        if len(sections):
            used = self.letters[sections, None]
            named = np.where(PRIME == 1, used > LETTER, used >= LETTER) & (self.sections[sections, None] < MAX_SECTIONS)
            allowed[sections[:, None], SECTION_IDS] &= named
        (rows,) = (self.planned & self.in_body & ~self.done).nonzero()
        if len(rows):
            self._restrict_body(allowed, rows)
        return allowed

    def _restrict_body(self, allowed: NDArray[np.bool_], rows: NDArray[np.int64]) -> None:
        """Phrases end as planned, and the melody ends with the last of them, on its degree. Changes the mask."""
        closed = self.phrase[rows] == self.sections[rows]
        ended = rows[closed]
        allowed[ended] &= np.arange(allowed.shape[1]) == END
        rows = rows[~closed]
        left = self.section_end[rows, self.phrase[rows]] - self.tick[rows]
        mark, rows, left = rows[left == 0], rows[left > 0], left[left > 0]
        allowed[mark] &= np.arange(allowed.shape[1]) == PHRASE
        allowed[rows[:, None], (PHRASE, END)] = False
        allowed[rows[:, None], PLAN_DURATION_IDS] &= VALUES[PLAN_DURATION_IDS] <= left[:, None]
        # A note of another degree, or a rest behind it, does not reach the end.
        to_end = self.planned_ticks[rows] - self.tick[rows]
        wrong = self.ends_wrong[rows]
        allowed[rows[wrong, None], PLAN_DURATION_IDS] &= VALUES[PLAN_DURATION_IDS] < to_end[wrong, None]
        final = rows[(to_end == 1) & (self.slot[rows] != AWAITS_DURATION)]
        if len(final):
            allowed[final[:, None], PLAN_PITCH_IDS] &= DEGREE[PLAN_PITCH_IDS] == self.last[final, None]
            stuck = final[self.ends_wrong[final]]
            allowed[stuck[:, None], (REST, TIE)] = False
