"""Chords as text: lead-sheet symbols, roman numerals and Nashville numbers, and charts of bars.

A symbol is a root, a quality, and after a slash a bass: ``G``, ``F#m7b5``, ``D7b9/F#``; ``N.C.`` is no chord. A quality
is one of `CHORDS`, and alterations after it: ``C9#11``, ``C7b9b13``. Many ways to write a symbol are read, and one is
written.

Relative to a key: ``IV``, ``V7/V``, ``viio7``, ``bVII`` (roman numerals) and ``4``, ``57``, ``2m7``, ``b7``, ``1/3``
(Nashville numbers). `in_key` turns them into symbols.

A chart is the chords of each bar, between bar lines: ``G | C | D7 / G | %``. ``%`` alone repeats the bar before; ``/``,
or ``%`` next to other chords, is a place of the bar where the chord before goes on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

from melodysynthesis.errors import RequestError, unknown
from melodysynthesis.music import STEP_PITCH_CLASS, STEPS, Key
from melodysynthesis.theory import SCALES, tonic_name

CHORDS: dict[str, tuple[int, ...]] = {
    "": (0, 4, 7),
    "m": (0, 3, 7),
    "7": (0, 4, 7, 10),
    "maj7": (0, 4, 7, 11),
    "m7": (0, 3, 7, 10),
    "mmaj7": (0, 3, 7, 11),
    "6": (0, 4, 7, 9),
    "m6": (0, 3, 7, 9),
    "6/9": (0, 2, 4, 7, 9),
    "m6/9": (0, 2, 3, 7, 9),
    "9": (0, 2, 4, 7, 10),
    "maj9": (0, 2, 4, 7, 11),
    "m9": (0, 2, 3, 7, 10),
    "mmaj9": (0, 2, 3, 7, 11),
    "add9": (0, 2, 4, 7),
    "madd9": (0, 2, 3, 7),
    "11": (0, 2, 4, 5, 7, 10),
    "m11": (0, 2, 3, 5, 7, 10),
    "13": (0, 2, 4, 7, 9, 10),
    "maj13": (0, 2, 4, 7, 9, 11),
    "m13": (0, 2, 3, 5, 7, 9, 10),
    "dim": (0, 3, 6),
    "dim7": (0, 3, 6, 9),
    "m7b5": (0, 3, 6, 10),
    "aug": (0, 4, 8),
    "maj7#5": (0, 4, 8, 11),
    "sus2": (0, 2, 7),
    "sus4": (0, 5, 7),
    "7sus4": (0, 5, 7, 10),
    "9sus4": (0, 2, 5, 7, 10),
    "13sus4": (0, 2, 5, 7, 9, 10),
    "5": (0, 7),
    "7b5": (0, 4, 6, 10),
    "7#5": (0, 4, 8, 10),
    "7b9": (0, 1, 4, 7, 10),
    "7#9": (0, 3, 4, 7, 10),
    "7#11": (0, 4, 6, 7, 10),
    "7b13": (0, 4, 7, 8, 10),
    "7alt": (0, 1, 3, 4, 6, 8, 10),
    "maj7#11": (0, 4, 6, 7, 11),
}
"""Semitones above the root of a chord's tones, by what follows the root in its symbol."""

ALTERATIONS: dict[str, tuple[int | None, int | None]] = {
    "b5": (7, 6),
    "#5": (7, 8),
    "b9": (2, 1),
    "#9": (2, 3),
    "#11": (None, 6),
    "b13": (9, 8),
    "add9": (None, 2),
    "add11": (None, 5),
    "add13": (None, 9),
    "no3": (4, None),
    "no5": (7, None),
}
"""What an alteration takes from a chord and what it adds, in semitones above the root; in the order of writing."""

NO_CHORD_SYMBOL = "N.C."

