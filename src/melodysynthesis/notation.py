"""Keys, meters, pitches, durations and inline notes as text, read and written.

key       "G major", "g minor", "Bb", "F# dorian", "Am"
meter     "3/4", "6/8"
pitch     "G4", "F#4", "Bb3"; C4 is middle C
duration  in quarters: "1", "1/2", "3/2", "0.25"
notes     "G4:1 A4:1/2 B4 r:1": pitch or r, and a duration where it differs from that of the note before
meters    "3/4 x4, 4/4 x4": so many bars of each
bars      "3-4": from one bar to another
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from melodysynthesis.errors import RequestError, unknown
from melodysynthesis.music import (
    BEAT_UNITS,
    MAX_BEATS,
    MODES,
    STEP_PITCH_CLASS,
    TICKS_PER_QUARTER,
    Key,
    Melody,
    Meter,
    Note,
)  # fmt: skip
from melodysynthesis.theory import spell

ACCIDENTALS = {"": 0, "#": 1, "♯": 1, "sharp": 1, "##": 2, "x": 2, "b": -1, "♭": -1, "flat": -1, "bb": -2}
_SIGNS = "##|#|♯|x|bb|b|♭"
_KEY = re.compile(rf"([A-Ga-g])({_SIGNS}|[ -]?(?:sharp|flat)\b|-(?= |$))?[ _-]*([a-zA-Z]*)")
_PITCH = re.compile(rf"([A-Ga-g])({_SIGNS})?(-?\d)")
_METER = re.compile(r"(\d{1,3})/(\d{1,3})")
_WORD = re.compile(rf"(?:r|R|[A-Ga-g](?:{_SIGNS})?-?\d)(?::\S*)?")

MODE_NAMES = {
    "": "major", "maj": "major", "M": "major", "ionian": "major", "dur": "major",
    "min": "minor", "m": "minor", "aeolian": "minor", "moll": "minor", "mixo": "mixolydian",
    **{mode: mode for mode in MODES},
}  # fmt: skip
"""What a mode may be called."""

MAX_NOTES = 2_000
MAX_DURATION = 64
MAX_QUARTERS = 100_000
"""Quarters of inline notes and rests, one or all: as long as a melody in a file may be."""


def parse_key(text: str) -> Key:
    """The key that a text names.

    Raises:
        RequestError: if it names none; a lower-case letter alone could be either mode and is refused.
    """
    match = _KEY.fullmatch(text.strip())
    if match is None:
        german = " (B is B natural here; German H is B)" if text.strip()[:1] in {"H", "h"} else ""
        raise RequestError(f"key {text[:40]!r}: expected a tonic and a mode, such as 'G major' or 'f# minor'{german}")
    letter, sign, word = match.groups(default="")
    mode = MODE_NAMES.get(word) or MODE_NAMES.get(word.lower())
    if mode is None:
        raise RequestError(f"key {text[:40]!r}: {unknown('mode', word, MODES)}")
    alteration = -1 if sign == "-" else ACCIDENTALS[sign.strip(" -")]  # B- is B flat in kern and in music21
    tonic = letter.upper() + ("#" * alteration if alteration > 0 else "b" * -alteration)
    if letter.islower() and not word:
        raise RequestError(f"key {text[:40]!r} may be major or minor: say '{tonic} major' or '{tonic} minor'")
    return Key(tonic, mode)


def parse_meter(text: str) -> Meter:
    """The meter that a text names, from tick 0 on.

    Raises:
        RequestError: if it names none that a melody may have.
    """
    match = _METER.fullmatch(text.strip())
    if match is None:
        raise RequestError(f"meter {text[:40]!r}: expected beats and beat unit, such as 3/4 or 6/8")
    beats, unit = int(match[1]), int(match[2])
    if not 1 <= beats <= MAX_BEATS or unit not in BEAT_UNITS:
        units = ", ".join(map(str, BEAT_UNITS))
        raise RequestError(f"meter {text.strip()!r}: beats are 1 to {MAX_BEATS}, and the beat unit one of {units}")
    return Meter(0, beats, unit)


def parse_pitch(text: str) -> int:
    """MIDI number of a pitch name.

    Raises:
        RequestError: if it is none, or below 0 or above 127.
    """
    match = _PITCH.fullmatch(text.strip())
    if match is None:
        raise RequestError(f"pitch {text[:40]!r}: expected a letter A to G, an accidental and an octave, such as F#4")
    letter, sign, octave = match.groups(default="")
    pitch = 12 * (int(octave) + 1) + STEP_PITCH_CLASS[letter.upper()] + ACCIDENTALS[sign]
    if not 0 <= pitch <= 127:
        raise RequestError(f"pitch {text.strip()!r} is outside C-1 to G9")
    return pitch


def parse_quarters(text: str, longest: int = MAX_DURATION) -> int:
    """Ticks of a duration in quarters, of at most `longest` quarters.

    Raises:
        RequestError: if it is no number, not above 0, too long, or no whole number of ticks.
    """
    try:
        quarters = Fraction(text.strip())
    except (ValueError, ZeroDivisionError):
        raise RequestError(f"duration {text[:40]!r}: expected quarters, such as 1, 1/2 or 0.25") from None
    if not 0 < quarters <= longest:
        raise RequestError(f"duration {text[:40]!r}: expected more than 0 and at most {longest} quarters")
    ticks = quarters * TICKS_PER_QUARTER
    if ticks.denominator != 1:
        raise RequestError(f"duration {text[:40]!r} is no multiple of 1/{TICKS_PER_QUARTER} of a quarter")
    return int(ticks)


def looks_like_notes(text: str) -> bool:
    """Whether a text is meant as inline notes rather than as the name of a file."""
    words = text.replace(",", " ").split()
    return bool(words) and _WORD.fullmatch(words[0]) is not None


def parse_notes(text: str) -> Melody:
    """The melody of inline notes, without meter or key. The first duration, if left out, is a quarter.

    Raises:
        RequestError: naming the word that can't be read.
    """
    notes: list[Note] = []
    now, ticks = 0, TICKS_PER_QUARTER
    words = text.replace(",", " ").split()
    if not 1 <= len(words) <= MAX_NOTES:
        raise RequestError(f"{len(words)} inline notes: expected 1 to {MAX_NOTES}, such as 'G4:1 A4:1/2 r:1'")
    for number, word in enumerate(words, 1):
        name, colon, duration = word.partition(":")
        try:
            ticks = parse_quarters(duration, MAX_QUARTERS) if colon else ticks
            if name not in {"r", "R"}:
                notes.append(Note(now, ticks, parse_pitch(name)))
        except RequestError as error:
            raise RequestError(f"inline note {number}, {word[:40]!r}: {error}") from None
        now += ticks
    if not notes:
        raise RequestError("the inline notes are all rests")
    if now > MAX_QUARTERS * TICKS_PER_QUARTER:
        raise RequestError(f"the inline notes last more than {MAX_QUARTERS:,} quarters")
    return Melody(tuple(notes), now)


def format_pitch(pitch: int, key: Key | None = None) -> str:
    """Name of a MIDI number as it is written in a key: ``format_pitch(66, Key("D"))`` is F#4."""
    step, alteration, octave = spell(pitch, key)
    return f"{step}{'#' * alteration if alteration > 0 else 'b' * -alteration}{octave}"


