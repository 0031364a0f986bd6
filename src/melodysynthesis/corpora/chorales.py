"""Bach's four-part chorales in the package music21: the soprano as a melody, and the other voices.

Phrases end at fermatas. The key is read off the signature and the last note of the bass, since a chorale may end on the
tonic of another mode than its signature's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from melodysynthesis.errors import FormatError
from melodysynthesis.formats.base import Reading
from melodysynthesis.formats.musicxml_file import parse, unzipped
from melodysynthesis.formats.musicxml_part import PartReader, Ticks, whole
from melodysynthesis.formats.parts import top_line
from melodysynthesis.music import Key, Melody, Meter, Note
from melodysynthesis.theory import signature, tonic_name

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

VOICES = ("Soprano", "Alto", "Tenor", "Bass")


@dataclass(frozen=True, slots=True)
class FourVoices:
    """A chorale.

    Attributes:
        melody: its soprano.
        lines: the notes of each of `VOICES`.
    """

    melody: Melody
    lines: Sequence[tuple[Note, ...]]


class _Voice(PartReader):
    """A part whose fermatas end phrases."""

    def _note(self, element: Element, now: Ticks) -> Ticks:
        end = super()._note(element, now)
        if element.find("notations/fermata") is not None:
            self.phrase_ends.add(end)
        return end

    @property
    def notes(self) -> tuple[Note, ...]:
        notes = self.staves[min(self.staves)] if self.staves else []
        return top_line(Note(whole(a), max(1, whole(b) - whole(a)), pitch) for a, b, pitch in notes)[0]


def read(data: bytes, name: str, part: str | None = None) -> Reading:
    """The soprano of a chorale, for `Source.read`; the part can't be chosen."""
    if part is not None and part.casefold() != "soprano":
        raise FormatError("of a chorale only the soprano is read", name, "wrong part")
    return Reading([read_voices(data, name).melody])


def read_voices(data: bytes, name: str) -> FourVoices:
    """The chorale of a MusicXML file.

    Raises:
        FormatError: if it can't be read, has other voices than `VOICES`, or no key or meter.
    """
    voices: dict[str, _Voice] = {}
    current = [_Voice(name)]

    def take(element: Element) -> None:
        if element.tag == "measure":
            current[0].measure(element)
        else:
            voices[element.get("id", "")] = current[0]
            current[0] = _Voice(name)

    root = parse(unzipped(data, name), name, take)
    names = {head.get("id", ""): head.findtext("part-name", "").strip(" .") for head in root.iter("score-part")}
    by_name = {names.get(part, ""): voice for part, voice in voices.items()}
    if missing := [voice for voice in VOICES if voice not in by_name or not by_name[voice].notes]:
        raise FormatError(f"no chorale of four voices: it has no {missing[0]}", name, "no chorale")
    lines = [by_name[voice].notes for voice in VOICES]
    soprano = by_name["Soprano"]
    if not soprano.times or soprano.key is None:
        raise FormatError(f"a chorale without {'key' if soprano.times else 'meter'}", name, "no chorale")
    meter = Meter(0, soprano.times[0].beats, soprano.times[0].beat_unit)
    first = whole(soprano.starts[1])
    duration = max(line[-1].end for line in lines)
    ends = sorted({whole(tick) for tick in soprano.phrase_ends if 0 < tick <= duration})
    melody = Melody(
        lines[0], duration, (meter,), _key(signature(soprano.key), lines[3][-1].pitch % 12), tuple(ends),
        first if first < meter.bar_ticks else 0, source=name,
    )  # fmt: skip
    return FourVoices(melody, lines)


def _key(fifths: int, last_bass: int) -> Key:
    """Major or minor by the last bass note; other last notes are the tonics of modes, by their third in the
    signature."""
    major = 7 * fifths % 12
    if last_bass == major:
        return Key(tonic_name(major), "major")
    has_major_third = (last_bass + 4 - major) % 12 in (0, 2, 4, 5, 7, 9, 11)
    mode = "major" if has_major_third else "minor"
    return Key(tonic_name(last_bass, mode), mode)
