"""Writes MusicXML 4.0; `musicxml` says what is written. Plain strings: nothing but text and times goes in."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from melodysynthesis.formats.limits import check_length
from melodysynthesis.formats.notation import (
    Glyph,
    Measure,
    Value,
    beams,
    events,
    glyphs,
    key_of,
    measures,
    usual_signature,
)
from melodysynthesis.music import TICKS_PER_QUARTER, Key, Melody, Meter
from melodysynthesis.theory import signature_alterations, spell

SOFTWARE = "MelodySynthesis"
PART_NAME = "Melody"
PHRASE_END = "phrase end"
"""The words of the hidden direction that stands where no breath mark can."""

_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN"'
    ' "http://www.musicxml.org/dtds/partwise.dtd">\n'
    '<score-partwise version="4.0">'
)
_HIDDEN_END = (
    f'<direction><direction-type><other-direction print-object="no">{PHRASE_END}</other-direction>'
    "</direction-type>{}</direction>"
)
_TRIPLET = "<time-modification><actual-notes>3</actual-notes><normal-notes>2</normal-notes></time-modification>"
_ACCIDENTALS = {-2: "flat-flat", -1: "flat", 0: "natural", 1: "sharp", 2: "double-sharp"}
_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write(melody: Melody, title: str = "") -> bytes:
    """A score of one part.

    Raises:
        FormatError: kind ``"too large"``, if the melody is longer than could be read again.
    """
    check_length(len(melody.notes), melody.duration, melody.source)
    return "\n".join(_score(melody, title)).encode() + b"\n"


def _score(melody: Melody, title: str) -> Iterator[str]:
    bars = measures(melody)
    key = melody.key and key_of(usual_signature(melody.key), melody.key.mode)
    yield _HEAD
    if title:
        yield f"<movement-title>{_text(title)}</movement-title>"
    yield f"<identification><encoding><software>{SOFTWARE}</software></encoding>"
    if melody.source:
        yield f"<source>{_text(melody.source)}</source>"
    yield from _miscellaneous(melody, key, bars[0])
    yield "</identification>"
    yield f'<part-list><score-part id="P1"><part-name print-object="no">{PART_NAME}</part-name>'
    yield "</score-part></part-list>"
    yield '<part id="P1">'
    written = _Part(melody, key)
    for bar, row in zip(bars, events(melody, bars), strict=True):
        yield from written.measure(bar, glyphs(row, bar), is_last=bar is bars[-1])
    yield "</part>\n</score-partwise>"


def _text(text: str) -> str:
    return html.escape(_UNWRITABLE.sub("\ufffd", text), quote=False)


def _miscellaneous(melody: Melody, written_key: Key | None, first: Measure) -> Iterator[str]:
    """What the notation itself can't say: a theoretical key, a pickup that another meter cuts short."""
    fields = {}
    if written_key != melody.key:
        fields["key"] = str(melody.key)
    if melody.pickup and first.end != melody.pickup:
        fields["pickup"] = str(melody.pickup)
    if fields:
        yield "<miscellaneous>"
        for name, value in fields.items():
            yield f'<miscellaneous-field name="{name}">{value}</miscellaneous-field>'
        yield "</miscellaneous>"


