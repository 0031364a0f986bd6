"""The vocabulary and the grammar of the `event` and the `planned` encoding, as tables.

The tokens of `planned` are those of `event` and, behind them, those of a plan.
"""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.encodings.base import Group, Role
from melodysynthesis.encodings.plan import SECTIONS
from melodysynthesis.music import BEAT_UNITS, MAX_BEATS, MODES, STEPS

LOWEST_PITCH, HIGHEST_PITCH = 36, 103
"""Range of pitches relative to the tonic: C2 to G7, wider than any voice or melody instrument needs."""

MAX_BARS = 128
"""The token for this many bars means: this many or more."""

# Ticks: the durations of folk tunes, with dotted and triplet values, and enough others that any sum has few terms.
DURATIONS = (
    1, 2, 3, 4, 5, 6, 8, 9, 12, 16, 18, 21, 24, 28, 30, 32, 36, 40, 42, 48, 54, 56, 60, 64, 66, 72, 84, 90,
    96, 108, 120, 132, 144, 168, 180, 192, 216, 240, 288, 336, 384, 768,
)  # fmt: skip

TONICS = tuple(step + alteration for step in STEPS for alteration in ("", "#", "b", "##", "bb"))


class Kind(IntEnum):
    """What a token means."""

    START = 0
    TONIC = 1
    MODE = 2
    BEATS = 3
    UNIT = 4
    FREE = 5
    BARS = 6
    PITCH = 7
    REST = 8
    TIE = 9
    PHRASE = 10
    DURATION = 11
    END = 12
    LAST = 13
    SECTION = 14
    NOTES = 15


class Slot(IntEnum):
    """State of a sequence in the grammar: what may come next. Before `FIRST` is the header, a plan at its end."""

    TONIC = 0
    MODE = 1
    METER = 2
    UNIT = 3
    PICKUP = 4
    PLAN = 5
    FIRST_SECTION = 6
    SECTION_LENGTH = 7
    NEXT_SECTION = 8
    FIRST = 9
    DURATION = 10
    NEXT = 11
    AFTER_PHRASE = 12
    NEW_UNIT = 13
    AFTER_METER = 14
    DONE = 15


Grammar = dict[Slot, dict[Kind, Slot]]

# The grammar of `event`: in each slot, the kinds that may come and the slot that follows each.
GRAMMAR: Grammar = {
    Slot.TONIC: {Kind.TONIC: Slot.MODE},
    Slot.MODE: {Kind.MODE: Slot.METER},
    Slot.METER: {Kind.BEATS: Slot.UNIT, Kind.FREE: Slot.FIRST},
    Slot.UNIT: {Kind.UNIT: Slot.PICKUP},
    Slot.PICKUP: {Kind.DURATION: Slot.PICKUP, Kind.BARS: Slot.FIRST},
    Slot.FIRST: {Kind.PITCH: Slot.DURATION, Kind.REST: Slot.DURATION},
    Slot.DURATION: {Kind.DURATION: Slot.NEXT},
    Slot.NEXT: {
        Kind.PITCH: Slot.DURATION,
        Kind.REST: Slot.DURATION,
        Kind.TIE: Slot.DURATION,
        Kind.PHRASE: Slot.AFTER_PHRASE,
        Kind.BEATS: Slot.NEW_UNIT,
        Kind.END: Slot.DONE,
    },
    Slot.AFTER_PHRASE: {
        Kind.PITCH: Slot.DURATION,
        Kind.REST: Slot.DURATION,
        Kind.TIE: Slot.DURATION,
        Kind.BEATS: Slot.NEW_UNIT,
        Kind.END: Slot.DONE,
    },
    Slot.NEW_UNIT: {Kind.UNIT: Slot.AFTER_METER},
    Slot.AFTER_METER: {Kind.PITCH: Slot.DURATION, Kind.REST: Slot.DURATION, Kind.TIE: Slot.DURATION},
    Slot.DONE: {Kind.END: Slot.DONE},
}

