"""The `event` encoding: a melody as a short frame and then notes, each a pitch and a duration.

    start  tonic mode  beats unit | free  [pickup durations]  bars   (pitch | rest) duration  ...  end

Between notes may stand a phrase mark, a change of meter (``beats unit``) and ``tie``, which lengthens the note or rest
before it. Pitches are relative to the tonic, moved so that the tonic is a C: a tune and its transposition are the same
tokens but for the tonic. Any whole number of ticks can be said: what the table of durations lacks is tied together.
"""

from __future__ import annotations

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


def tonic_shift(key: Key | None) -> int:
    """Semitones, -5 to 6, from C to the tonic: what is taken off a pitch to make it relative."""
    if key is None:
        return 0
    return (key.pitch_class + 5) % 12 - 5


def spell_duration(ticks: int) -> list[int]:
    """Duration tokens that add up to `ticks`, the longest first."""
    ids = []
    for value in reversed(DURATIONS):
        while ticks >= value:
            ids.append(ID[Kind.DURATION, value])
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
        return ID[Kind.PITCH, pitch]

    def decode(self, ids: Sequence[int] | Ids, frame: Frame | None = None) -> Melody:
        """The melody that ids say; see `Encoding.decode`. `frame` is not needed: the ids say it all."""
        del frame
        if len(ids) == 0 or ids[0] != START:
            raise EncodingError("token 1: a melody starts with the token 'start'")
        dictation, slot = _Dictation(), Slot.TONIC
        for number, token in enumerate(ids[1:], 2):
            if not 0 <= token < len(TOKENS) or NEXT_SLOT[slot, token] < 0:
                raise EncodingError(self._ungrammatical(number, int(token), slot))
            _, kind, value = TOKENS[token]
            dictation.take(slot, kind, value)
            slot = Slot(NEXT_SLOT[slot, token])
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
        self.head: tuple[Kind, int] = (Kind.REST, 0)
        self.tied = False

    def take(self, slot: Slot, kind: Kind, value: int) -> None:
        match kind:
            case Kind.TONIC:
                self.tonic = TONICS[value - 1] if value else ""
            case Kind.MODE:
                self.mode = MODES[value - 1] if value else ""
            case Kind.BEATS:
                self.beats = value
            case Kind.UNIT:
                self.meters.append(Meter(self.tick, self.beats, value))
            case Kind.PITCH | Kind.REST:
                self.head, self.tied = (kind, value), False
            case Kind.TIE:
                self.tied = True
            case Kind.PHRASE:
                self.phrase_ends.append(self.tick)
            case Kind.DURATION if slot == Slot.PICKUP:
                self.pickup += value
            case Kind.DURATION:
                self._last(value)

    def _last(self, ticks: int) -> None:
        kind, pitch = self.head
        if kind == Kind.PITCH and self.tied:
            self.notes[-1] = self.notes[-1]._replace(duration=self.notes[-1].duration + ticks)
        elif kind == Kind.PITCH:
            self.notes.append(Note(self.tick, ticks, pitch))
        self.tick += ticks

    def melody(self) -> Melody:
        key = Key(self.tonic, self.mode) if self.tonic and self.mode else None
        shift = tonic_shift(key)
        # A sequence that was cut off may end with a change of meter that no note follows.
        meters = tuple(meter for meter in self.meters if meter.tick < max(self.tick, 1))
        notes = tuple(note._replace(pitch=note.pitch + shift) for note in self.notes)
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