_MAJOR, _MINOR = ("maj", "Maj", "M", "ma", "major", "j"), ("m", "min", "mi", "-", "Min", "minor")
_PLAIN_NAMES = {
    "dom7": "7", "o": "dim", "o7": "dim7", "ø": "m7b5", "h7": "m7b5", "+": "aug", "+7": "7#5", "aug7": "7#5",
    "7+": "7#5", "+maj7": "maj7#5", "augmaj7": "maj7#5", "sus": "sus4", "7sus": "7sus4", "9sus": "9sus4",
    "13sus": "13sus4", "2": "add9", "add2": "add9", "4": "sus4", "69": "6/9", "6add9": "6/9",
    "m69": "m6/9", "m6add9": "m6/9", "alt": "7alt", "+9": "9#5", "9+": "9#5",
}  # fmt: skip
_NAMES: dict[str, str] = (
    {name: name for name in CHORDS}
    | _PLAIN_NAMES
    | {word + more: f"maj{more}" if more else "" for word, more in product(_MAJOR, ("", "7", "9", "13"))}
    | {
        word + more: f"m{more}"
        for word, more in product(_MINOR, ("", "6", "7", "9", "11", "13", "6/9", "7b5", "maj7", "maj9", "add9"))
    }
    | {word + seventh: "mmaj7" for word, seventh in product(_MINOR, ("M7", "Maj7", "ma7"))}
)
"""Other ways to write the qualities of `CHORDS`, and these themselves."""

_ALTERATION = re.compile(r"([b#+-])(5|9|11|13)|(add|no|omit)([b#]?)(\d{1,2})")
_ALTERATIONS = re.compile(rf"(?:{_ALTERATION.pattern})*")
_OTHER_SIGNS = str.maketrans({"♯": "#", "♭": "b", "°": "o", "−": "-", "–": "-", "(": "", ")": "", ",": "", "^": "Δ"})
_ADDED = {"2": "add9", "4": "add11", "6": "add13"}
_ROOT = r"([A-G])(##|#|♯|bb|b|♭)?"
_CHORD = re.compile(rf"{_ROOT}(.*?)(?:/{_ROOT})?")
_SAME_AS: dict[tuple[str, tuple[str, ...]], str] = {
    ("m", ("b5",)): "dim", ("m7", ("b5",)): "m7b5", ("", ("#5",)): "aug", ("", ("add9",)): "add9",
    ("m", ("add9",)): "madd9", ("6", ("add9",)): "6/9", ("m6", ("add9",)): "m6/9", ("", ("no3",)): "5",
    ("7", ("add9",)): "9", ("maj7", ("add9",)): "maj9", ("m7", ("add9",)): "m9", ("mmaj7", ("add9",)): "mmaj9",
    ("9", ("add13",)): "13", ("maj9", ("add13",)): "maj13", ("7sus4", ("add9",)): "9sus4",
    ("9sus4", ("add13",)): "13sus4", ("7sus4", ("add9", "add13")): "13sus4", ("7", ("b5", "#5", "b9", "#9")): "7alt",
}  # fmt: skip
_UNALTERED: dict[str, tuple[str, tuple[str, ...]]] = {
    name: (match[1], (match[2],)) for name in CHORDS if (match := re.fullmatch(r"((?:maj)?7)([b#]\d+)", name))
} | {
    "mmaj9": ("mmaj7", ("add9",)),
    "9sus4": ("7sus4", ("add9",)),
    "13sus4": ("7sus4", ("add9", "add13")),
    "7alt": ("7", ("b5", "#5", "b9", "#9")),
}
"""The base and the alteration of each of `CHORDS` that has one."""
MAX_SYMBOL = 40
MAX_ALTERATIONS = 5
MAX_CHART_BARS = 1_000
"""Bars of a chart, and chords of a bar."""