# The grammar of `planned`: between the number of bars and the notes is a plan, or nothing but the token `notes`.
PLANNED_GRAMMAR: Grammar = {
    **GRAMMAR,
    Slot.PICKUP: {Kind.DURATION: Slot.PICKUP, Kind.BARS: Slot.PLAN},
    Slot.PLAN: {Kind.LAST: Slot.FIRST_SECTION, Kind.NOTES: Slot.FIRST},
    Slot.FIRST_SECTION: {Kind.SECTION: Slot.SECTION_LENGTH},
    Slot.SECTION_LENGTH: {Kind.DURATION: Slot.NEXT_SECTION},
    Slot.NEXT_SECTION: {
        Kind.DURATION: Slot.NEXT_SECTION,
        Kind.SECTION: Slot.SECTION_LENGTH,
        Kind.NOTES: Slot.FIRST,
    },
}

ROLES = {Kind.TONIC: Role.GIVEN, Kind.MODE: Role.GIVEN, Kind.BEATS: Role.GIVEN, Kind.UNIT: Role.GIVEN,
         Kind.FREE: Role.GIVEN, Kind.START: Role.GIVEN, Kind.PHRASE: Role.PHRASE}  # fmt: skip
GROUPS = {Kind.PITCH: Group.NOTE, Kind.REST: Group.REST, Kind.TIE: Group.HOLD, Kind.DURATION: Group.DURATION,
          Kind.PHRASE: Group.DELIMITER, Kind.END: Group.DELIMITER}  # fmt: skip

# The vocabulary: name, kind and value of each token. The order is part of every trained model.
EVENT_TOKENS: tuple[tuple[str, Kind, int], ...] = (
    ("start", Kind.START, 0),
    ("end", Kind.END, 0),
    ("tonic:none", Kind.TONIC, 0),
    *((f"tonic:{name}", Kind.TONIC, i) for i, name in enumerate(TONICS, 1)),
    ("mode:none", Kind.MODE, 0),
    *((f"mode:{name}", Kind.MODE, i) for i, name in enumerate(MODES, 1)),
    ("free", Kind.FREE, 0),
    *((f"beats:{n}", Kind.BEATS, n) for n in range(1, MAX_BEATS + 1)),
    *((f"unit:{n}", Kind.UNIT, n) for n in BEAT_UNITS),
    *((f"bars:{n}", Kind.BARS, n) for n in range(MAX_BARS + 1)),
    ("rest", Kind.REST, 0),
    ("tie", Kind.TIE, 0),
    ("phrase", Kind.PHRASE, 0),
    *((f"pitch:{p}", Kind.PITCH, p) for p in range(LOWEST_PITCH, HIGHEST_PITCH + 1)),
    *((f"duration:{d}", Kind.DURATION, d) for d in DURATIONS),
)
TOKENS: tuple[tuple[str, Kind, int], ...] = (
    *EVENT_TOKENS,
    *((f"last:{degree}", Kind.LAST, degree) for degree in range(12)),  # semitones above the tonic
    *((f"section:{name}", Kind.SECTION, number) for number, name in enumerate(SECTIONS)),
    ("notes", Kind.NOTES, 0),
)
KINDS = np.array([kind for _, kind, _ in TOKENS])
VALUES = np.array([value for _, _, value in TOKENS])
ID = {(kind, value): i for i, (_, kind, value) in enumerate(TOKENS)}
START, END, REST, TIE, PHRASE, FREE, NOTES = (
    ID[kind, 0] for kind in (Kind.START, Kind.END, Kind.REST, Kind.TIE, Kind.PHRASE, Kind.FREE, Kind.NOTES)
)


def transitions(grammar: Grammar, tokens: int) -> NDArray[np.int64]:
    """(slots, tokens): the slot that each of the first `tokens` tokens leads to, -1 where the grammar forbids it."""
    table = np.full((len(Slot), tokens), -1)
    for slot, kinds in grammar.items():
        for kind, then in kinds.items():
            table[slot, kind == KINDS[:tokens]] = then
    return table
