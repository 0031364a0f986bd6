"""The `event` encoding: a melody as a short header and then notes, each a pitch and a duration.

    start  tonic mode  beats unit | free  [pickup durations]  bars   (pitch | rest) duration  ...  end

Between notes there may be a phrase mark, a change of meter (``beats unit``) and ``tie``, which lengthens the note or
rest before it. Pitches are relative to the tonic, moved so that the tonic is a C: a tune and its transposition have the
same tokens except for the tonic. Any whole number of ticks can be written: durations outside the table are tied.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise, takewhile

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.encodings.base import Clock, Feature, Group, Header, Ids, Role, count_bars
from melodysynthesis.encodings.event_context import FEATURES, EventContext
from melodysynthesis.encodings.event_tokens import (
    DURATIONS,
    END,
    EVENT_TOKENS,
    FREE,
    GRAMMAR,
    GROUPS,
    HIGHEST_PITCH,
    ID,
    KINDS,
    LOWEST_PITCH,
    MAX_BARS,
    PHRASE,
    REST,
    ROLES,
    START,
    TIE,
    TOKENS,
    TONICS,
    VALUES,
    Grammar,
    Kind,
    Slot,
    transitions,
)
from melodysynthesis.encodings.plan import Plan
from melodysynthesis.errors import EncodingError
from melodysynthesis.music import MODES, Key, Melody, Meter, Note

# Reading and writing go token by token, where plain lists are quicker than arrays and enumerations.
VALUE = [value for _, _, value in TOKENS]
FIRST_PITCH, FIRST_DURATION = ID[Kind.PITCH, LOWEST_PITCH], ID[Kind.DURATION, DURATIONS[0]]
END_OF_DURATIONS = FIRST_DURATION + len(DURATIONS)
PICKUP_SLOT, FIRST_SLOT = int(Slot.PICKUP), int(Slot.FIRST)
DURATION_IDS = {ticks: ID[Kind.DURATION, ticks] for ticks in DURATIONS}
IS_HEAD = np.isin(KINDS, (Kind.PITCH, Kind.REST))
NO_HEADER = frozenset((Kind.PITCH, Kind.REST, Kind.LAST, Kind.NOTES))
"""Kinds of the tokens that may follow key, meter, pickup and number of bars."""


def clock_for(tokens: int) -> Clock:
    """The clock of an encoding whose vocabulary is the first `tokens` of `TOKENS`."""
    kinds, heads = KINDS[:tokens], IS_HEAD[:tokens]
    ties = kinds == Kind.TIE
    return Clock(
        ticks=np.where(kinds == Kind.DURATION, VALUES[:tokens], 0),
        end=END,
        heads=heads,
        rests=kinds == Kind.REST,
        holds=ties,
        opens=heads | ties | (kinds == Kind.BEATS),
    )


def tonic_shift(key: Key | None) -> int:
    """Semitones, -5 to 6, from C to the tonic: subtract them from a pitch to make it relative."""
    return 0 if key is None else (key.pitch_class + 5) % 12 - 5


def spell_duration(ticks: int) -> list[int]:
    """Duration tokens that add up to `ticks`, the longest first."""
    ids = []
    while ticks:
        value = ticks if ticks in DURATION_IDS else DURATIONS[bisect_right(DURATIONS, ticks) - 1]
        ids.append(DURATION_IDS[value])
        ticks -= value
    return ids


class EventEncoding:
    """The `event` encoding; see the module's docstring."""

    name = "event"
    vocabulary: tuple[str, ...] = tuple(name for name, _, _ in EVENT_TOKENS)
    features: tuple[Feature, ...] = FEATURES
    roles: NDArray[np.int64] = np.array([ROLES.get(kind, Role.MUSIC) for _, kind, _ in EVENT_TOKENS], np.int64)
    groups: NDArray[np.int64] = np.array([GROUPS.get(kind, Group.HEADER) for _, kind, _ in EVENT_TOKENS], np.int64)
    start_id = START
    clock = clock_for(len(EVENT_TOKENS))
    grammar: Grammar = GRAMMAR
    next_slot: list[list[int]] = transitions(GRAMMAR, len(EVENT_TOKENS)).tolist()
    has_header, tonic_relative, is_text = True, True, False

    def transposition(self, key: Key | None) -> int:
        """Semitones, -6 to 5, that move the tonic to C; see `Encoding.transposition`."""
        return -tonic_shift(key)

    def pitches_in(self, key: Key | None) -> tuple[int, ...]:
        """MIDI pitches that can be written in a key; see `Encoding.pitches_in`."""
        shift = self.transposition(key)
        return tuple(pitch - shift for pitch in range(LOWEST_PITCH, HIGHEST_PITCH + 1) if 0 <= pitch - shift <= 127)

    def read_header(self, ids: Sequence[int] | Ids) -> Header:
        """The header before the first note; see `Encoding.read_header`. A melody in free time has no meter."""
        header = list(takewhile(lambda token: KINDS[token] not in NO_HEADER, ids))
        values = {Kind(KINDS[token]): int(VALUES[token]) for token in header}
        tonic, mode = values.get(Kind.TONIC, 0), values.get(Kind.MODE, 0)
        key = Key(TONICS[tonic - 1], MODES[mode - 1]) if tonic and mode else None
        if Kind.BARS not in values:
            return Header(key)
        pickup = sum(int(VALUES[token]) for token in header if KINDS[token] == Kind.DURATION)
        return Header(key, Meter(0, values[Kind.BEATS], values[Kind.UNIT]), pickup, values[Kind.BARS])

    def covering(self, tokens: Iterable[str]) -> EventEncoding:
        """This encoding, whose vocabulary is fixed; see `Encoding.covering`."""
        del tokens
        return self

    def encode(self, melody: Melody) -> Ids:
        """Ids of a melody, from the start token to the end; see `Encoding.encode`."""
        return np.array([START, *self._header_ids(melody), *self._body_ids(melody), END], np.int64)

    def body(self, melody: Melody) -> Ids:
        """Ids of the notes of a melody alone; see `Encoding.body`."""
        return np.array([*self._body_ids(melody)], np.int64)

    def start(self, batch: int, header: Header = Header()) -> EventContext:  # noqa: B008 (a frozen value)
        """The context after the start token; see `Encoding.start`."""
        return EventContext(batch, header)

    def read_plan(self, ids: Sequence[int] | Ids) -> Plan | None:
        """None: there are no plans; see `Encoding.read_plan`."""
        del ids
        return None

    def plan_ids(self, plan: Plan) -> Ids:
        """Refuse: there are no plans; see `Encoding.plan_ids`."""
        raise EncodingError(f"this model can't keep the plan {plan}: only one trained with --encoding planned can")

    def unplanned(self) -> EventEncoding:
        """This encoding, which has no plans; see `Encoding.unplanned`."""
        return self

    def description(self) -> dict[str, object]:
        """The settings that make this encoding again; see `Encoding.description`."""
        return {"name": self.name}

    def _header_ids(self, melody: Melody) -> Iterator[int]:
        key = melody.key
        yield ID[Kind.TONIC, TONICS.index(key.tonic) + 1 if key else 0]
        yield ID[Kind.MODE, MODES.index(key.mode) + 1 if key else 0]
        if not melody.meters:
            yield FREE
            return
        yield ID[Kind.BEATS, melody.meters[0].beats]
        yield ID[Kind.UNIT, melody.meters[0].beat_unit]
        yield from spell_duration(melody.pickup)
        yield ID[Kind.BARS, min(count_bars(melody), MAX_BARS)]

    def _body_ids(self, melody: Melody) -> Iterator[int]:
        if not melody.notes:
            raise EncodingError(f"{melody.source or 'melody'}: there is no note to encode")
        shift = self.transposition(melody.key)
        phrase_ends = set(melody.phrase_ends)
        meters = {meter.tick: meter for meter in melody.meters[1:]}
        marks = sorted(phrase_ends | meters.keys())
        for start, end, pitch in sounds(melody):
            head = REST if pitch is None else self._pitch_id(pitch + shift, melody)
            cuts = [start, *(tick for tick in marks if start < tick < end), end]
            for here, there in pairwise(cuts):
                if here in phrase_ends:
                    yield PHRASE
                if here in meters:
                    yield ID[Kind.BEATS, meters[here].beats]
                    yield ID[Kind.UNIT, meters[here].beat_unit]
                for duration_id in spell_duration(there - here):
                    yield head
                    yield duration_id
                    head = TIE
        if melody.duration in phrase_ends:
            yield PHRASE

    def _pitch_id(self, pitch: int, melody: Melody) -> int:
        if not LOWEST_PITCH <= pitch <= HIGHEST_PITCH:
            midi = pitch - self.transposition(melody.key)
            raise EncodingError(
                f"{melody.source or 'melody'}: pitch {midi} is {pitch} relative to the tonic, outside "
                f"{LOWEST_PITCH} to {HIGHEST_PITCH}"
            )
        return FIRST_PITCH + pitch - LOWEST_PITCH

    def decode(self, ids: Sequence[int] | Ids, header: Header | None = None) -> Melody:
        """The melody of some ids; see `Encoding.decode`. `header` is not needed: the ids have their own."""
        del header
        if len(ids) == 0 or ids[0] != START:
            raise EncodingError("token 1: a melody starts with the token 'start'")
        builder, slot = _MelodyBuilder(), int(Slot.TONIC)
        for number, token in enumerate(map(int, ids[1:]), 2):
            then = self.next_slot[slot][token] if 0 <= token < len(self.vocabulary) else -1
            if then < 0:
                raise EncodingError(self._ungrammatical(number, token, Slot(slot)))
            builder.advance(slot, token)
            slot = then
        try:
            return builder.melody()
        except ValueError as error:
            raise EncodingError(f"the tokens are no melody: {error}") from error

    def _ungrammatical(self, number: int, token: int, slot: Slot) -> str:
        found = repr(self.vocabulary[token]) if 0 <= token < len(self.vocabulary) else f"id {token}"
        expected = ", ".join(kind.name.lower() for kind in self.grammar[slot])
        return f"token {number}: {found} can't follow here; expected {expected}"