@dataclass(frozen=True, slots=True)
class Chord:
    """A chord.

    Attributes:
        root: a name such as ``"F#"``; empty for no chord.
        quality: one of `CHORDS`, perhaps with alterations, as `parse_chord` writes it.
        bass: the lowest note, if that is not the root.
    """

    root: str
    quality: str = ""
    bass: str = ""

    @property
    def tones(self) -> frozenset[int]:
        """Pitch classes of the chord's tones and its bass; all twelve for no chord, as nothing is foreign to it."""
        if not self.root:
            return frozenset(range(12))
        root = Key(self.root).pitch_class
        bass = {Key(self.bass).pitch_class} if self.bass else set()
        return frozenset((root + above) % 12 for above in quality_semitones(self.quality)) | bass

    def __str__(self) -> str:
        if not self.root:
            return NO_CHORD_SYMBOL
        # C(b9), not Cb9, which has another root
        quality = f"({self.quality})" if self.quality[:1] in ("b", "#") else self.quality
        return self.root + quality + (f"/{self.bass}" if self.bass else "")


NO_CHORD = Chord("")

Chart = tuple[tuple[Chord, ...], ...]
"""The chords of each bar."""


@lru_cache(maxsize=1024)
def quality_semitones(quality: str) -> tuple[int, ...]:
    """Semitones above the root of the tones of a quality, in ascending order."""
    base, altered = parse_quality(quality)
    tones = set(CHORDS[base])
    changes = [ALTERATIONS[one] for one in altered]
    tones -= {taken for taken, _ in changes} | ({3} if "no3" in altered else set())
    return tuple(sorted(tones | {added for _, added in changes if added is not None}))


def parse_quality(text: str) -> tuple[str, tuple[str, ...]]:
    """The base, one of `CHORDS`, and the alterations of what follows a root.

    Raises:
        KeyError: if it is none.
    """
    text = text.translate(_OTHER_SIGNS).replace("Δ7", "Δ").replace("Δ", "maj7").replace("maj79", "maj9")
    text = text.replace("ø7", "ø")
    for end in range(len(text), -1, -1):
        if text[:end] in _NAMES and _ALTERATIONS.fullmatch(text, end):
            base = _NAMES[text[:end]]
            found = [_alteration(*match.groups(default="")) for match in _ALTERATION.finditer(text, end)]
            if base not in CHORDS:  # such as +9, which is 9#5
                base, more = parse_quality(base)
                found += more
            if set(found) <= set(ALTERATIONS):
                plain, own = _UNALTERED.get(base, (base, ()))
                changes = {*own, *found}
                changes -= {"add9"} if changes & {"b9", "#9"} else set()
                changes -= {"add13"} if "b13" in changes else set()
                altered = tuple(one for one in ALTERATIONS if one in changes)
                if not _fits(CHORDS[plain], altered):
                    break
                same = _SAME_AS.get((plain, altered), plain + "".join(altered))
                return (same, ()) if same in CHORDS else (plain, altered)
    raise KeyError(text)


def _fits(tones: Sequence[int], altered: Sequence[str]) -> bool:
    """Whether a chord has what is altered: a third, a perfect fifth, a seventh below altered ninths; and few are."""
    if len(altered) > MAX_ALTERATIONS:
        return False
    fifths = [one for one in altered if one.endswith("5")]
    return (
        (not fifths or 7 in tones)
        and not ("no5" in fifths and len(fifths) > 1)
        and ("no3" not in altered or (3 in tones) != (4 in tones))
        and (not {"b9", "#9", "b13"} & set(altered) or 10 in tones or 11 in tones)
        and not ("#11" in altered and 5 in tones)
    )


def _alteration(sign: str, degree: str, word: str, added_sign: str, added: str) -> str:
    if degree:
        return {"+": "#", "-": "b"}.get(sign, sign) + degree
    if word == "add":
        return added_sign + added if added_sign else _ADDED.get(added, f"add{added}")
    return f"no{added}"


