"""Reads MusicXML, plain or zipped; `musicxml` says what is taken from it. No entity is ever expanded."""

from __future__ import annotations

import io
from fractions import Fraction
from typing import TYPE_CHECKING

from melodysynthesis.errors import FormatError
from melodysynthesis.formats.base import Reading
from melodysynthesis.formats.limits import check_file_size, check_length
from melodysynthesis.formats.musicxml_writer import PHRASE_END, SOFTWARE
from melodysynthesis.formats.notation import MAX_SIGNATURE, key_of
from melodysynthesis.formats.parts import Part, choose, top_line
from melodysynthesis.music import (
    BEAT_UNITS,
    MAX_BEATS,
    MODES,
    STEP_PITCH_CLASS,
    TICKS_PER_QUARTER,
    Key,
    Melody,
    Meter,
    Note,
)
from melodysynthesis.theory import signature

if TYPE_CHECKING:
    import zipfile
    from xml.etree.ElementTree import Element

MAX_XML_BYTES = 64 * 2**20
MAX_ZIPPED_BYTES = 16 * 2**20
MAX_TAGS = 2_000_000  # of which a parsed tree takes 200 MB

Ticks = int | Fraction
_MODE_NAMES = {mode: mode for mode in MODES} | {"ionian": "major", "aeolian": "minor"}


def read(data: bytes, source: str, part: str | None = None) -> Reading:
    """The melody of a MusicXML file, by the rules in `musicxml`.

    Raises:
        FormatError: if this is no MusicXML, or damaged or hostile, or has no notes, or no such part.
    """
    if data[:2] == b"PK":
        data = _unzipped(data, source)
    root = _parsed(data, source)
    if root.tag != "score-partwise":
        reason = f"its root is <{root.tag[:40]}>, expected <score-partwise>"
        if root.tag == "score-timewise":
            reason = "it is ordered by time; save it as partwise MusicXML, as all programs do by default"
        raise FormatError(reason, source, "not MusicXML")
    software = root.find("identification/encoding/software")
    is_ours = software is not None and software.text == SOFTWARE
    names = {e.get("id", ""): (e.findtext("part-name") or "").strip() for e in root.iter("score-part")}
    parts = [_PartReader(e, names.get(e.get("id", ""), ""), source, is_ours) for e in root.findall("part")]
    sounding = [p for p in parts if p.notes]
    if not sounding and not (is_ours and parts and part is None):
        raise FormatError("there are no notes in it", source, "empty")
    summaries = [Part(p.name, sum(n[2] for n in p.notes) / len(p.notes), p.is_drum) for p in sounding]
    index, notices = choose(summaries, part, source) if sounding else (0, [])
    chosen = (sounding or parts)[index]
    melody = chosen.melody(root)
    return Reading([melody], notices=[f"{source}: {notice}" for notice in notices + chosen.notices])


def _unzipped(data: bytes, source: str) -> bytes:
    """The score inside a `.mxl` file, whatever sizes it declares never more than `MAX_XML_BYTES`."""
    import zipfile
    import zlib

    check_file_size(len(data), source, MAX_ZIPPED_BYTES)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            container = _member(archive, "META-INF/container.xml", 2**16, source)
            rootfile = next(_parsed(container, source).iter("rootfile"), None)
            if rootfile is None:
                raise FormatError("its container.xml names no score", source, "damaged MusicXML")
            return _member(archive, rootfile.get("full-path", ""), MAX_XML_BYTES, source)
    except KeyError as error:
        reason = f"a zip file, but no zipped MusicXML: {str(error.args[0])[:200]}"
        raise FormatError(reason, source, "not MusicXML") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError) as error:
        raise FormatError(f"damaged zip file: {str(error)[:200]}", source, "damaged MusicXML") from None


def _member(archive: zipfile.ZipFile, name: str, limit: int, source: str) -> bytes:
    entry = archive.getinfo(name)
    check_file_size(entry.file_size, f"{source} ({name[:80]})", limit)
    with archive.open(entry) as file:
        data = file.read(limit + 1)
    check_file_size(len(data), f"{source} ({name[:80]})", limit)
    return data


def _parsed(data: bytes, source: str) -> Element:
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    check_file_size(len(data), source, MAX_XML_BYTES)
    if data.count(b"<") > MAX_TAGS:
        raise FormatError(f"it has more than {MAX_TAGS:,} tags", source, "too large")
    try:
        root: Element = fromstring(data)
    except ParseError as error:
        raise FormatError(f"damaged XML: {error}", source, "damaged MusicXML") from None
    except DefusedXmlException:
        reason = "it declares XML entities, which are not read: they can fill the memory or fetch files"
        raise FormatError(reason, source, "hostile XML") from None
    except (LookupError, ValueError) as error:  # an unknown or wrong text encoding
        raise FormatError(f"damaged XML: {str(error)[:200]}", source, "damaged MusicXML") from None
    return root