def format_notes(melody: Melody) -> str:
    """Inline notes of a melody, rests included: the inverse of `parse_notes`."""
    words: list[str] = []
    now = 0
    for onset, duration, pitch in melody.notes:
        if onset > now:
            words.append(f"r:{Fraction(onset - now, TICKS_PER_QUARTER)}")
        words.append(f"{format_pitch(pitch, melody.key)}:{Fraction(duration, TICKS_PER_QUARTER)}")
        now = onset + duration
    if melody.duration > now:
        words.append(f"r:{Fraction(melody.duration - now, TICKS_PER_QUARTER)}")
    return " ".join(words)


MAX_ITEMS = 1_000
"""Words of one list, such as chords, durations or notes."""


class MeterSpan(NamedTuple):
    """So many bars of a meter."""

    meter: Meter
    number: int

    def __str__(self) -> str:
        return f"{self.meter} x{self.number}"


def split_items(text: str, what: str, example: str, comma: bool = False) -> list[str]:
    """The words of a list, separated by spaces or commas; by commas alone with `comma`.

    Raises:
        RequestError: if there are none, or more than `MAX_ITEMS`.
    """
    items = [item.strip() for item in text.split(",")] if comma else text.replace(",", " ").split()
    if not 1 <= len(items) <= MAX_ITEMS or "" in items:
        raise RequestError(f"{what} {text[:40]!r}: expected 1 to {MAX_ITEMS}, such as {example!r}")
    return items


def format_quarters(ticks: int) -> str:
    """A duration in quarters, the inverse of `parse_quarters`: ``format_quarters(36)`` is 3/2."""
    return str(Fraction(ticks, TICKS_PER_QUARTER))


def parse_meters(text: str) -> tuple[MeterSpan, ...]:
    """The bars of a text such as "3/4 x4, 4/4 x4"; one bar where there is no number.

    Raises:
        RequestError: naming the part that can't be read.
    """
    spans = []
    for part in split_items(text, "meters", "3/4 x4, 4/4 x4", comma=True):
        meter, _, count = part.replace("×", "x").partition("x")
        count = count.strip() or "1"
        if not (count.isascii() and count.isdigit()) or not 1 <= int(count) <= MAX_ITEMS:
            raise RequestError(f"meters: {part[:40]!r}: expected a meter and a number of bars, such as 3/4 x4")
        spans.append(MeterSpan(parse_meter(meter), int(count)))
    return tuple(spans)


def format_meters(spans: Sequence[MeterSpan]) -> str:
    """The inverse of `parse_meters`."""
    return ", ".join(map(str, spans))


def parse_bars(text: str) -> tuple[int, int]:
    """The first and the last bar of a text such as "3-4" or "3".

    Raises:
        RequestError: if it names none.
    """
    first, dash, last = text.strip().partition("-")
    numbers = (first.strip(), last.strip() if dash else first.strip())
    if not all(number.isascii() and number.isdigit() and len(number) < 6 for number in numbers):
        raise RequestError(f"bars {text[:40]!r}: expected the first and the last, such as 3-4")
    if int(numbers[0]) > int(numbers[1]):
        raise RequestError(f"bars {text.strip()!r} are upside down: did you mean {numbers[1]}-{numbers[0]}?")
    return int(numbers[0]), int(numbers[1])


def format_bars(bars: tuple[int, int]) -> str:
    """The inverse of `parse_bars`."""
    return f"{bars[0]}-{bars[1]}"