@lru_cache(maxsize=4096)
def parse_chord(text: str) -> Chord:
    """The chord of a symbol.

    Raises:
        RequestError: naming the symbol, and the nearest ones that are known.
    """
    text = text.strip()
    if text.upper().replace(".", "") in {"NC", "NOCHORD"}:
        return NO_CHORD
    match = _CHORD.fullmatch(text[: MAX_SYMBOL + 1])
    if match is None or len(text) > MAX_SYMBOL:
        raise RequestError(f"unknown chord {text[:20]!r}: {_with_english_root(text)}")
    letter, sign, quality, bass, bass_sign = match.groups(default="")
    try:
        base, altered = parse_quality(quality)
    except KeyError:
        raise RequestError(unknown("chord", text[:20], (letter + sign + known for known in CHORDS))) from None
    lowest = bass + _plain(bass_sign)
    root = letter + _plain(sign)
    return Chord(root, base + "".join(altered), "" if lowest == root else lowest)


def _plain(sign: str) -> str:
    return sign.replace("♯", "#").replace("♭", "b")


def _with_english_root(text: str) -> str:
    """A hint for a chord without a root from A to G: H is the German B, and small letters often mean minor."""
    if _relative(text):
        return "it is relative to a key: give one, such as 'G major'"
    root = "B" if text[:1] in ("H", "h") else text[:1].upper()
    found = _CHORD.fullmatch((root + text[1:])[:MAX_SYMBOL])
    try:
        parse_quality(found[3] if found else "?")
    except KeyError:
        return "expected a root A to G, such as in G, Am, F#m7b5 or D7/F#; N.C. for no chord, % for the bar before"
    assert found is not None
    minor = f" or {root}{found[2] or ''}m" if text[:1].islower() and not found[3] else ""
    return f"did you mean {root}{text[1:MAX_SYMBOL]}{minor}?"


# ---- relative to a key

_NUMERALS = ("I", "II", "III", "IV", "V", "VI", "VII")
_NUMERAL = "VII|VI|IV|V|III|II|I|vii|vi|iv|v|iii|ii|i"
_RELATIVE = re.compile(
    rf"(?P<sign>[b#♭♯]?)(?:(?P<numeral>{_NUMERAL})|(?P<number>[1-7]))(?P<quality>.*?)"
    rf"(?:/(?:(?P<applied>[b#♭♯]?(?:{_NUMERAL}))|(?P<bass>[b#♭♯]?[1-7])))?"
)
_DIMINISHED = ("dim", "o", "°", "ø", "h7")


def _relative(word: str) -> re.Match[str] | None:
    return _RELATIVE.fullmatch(word[:MAX_SYMBOL]) if len(word) <= MAX_SYMBOL else None


def in_key(text: str, key: Key | None) -> str:
    """A chart with its roman numerals and Nashville numbers as symbols; other words stay as they are.

    Degrees are those of the key's mode: in a minor key VI is a major chord on the minor sixth, and bVI is the same. A
    diminished chord on the seventh degree of a minor key is on the leading note. Small numerals are minor chords; a
    seventh, as in V7, is a minor one. V7/V is the dominant of the fifth degree; 1/3 has the third degree as its bass.

    Raises:
        RequestError: if there are any, and no key; or if one has no known quality.
    """

    def symbol(found: re.Match[str]) -> str:
        word = found[0]
        if (match := _relative(word)) is None:
            return word
        if key is None:
            raise RequestError(f"chord {word!r} is relative to a key: give one, such as 'G major'")
        return str(_chord_in_key(word, match, key))

    return re.sub(r"[^\s|]+", symbol, text)


