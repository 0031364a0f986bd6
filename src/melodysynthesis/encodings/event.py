"""The `event` encoding: a melody as a short frame and then notes, each a pitch and a duration.

    start  tonic mode  beats unit | free  [pickup durations]  bars   (pitch | rest) duration  ...  end

Between notes may stand a phrase mark, a change of meter (``beats unit``) and ``tie``, which lengthens the note or rest
before it. Pitches are relative to the tonic, moved so that the tonic is a C: a tune and its transposition are the same
tokens but for the tonic. Any whole number of ticks can be said: what the table of durations lacks is tied together.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.encodings.base import Feature, Frame, Group, Ids, Role, count_bars
from melodysynthesis.encodings.event_context import FEATURES, EventContext
from melodysynthesis.encodings.event_tokens import (
    DURATIONS,
    END,
    FREE,
    GRAMMAR,
    GROUPS,
    HIGHEST_PITCH,
    ID,
    LOWEST_PITCH,
    MAX_BARS,
    NEXT_SLOT,
    PHRASE,
    REST,
    ROLES,
    START,
    TIE,
    TOKENS,
    TONICS,
    VOCABULARY,
    Kind,
    Slot,
)
from melodysynthesis.errors import EncodingError
from melodysynthesis.music import MODES, Key, Melody, Meter, Note

# Reading and writing go token by token, where plain lists are quicker than arrays and enumerations.
NEXT: list[list[int]] = NEXT_SLOT.tolist()
VALUE = [value for _, _, value in TOKENS]
FIRST_PITCH, FIRST_DURATION = ID[Kind.PITCH, LOWEST_PITCH], ID[Kind.DURATION, DURATIONS[0]]
PICKUP_SLOT = int(Slot.PICKUP)
DURATION_IDS = {ticks: ID[Kind.DURATION, ticks] for ticks in DURATIONS}


def tonic_shift(key: Key | None) -> int:
    """Semitones, -5 to 6, from C to the tonic: what is taken off a pitch to make it relative."""
    if key is None:
        return 0
    return (key.pitch_class + 5) % 12 - 5


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
    vocabulary = VOCABULARY
    features: tuple[Feature, ...] = FEATURES
    roles: NDArray[np.int64] = np.array([ROLES.get(kind, Role.MUSIC) for _, kind, _ in TOKENS], np.int64)
    groups: NDArray[np.int64] = np.array([GROUPS.get(kind, Group.FRAME) for _, kind, _ in TOKENS], np.int64)
    start_id = START

    def encode(self, melody: Melody) -> Ids:
        """Ids of a melody, from the start token to the end; see `Encoding.encode`."""
        return np.array([START, *self._frame_ids(melody), *self._body_ids(melody), END], np.int64)

    def body(self, melody: Melody) -> Ids:
        """Ids of the notes of a melody alone; see `Encoding.body`."""
        return np.array([*self._body_ids(melody)], np.int64)

    def start(self, batch: int, frame: Frame = Frame()) -> EventContext:  # noqa: B008 (a frozen value)
        """The context after the start token; see `Encoding.start`."""
        return EventContext(batch, frame)

    def description(self) -> dict[str, object]:
        """What makes this encoding again; see `Encoding.description`."""
        return {"name": self.name}

    def _frame_ids(self, melody: Melody) -> Iterator[int]:
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
        shift = tonic_shift(melody.key)
        phrase_ends = set(melody.phrase_ends)
        meters = {meter.tick: meter for meter in melody.meters[1:]}
        marks = sorted(phrase_ends | meters.keys())
        for start, end, pitch in sounds(melody):
            head = REST if pitch is None else self._pitch_id(pitch - shift, melody)
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
            raise EncodingError(
                f"{melody.source or 'melody'}: pitch {pitch + tonic_shift(melody.key)} is {pitch} relative to the "
                f"tonic, outside {LOWEST_PITCH} to {HIGHEST_PITCH}"
            )
        return FIRST_PITCH + pitch - LOWEST_PITCH

    def decode(self, ids: Sequence[int] | Ids, frame: Frame | None = None) -> Melody:
        """The melody that ids say; see `Encoding.decode`. `frame` is not needed: the ids say it all."""
        del frame
        if len(ids) == 0 or ids[0] != START:
            raise EncodingError("token 1: a melody starts with the token 'start'")
        dictation, slot = _Dictation(), int(Slot.TONIC)
        for number, token in enumerate(map(int, ids[1:]), 2):
            then = NEXT[slot][token] if 0 <= token < len(TOKENS) else -1
            if then < 0:
                raise EncodingError(self._ungrammatical(number, token, Slot(slot)))
            dictation.take(slot, token)
            slot = then
        try:
            return dictation.melody()
        except ValueError as error:
            raise EncodingError(f"the tokens are no melody: {error}") from error

    def _ungrammatical(self, number: int, token: int, slot: Slot) -> str:
        found = repr(VOCABULARY[token]) if 0 <= token < len(TOKENS) else f"id {token}"
        expected = ", ".join(kind.name.lower() for kind in GRAMMAR[slot])
        return f"token {number}: {found} can't follow here; expected {expected}"


class _Dictation:
    """Writes down a melody token by token. Pitches stay relative until the end."""

    def __init__(self) -> None:
        self.tonic = self.mode = ""
        self.meters: list[Meter] = []
        self.notes: list[Note] = []
        self.phrase_ends: list[int] = []
        self.pickup = self.tick = self.beats = 0
        self.pitch: int | None = None
        self.tied = False

    def take(self, slot: int, token: int) -> None:
        if token >= FIRST_PITCH:  # pitches and durations stand last in the vocabulary, and are most of a melody
            value = VALUE[token]
            if token < FIRST_DURATION:
                self.pitch, self.tied = value, False
            elif slot == PICKUP_SLOT:
                self.pickup += value
            else:
                self._last(value)
        else:
            self._take_rare(*TOKENS[token][1:])

    def _take_rare(self, kind: Kind, value: int) -> None:
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

    def _last(self, ticks: int) -> None:
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
