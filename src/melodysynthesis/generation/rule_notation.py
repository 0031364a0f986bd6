"""What people type for rules, to values and back; `notation` has keys, pitches and durations.

meters    "3/4 x4, 4/4 x4": so many bars of each
range     "D4-G5"
chords    "G | C | D7 G | G": a bar between two lines; several chords in a bar share it
durations "1/4 1/2 1": in quarters
rhythm    "1 1/2 1/2 r:1": durations in quarters, r: before a rest
contour   "+ + - 0": up, up, down, the same; a full stop behind if the melody ends there
fixed     "2.1:G4 4.5/2:D5": bar.beat:pitch
form      "AABA'": letters, with a prime for a variation
bars      "3-4": from one to another
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

from melodysynthesis.constraints.terms import Bars, Beat, Chart, Contour, FixedNote, Section, Span, quarters
from melodysynthesis.errors import RequestError, unknown
from melodysynthesis.generation.notation import format_pitch, parse_meter, parse_pitch, parse_quarters
from melodysynthesis.theory import CHORDS, NAMED_SCALES, Chord

_RANGE = re.compile(r"\s*(\S+?-?\d)\s*(?:-|–|\.\.|to)\s*(\S+)\s*")
_CHORD = re.compile(r"([A-G])(##|#|♯|bb|b|♭)?(.*)")
_FIXED = re.compile(r"(\d{1,4})\.(\d{1,3}(?:/\d{1,3})?)(?:\+(\d{1,3}/\d{1,3}))?:(\S+)")
_SECTION = re.compile(r"([A-Za-z])(['′’]*)")

_QUALITY_NAMES = {
    "maj": "", "M": "", "major": "", "min": "m", "-": "m", "minor": "m", "dom7": "7", "M7": "maj7", "Δ": "maj7",
    "Δ7": "maj7", "min7": "m7", "-7": "m7", "mM7": "mmaj7", "°": "dim", "o": "dim", "°7": "dim7", "o7": "dim7",
    "ø": "m7b5", "ø7": "m7b5", "+": "aug", "sus": "sus4", "min6": "m6",
}  # fmt: skip
"""Other ways to write the qualities of `CHORDS`."""

MAX_ITEMS = 1_000
"""Chords, durations, directions or notes in one list."""


def parse_meters(text: str) -> tuple[Bars, ...]:
    """The bars of a text such as "3/4 x4, 4/4 x4"; one bar where no number stands.

    Raises:
        RequestError: naming the part that can't be read.
    """
    spans = []
    for part in _items(text, "meters", "3/4 x4, 4/4 x4", comma=True):
        meter, _, count = part.replace("×", "x").partition("x")
        count = count.strip() or "1"
        if not (count.isascii() and count.isdigit()) or not 1 <= int(count) <= MAX_ITEMS:
            raise RequestError(f"meters: {part[:40]!r}: expected a meter and a number of bars, such as 3/4 x4")
        spans.append(Bars(parse_meter(meter), int(count)))
    return tuple(spans)


def format_meters(spans: Sequence[Bars]) -> str:
    """The inverse of `parse_meters`."""
    return ", ".join(map(str, spans))


def parse_scale(text: str) -> str:
    """The name of a scale in `NAMED_SCALES`.

    Raises:
        RequestError: for any other, with the nearest.
    """
    name = re.sub(r"[\s_-]+", "-", text.strip().lower())
    if name not in NAMED_SCALES:
        raise RequestError(unknown("scale", text.strip()[:40], NAMED_SCALES))
    return name


def parse_range(text: str) -> Span:
    """The span of a text such as "D4-G5".

    Raises:
        RequestError: if it is none, or upside down.
    """
    match = _RANGE.fullmatch(text)
    if match is None:
        raise RequestError(f"range {text[:40]!r}: expected the lowest and the highest pitch, such as D4-G5")
    lowest, highest = parse_pitch(match[1]), parse_pitch(match[2])
    if lowest > highest:
        raise RequestError(f"range {text.strip()!r} is upside down: did you mean {match[2]}-{match[1]}?")
    return Span(lowest, highest)


def format_range(span: Span) -> str:
    """The inverse of `parse_range`."""
    return f"{format_pitch(span.lowest)}-{format_pitch(span.highest)}"


def parse_chord(text: str) -> Chord:
    """The chord of a symbol.

    Raises:
        RequestError: naming the symbol, and the nearest ones that are known.
    """
    match = _CHORD.fullmatch(text.strip())
    if match is None:
        raise RequestError(f"unknown chord {text.strip()[:20]!r}: {_with_english_root(text.strip())}")
    letter, sign, quality = match[1], match[2] or "", match[3]
    quality = _QUALITY_NAMES.get(quality, quality)
    root = letter + sign.replace("♯", "#").replace("♭", "b")
    if quality not in CHORDS:
        raise RequestError(unknown("chord", text.strip()[:20], (root + known for known in CHORDS)))
    return Chord(root, quality)


def _with_english_root(text: str) -> str:
    """What was meant by a chord without a root from A to G: H is the German B, small letters are minor to some."""
    root = "B" if text[:1] in ("H", "h") else text[:1].upper()
    found = _CHORD.fullmatch(root + text[1:])
    if found is None or _QUALITY_NAMES.get(found[3], found[3]) not in CHORDS:
        return "expected a root A to G, such as in G, Am or F#m7b5"
    minor = f" or {root}{found[2] or ''}m" if text[:1].islower() and not found[3] else ""
    return f"did you mean {root}{text[1:]}{minor}?"


def parse_chords(text: str) -> Chart:
    """The chart of a text such as "G | C | D7 G | G".

    Raises:
        RequestError: naming the chord, or the bar that has none.
    """
    bars = text.strip().strip("|").split("|")
    if not 1 <= len(bars) <= MAX_ITEMS or not text.strip():
        raise RequestError(f"{len(bars)} bars of chords: expected 1 to {MAX_ITEMS}, such as 'G | C | D7 | G'")
    chart = tuple(tuple(parse_chord(symbol) for symbol in bar.split()) for bar in bars)
    if () in chart:
        raise RequestError(f"chords: bar {chart.index(()) + 1} has none")
    return chart


def format_chords(chart: Chart) -> str:
    """The inverse of `parse_chords`."""
    return " | ".join(" ".join(map(str, bar)) for bar in chart)


def parse_durations(text: str) -> tuple[int, ...]:
    """Ticks of durations in quarters, ascending.

    Raises:
        RequestError: naming the one that can't be read.
    """
    return tuple(sorted({parse_quarters(word) for word in _items(text, "durations", "1/4 1/2 1")}))


def format_durations(durations: Sequence[int]) -> str:
    """The inverse of `parse_durations`."""
    return " ".join(map(quarters, durations))


def parse_rhythm(text: str) -> tuple[Beat, ...]:
    """The notes and rests of a rhythm.

    Raises:
        RequestError: naming the one that can't be read, or if all are rests.
    """
    words = _items(text, "rhythm", "1 1/2 1/2 r:1")
    rhythm = tuple(Beat(parse_quarters(word.lower().removeprefix("r:")), word[:2].lower() != "r:") for word in words)
    if not any(beat.sounds for beat in rhythm):
        raise RequestError("the rhythm is all rests")
    return rhythm


def format_rhythm(rhythm: Sequence[Beat]) -> str:
    """The inverse of `parse_rhythm`."""
    return " ".join(map(str, rhythm))


def parse_contour(text: str) -> Contour:
    """The contour of a text such as "+ + - 0".

    Raises:
        RequestError: naming the sign that can't be read.
    """
    whole = text.rstrip().endswith(".")
    signs = "".join(text.rstrip().removesuffix(".").replace(",", " ").replace("−", "-").replace("=", "0").split())
    if not 1 <= len(signs) <= MAX_ITEMS:
        raise RequestError(f"{len(signs)} directions of a contour: expected 1 to {MAX_ITEMS}, such as '+ + - 0'")
    for sign in signs:
        if sign not in "+-0":
            raise RequestError(f"contour {text[:40]!r}: {sign!r} is not + (up), - (down) or 0 (the same)")
    return Contour(tuple("-0+".index(sign) - 1 for sign in signs), whole)


def parse_fixed(text: str) -> tuple[FixedNote, ...]:
    """The notes that stand at given places, in order.

    Raises:
        RequestError: naming the one that can't be read, or a place that is taken twice.
    """
    notes: dict[tuple[int, Fraction], FixedNote] = {}
    for word in _items(text, "fixed notes", "2.1:G4 4.5/2:D5"):
        match = _FIXED.fullmatch(word)
        if match is None or "/0" in word:
            raise RequestError(f"fixed note {word[:40]!r}: expected bar.beat:pitch, such as 2.1:G4 or 4.5/2:D5")
        bar, beat = int(match[1]), Fraction(match[2]) + Fraction(match[3] or 0)
        if beat < 1:
            raise RequestError(f"fixed note {word!r}: the first beat of a bar is 1")
        if (bar, beat) in notes:
            raise RequestError(f"fixed note {word!r}: another one stands at bar {bar}, beat {beat}")
        notes[bar, beat] = FixedNote(bar, beat, parse_pitch(match[4]))
    return tuple(sorted(notes.values()))


def format_fixed(notes: Sequence[FixedNote]) -> str:
    """The inverse of `parse_fixed`."""
    return " ".join(f"{bar}.{beat}:{format_pitch(pitch)}" for bar, beat, pitch in notes)


def parse_form(text: str) -> tuple[Section, ...]:
    """The sections of a form such as "AABA'".

    Raises:
        RequestError: if it is none, or a variation stands before what it varies.
    """
    letters = "".join(text.split())
    sections = tuple(Section(letter.upper(), len(primes)) for letter, primes in _SECTION.findall(letters))
    if not sections or sum(1 + section.primes for section in sections) != len(letters):
        raise RequestError(f"form {text[:40]!r}: expected letters, with a prime for a variation, such as AABA'")
    for number, section in enumerate(sections):
        if section.primes and Section(section.letter, 0) not in sections[:number]:
            raise RequestError(f"form {text.strip()!r}: {section} stands before {section.letter}, which it varies")
    return sections


def format_form(sections: Sequence[Section]) -> str:
    """The inverse of `parse_form`."""
    return "".join(map(str, sections))


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


def _items(text: str, what: str, example: str, comma: bool = False) -> list[str]:
    items = [item.strip() for item in text.split(",")] if comma else text.replace(",", " ").split()
    if not 1 <= len(items) <= MAX_ITEMS or "" in items:
        raise RequestError(f"{what} {text[:40]!r}: expected 1 to {MAX_ITEMS}, such as {example!r}")
    return items