def _chord_in_key(word: str, match: re.Match[str], key: Key) -> Chord:
    if match["applied"]:
        target = _RELATIVE.fullmatch(match["applied"])
        assert target is not None
        minor = target["numeral"].islower()
        inner = _RELATIVE.fullmatch(word[: match.start("applied") - 1])
        assert inner is not None
        tonic = _degree_name(target["sign"], _number_of(target), key)
        return _chord_in_key(word, inner, Key(tonic, "minor" if minor else "major"))
    number, quality = _number_of(match), match["quality"]
    small = bool(match["numeral"]) and match["numeral"].islower()
    diminished = quality.translate(_OTHER_SIGNS).startswith(_DIMINISHED)
    says_third = quality.startswith(("m", "-", "sus", "aug", "+")) and not quality.startswith("maj")
    if small and not diminished and not says_third:
        quality = "m" + quality
    sign = match["sign"]
    if diminished and number == 7 and not sign and SCALES[key.mode][6] == 10:
        sign = "#"
    try:
        base, altered = parse_quality(quality)
    except KeyError:
        raise RequestError(unknown("chord", word, (word[: match.start("quality")] + name for name in CHORDS))) from None
    bass = match["bass"]
    lowest = _degree_name(bass[:-1], int(bass[-1]), key) if bass else ""
    root = _degree_name(sign, number, key)
    return Chord(root, base + "".join(altered), "" if lowest == root else lowest)


def _number_of(match: re.Match[str]) -> int:
    return _NUMERALS.index(match["numeral"].upper()) + 1 if match["numeral"] else int(match["number"])


def _degree_name(sign: str, number: int, key: Key) -> str:
    """The name of a degree; a flat before one that the mode lowers already is a reminder, and changes nothing."""
    above = SCALES[key.mode][number - 1]
    lowered = above < SCALES["major"][number - 1]
    shift = {"#": 1, "♯": 1, "b": -1, "♭": -1}.get(sign, 0)
    return _name(key, number, above + (0 if lowered and shift < 0 else shift))


def _name(key: Key, number: int, above: int) -> str:
    """The note name that is `above` semitones over the tonic and is written as this degree."""
    letter = STEPS[(STEPS.index(key.tonic[0]) + number - 1) % 7]
    alteration = (key.pitch_class + above - STEP_PITCH_CLASS[letter] + 6) % 12 - 6
    if abs(alteration) > 2:
        return tonic_name(key.pitch_class + above)
    return letter + ("#" * alteration if alteration > 0 else "b" * -alteration)


DEGREE_OF_SEMITONES = (1, 2, 2, 3, 3, 4, 4, 5, 6, 6, 7, 7)
"""The degree as which a root so many semitones above the tonic is written; the tritone as a raised fourth."""


def root_name(key: Key, above: int) -> str:
    """The usual name of a root so many semitones above a tonic: in C minor 3 is Eb, in D major 6 is G#."""
    return _name(key, DEGREE_OF_SEMITONES[above % 12], above % 12)


# ---- charts


def parse_chords(text: str) -> Chart:
    """The chart of a text such as "G | C | D7 G | %". Repeated chords are written out in it.

    Raises:
        RequestError: naming the chord, or the bar that has none.
    """
    bars = text.strip().replace("||", "|").strip("|").split("|")
    if not 1 <= len(bars) <= MAX_CHART_BARS or not text.strip():
        raise RequestError(f"{len(bars)} bars of chords: expected 1 to {MAX_CHART_BARS:,}, such as 'G | C | D7 | G'")
    chart: list[tuple[Chord, ...]] = []
    for number, bar in enumerate(bars, 1):
        words = bar.split()
        if not words:
            raise RequestError(f"chords: bar {number} has none; % repeats the bar before")
        if len(words) > MAX_CHART_BARS:
            raise RequestError(f"chords: bar {number} has {len(words)}")
        if not chart and words[0] in {"%", "/"}:
            raise RequestError(f"chords: {words[0]!r} in bar 1 repeats nothing")
        chart.append(chart[-1] if words == ["%"] else tuple(_with_repeats(words, chart[-1] if chart else ())))
    return tuple(chart)


def _with_repeats(words: Sequence[str], before: Sequence[Chord]) -> Iterator[Chord]:
    chord = before[-1] if before else NO_CHORD
    for word in words:
        chord = chord if word in {"%", "/"} else parse_chord(word)
        yield chord


def format_chords(chart: Chart) -> str:
    """The inverse of `parse_chords`."""
    return " | ".join(" ".join(map(str, bar)) for bar in chart)
