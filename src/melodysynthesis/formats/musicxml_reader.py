"""Reads MusicXML, plain or zipped: parts to one melody. `musicxml` says what is taken from a score."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise, zip_longest
from typing import TYPE_CHECKING

from melodysynthesis.errors import FormatError
from melodysynthesis.formats.base import Reading
from melodysynthesis.formats.chord_symbols import sorted_chords
from melodysynthesis.formats.limits import MAX_PARTS
from melodysynthesis.formats.musicxml_file import parse, unzipped
from melodysynthesis.formats.musicxml_part import PartReader, Ticks, whole
from melodysynthesis.formats.musicxml_writer import SOFTWARE
from melodysynthesis.formats.notation import key_by_last_pitch
from melodysynthesis.formats.parts import Part, choose, monophony, top_line
from melodysynthesis.music import MAX_TEMPO, MIN_TEMPO, TICKS_PER_QUARTER, Key, Melody, Meter, Note
from melodysynthesis.theory import meters_from_bar_lines, signature

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

MAX_NOTES_OF_PARTS = 400_000
"""Notes in all parts together."""


def read(data: bytes, source: str, part: str | None = None) -> Reading:
    """The melody of a MusicXML file, by the rules in `musicxml`.

    Raises:
        FormatError: if this is no MusicXML, or damaged or hostile, or has no notes, or no such part.
    """
    if data[:2] == b"PK":
        data = unzipped(data, source)
    score = _ScoreReader(source)
    root = parse(data, source, score.take)
    if root.tag not in {"score-partwise", "score-timewise"}:
        reason = f"its root is <{root.tag[:40]}>, expected <score-partwise>"
        raise FormatError(reason, source, "not MusicXML")
    is_ours = root.findtext("identification/encoding/software") == SOFTWARE
    heads = {head.get("id", ""): head for head in root.iterfind("part-list/score-part")}
    parts = [_MelodyPart(reader, heads.get(name)) for name, reader in score.parts.items()]
    sounding = [candidate for candidate in parts if candidate.notes]
    if sounding:
        index, notices = choose([candidate.summary() for candidate in sounding], part, source)
        chosen = sounding[index]
    elif is_ours and parts and part is None:
        notices, chosen = [], parts[0]
    else:
        raise FormatError("there are no notes in it", source, "empty")
    bars = chosen.reader.starts if is_ours else score.starts(chosen.reader)
    melody = chosen.melody(bars, root, is_ours)
    tempos = [reader.tempo for reader in (chosen.reader, *score.parts.values()) if reader.tempo]
    melody = replace(melody, title=_title(root), composer=_composer(root), tempo=_in_range(tempos))
    return Reading([melody], notices=[f"{source}: {notice}" for notice in notices + chosen.notices])


class _ScoreReader:
    """The parts of a score by their names in it, as they are read."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.parts: dict[str, PartReader] = {}
        self._current: PartReader | None = None

    def take(self, element: Element) -> None:
        """Read a whole `<measure>` or `<part>`; their order shows which of them is within the other."""
        if element.tag == "measure":
            if element.find("part") is None:  # else the score is ordered by time, and the measure is read already
                self._current = self._current or PartReader(self.source)
                self._current.measure(element)
            return
        name = element.get("id", "")
        if self._current is not None:
            self.parts[name if name not in self.parts else f"{name} {len(self.parts)}"] = self._current
            self._current = None
        else:
            self.parts.setdefault(name, PartReader(self.source)).measure(element)
        if len(self.parts) > MAX_PARTS:
            raise FormatError(f"it has more than {MAX_PARTS:,} parts", self.source, "too large")
        if len(self.parts) > 1 and sum(reader.note_count for reader in self.parts.values()) > MAX_NOTES_OF_PARTS:
            raise FormatError(f"its parts have more than {MAX_NOTES_OF_PARTS:,} notes", self.source, "too large")

    def starts(self, chosen: PartReader) -> list[Ticks]:
        """Starts of the measures of a part and the end of the last, as the whole score has them.

        A measure that does not fill its bar is as long as in the fullest other part, up to the whole bar. One in
        which no part has anything is a bar of rest.
        """
        lengths = [[b - a for a, b in pairwise(reader.starts)] for reader in self.parts.values()]
        fullest = [max(column) for column in zip_longest(*lengths, fillvalue=0)]
        bars = {time.measure: Meter(0, time.beats, time.beat_unit).bar_ticks for time in chosen.times}
        bar, now, starts = 0, chosen.starts, [Fraction(0)]
        for index, most in enumerate(fullest):
            bar = bars.get(index, bar)
            own = now[index + 1] - now[index] if index + 1 < len(now) else 0
            starts.append(starts[-1] + max(own, min(most, bar) if most and bar else most or bar))
        return [tick.numerator if tick.denominator == 1 else tick for tick in starts]