class _PartReader:
    """One part: its measures are read on construction.

    `notes` are onset, end and MIDI number, in ticks that may be fractions; they may overlap. Times in
    attributes are ticks too.
    """

    def __init__(self, element: Element, name: str, source: str, is_ours: bool) -> None:
        self.name, self.source, self.is_ours = name, source, is_ours
        self.notes: list[tuple[Ticks, Ticks, int]] = []
        self.notices: list[str] = []
        self.meters: dict[int, Meter] = {}
        self.is_free = False
        self.key: Key | None = None
        self.phrase_ends: set[Ticks] = set()
        self.pickup: Ticks = 0
        self.is_drum = False
        self._has_key = self._guesses_mode = False
        self._divisions = 1
        self._tied: dict[tuple[int, str], int] = {}
        self._first_of_chord: Ticks = 0
        self._where = source
        now: Ticks = 0
        for number, measure in enumerate(element.iter("measure"), 1):
            self._where = f"{source}: measure {measure.get('number', str(number))[:20]}"
            length = self._measure(measure, now)
            if number == 1:
                self.pickup = self._pickup(measure, length)
            now += length
            check_length(len(self.notes), int(now), source)
        self.end = now

    def melody(self, root: Element) -> Melody:
        """The melody in whole ticks."""
        rounded = [(_whole(onset), _whole(end), pitch) for onset, end, pitch in self.notes]
        moved = sum(a != b for a, b in zip(rounded, self.notes, strict=True))
        line, left_out = top_line(Note(onset, max(1, end - onset), pitch) for onset, end, pitch in rounded)
        if left_out:
            self.notices.append(f"took the top line, leaving out {left_out} of {len(rounded)} notes")
        if moved:
            self.notices.append(f"rounded {moved} of {len(rounded)} notes to {TICKS_PER_QUARTER} ticks a quarter")
        duration = max(_whole(self.end), line[-1].end if line else 0)
        phrase_ends = sorted({tick for tick in map(_whole, self.phrase_ends) if 0 < tick <= duration})
        key, pickup = self._key_of(line), _whole(self.pickup)
        if self.is_ours:
            key, pickup = _said_apart(root, key, pickup)
        meters = self._meters_before(duration)
        if not (meters and 0 < pickup < meters[0].bar_ticks):
            pickup = 0
        return Melody(line, duration, meters, key, tuple(phrase_ends), pickup, self.source)

    def _measure(self, measure: Element, start: Ticks) -> Ticks:
        """Read one measure; its length."""
        now = furthest = start
        for element in measure:
            match element.tag:
                case "note":
                    now = self._note(element, now)
                case "backup":
                    now = max(start, now - self._duration(element))
                case "forward":
                    now += self._duration(element)
                case "attributes":
                    self._attributes(element, now)
                case "direction":
                    self._direction(element, now)
            furthest = max(furthest, now)
        if furthest == start and not self.is_ours and self.meters:
            return list(self.meters.values())[-1].bar_ticks  # an empty measure is a bar of rest
        return furthest - start

    def _note(self, element: Element, now: Ticks) -> Ticks:
        """Read a note or rest that follows `now`; the time after it."""
        if element.find("grace") is not None or element.find("cue") is not None:
            return now
        duration = self._duration(element)
        is_chord = element.find("chord") is not None
        onset = self._first_of_chord if is_chord else now
        self._first_of_chord = onset
        if element.find("unpitched") is not None:
            self.is_drum = True
        pitch = element.find("pitch")
        if pitch is not None and duration and element.findtext("staff", "1").strip() == "1":
            self._sound(element, onset, onset + duration, self._pitch(pitch))
        if element.find("notations/articulations/breath-mark") is not None:
            self.phrase_ends.add(onset + duration)
        return now if is_chord else onset + duration

    def _sound(self, element: Element, onset: Ticks, end: Ticks, pitch: int) -> None:
        voice = (pitch, element.findtext("voice", "1"))
        ties = {tie.get("type") for tie in element.findall("tie")}
        index = self._tied.pop(voice, None)
        if "stop" in ties and index is not None and self.notes[index][1] == onset:
            self.notes[index] = (self.notes[index][0], end, pitch)
        else:
            index = len(self.notes)
            self.notes.append((onset, end, pitch))
        if "start" in ties:
            self._tied[voice] = index

    def _attributes(self, element: Element, now: Ticks) -> None:
        divisions = element.findtext("divisions")
        if divisions is not None:
            self._divisions = self._number(divisions, "divisions", minimum=1)
        key, time = element.find("key"), element.find("time")
        if key is not None:
            self._read_key(key)
        if time is not None:
            self._read_time(time, now)
        if element.find("transpose") is not None:
            self.notices.append("a transposing part, taken as written")

    def _read_key(self, element: Element) -> None:
        if self._has_key:
            return
        self._has_key = True
        fifths, mode = element.findtext("fifths"), (element.findtext("mode") or "").strip().lower()
        if fifths is None or mode == "none":
            return
        number = self._number(fifths, "fifths", minimum=-99)
        if abs(number) <= MAX_SIGNATURE:
            self._guesses_mode = mode not in _MODE_NAMES
            self.key = key_of(number, _MODE_NAMES.get(mode, "major"))

    def _read_time(self, element: Element, now: Ticks) -> None:
        if element.find("senza-misura") is not None:
            self.is_free = self.is_free or not self.meters
            return
        beats = [
            sum(self._number(term, "beats", minimum=1) for term in (e.text or "").split("+"))
            for e in element.findall("beats")
        ]
        units = [self._number(e.text, "beat-type", minimum=1) for e in element.findall("beat-type")]
        if not units or len(beats) != len(units):
            raise FormatError("a time signature without beats and beat-type", self._where, "bad meter")
        unit = max(units)
        meter = Meter(_whole(now), sum(b * unit // u for b, u in zip(beats, units, strict=True)), unit)
        if not (0 < meter.beats <= MAX_BEATS and unit in BEAT_UNITS):
            self.notices.append(f"left out the time signature {meter}")
        elif self.is_ours or not self.meters or list(self.meters.values())[-1][1:] != meter[1:]:
            self.meters[meter.tick] = meter

    def _direction(self, element: Element, now: Ticks) -> None:
        words = element.findtext("direction-type/other-direction", "")
        if words.strip() == PHRASE_END:
            offset = self._number(element.findtext("offset", "0"), "offset", minimum=-(10**9))
            self.phrase_ends.add(now + self._ticks(offset))

    def _pickup(self, measure: Element, length: Ticks) -> Ticks:
        """The length of the first measure if it is a pickup."""
        meter = self.meters.get(0)
        is_short = meter is not None and 0 < length < meter.bar_ticks
        return length if is_short and (measure.get("implicit") == "yes" or not self.is_ours) else 0

    def _key_of(self, line: tuple[Note, ...]) -> Key | None:
        if self.key is None or not self._guesses_mode or not line:
            return self.key
        minor = key_of(signature(self.key), "minor")
        mode = minor if line[-1].pitch % 12 == minor.pitch_class else self.key
        self.notices.append(f"its key signature has no mode; taken as {mode}, by the last note")
        return mode

    def _meters_before(self, duration: int) -> tuple[Meter, ...]:
        if self.is_free or not self.meters:
            return ()
        first, *others = (meter for _, meter in sorted(self.meters.items()))
        return (first._replace(tick=0), *(meter for meter in others if meter.tick < duration))

    def _pitch(self, element: Element) -> int:
        step = (element.findtext("step") or "").strip()
        if step not in STEP_PITCH_CLASS:
            raise FormatError(f"step {step[:20]!r} is not a letter from A to G", self._where, "bad pitch")
        octave = self._number(element.findtext("octave"), "octave", minimum=-2)  # B sharp may be MIDI number 0
        alter = self._real(element.findtext("alter", "0"), "alter")
        pitch = 12 * (octave + 1) + STEP_PITCH_CLASS[step] + _whole(alter)
        if not 0 <= pitch <= 127:
            reason = f"pitch {step}{octave} altered by {alter} is not a MIDI number from 0 to 127"
            raise FormatError(reason, self._where, "bad pitch")
        return pitch

    def _duration(self, element: Element) -> Ticks:
        text = element.findtext("duration")
        if text is None:
            raise FormatError(f"a <{element.tag}> without duration", self._where, "bad duration")
        duration = self._real(text, "duration")
        if duration < 0:
            raise FormatError(f"duration {text[:20]!r} is negative", self._where, "bad duration")
        return self._ticks(duration)

    def _ticks(self, divisions: Ticks) -> Ticks:
        ticks, rest = divmod(divisions * TICKS_PER_QUARTER, self._divisions)
        return ticks if not rest else ticks + Fraction(rest) / self._divisions

    def _real(self, text: str, what: str) -> Ticks:
        try:
            if len(text) > 20 or "e" in text.lower():
                raise ValueError
            return int(text) if text.isdecimal() else _whole_or_not(Fraction(text.strip()))
        except (ValueError, ZeroDivisionError):
            raise FormatError(f"{what} {text[:20]!r} is not a number", self._where, f"bad {what}") from None

    def _number(self, text: str | None, what: str, minimum: int) -> int:
        number = self._real(text or "", what)
        if number < minimum or number != int(number):
            raise FormatError(f"{what} {text!r} is not a whole number from {minimum}", self._where, f"bad {what}")
        return int(number)


def _whole_or_not(number: Fraction) -> Ticks:
    return int(number) if number.denominator == 1 else number


def _whole(ticks: Ticks) -> int:
    """The nearest tick; halves go up."""
    return ticks if isinstance(ticks, int) else (2 * ticks + 1) // 2


def _said_apart(root: Element, key: Key | None, pickup: int) -> tuple[Key | None, int]:
    """Key and pickup, where one of our own files says them apart because its notation can't."""
    for field in root.iterfind("identification/miscellaneous/miscellaneous-field"):
        words = (field.text or "").split()
        try:
            if field.get("name") == "key":
                key = Key(*words)
            elif field.get("name") == "pickup":
                pickup = int(words[0])
        except (ValueError, TypeError, IndexError):
            continue  # edited by hand
    return key, pickup