class _Part:
    """The measures of a melody, written one after the other."""

    def __init__(self, melody: Melody, key: Key | None) -> None:
        self.melody, self.key = melody, key
        self.signature = signature_alterations(usual_signature(key))
        self.meters = {meter.tick: meter for meter in melody.meters}
        note_ends = {note.end for note in melody.notes}
        self.breaths = {t for t in melody.phrase_ends if t in note_ends and t < melody.duration}
        self.hidden_ends = [t for t in melody.phrase_ends if t not in self.breaths]

    def measure(self, bar: Measure, row: list[Glyph], is_last: bool) -> Iterator[str]:
        """The lines of a measure."""
        yield f'<measure number="{bar.number}"' + (' implicit="yes">' if bar.number == 0 else ">")
        yield from self._attributes(bar)
        in_force: dict[tuple[str, int], int] = {}  # accidentals of this bar
        for glyph, beam in zip(row, beams(row, bar), strict=True):
            yield from self._phrase_ends(glyph.start, glyph.end)
            yield (self._rest(glyph, bar) if glyph.pitch is None else self._note(glyph, beam, in_force))
        yield from self._phrase_ends(bar.end, bar.end + is_last)
        if is_last:
            yield '<barline location="right"><bar-style>light-heavy</bar-style></barline>'
        elif bar.meter is None:
            yield '<barline location="right"><bar-style>none</bar-style></barline>'
        yield "</measure>"

    def _attributes(self, bar: Measure) -> Iterator[str]:
        meter = self.meters.get(bar.start)
        if bar.start > 0 and meter is None:
            return
        yield "<attributes>"
        if bar.start == 0:
            yield f"<divisions>{TICKS_PER_QUARTER}</divisions>"
            if self.key is not None:
                yield f"<key><fifths>{usual_signature(self.key)}</fifths><mode>{self.key.mode}</mode></key>"
        yield _time(meter)
        if bar.start == 0:
            yield _clef(self.melody)
        yield "</attributes>"

    def _phrase_ends(self, start: int, stop: int) -> Iterator[str]:
        """Hidden marks for the phrase ends from `start` to before `stop`, placed at `start`."""
        while self.hidden_ends and self.hidden_ends[0] < stop:
            offset = self.hidden_ends.pop(0) - start
            yield _HIDDEN_END.format(f"<offset>{offset}</offset>" if offset else "")

    def _rest(self, glyph: Glyph, bar: Measure) -> str:
        if bar.meter and glyph.end - glyph.start == bar.meter.bar_ticks:
            return f'<note><rest measure="yes"/>{_duration(glyph)}<voice>1</voice></note>'
        notations = _notations(glyph, has_breath=False)
        return f"<note><rest/>{_duration(glyph)}<voice>1</voice>{_value(glyph.value)}{notations}</note>"

    def _note(self, glyph: Glyph, beam: tuple[str, ...], in_force: dict[tuple[str, int], int]) -> str:
        assert glyph.pitch is not None
        step, alteration, octave = spell(glyph.pitch, self.key)
        alter = f"<alter>{alteration}</alter>" if alteration else ""
        accidental = ""
        if not glyph.tie_from and in_force.get((step, octave), self.signature[step]) != alteration:
            in_force[step, octave] = alteration
            accidental = _ACCIDENTALS[alteration]
        has_breath = glyph.end in self.breaths and not glyph.tie_to
        ties = _marks((glyph.tie_from, '<tie type="stop"/>'), (glyph.tie_to, '<tie type="start"/>'))
        beams = "".join(f'<beam number="{level}">{state}</beam>' for level, state in enumerate(beam, 1))
        return (
            f"<note><pitch><step>{step}</step>{alter}<octave>{octave}</octave></pitch>{_duration(glyph)}{ties}"
            f"<voice>1</voice>{_value(glyph.value, accidental)}{beams}{_notations(glyph, has_breath)}</note>"
        )


def _duration(glyph: Glyph) -> str:
    return f"<duration>{glyph.end - glyph.start}</duration>"


def _value(value: Value, accidental: str = "") -> str:
    shown = f"<accidental>{accidental}</accidental>" if accidental else ""
    return f"<type>{value.name}</type>{'<dot/>' * value.dots}{shown}{_TRIPLET if value.triplet else ''}"


def _notations(glyph: Glyph, has_breath: bool) -> str:
    found = _marks(
        (glyph.tie_from, '<tied type="stop"/>'),
        (glyph.tie_to, '<tied type="start"/>'),
        (glyph.opens, '<tuplet type="start" bracket="yes"/>'),
        (glyph.closes, '<tuplet type="stop"/>'),
        (has_breath, "<articulations><breath-mark/></articulations>"),
    )
    return f"<notations>{found}</notations>" if found else ""


def _marks(*marks: tuple[bool, str]) -> str:
    return "".join(mark for is_there, mark in marks if is_there)


def _time(meter: Meter | None) -> str:
    if meter is None:
        return '<time print-object="no"><senza-misura/></time>'
    return f"<time><beats>{meter.beats}</beats><beat-type>{meter.beat_unit}</beat-type></time>"


def _clef(melody: Melody) -> str:
    """A bass clef for a melody that lies mostly below middle C, else a treble clef."""
    low, high = min(melody.pitches, default=60), max(melody.pitches, default=60)
    sign, line = ("F", 4) if low + high < 2 * 57 else ("G", 2)
    return f"<clef><sign>{sign}</sign><line>{line}</line></clef>"