class _MelodyPart:
    """A part that may be the melody: its first staff that has notes, and what the score's head says of it."""

    def __init__(self, reader: PartReader, head: Element | None) -> None:
        self.reader = reader
        self.notes = reader.staves[min(reader.staves)] if reader.staves else []
        self.name = (head.findtext("part-name") or "").strip() if head is not None else ""
        channel = head.findtext("midi-instrument/midi-channel", "") if head is not None else ""
        self.is_drum = reader.is_drum or channel.strip() == "10"
        self.notices = ["took the first of its staves"] if len(reader.staves) > 1 else []

    def summary(self) -> Part:
        """What the choice of the melody needs to know."""
        count = len(self.notes)
        mean = sum(note[2] for note in self.notes) / count
        alone = monophony([(onset, end) for onset, end, _ in self.notes])
        return Part(self.name, mean, self.is_drum, count, alone, bool(self.reader.lyrics))

    def melody(self, bars: list[Ticks], root: Element, is_ours: bool) -> Melody:
        """The top line in whole ticks, with its measures where the whole score has them."""
        reader, places = self.reader, _Places(self.reader.starts, bars)
        placed = [(places.of_onset(onset), places.of_end(end), pitch) for onset, end, pitch in self.notes]
        rounded = [(whole(onset), whole(end), pitch) for onset, end, pitch in placed]
        line, left_out = top_line(Note(onset, max(1, end - onset), pitch) for onset, end, pitch in rounded)
        self._tell_decisions(left_out, sum(a != b for a, b in zip(rounded, placed, strict=True)))
        duration = max(whole(bars[-1]), line[-1].end if line else 0)
        phrase_ends = sorted({whole(places.of_end(tick)) for tick in reader.phrase_ends})
        stated = self._stated_meters([whole(tick) for tick in bars], duration, is_ours)
        if reader.first_goes_on and stated and len(bars) > 2 and whole(bars[2]) == stated[0].bar_ticks:
            bars = [bars[0], *bars[2:]]
        pickup = whole(bars[1]) if len(bars) > 1 else 0
        if not (reader.first_is_implicit if is_ours else len(bars) > 2):
            pickup = 0
        key = self._key_of(line)
        if is_ours:
            key, pickup = _set_apart(root, key, pickup)
        if not (stated and 0 < pickup < stated[0].bar_ticks):
            pickup = 0
        meters = stated if is_ours else self._meters_by_measures(stated, [whole(tick) for tick in bars], duration)
        chords = {whole(places.of_onset(tick)): symbol for tick, symbol in reader.chords.items()}
        lyrics = sorted((whole(places.of_onset(tick)), text) for tick, text in reader.lyrics.items())
        return Melody(
            line,
            duration,
            meters,
            key,
            tuple(tick for tick in phrase_ends if 0 < tick <= duration),
            pickup,
            reader.source,
            lyrics=tuple(lyrics),
            chords=sorted_chords(chords, duration),
        )

    def _tell_decisions(self, left_out: int, moved: int) -> None:
        count = len(self.notes)
        if left_out:
            self.notices.append(f"took the top line, leaving out {left_out} of {count} notes")
        if moved:
            self.notices.append(f"rounded {moved} of {count} notes to {TICKS_PER_QUARTER} ticks a quarter")
        self.notices += self.reader.found

    def _key_of(self, line: tuple[Note, ...]) -> Key | None:
        key = self.reader.key
        if key is None or self.reader.has_mode or not line:
            return key
        mode = key_by_last_pitch(signature(key), line[-1].pitch)
        self.notices.append(f"its key signature has no mode; taken as {mode}, by the last note")
        return mode

    def _stated_meters(self, bars: list[int], duration: int, is_ours: bool) -> tuple[Meter, ...]:
        if self.reader.is_free or not self.reader.times:
            return ()
        meters: dict[int, Meter] = {}
        before: tuple[int, ...] = ()
        for time in self.reader.times:
            tick = bars[time.measure] + whole(time.offset) if meters else 0
            if is_ours or before != time[2:]:
                meters[tick] = Meter(tick, *time[2:])
                before = time[2:]
        return tuple(meter for tick, meter in sorted(meters.items()) if not tick or tick < duration)

    def _meters_by_measures(self, stated: tuple[Meter, ...], bars: list[int], duration: int) -> tuple[Meter, ...]:
        """The meters, with a change to and fro where a measure is shorter or longer than its meter."""
        meters: list[Meter] = []
        for meter, following in zip_longest(stated, stated[1:]):
            end = following.tick if following else duration
            inside = bars[bisect_right(bars, meter.tick) : bisect_left(bars, end)]
            # A short bar at the start is a pickup, but not after a change of meter: there a whole bar goes before.
            before = meter.bar_ticks if meter.tick else 0
            lines = [before] * bool(before) + [tick - meter.tick + before for tick in inside]
            found = meters_from_bar_lines(meter._replace(tick=0), lines, end - meter.tick + before)
            meters += [one._replace(tick=max(0, one.tick - before) + meter.tick) for one in found]
        by_tick = {meter.tick: meter for meter in meters}
        kept = [meter for before, meter in zip([None, *by_tick.values()], by_tick.values(), strict=False)
                if before is None or before[1:] != meter[1:]]  # fmt: skip
        added = {meter.tick for meter in kept} - {meter.tick for meter in stated}
        if added:
            self.notices.append("measures do not fill their meter; each is read as a bar of its own length")
        return tuple(kept)


