"""What a written request demands, read a second time: each field's text in the JSON of a melody, to a value.

The request was checked when it was made, so this reads only the form in which requests are written: "F# dorian", "3/4",
"Bb3", "3/2". The readers share no code with `notation`, so that a request which the generator
misread does not pass.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from operator import itemgetter
from typing import Any, NamedTuple

from melodysynthesis.certificate.chords import ChordTones, chord_of
from melodysynthesis.certificate.scales import SCALES
from melodysynthesis.formats import json as melody_json
from melodysynthesis.music import TICKS_PER_QUARTER, Key, Melody, Meter

Written = Mapping[str, Any]
"""A request's fields; JSON types only."""


class ScaleLimit(NamedTuple):
    """A scale in `scales.SCALES`, and how many notes may be outside it."""

    name: str
    outside: int


class TimedPart(NamedTuple):
    """A note or rest of a rhythm, in ticks."""

    ticks: int
    sounds: bool


class GivenRhythm(NamedTuple):
    """The parts of a rhythm, and whether the last bar is exempt."""

    parts: tuple[TimedPart, ...]
    free_end: bool


class Directions(NamedTuple):
    """Directions from note to note, 1 up, 0 the same, -1 down; `whole` if the melody has no notes beyond them."""

    directions: tuple[int, ...]
    whole: bool


class NoteAt(NamedTuple):
    """A pitch that starts at a beat, from 1, of a bar; bar 0 is the pickup."""

    bar: int
    beat: Fraction
    pitch: int


class DegreeInScale(NamedTuple):
    """A degree, from 1, of the scale, or of that of the key's mode where there is no scale."""

    number: int
    scale: str | None


class ReturningMotif(NamedTuple):
    """Pitches and ticks of some notes, and how often they come at least."""

    notes: tuple[tuple[int, int], ...]
    times: int


class PhraseLengths(NamedTuple):
    """The bars of each phrase, and whether all but the last end with rests."""

    bars: tuple[int, ...]
    rests: bool


class Continuation(NamedTuple):
    """The melodies of which one is continued, and whether their last note may go on."""

    melodies: tuple[Melody, ...]
    held: bool


class RewrittenBars(NamedTuple):
    """A melody, and the numbers of the first and the last bar that are rewritten."""

    melody: Melody
    first: int
    last: int


Chart = tuple[tuple[ChordTones, ...], ...]
"""The chords of each bar."""


def key_of(text: str) -> Key:
    """The key of a text such as "F# dorian"."""
    tonic, mode = text.split()
    return Key(tonic, mode)


def meter_of(text: str) -> Meter:
    """The meter of a text such as "3/4"."""
    beats, unit = map(int, text.split("/"))
    return Meter(0, beats, unit)


def pitch_of(text: str) -> int:
    """The MIDI number of a text such as "Bb3", whose C4 is 60."""
    name = text.rstrip("-0123456789")
    octave = int(text[len(name) :])
    natural = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}[name[0]]
    return 12 * octave + 12 + natural + name.count("#") - name.count("b")


def ticks_of(text: str) -> int:
    """The ticks of a text such as "3/2", in quarters."""
    return int(Fraction(text) * TICKS_PER_QUARTER)


def key(request: Written) -> Key | None:
    """The requested key; None without one."""
    return key_of(request["key"]) if request.get("key") else None


def scale(request: Written) -> ScaleLimit:
    """ "dorian", with `chromatic` notes outside."""
    return ScaleLimit(request["scale"], request.get("chromatic") or 0)


def meter(request: Written) -> Meter:
    """ "3/4"."""
    return meter_of(request["meter"])


def meters(request: Written) -> tuple[Meter, ...]:
    """ "3/4 x4, 4/4 x4": the meter of each bar."""
    spans = (span.rpartition(" x") for span in request["meters"].split(", "))
    return tuple(meter_of(meter) for meter, _, count in spans for _ in range(int(count)))


def pitches_of(name: str) -> Callable[[Written], tuple[int, int]]:
    """A field such as "D4-G5": the lowest and the highest pitch."""

    def read(request: Written) -> tuple[int, int]:
        lowest, highest = re.findall(r"[A-G][#b]*-?\d", request[name])
        return pitch_of(lowest), pitch_of(highest)

    return read


