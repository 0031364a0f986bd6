"""Writes MusicXML 4.0; `musicxml` says what is written. Plain strings: nothing but text and times goes in."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from melodysynthesis.formats.chord_symbols import kind_of
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
from melodysynthesis.formats.pieces import melismas
from melodysynthesis.music import TICKS_PER_QUARTER, Key, Melody, Meter
from melodysynthesis.theory import signature_alterations, spell
from melodysynthesis.theory.chords import NO_CHORD_SYMBOL, Chord, parse_chord

SOFTWARE = "MelodySynthesis"
PART_NAME = "Melody"
PHRASE_END_ID = "phrase-end-"
"""Start of the id of the silent `<sound>` that marks a phrase end where no breath mark can be written."""

_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN"'
    ' "http://www.musicxml.org/dtds/partwise.dtd">\n'
    '<score-partwise version="4.0">'
)
_TRIPLET_RATIO = "<time-modification><actual-notes>3</actual-notes><normal-notes>2</normal-notes></time-modification>"
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
    if title or melody.title:
        yield f"<movement-title>{_text(title or melody.title)}</movement-title>"
    composer = f'<creator type="composer">{_text(melody.composer)}</creator>' if melody.composer else ""
    yield f"<identification>{composer}<encoding><software>{SOFTWARE}</software></encoding>"
    if melody.source:
        yield f"<source>{_text(melody.source)}</source>"
    yield from _miscellaneous(melody, key, bars[0])
    yield "</identification>"
    yield f'<part-list><score-part id="P1"><part-name print-object="no">{PART_NAME}</part-name>'
    yield "</score-part></part-list>"
    yield '<part id="P1">'
    written = _PartWriter(melody, key)
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


class _PartWriter:
    """The measures of a melody, written one after the other."""

    def __init__(self, melody: Melody, key: Key | None) -> None:
        self.melody, self.key = melody, key
        self.signature = signature_alterations(usual_signature(key))
        self.meters = {meter.tick: meter for meter in melody.meters}
        note_ends = {note.end for note in melody.notes}
        self.breaths = {t for t in melody.phrase_ends if t in note_ends and t < melody.duration}
        self.lyrics = dict(melody.lyrics)
        self.slurs = melismas(melody)
        self.slur_ends = set(self.slurs.values())
        self.onset = 0  # of the note that is being written
        self.within_word = False
        self.chords = list(melody.chords)
        self.hidden_ends = [t for t in melody.phrase_ends if t not in self.breaths]

    def measure(self, bar: Measure, row: list[Glyph], is_last: bool) -> Iterator[str]:
        """The lines of a measure."""
        yield f'<measure number="{bar.number}"' + (' implicit="yes">' if bar.number == 0 else ">")
        yield from self._attributes(bar)
        if bar.start == 0 and self.melody.tempo:
            yield _tempo(self.melody.tempo)
        in_force: dict[tuple[str, int], int] = {}  # accidentals of this bar
        for glyph, beam in zip(row, beams(row, bar, self.melody.phrase_ends), strict=True):
            yield from self._chords(glyph.start, glyph.end)
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
            tick = self.hidden_ends.pop(0)
            offset = f"<offset>{tick - start}</offset>" if tick > start else ""
            yield f'<sound id="{PHRASE_END_ID}{tick}">{offset}</sound>'

    def _chords(self, start: int, stop: int) -> Iterator[str]:
        """The chords from `start` to before `stop`, placed at `start`."""
        while self.chords and self.chords[0][0] < stop:
            tick, symbol = self.chords.pop(0)
            yield _harmony(parse_chord(symbol), tick - start)

    def _rest(self, glyph: Glyph, bar: Measure) -> str:
        if bar.meter and glyph.end - glyph.start == bar.meter.bar_ticks:
            return f'<note><rest measure="yes"/>{_duration(glyph)}<voice>1</voice></note>'
        notations = _notations(glyph)
        return f"<note><rest/>{_duration(glyph)}<voice>1</voice>{_value(glyph.value)}{notations}</note>"

    def _note(self, glyph: Glyph, beam: tuple[str, ...], in_force: dict[tuple[str, int], int]) -> str:
        assert glyph.pitch is not None
        step, alteration, octave = spell(glyph.pitch, self.key)
        alter = f"<alter>{alteration}</alter>" if alteration else ""
        accidental = ""
        if not glyph.tie_from and in_force.get((step, octave), self.signature[step]) != alteration:
            in_force[step, octave] = alteration
            accidental = _ACCIDENTALS[alteration]
        self.onset = self.onset if glyph.tie_from else glyph.start
        notations = _notations(
            glyph,
            has_breath=glyph.end in self.breaths and not glyph.tie_to,
            slur_starts=self.onset in self.slurs and not glyph.tie_from,
            slur_ends=self.onset in self.slur_ends and not glyph.tie_to,
        )
        ties = _marks((glyph.tie_from, '<tie type="stop"/>'), (glyph.tie_to, '<tie type="start"/>'))
        beams = "".join(f'<beam number="{level}">{state}</beam>' for level, state in enumerate(beam, 1))
        return (
            f"<note><pitch><step>{step}</step>{alter}<octave>{octave}</octave></pitch>{_duration(glyph)}{ties}"
            f"<voice>1</voice>{_value(glyph.value, accidental)}{beams}{notations}"
            f"{'' if glyph.tie_from else self._lyric(glyph.start)}</note>"
        )

    def _lyric(self, onset: int) -> str:
        text = self.lyrics.get(onset, "")
        if not text:
            return ""
        goes_on, began = text.endswith("-"), self.within_word
        self.within_word = goes_on
        syllabic = ("middle" if goes_on else "end") if began else ("begin" if goes_on else "single")
        extends = "<extend/>" if not goes_on and onset in self.slurs else ""
        return f"<lyric><syllabic>{syllabic}</syllabic><text>{_text(text.removesuffix('-'))}</text>{extends}</lyric>"


def _harmony(chord: Chord, offset: int) -> str:
    kind, degrees = kind_of(chord)
    shown = NO_CHORD_SYMBOL if not chord.root else str(chord).removeprefix(chord.root).partition("/")[0]
    if "6/9" in chord.quality:
        shown = chord.quality
    root = _named("root", chord.root or "C", "" if chord.root else ' text=""')
    bass = _named("bass", chord.bass) if chord.bass else ""
    changes = "".join(
        f'<degree print-object="no"><degree-value>{one.value}</degree-value><degree-alter>{one.alter}</degree-alter>'
        f"<degree-type>{one.type}</degree-type></degree>"
        for one in degrees
    )
    where = f"<offset>{offset}</offset>" if offset else ""
    return f'<harmony>{root}<kind text="{shown}">{kind}</kind>{bass}{changes}{where}</harmony>'


def _named(tag: str, name: str, attributes: str = "") -> str:
    alter = name.count("#") - name.count("b")
    alteration = f"<{tag}-alter>{alter}</{tag}-alter>" if alter else ""
    return f"<{tag}><{tag}-step{attributes}>{name[0]}</{tag}-step>{alteration}</{tag}>"


def _duration(glyph: Glyph) -> str:
    return f"<duration>{glyph.end - glyph.start}</duration>"


def _value(value: Value, accidental: str = "") -> str:
    shown = f"<accidental>{accidental}</accidental>" if accidental else ""
    return f"<type>{value.name}</type>{'<dot/>' * value.dots}{shown}{_TRIPLET_RATIO if value.triplet else ''}"


def _notations(glyph: Glyph, *, has_breath: bool = False, slur_starts: bool = False, slur_ends: bool = False) -> str:
    found = _marks(
        (glyph.tie_from, '<tied type="stop"/>'),
        (glyph.tie_to, '<tied type="start"/>'),
        (slur_ends, '<slur type="stop"/>'),
        (slur_starts, '<slur type="start"/>'),
        (glyph.opens, '<tuplet type="start" bracket="yes"/>'),
        (glyph.closes, '<tuplet type="stop"/>'),
        (has_breath, "<articulations><breath-mark/></articulations>"),
    )
    return f"<notations>{found}</notations>" if found else ""


def _marks(*marks: tuple[bool, str]) -> str:
    return "".join(mark for is_there, mark in marks if is_there)


def _tempo(tempo: float) -> str:
    return (
        f'<direction placement="above"><direction-type><metronome><beat-unit>quarter</beat-unit>'
        f'<per-minute>{tempo:.6g}</per-minute></metronome></direction-type><sound tempo="{tempo:.6g}"/></direction>'
    )


def _time(meter: Meter | None) -> str:
    if meter is None:
        return '<time print-object="no"><senza-misura/></time>'
    return f"<time><beats>{meter.beats}</beats><beat-type>{meter.beat_unit}</beat-type></time>"


def _clef(melody: Melody) -> str:
    """A bass clef for a melody that lies mostly below middle C, else a treble clef."""
    low, high = min(melody.pitches, default=60), max(melody.pitches, default=60)
    sign, line = ("F", 4) if low + high < 2 * 57 else ("G", 2)
    return f"<clef><sign>{sign}</sign><line>{line}</line></clef>"