class _Places:
    """Where times of one part are in the whole score."""

    def __init__(self, own: list[Ticks], common: list[Ticks]) -> None:
        self.own = own
        self.shifts = [there - here for here, there in zip(own, common, strict=False)]
        self.moves = any(self.shifts)

    def of_onset(self, tick: Ticks) -> Ticks:
        """The place of what begins at a tick of the part."""
        return tick + self.shifts[bisect_right(self.own, tick) - 1] if self.moves else tick

    def of_end(self, tick: Ticks) -> Ticks:
        """The place of what ends at a tick of the part, perhaps with the measure before."""
        return tick + self.shifts[max(0, bisect_left(self.own, tick) - 1)] if self.moves else tick


def _set_apart(root: Element, key: Key | None, pickup: int) -> tuple[Key | None, int]:
    """Key and pickup, where one of our own files has them as extra fields because its notation can't show them."""
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


def _title(root: Element) -> str:
    title = root.findtext("movement-title") or root.findtext("work/work-title") or ""
    return " ".join(title.split())[:200]


def _composer(root: Element) -> str:
    for creator in root.iterfind("identification/creator"):
        if creator.get("type") == "composer":
            return " ".join((creator.text or "").split())[:200]
    return ""


def _in_range(tempos: list[float]) -> float | None:
    return next((tempo for tempo in tempos if MIN_TEMPO <= tempo <= MAX_TEMPO), None)
