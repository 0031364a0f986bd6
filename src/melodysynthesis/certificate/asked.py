"""What a written request asks for, read again: each field's text, as it stands in the JSON beside a melody, to a value.

The request was checked when it was made, so this reads the one way in which it is written. It is read here a second
time, and not taken from the generator, so that a request which the generator misunderstood does not pass.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from operator import itemgetter
from typing import Any, NamedTuple

from melodysynthesis.certificate.chords import Chord, chord_of
from melodysynthesis.certificate.scales import SCALES
from melodysynthesis.formats import json as melody_json
from melodysynthesis.generation.notation import parse_key, parse_meter, parse_pitch, parse_quarters
from melodysynthesis.music import Key, Melody, Meter

Written = Mapping[str, Any]
"""A request's fields; JSON types only."""


class Scale(NamedTuple):
    """A scale in `scales.SCALES`, and how many notes may stand outside it."""

    name: str
    outside: int


class Duration(NamedTuple):
    """A note or rest of a rhythm, in ticks."""

    ticks: int
    sounds: bool


class Contour(NamedTuple):
    """Ways from note to note, 1 up, 0 the same, -1 down; `whole` if the melody has no notes beyond them."""

    ways: tuple[int, ...]
    whole: bool


class Anchor(NamedTuple):
    """A pitch that starts at a beat, from 1, of a bar; bar 0 is the pickup."""

    bar: int
    beat: Fraction
    pitch: int


class Primer(NamedTuple):
    """The melodies of which one is continued, and whether their last note may go on."""

    melodies: tuple[Melody, ...]
    held: bool


class Rewriting(NamedTuple):
    """A melody, and the numbers of the first and the last bar that are rewritten."""

    melody: Melody
    first: int
    last: int


Chart = tuple[tuple[Chord, ...], ...]
"""The chords of each bar."""


def key(asked: Written) -> Key | None:
    """The key that is asked for."""
    return parse_key(asked["key"]) if asked.get("key") else None


def scale(asked: Written) -> Scale:
    """ "dorian", with `chromatic` notes outside."""
    return Scale(asked["scale"], asked.get("chromatic") or 0)


def meter(asked: Written) -> Meter:
    """ "3/4"."""
    return parse_meter(asked["meter"])


def meters(asked: Written) -> tuple[Meter, ...]:
    """ "3/4 x4, 4/4 x4": the meter of each bar."""
    spans = (span.rpartition(" x") for span in asked["meters"].split(", "))
    return tuple(parse_meter(meter) for meter, _, count in spans for _ in range(int(count)))


def pitch_range(asked: Written) -> tuple[int, int]:
    """ "D4-G5": the lowest and the highest pitch."""
    lowest, highest = re.findall(r"[A-G][#b]*-?\d", asked["range"])
    return parse_pitch(lowest), parse_pitch(highest)


def chart(asked: Written) -> Chart:
    """ "G | C | D7 G | G": the chords of each bar."""
    return tuple(tuple(map(chord_of, bar.split())) for bar in asked["chords"].split("|"))


def durations(asked: Written) -> tuple[int, ...]:
    """ "1/4 1/2 1": ticks."""
    return tuple(map(parse_quarters, asked["durations"].split()))


def rhythm(asked: Written) -> tuple[Duration, ...]:
    """ "1 1/2 r:1": notes and rests."""
    words = asked["rhythm"].split()
    return tuple(Duration(parse_quarters(word.removeprefix("r:")), not word.startswith("r:")) for word in words)


def contour(asked: Written) -> Contour:
    """ "+ + - 0 .": ways, the full stop if the melody ends with them."""
    signs = asked["contour"].split()
    return Contour(tuple({"+": 1, "0": 0, "-": -1}[sign] for sign in signs if sign != "."), signs[-1] == ".")


def anchors(asked: Written) -> tuple[Anchor, ...]:
    """ "2.1:G4 4.5/2:D5": bar, beat and pitch of each."""
    words = (re.split("[.:]", word) for word in asked["fixed"].split())
    return tuple(Anchor(int(bar), Fraction(beat), parse_pitch(pitch)) for bar, beat, pitch in words)


def sections(asked: Written) -> tuple[str, ...]:
    """ "AABA'": the letter of each section, with its primes."""
    return tuple(re.findall("[A-Z]'*", asked["form"]))


def primer(asked: Written) -> Primer:
    """The melodies in `primers`, and `held`."""
    return Primer(tuple(map(melody_json.from_dict, asked["primers"])), bool(asked.get("held")))


def rewriting(asked: Written) -> Rewriting:
    """The melody in `within`, and the bars in `rewrite`: "3-4"."""
    first, last = asked["rewrite"].split("-")
    return Rewriting(melody_json.from_dict(asked["within"]), int(first), int(last))


def cadence_scale(asked: Written) -> str | None:
    """The scale whose degrees a cadence refers to, where one of seven notes is asked for."""
    name = asked.get("scale")
    return name if name in SCALES and len(SCALES[name]) == 7 else None


def plain(name: str) -> Callable[[Written], Any]:
    """A field that is written as it is: a number, or yes and no."""
    return itemgetter(name)