class _MelodyBuilder:
    """Builds a melody token by token. Pitches stay relative until the end."""

    def __init__(self) -> None:
        self.tonic = self.mode = ""
        self.meters: list[Meter] = []
        self.notes: list[Note] = []
        self.phrase_ends: list[int] = []
        self.pickup = self.tick = self.beats = 0
        self.pitch: int | None = None
        self.tied = False

    def advance(self, slot: int, token: int) -> None:
        if FIRST_PITCH <= token < END_OF_DURATIONS:  # most tokens of a melody
            value = VALUE[token]
            if token < FIRST_DURATION:
                self.pitch, self.tied = value, False
            elif slot > FIRST_SLOT:
                self._add_duration(value)
            elif slot == PICKUP_SLOT:
                self.pickup += value
        else:
            self._advance_rare(*TOKENS[token][1:])

    def _advance_rare(self, kind: Kind, value: int) -> None:
        match kind:
            case Kind.REST:
                self.pitch, self.tied = None, False
            case Kind.TIE:
                self.tied = True
            case Kind.PHRASE:
                self.phrase_ends.append(self.tick)
            case Kind.TONIC:
                self.tonic = TONICS[value - 1] if value else ""
            case Kind.MODE:
                self.mode = MODES[value - 1] if value else ""
            case Kind.BEATS:
                self.beats = value
            case Kind.UNIT:
                self.meters.append(Meter(self.tick, self.beats, value))

    def _add_duration(self, ticks: int) -> None:
        if self.pitch is not None:
            if self.tied:
                onset, duration, pitch = self.notes.pop()
                self.notes.append(Note(onset, duration + ticks, pitch))
            else:
                self.notes.append(Note(self.tick, ticks, self.pitch))
        self.tick += ticks

    def melody(self) -> Melody:
        key = Key(self.tonic, self.mode) if self.tonic and self.mode else None
        shift = tonic_shift(key)
        # A sequence that was cut off may end with a change of meter that no note follows.
        meters = tuple(meter for meter in self.meters if meter.tick < max(self.tick, 1))
        notes = tuple([Note(onset, duration, pitch + shift) for onset, duration, pitch in self.notes])
        return Melody(notes, self.tick, meters, key, tuple(self.phrase_ends), self.pickup if self.tick else 0)


def sounds(melody: Melody) -> Iterator[tuple[int, int, int | None]]:
    """Notes and the rests between them in order: start and end in ticks, and the pitch or None."""
    now = 0
    for note in melody.notes:
        if note.onset > now:
            yield now, note.onset, None
        yield note.onset, note.end, note.pitch
        now = note.end
    if melody.duration > now:
        yield now, melody.duration, None
