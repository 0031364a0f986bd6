"""The information fields of ABC that matter to a melody: `K:`, `M:`, `L:` and the names in `V:`.

Each `parse_` function returns values, or raises `ValueError` with what was found and what was expected.
"""

from __future__ import annotations

import re
from fractions import Fraction

from melodysynthesis.music import BEAT_UNITS, MAX_BEATS, MODES, STEP_PITCH_CLASS, TICKS_PER_WHOLE, Key
from melodysynthesis.theory import signature, signature_alterations

Ticks = int | Fraction
"""A time that is a fraction only within tuplets and units finer than a tick."""

ACCIDENTALS = {"^^": 2, "^": 1, "=": 0, "_": -1, "__": -2}
MAX_DENOMINATOR = 256

_METER = re.compile(r"\(?(\d{1,3}(?:\s*\+\s*\d{1,3})*)\)?\s*/\s*(\d{1,3})(?!\d)")
_UNIT = re.compile(r"(\d{1,3})(?:\s*/\s*(\d{1,3}))?(?!\d|\s*/)")
_KEY = re.compile(r"([A-GH])([#b]{0,2})\s*([A-Za-z]*)(.*)")
_KEY_ACCIDENTAL = re.compile(r"(?:^|\s)(\^{1,2}|_{1,2}|=)([a-gA-G])\b")
_NAME = re.compile(r"\b(?:name|nm)\s*=\s*\"?([^\"]+?)\"?(?:\s+\w+=|$)")
_CLEFS = ("treble", "bass", "alto", "tenor", "clef", "perc", "octave", "transpose", "middle", "stafflines")
_MODES = {mode[:3]: mode for mode in MODES} | {"": "major", "ion": "major", "aeo": "minor", "m": "minor"}

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
    match = _METER.match(value)
    if not match:
        raise ValueError(f"meter {value[:40]!r}; expected one such as 3/4, C or none")
    beats, beat_unit = sum(int(part) for part in match[1].split("+")), int(match[2])
    if not 0 < beats <= MAX_BEATS or beat_unit not in BEAT_UNITS:
        raise ValueError(f"meter {value[:40]!r}; expected 1 to {MAX_BEATS} beats of 1/1 to 1/32")
    return beats, beat_unit


def parse_unit(value: str) -> Ticks:
    """Ticks of the unit note length in an `L:` field."""
    match = _UNIT.match(value)
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
    match = _KEY.match(value)
    if not match:
        if re.split(r"[\s=+-]", value, maxsplit=1)[0].lower() in _CLEFS:
            return None
        raise ValueError(f"key {value[:40]!r}; expected one such as G, Em, D dorian or none")
    tonic, name, rest = match[1].replace("H", "B") + match[2], match[3], match[4]
    mode = _MODES.get(name if name == "m" else name[:3].lower(), "major")
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
            if text:
                label = _NAME.search(text)
                names.setdefault(text.split(maxsplit=1)[0], label[1] if label else "")
    return names
