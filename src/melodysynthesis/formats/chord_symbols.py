"""Chord symbols as score formats write them: MusicXML's kinds and degrees, and text that may be one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from melodysynthesis.errors import RequestError
from melodysynthesis.theory.chords import NO_CHORD_SYMBOL, Chord, parse_chord, parse_quality

LEFT_OUT = "chord symbols that are not known are left out"
"""The notice of a reader that met some."""


_SMALL_BASS = re.compile(r"(.+)/([a-g])([#b+]?)")


class AlteredDegree(NamedTuple):
    """A change to a chord as MusicXML says it: ``add``, ``alter`` or ``subtract``, the degree, and semitones."""

    type: str
    value: int
    alter: int


_KINDS: dict[str, tuple[str, str]] = {
    "": ("major", ""), "m": ("minor", ""), "7": ("dominant", ""), "maj7": ("major-seventh", ""),
    "m7": ("minor-seventh", ""), "mmaj7": ("major-minor", ""), "6": ("major-sixth", ""), "m6": ("minor-sixth", ""),
    "6/9": ("major-sixth", "add9"), "m6/9": ("minor-sixth", "add9"), "9": ("dominant-ninth", ""),
    "maj9": ("major-ninth", ""), "m9": ("minor-ninth", ""), "mmaj9": ("major-minor", "add9"), "add9": ("major", "add9"),
    "madd9": ("minor", "add9"), "11": ("dominant-11th", ""), "m11": ("minor-11th", ""), "13": ("dominant-13th", ""),
    "maj13": ("major-13th", ""), "m13": ("minor-13th", ""), "dim": ("diminished", ""),
    "dim7": ("diminished-seventh", ""), "m7b5": ("half-diminished", ""), "aug": ("augmented", ""),
    "maj7#5": ("major-seventh", "#5"),
    "sus2": ("suspended-second", ""), "sus4": ("suspended-fourth", ""), "7sus4": ("suspended-fourth", "add7"),
    "9sus4": ("suspended-fourth", "add7 add9"), "13sus4": ("suspended-fourth", "add7 add9 add13"), "5": ("power", ""),
    "7b5": ("dominant", "b5"), "7#5": ("augmented-seventh", ""), "7b9": ("dominant", "b9"), "7#9": ("dominant", "#9"),
    "7#11": ("dominant", "#11"), "7b13": ("dominant", "b13"), "7alt": ("dominant", "b5 #5 b9 #9"),
    "maj7#11": ("major-seventh", "#11"),
}  # fmt: skip
"""MusicXML's kind of each base of a quality, and the degrees that it needs in addition."""
_QUALITIES = {kind: base for base, (kind, degrees) in reversed(_KINDS.items()) if not degrees} | {"major-11th": "maj9"}
_NATURAL = {"b5": 5, "#5": 5, "b9": 9, "#9": 9, "#11": 11, "b13": 13}


def kind_of(chord: Chord) -> tuple[str, list[AlteredDegree]]:
    """MusicXML's kind of a chord, and its additional degrees."""
    if not chord.root:
        return "none", []
    base, altered = parse_quality(chord.quality)
    kind, own = _KINDS[base]
    return kind, [_degree(change, base) for change in [*own.split(), *altered]]


def _degree(change: str, base: str) -> AlteredDegree:
    if change.startswith("add"):
        return AlteredDegree("add", int(change[3:]), 0)
    if change.startswith("no"):
        return AlteredDegree("subtract", int(change[2:]), 0)
    value, alter = _NATURAL[change], 1 if change[0] == "#" else -1
    is_there = value == 5 or (value == 9 and base.endswith(("9", "11", "13"))) or (value == 13 and base.endswith("13"))
    return AlteredDegree("alter" if is_there else "add", value, alter)


def quality_of(kind: str, degrees: Iterable[AlteredDegree]) -> str | None:
    """The quality of a MusicXML kind with its degrees; None if there is none for it."""
    quality = _QUALITIES.get(kind)
    if quality is None:
        return None
    changes = []
    for type, value, alter in degrees:
        sign = {1: "#", -1: "b"}.get(alter, "")
        if type == "add" and value == 7 and quality.startswith("sus") and not alter:
            quality = "7" + quality
        elif type == "subtract":
            changes.append(f"no{value}")
        else:
            changes.append(f"{sign}{value}" if sign else f"add{value}")
    try:
        base, altered = parse_quality(quality + "".join(changes))
    except KeyError:
        return None
    return base + "".join(altered)


@lru_cache(maxsize=4096)
def symbol_of(text: str) -> str | None:
    """The symbol of a text as it is written here; None if it is none. Tune books write the bass small: Am/c, D/f+."""
    found = _SMALL_BASS.fullmatch(text)
    try:
        return str(parse_chord(f"{found[1]}/{found[2].upper()}{found[3].replace('+', '#')}" if found else text))
    except RequestError:
        return None


@lru_cache(maxsize=4096)
def symbol_of_kind(root: str, kind: str, degrees: tuple[AlteredDegree, ...], bass: str, text: str) -> str | None:
    """The symbol of a MusicXML chord by its kind and degrees, else by its text; None if neither is known."""
    if kind == "none":
        return NO_CHORD_SYMBOL
    if not root:
        return None
    quality = quality_of(kind, degrees)
    if quality is not None:
        return str(Chord(root, quality, bass if bass != root else ""))
    return symbol_of(root + text + (f"/{bass}" if bass else ""))


def sorted_chords(symbols: Mapping[int, str], duration: int) -> tuple[tuple[int, str], ...]:
    """`Melody.chords` of the symbols at some ticks; those after the end are left out."""
    return tuple(sorted((tick, symbol) for tick, symbol in symbols.items() if 0 <= tick < duration))


def spans(chords: tuple[tuple[int, str], ...], duration: int) -> list[tuple[int, int, Chord]]:
    """Start, end and chord of each entrance; without those that are no chord."""
    ticks = [tick for tick, _ in chords] + [duration]
    found = [(a, b, parse_chord(symbol)) for (a, b), (_, symbol) in zip(pairwise(ticks), chords, strict=True)]
    return [one for one in found if str(one[2]) != NO_CHORD_SYMBOL]
