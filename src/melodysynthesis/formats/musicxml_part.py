"""One part of a MusicXML score, measure by measure: what is written in it, with times as the part itself has them.

Times are in ticks, perhaps fractions, from the start of the part. A measure is as long as what is written in it; that
other parts have more in the same measure is seen only when all are read (`musicxml_reader`).
"""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import takewhile
from typing import TYPE_CHECKING, NamedTuple

from melodysynthesis.errors import FormatError
from melodysynthesis.formats.chord_symbols import LEFT_OUT, AlteredDegree, symbol_of_kind
from melodysynthesis.formats.limits import MAX_NOTES, MAX_TICKS, check_length
from melodysynthesis.formats.musicxml_writer import PHRASE_END_ID
from melodysynthesis.formats.notation import MAX_SIGNATURE, key_of, key_that_sounds
from melodysynthesis.music import (
    BEAT_UNITS,
    MAX_BEATS,
    MODES,
    STEP_PITCH_CLASS,
    TICKS_PER_QUARTER,
    Key,
    transpose_symbol,
)

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

Ticks = int | Fraction
MODE_NAMES = {mode: mode for mode in MODES} | {"ionian": "major", "aeolian": "minor"}
_DECIMAL = re.compile(r"\s*[+-]?(\d{1,19}(\.\d{0,18})?|\.\d{1,18})\s*")
_FINEST = 10**12
"""Denominator of a time beyond which it is rounded, so that a hostile file does not make fractions ever longer."""
_REPEATS = "repeats and endings are not unfolded"
_PARTLY_FREE = "partly in free time; read as if in one meter, or none, throughout"
_JUMP = re.compile(r"\bD\. ?[CS]\b|da capo|dal segno|to coda|al coda|al fine", re.I)
_UNITS: dict[str, float] = {"whole": 4, "half": 2, "quarter": 1, "eighth": 0.5, "16th": 0.25}
"""Quarters of the note values that a tempo may count."""


class Time(NamedTuple):
    """A time signature: number of its measure from 0, ticks after that measure's start, beats and beat unit."""

    measure: int
    offset: Ticks
    beats: int
    beat_unit: int


