"""The vocabulary and the grammar of the `event` encoding, as tables."""

from enum import IntEnum

import numpy as np

from melodysynthesis.encodings.base import Group, Role
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


class Slot(IntEnum):
    """State of a sequence in the grammar: what may come next."""

    TONIC = 0
    MODE = 1
    METER = 2
    UNIT = 3
    PICKUP = 4
    FIRST = 5
    DURATION = 6
    NEXT = 7
    AFTER_PHRASE = 8
    NEW_UNIT = 9
    AFTER_METER = 10
    DONE = 11


# The grammar: in each slot, the kinds that may come and the slot that follows each.
GRAMMAR: dict[Slot, dict[Kind, Slot]] = {
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

ROLES = {Kind.TONIC: Role.GIVEN, Kind.MODE: Role.GIVEN, Kind.BEATS: Role.GIVEN, Kind.UNIT: Role.GIVEN,
         Kind.FREE: Role.GIVEN, Kind.START: Role.GIVEN, Kind.PHRASE: Role.PHRASE}  # fmt: skip
GROUPS = {Kind.PITCH: Group.NOTE, Kind.REST: Group.REST, Kind.TIE: Group.HOLD, Kind.DURATION: Group.DURATION,
          Kind.PHRASE: Group.DELIMITER, Kind.END: Group.DELIMITER}  # fmt: skip

# The vocabulary: name, kind and value of each token. The order is part of every trained model.
TOKENS: tuple[tuple[str, Kind, int], ...] = (
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
VOCABULARY = tuple(name for name, _, _ in TOKENS)
KINDS = np.array([kind for _, kind, _ in TOKENS])
VALUES = np.array([value for _, _, value in TOKENS])
ID = {(kind, value): i for i, (_, kind, value) in enumerate(TOKENS)}
START, END, REST, TIE, PHRASE, FREE = (
    ID[kind, 0] for kind in (Kind.START, Kind.END, Kind.REST, Kind.TIE, Kind.PHRASE, Kind.FREE)
)

NEXT_SLOT = np.full((len(Slot), len(TOKENS)), -1)
"""(slots, vocabulary): the slot that a token leads to, -1 where the grammar forbids it."""
for _slot, _kinds in GRAMMAR.items():
    for _kind, _then in _kinds.items():
        NEXT_SLOT[_slot, _kind == KINDS] = _then
ALLOWED = NEXT_SLOT >= 0
