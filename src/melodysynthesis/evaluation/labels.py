"""Names that people read for tokens: note names for pitches, note values for durations."""

from __future__ import annotations

from fractions import Fraction

from melodysynthesis.encodings import Encoding, Group
from melodysynthesis.music import TICKS_PER_WHOLE, Key
from melodysynthesis.theory import spell

_SIGNS = {-2: "♭♭", -1: "♭", 0: "", 1: "♯", 2: "♯♯"}
_WORDS = {"_": "hold", "r": "rest", "/": "delimiter"}

GROUP_TITLES = {
    Group.DELIMITER: "marks",
    Group.HOLD: "hold",
    Group.REST: "rest",
    Group.NOTE: "pitches",
    Group.DURATION: "durations",
    Group.HEADER: "frame",
}


def pitch_name(pitch: int) -> str:
    """Name of a MIDI number as in C major or A minor: 60 is C4, 66 is F♯4."""
    step, alteration, octave = spell(pitch, Key("C"))
    return f"{step}{_SIGNS[alteration]}{octave}"


def note_value(ticks: int) -> str:
    """Name of a duration: 1/4 a quarter, 1/4. dotted, 1/4³ in a triplet; else a fraction of a whole note."""
    share = Fraction(ticks, TICKS_PER_WHOLE)
    for factor, sign in ((Fraction(1), ""), (Fraction(3, 2), "."), (Fraction(2, 3), "³")):
        plain = share / factor
        if plain.denominator & (plain.denominator - 1) == 0 and plain.numerator == 1:
            return f"{plain.numerator}/{plain.denominator}{sign}" if plain != 1 else f"1{sign}"
    return str(share)


def token_label(token: str) -> str:
    """What a token of any encoding is called on an axis."""
    kind, _, value = token.partition(":")
    if token.isdecimal():
        return pitch_name(int(token))
    if kind == "pitch":
        return pitch_name(int(value))
    if kind == "duration":
        return note_value(int(value))
    return _WORDS.get(token, token)


def reading_order(encoding: Encoding) -> list[int]:
    """Token ids by group, marks first, then as in the vocabulary, pitches and durations by size."""
    groups = encoding.groups
    return sorted(range(len(encoding.vocabulary)), key=lambda token: (groups[token], _size(encoding, token)))


def _size(encoding: Encoding, token: int) -> tuple[int, int]:
    value = encoding.vocabulary[token].rpartition(":")[2]
    return (int(value), token) if value.isdecimal() else (-1, token)