class PartReader:
    """What has been read of a part.

    Attributes:
        staves: notes as (onset, end, MIDI number) by name of the staff; they may overlap.
        starts: start of each measure, and at the end of the list the end of the last.
        times: the time signatures.
        is_free: whether the part begins without meter.
        key: the first, as it sounds; `has_mode` tells whether its mode was stated.
        phrase_ends: at breath marks and at our own hidden marks.
        lyrics: of the first verse, by onset.
        chords: symbols by the time at which they enter.
        tempo: the first, in quarters a minute.
        first_is_implicit: whether the first measure says that it does not count.
        first_goes_on: whether the second measure does, so that both may be one bar.
        shift: semitones by which the part sounds higher than it is written, now.
        found: how often something was met that a notice has to tell, by the notice.
    """

    def __init__(self, source: str) -> None:
        self.source = self._where = source
        self.staves: dict[str, list[tuple[Ticks, Ticks, int]]] = {}
        self.starts: list[Ticks] = [0]
        self.times: list[Time] = []
        self.is_free = False
        self.key: Key | None = None
        self.has_mode = True
        self.phrase_ends: set[Ticks] = set()
        self.lyrics: dict[Ticks, str] = {}
        self.chords: dict[Ticks, str] = {}
        self.tempo: float | None = None
        self.first_is_implicit = self.first_goes_on = False
        self.is_drum = False
        self.shift = 0
        self.found: dict[str, int] = {}
        self.note_count = 0
        self._signature: tuple[str, str] | None = None
        self._verse = ""
        self._repeated = 0  # under a repeat sign: so many measures before is what is played
        self._divisions: Ticks = 1
        self._tied: dict[tuple[str, int, Ticks], int] = {}  # staff, pitch and end of a note to be continued
        self._chord_onset: Ticks = 0

    def measure(self, element: Element) -> None:
        """Read the next measure."""
        index = len(self.starts) - 1
        self._where = f"{self.source}: measure {element.get('number', str(index + 1))[:20]}"
        is_implicit = element.get("implicit") == "yes"
        if index == 0:
            self.first_is_implicit = is_implicit
        elif index == 1:
            self.first_goes_on = is_implicit and not self.first_is_implicit
        now = start = furthest = self.starts[-1]
        notes_before = self.note_count
        for child in element:
            tag = child.tag
            if tag == "note":
                now = self._note(child, now)
            elif tag == "backup":
                now = max(start, now - self._duration(child.findtext("duration"), tag))
            elif tag == "forward":
                now += self._duration(child.findtext("duration"), tag)
            elif tag == "attributes":
                self._attributes(child, Time(index, now - start, 0, 0))
            elif tag == "direction":
                self._direction(child, now)
            elif tag == "harmony":
                self._harmony(child, now)
            elif tag == "sound":
                self._sound(child, now)
            elif tag == "barline" and (child.find("repeat") is not None or child.find("ending") is not None):
                self._tell(_REPEATS)
            furthest = max(furthest, now)
        if self._repeated and self.note_count == notes_before:
            furthest = max(furthest, self._play_again(index - self._repeated, start))
        check_length(self.note_count, int(furthest), self.source)
        self.starts.append(furthest if furthest.denominator < _FINEST else whole(furthest))

    def _play_again(self, index: int, start: Ticks) -> Ticks:
        """Play a measure again from `start` on, for one that has but a sign; where it ends."""
        if index < 0:
            self._tell("a repeat sign has no measure before it")
            return start
        first, end = self.starts[index : index + 2]
        later = start - first
        for notes in self.staves.values():
            again = [note for note in takewhile(lambda note: note[0] >= first, reversed(notes)) if note[0] < end]
            notes += [(onset + later, stop + later, pitch) for onset, stop, pitch in reversed(again)]
            self.note_count += len(again)
        self._tell("measures under a repeat sign are read as those before them")
        return end + later

    def _tell(self, notice: str) -> None:
        self.found[notice] = self.found.get(notice, 0) + 1

    # ---- notes

    def _note(self, element: Element, now: Ticks) -> Ticks:
        """Read a note or rest that follows `now`; the time after it."""
        children = {child.tag: child for child in element}
        if "grace" in children:
            return now
        length = children.get("duration")
        duration = self._duration(None if length is None else length.text, "note")
        onset = self._chord_onset if "chord" in children else now
        self._chord_onset = onset
        end = onset + duration
        if end > MAX_TICKS:
            check_length(0, int(end), self._where)
        if "cue" in children:  # it takes its time, and another part plays it
            self._tell("cue notes are left out")
        elif "notehead" in children and (children["notehead"].text or "").strip() == "slash":
            self._tell("slashes, which have no pitch, are left out")
        elif "pitch" in children and duration:
            self._sounding(element, children, onset, end)
        elif "unpitched" in children:
            self.is_drum = True
        if "notations" in children and children["notations"].find("articulations/breath-mark") is not None:
            self.phrase_ends.add(end)
        return now if "chord" in children else end

    def _sounding(self, element: Element, children: dict[str, Element], onset: Ticks, end: Ticks) -> None:
        pitch = self._pitch(children["pitch"])
        staff = (children["staff"].text or "").strip() if "staff" in children else "1"
        notes = self.staves.setdefault(staff, [])
        ties: set[str | None] = set()
        if "tie" in children:
            ties = {tie.get("type") for tie in element.iterfind("tie")}
        elif "notations" in children:
            ties = {tied.get("type") for tied in element.iterfind("notations/tied")}
        is_tied = bool(ties & {"stop", "continue"})
        index = self._tied.pop((staff, pitch, onset), None) if is_tied else None
        if index is not None:
            notes[index] = (notes[index][0], end, pitch)
        else:
            index = len(notes)
            notes.append((onset, end, pitch))
            self.note_count += 1
            if self.note_count > MAX_NOTES:
                check_length(self.note_count, 0, self._where)
            if "lyric" in children:
                self._lyric(element, onset)
        if ties & {"start", "continue"}:
            self._tied[staff, pitch, end] = index

    def _pitch(self, element: Element) -> int:
        step = (element.findtext("step") or "").strip()
        if step not in STEP_PITCH_CLASS:
            raise FormatError(f"step {step[:20]!r} is not a letter from A to G", self._where, "bad pitch")
        octave = self._integer(element.findtext("octave"), "octave", minimum=-2)  # B sharp may be MIDI number 0
        alter = self._decimal(element.findtext("alter", "0"), "alter")
        if alter.denominator != 1:
            self._tell("quarter tones are rounded to semitones")
        pitch = 12 * (octave + 1) + STEP_PITCH_CLASS[step] + whole(alter) + self.shift
        if not 0 <= pitch <= 127:
            reason = f"pitch {step}{octave} altered by {alter} is not a MIDI number from 0 to 127"
            raise FormatError(reason, self._where, "bad pitch")
        return pitch

    def _lyric(self, element: Element, onset: Ticks) -> None:
        lyric = next(element.iterfind("lyric"))
        verse = lyric.get("number", "1")
        self._verse = self._verse or verse
        if verse != self._verse:
            return
        text = "".join((part.text or "") for part in lyric if part.tag in {"text", "elision"}).strip()
        if text and onset not in self.lyrics:
            goes_on = lyric.findtext("syllabic") in {"begin", "middle"}
            self.lyrics[onset] = text[:80] + "-" * goes_on

    # ---- attributes and directions

    def _attributes(self, element: Element, place: Time) -> None:
        for child in element:
            # What says that it is for the second staff or a later one is not for the melody.
            if child.get("number", "1").strip() != "1":
                continue
            if child.tag == "divisions":
                self._divisions = self._decimal(child.text, "divisions")
                if self._divisions <= 0:
                    raise FormatError(f"divisions {child.text!r} is not above 0", self._where, "bad divisions")
            elif child.tag == "key":
                self._read_key(child)
            elif child.tag == "time":
                self._read_time(child, place)
            elif child.tag == "transpose":
                self._transpose(child)
            elif child.tag == "measure-style":
                self._measure_style(child)

    def _measure_style(self, element: Element) -> None:
        sign = element.find("measure-repeat")
        if sign is not None:
            self._repeated = self._integer(sign.text, "measure-repeat", minimum=1) if sign.get("type") == "start" else 0
        elif element.find("beat-repeat") is not None or element.find("slash") is not None:
            self._tell("beats under repeat signs or slashes are read as they are written")

    def _transpose(self, element: Element) -> None:
        """A part for an instrument such as a clarinet in B flat: pitches and key are those that sound."""
        chromatic = self._decimal(element.findtext("chromatic", "0"), "transposition")
        octaves = self._decimal(element.findtext("octave-change", "0"), "transposition")
        shift = whole(chromatic + 12 * octaves)
        if shift and shift != self.shift:
            direction = "higher" if shift > 0 else "lower"
            self._tell(f"a transposing part, read as it sounds: {abs(shift) % 128} semitones {direction}")
        if self.key and self._signature is not None:
            self.key = self._key_that_sounds(*self._signature, shift)
        self.shift = shift

    def _read_key(self, element: Element) -> None:
        fifths, mode = (element.findtext("fifths") or "").strip(), (element.findtext("mode") or "").strip().lower()
        if self._signature is not None:
            if (fifths, mode) != self._signature:
                self._tell("the key changes; the first is the melody's")
            return
        self._signature = (fifths, mode)
        if element.find("key-step") is not None:
            self._tell("left out a key signature of single accidentals")
        if fifths and mode != "none":
            self.has_mode = mode in MODE_NAMES
            self.key = self._key_that_sounds(fifths, mode, self.shift)

    def _key_that_sounds(self, fifths: str, mode: str, shift: int) -> Key | None:
        """The key of a signature, moved by semitones; None for a signature of nonsense."""
        number = self._integer(fifths, "fifths", minimum=-99)
        if abs(number) > MAX_SIGNATURE:
            self._tell(f"left out a key signature of {number} fifths")
            return None
        return key_that_sounds(key_of(number, MODE_NAMES.get(mode, "major")), shift)

    def _read_time(self, element: Element, place: Time) -> None:
        if element.find("senza-misura") is not None:
            self.is_free = self.is_free or not self.times
            if self.times:
                self._tell(_PARTLY_FREE)
            return
        if self.is_free:
            self._tell(_PARTLY_FREE)
        beats = [
            sum(self._integer(term, "beats", minimum=1) for term in (e.text or "").split("+"))
            for e in element.iterfind("beats")
        ]
        units = [self._integer(e.text, "beat-type", minimum=1) for e in element.iterfind("beat-type")]
        if not units or len(beats) != len(units):
            raise FormatError("a time signature without beats and beat-type", self._where, "bad meter")
        unit = max(units)
        total = sum(b * unit // u for b, u in zip(beats, units, strict=True))
        if 0 < total <= MAX_BEATS and unit in BEAT_UNITS:
            self.times.append(place._replace(beats=total, beat_unit=unit))
        else:
            self._tell(f"left out the time signature {str(total)[:9]}/{str(unit)[:9]}")

    def _direction(self, element: Element, now: Ticks) -> None:
        for child in element:
            if child.tag == "sound":
                self._sound(child, now)
            elif child.tag == "direction-type" and len(child):
                first = child[0]
                if first.tag == "metronome" and self.tempo is None:
                    self._metronome(first)
                elif first.tag in {"segno", "coda"} or (first.tag == "words" and _JUMP.search(first.text or "")):
                    self._tell(_REPEATS)

    def _harmony(self, element: Element, now: Ticks) -> None:
        """A chord symbol; one that can't be read by its kind and degrees is read by its text."""
        kind = element.find("kind")
        root, bass = self._harmony_note(element.find("root")), self._harmony_note(element.find("bass"))
        symbol: str | None = None
        if kind is not None:
            symbol = symbol_of_kind(root, (kind.text or "").strip(), self._degrees(element), bass, kind.get("text", ""))
        if symbol is None:
            self._tell(LEFT_OUT)
            return
        offset = element.findtext("offset")
        later = self._ticks(self._decimal(offset, "offset")) if offset is not None else 0
        self.chords[max(0, now + later)] = transpose_symbol(symbol, self.shift)

    def _harmony_note(self, element: Element | None) -> str:
        """The name that a ``<root>`` or ``<bass>`` says; empty if it says none."""
        step = "" if element is None else (element.findtext(f"{element.tag}-step") or "").strip()
        if element is None or step not in STEP_PITCH_CLASS:
            return ""
        alter = element.findtext(f"{element.tag}-alter", "0").strip()
        sign = {"0": "", "1": "#", "-1": "b", "2": "##", "-2": "bb"}.get(alter)
        return "" if sign is None else step + sign

    def _degrees(self, element: Element) -> tuple[AlteredDegree, ...]:
        found = []
        for degree in element.iterfind("degree"):
            value = self._integer(degree.findtext("degree-value"), "degree-value", minimum=1)
            alter = self._integer(degree.findtext("degree-alter", "0"), "degree-alter", minimum=-99)
            found.append(AlteredDegree(degree.findtext("degree-type", "add").strip(), value, alter))
        return tuple(found)

    def _sound(self, element: Element, now: Ticks) -> None:
        if any(element.get(jump) for jump in ("dacapo", "dalsegno", "tocoda", "fine")):
            self._tell(_REPEATS)
        if element.get("id", "").startswith(PHRASE_END_ID):
            self.phrase_ends.add(now + self._ticks(self._decimal(element.findtext("offset", "0"), "offset")))
        if self.tempo is None and _DECIMAL.fullmatch(element.get("tempo", "")):
            self.tempo = float(element.get("tempo", ""))

    def _metronome(self, element: Element) -> None:
        unit, count = element.findtext("beat-unit", ""), re.search(r"\d{1,4}", element.findtext("per-minute", ""))
        if unit in _UNITS and count:
            dots = 1.5 if element.find("beat-unit-dot") is not None else 1
            self.tempo = _UNITS[unit] * dots * int(count[0])

    # ---- numbers

    def _duration(self, text: str | None, tag: str) -> Ticks:
        if text is None:
            raise FormatError(f"a <{tag}> without duration", self._where, "bad duration")
        duration = int(text) if text.isdecimal() and len(text) < 20 else self._decimal(text, "duration")
        if duration < 0:
            raise FormatError(f"duration {text[:20]!r} is negative", self._where, "bad duration")
        return self._ticks(duration)

    def _ticks(self, divisions: Ticks) -> Ticks:
        ticks, rest = divmod(divisions * TICKS_PER_QUARTER, self._divisions)
        return ticks if not rest else ticks + Fraction(rest) / self._divisions

    def _decimal(self, text: str | None, what: str) -> Ticks:
        if text and text.removeprefix("-").isdecimal() and len(text) < 20:
            return int(text)
        if not text or not _DECIMAL.fullmatch(text):
            raise FormatError(f"{what} {(text or '')[:20]!r} is not a number", self._where, f"bad {what}")
        number = Fraction(text.strip())
        return number.numerator if number.denominator == 1 else number

    def _integer(self, text: str | None, what: str, minimum: int) -> int:
        number = self._decimal(text, what)
        if number < minimum or number.denominator != 1:
            reason = f"{what} {(text or '')[:20]!r} is not a whole number from {minimum}"
            raise FormatError(reason, self._where, f"bad {what}")
        return int(number)


def whole(ticks: Ticks) -> int:
    """The nearest whole number; halves go up."""
    return ticks if isinstance(ticks, int) else (2 * ticks + 1) // 2
