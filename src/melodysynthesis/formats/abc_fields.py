"""The information fields of ABC that matter to a melody: `K:`, `M:`, `L:` and the names in `V:`.

Each `parse_` function returns values, or raises `ValueError` with what was found and what was expected.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Literal, NamedTuple

from melodysynthesis.music import (
    BEAT_UNITS,
    MAX_BEATS,
    MAX_TEMPO,
    MIN_TEMPO,
    MODES,
    STEP_PITCH_CLASS,
    TICKS_PER_QUARTER,
    TICKS_PER_WHOLE,
    Key,
)
from melodysynthesis.theory import signature, signature_alterations

Ticks = int | Fraction
"""A time that is a fraction only within tuplets and units finer than a tick."""

ACCIDENTALS = {"^^": 2, "^": 1, "=": 0, "_": -1, "__": -2}
MAX_DENOMINATOR = 256

_METER_FIELD = re.compile(r"\(?(\d{1,3}(?:\s*\+\s*\d{1,3})*)\)?\s*/\s*(\d{1,3})(?!\d)\s*(\+(?=\s*[(\d]))?\s*")
"""A meter, or a term of a sum of meters, and the sign that another follows."""
_UNIT_FIELD = re.compile(r"(\d{1,3})(?:\s*/\s*(\d{1,3}))?(?!\d|\s*/)")
_KEY_FIELD = re.compile(r"([A-GH])([#b]{0,2})\s*([A-Za-z]*)(.*)")
_KEY_ACCIDENTAL = re.compile(r"(\^{1,2}|_{1,2}|(?<!\w)=)([a-gA-G])(?![A-Za-z])")
_NAME = re.compile(r"\b(?:name|nm)\s*=\s*\"?([^\"]+?)\"?(?:\s+\w+=|$)")
_CLEFS = ("treble", "bass", "alto", "tenor", "clef", "perc", "octave", "transpose", "middle", "stafflines")
_MODE_NAMES = {mode[:3]: mode for mode in MODES} | {"": "major", "ion": "major", "aeo": "minor", "m": "minor"}


class Dialect(NamedTuple):
    """What collections of ABC disagree about, and no field says."""

    lines_are_phrases: bool = True
    accidentals_reach: Literal["octave", "letter", "note"] = "octave"
    """To the bar's end on the same pitch only, or on its letter in every octave (the rule of ABC 2.1, which holds in
    files that begin with ``%abc-2.1``); or no further than its own note."""
    bar_lines_bind: bool = False
    """A bar that is longer or shorter than the meter says is a change of meter."""


Signature = dict[str, int]
"""Alteration in semitones of each letter, upper and lower case."""


def scaled(ticks: Ticks, numerator: int, denominator: int) -> Ticks:
    """Ticks times a ratio: a whole number where it is one, so that common tunes stay with fast integers."""
    product = ticks * numerator
    return product // denominator if product % denominator == 0 else Fraction(product) / denominator


def parse_meter(value: str) -> tuple[int, int] | None:
    """Beats and beat unit of an `M:` field; None for free time (``none``, nothing, Essen's ``FREI4/4``)."""
    if not value or value[:4].lower() in ("none", "frei"):
        return None
    if re.match(r"C(\||\s|$)", value):
        return (2, 2) if value.startswith("C|") else (4, 4)
    match = _METER_FIELD.match(value)
    if not match:
        raise ValueError(f"meter {value[:40]!r}; expected one such as 3/4, C or none")
    terms = [(sum(map(int, match[1].split("+"))), int(match[2]))]
    while match and match[3]:
        match = _METER_FIELD.match(value, match.end())
        terms += [(sum(map(int, match[1].split("+"))), int(match[2]))] if match else [(0, 0)]
    beat_unit = max(unit for _, unit in terms)
    if any(unit not in BEAT_UNITS for _, unit in terms) or not (
        0 < (beats := sum(count * beat_unit // unit for count, unit in terms)) <= MAX_BEATS
    ):
        raise ValueError(f"meter {value[:40]!r}; expected 1 to {MAX_BEATS} beats of 1/1 to 1/32")
    return beats, beat_unit


def parse_unit(value: str) -> Ticks:
    """Ticks of the unit note length in an `L:` field."""
    match = _UNIT_FIELD.match(value)
    numerator, denominator = (int(match[1]), int(match[2] or 1)) if match else (0, 0)
    if not numerator or not 0 < denominator <= MAX_DENOMINATOR:
        raise ValueError(f"unit note length {value[:40]!r}; expected one such as 1/8")
    return scaled(TICKS_PER_WHOLE, numerator, denominator)


def parse_key(value: str) -> tuple[Key | None, Signature] | None:
    """Key and signature of a `K:` field; None if it names only a clef.

    ``K:none`` has no key and no accidentals. Highland pipes (``HP``, ``Hp``) play A mixolydian; a lone ``H``
    is the German name of B natural.
    """
    if value[:2] in ("HP", "Hp"):
        return Key("A", "mixolydian"), both_cases(signature_alterations(2))
    if not value or value[:4].lower() == "none":
        return None, both_cases(signature_alterations(0))
    match = _KEY_FIELD.match(value)
    if not match:
        if re.split(r"[\s=+-]", value, maxsplit=1)[0].lower() in _CLEFS:
            return None
        raise ValueError(f"key {value[:40]!r}; expected one such as G, Em, D dorian or none")
    tonic, name, rest = match[1].replace("H", "B") + match[2], match[3], match[4]
    mode = _MODE_NAMES.get(name if name == "m" else name[:3].lower(), "major")
    altered = signature_alterations(0 if name == "exp" else signature(Key(tonic, mode)))
    for accidental, letter in _KEY_ACCIDENTAL.findall(rest):
        altered[letter.upper()] = ACCIDENTALS[accidental]
    if name == "exp":
        mode = _mode_by_third(tonic, altered)
    return Key(tonic, mode), both_cases(altered)


def _mode_by_third(tonic: str, altered: dict[str, int]) -> str:
    third = "CDEFGABCD"["CDEFGAB".index(tonic[0]) + 2]
    above = STEP_PITCH_CLASS[third] + altered[third] - Key(tonic).pitch_class
    return "minor" if above % 12 == 3 else "major"


_OCTAVE = re.compile(r"\boctave\s*=\s*([+-]?\d)(?!\d)")
_TRANSPOSE = re.compile(r"\btranspose\s*=\s*([+-]?\d{1,2})(?!\d)")
_CLEF = re.compile(
    r"(?:^|[\s=\"])(?:treble|bass|alto|tenor|perc|none|auto|[GFC][1-5]|(?<=clef=)[GFC])[1-5]?([+-](?:8|15))?(?:v[ab]|m[ab])?(?=[\s\"]|$)"
)
_OCTAVE_SIGN = re.compile(r"(?:^|\s)([+-])8v[ab](?=\s|$)")
_TONIC = re.compile(r"^[A-H][#b]?\S*\s*")
_OCTAVES = {"8": 12, "15": 24}


def parse_shifts(value: str) -> dict[str, int]:
    """Semitones by which music sounds higher than it is written, by what a `V:` field states, or a `K:` field after
    its tonic: ``octave``, ``transpose``, ``clef`` (such as ``treble-8``), and ``playback`` for a ``-8va`` without
    clef in older files. A clef alone, such as ``bass``, moves nothing.
    """
    shifts: dict[str, int] = {}
    if match := _OCTAVE.search(value):
        shifts["octave"] = 12 * int(match[1])
    if match := _TRANSPOSE.search(value):
        shifts["transpose"] = int(match[1])
    if match := _CLEF.search(value):
        sign = match[1]
        shifts["clef"] = (-1 if sign[0] == "-" else 1) * _OCTAVES[sign[1:]] if sign else 0
    if match := _OCTAVE_SIGN.search(value):
        shifts["playback"] = -12 if match[1] == "-" else 12
    return shifts


def after_tonic(value: str) -> str:
    """What a `K:` field says after its tonic: ``G treble-8`` is no clef of its own name."""
    return _TONIC.sub("", value)


def parse_tempo(value: str, unit: Ticks) -> float | None:
    """Quarters per minute of a `Q:` field: ``1/4=120``, ``"Slow" 3/8=60`` or ``90`` unit notes; None if it says none.

    Args:
        value: the field's text.
        unit: ticks of the unit note length.
    """
    text = re.sub(r"\"[^\"]*\"", " ", value)
    if match := re.search(r"=\s*(\d{1,4})", text):
        lengths = re.findall(r"(\d{1,2})/(\d{1,3})", text[: match.start()])
        wholes = sum(int(over) / int(under) for over, under in lengths if int(under))
        tempo = int(match[1]) * (4 * wholes if wholes else float(unit) / TICKS_PER_QUARTER)
    elif match := re.fullmatch(r"\s*(\d{1,4})\s*", text):
        tempo = int(match[1]) * float(unit) / TICKS_PER_QUARTER
    else:
        return None
    return tempo if MIN_TEMPO <= tempo <= MAX_TEMPO else None


def both_cases(altered: dict[str, int]) -> Signature:
    """A signature that also answers for the lower-case letters of the upper octaves."""
    return altered | {letter.lower(): alteration for letter, alteration in altered.items()}


def voice_names(lines: list[str]) -> dict[str, str]:
    """Voices by id in the order they appear, each with its name or nothing."""
    names: dict[str, str] = {}
    for row in lines:
        if "V:" not in row:
            continue
        for whole_line, inline in re.findall(r"^V:\s*(.*)|\[V:([^\]]{0,200})\]", row):
            text = (whole_line or inline).strip()
            if text and not text.startswith("*"):  # V:* is of all voices
                label = _NAME.search(text)
                names.setdefault(text.split(maxsplit=1)[0], label[1] if label else "")
    return names