def climax(request: Written) -> NoteAt:
    """ "6:E5": bar and pitch; the beat is any."""
    bar, name = request["climax"].split(":")
    return NoteAt(int(bar), Fraction(0), pitch_of(name))


def density(request: Written) -> tuple[int, int]:
    """ "2-6": the fewest and the most notes of a bar."""
    fewest, most = map(int, request["density"].split("-"))
    return fewest, most


def first_degree(request: Written) -> DegreeInScale:
    """5, of the scale if that has seven notes."""
    return DegreeInScale(request["first_degree"], cadence_scale(request))


def motif(request: Written) -> ReturningMotif:
    """ "G4:1 A4:1/2": pitches and durations, and how often they come."""
    words = [word.split(":") for word in request["returning_motif"].split()]
    notes = tuple((pitch_of(name), ticks_of(ticks)) for name, ticks in words)
    return ReturningMotif(notes, request.get("returns") or 2)


def phrases(request: Written) -> PhraseLengths:
    """ "4 4 2 6": bars of each; and whether rests part them."""
    return PhraseLengths(tuple(map(int, request["phrases"].split())), bool(request.get("phrase_rests")))


def chart(request: Written) -> Chart:
    """ "G | C | D7 G | G": the chords of each bar."""
    return tuple(tuple(map(chord_of, bar.split())) for bar in request["chords"].split("|"))


def durations(request: Written) -> tuple[int, ...]:
    """ "1/4 1/2 1": ticks."""
    return tuple(map(ticks_of, request["durations"].split()))


def quarters_of(name: str) -> Callable[[Written], int]:
    """A field such as "3/2": ticks."""
    return lambda request: ticks_of(request[name])


def rhythm(request: Written) -> GivenRhythm:
    """ "1 1/2 r:1": notes and rests; with a cadence the last bar is free."""
    words = request["rhythm"].split()
    parts = tuple(TimedPart(ticks_of(word.removeprefix("r:")), not word.startswith("r:")) for word in words)
    return GivenRhythm(parts, bool(request.get("cadence")))


def groups(request: Written) -> tuple[int, ...]:
    """ "3+2": how many beats each group has; none without the field."""
    return tuple(map(int, request["grouping"].split("+"))) if request.get("grouping") else ()


def contour(request: Written) -> Directions:
    """ "+ + - 0 .": directions, the full stop if the melody ends with them."""
    signs = request["contour"].split()
    return Directions(tuple({"+": 1, "0": 0, "-": -1}[sign] for sign in signs if sign != "."), signs[-1] == ".")


def notes_at(request: Written) -> tuple[NoteAt, ...]:
    """ "2.1:G4 4.5/2:D5": bar, beat and pitch of each."""
    words = (re.split("[.:]", word) for word in request["fixed"].split())
    return tuple(NoteAt(int(bar), Fraction(beat), pitch_of(pitch)) for bar, beat, pitch in words)


def sections(request: Written) -> tuple[str, ...]:
    """ "AABA'": the letter of each section, with its primes."""
    return tuple(re.findall("[A-Z]'*", request["form"]))


def primer(request: Written) -> Continuation:
    """The melodies in `primers`, and `held`."""
    return Continuation(tuple(map(melody_json.from_dict, request["primers"])), bool(request.get("held")))


def rewriting(request: Written) -> RewrittenBars:
    """The melody in `within`, and the bars in `rewrite`: "3-4"."""
    first, last = request["rewrite"].split("-")
    return RewrittenBars(melody_json.from_dict(request["within"]), int(first), int(last))


def cadence_scale(request: Written) -> str | None:
    """The scale whose degrees a cadence refers to, where one of seven notes is requested."""
    name = request.get("scale")
    return name if name in SCALES and len(SCALES[name]) == 7 else None


def plain(name: str) -> Callable[[Written], Any]:
    """A field that is written as it is: a number, or yes and no."""
    return itemgetter(name)


def lines_of_words(request: Written) -> tuple[tuple[str, ...], ...]:
    """The syllables of each line: slashes part lines, spaces words, and hyphens, which are kept, syllables."""
    lines = []
    for line in request["lyrics"].split("/"):
        words = [word.split("-") for word in line.split()]
        lines.append(tuple(part + "-" * (number < len(word)) for word in words for number, part in enumerate(word, 1)))
    return tuple(lines)
