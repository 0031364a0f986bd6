"""What score notations share: the key of a signature, and bars cut into note values that can be written.

A bar is a row of `Glyph`s: notes and rests that each have one written value (a head with its flags and dots,
perhaps in a triplet). A note that no single value can say, or that crosses a bar line or hides a beat, is
several glyphs with ties.

Triplets stand in windows: a stretch of 3, 6, 12, 24, 48 or 96 ticks, aligned in the bar to its own length,
in which every value is 2/3 of what it looks like. With them, any whole number of ticks can be written.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Container, Iterator, Sequence
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import NamedTuple

from melodysynthesis.music import TICKS_PER_QUARTER, Key, Melody, Meter
from melodysynthesis.theory import STEPS_BY_FIFTHS, signature

MAX_SIGNATURE = 7
"""Sharps or flats that a key signature can show."""

_NAMES = ("breve", "whole", "half", "quarter", "eighth", "16th", "32nd", "64th")
FLAGS = {"eighth": 1, "16th": 2, "32nd": 3, "64th": 4}
"""Flags, or beams, of each note value that has any."""


class Value(NamedTuple):
    """What a note looks like: the name of its head and flags, its dots, and if it is in a triplet."""

    name: str
    dots: int
    triplet: bool


class Measure(NamedTuple):
    """The music between two bar lines, from `start` to `end`.

    Beats are counted from `origin`: the start, but for a pickup, the end of a bar that begins before it. The
    pickup is number 0. A melody without meter is cut into measures of a handy size.
    """

    number: int
    start: int
    end: int
    origin: int
    meter: Meter | None


class BarEvent(NamedTuple):
    """A stretch of a measure that sounds one pitch, or None; `tie_from` and `tie_to` across its bar lines."""

    start: int
    end: int
    pitch: int | None
    tie_from: bool = False
    tie_to: bool = False


class Glyph(NamedTuple):
    """A written note, or rest where `pitch` is None.

    `tie_from` and `tie_to`: the note goes on from the glyph before, into the one after. `opens` and
    `closes`: it is the first or last of a triplet.
    """

    start: int
    end: int
    pitch: int | None
    value: Value
    tie_from: bool = False
    tie_to: bool = False
    opens: bool = False
    closes: bool = False


class Window(NamedTuple):
    """Start and end of a triplet. One cut off by a bar line is not `whole` and gets no bracket."""

    start: int
    end: int
    whole: bool = True


_ODD_GROUPS = {1: (1,), 5: (3, 2), 7: (2, 2, 3), 8: (3, 3, 2)}
"""How so many beats of an eighth or less are beamed, where nothing else is known."""

_PLAIN = {192 >> i: Value(name, 0, False) for i, name in enumerate(_NAMES[:7])}
_PLAIN |= {3 * (96 >> i): Value(name, 1, False) for i, name in enumerate(_NAMES[:6])}
_TRIPLET_VALUES = {128 >> i: Value(name, 0, True) for i, name in enumerate(_NAMES)}
_TRIPLET_VALUES |= {3 * (64 >> i): Value(name, 1, True) for i, name in enumerate(_NAMES[:7])}


@lru_cache(maxsize=256)
def key_of(fifths: int, mode: str) -> Key:
    """The key that has this signature, the inverse of `theory.signature`: (1, "minor") is E minor.

    Raises:
        ValueError: for an unknown mode, or a tonic beyond double accidentals.
    """
    position = fifths - signature(Key("C", mode))  # of the tonic on the line of fifths, C = 0
    alteration, step = divmod(position + 1, 7)
    return Key(STEPS_BY_FIFTHS[step] + ("#" * alteration if alteration > 0 else "b" * -alteration), mode)


def key_that_sounds(key: Key, semitones: int) -> Key:
    """A key, moved with its music; where the tonic has two names, the one with fewer sharps or flats."""
    if semitones % 12 == 0:
        return key
    return key_of((signature(key) + 7 * semitones + 5) % 12 - 5, key.mode)


def key_by_last_pitch(fifths: int, pitch: int) -> Key:
    """The key of a signature that states no mode: minor if the melody ends on that tonic, else major."""
    minor = key_of(fifths, "minor")
    return minor if pitch % 12 == minor.pitch_class else key_of(fifths, "major")


def usual_signature(key: Key | None) -> int:
    """Signature of a key, one beyond 7 sharps or flats replaced by its enharmonic."""
    fifths = signature(key)
    return fifths if abs(fifths) <= MAX_SIGNATURE else fifths - 12 * round(fifths / 12)


def measures(melody: Melody) -> list[Measure]:
    """The measures of a melody, at least one."""
    if not melody.duration:
        return [Measure(1, 0, 0, 0, melody.meters[0] if melody.meters else None)]
    if not melody.meters:
        lines = [0, *_free_bar_lines(melody), melody.duration]
        return [Measure(n, start, end, start, None) for n, (start, end) in enumerate(pairwise(lines), 1)]
    return [
        Measure(number, start, end, melody.pickup - meter.bar_ticks if number == 0 else start, meter)
        for number, start, end, meter in melody.bars()
    ]


def events(melody: Melody, bars: list[Measure]) -> Iterator[list[BarEvent]]:
    """What sounds in each measure, rests included."""
    notes, index = melody.notes, 0
    for bar in bars:
        row: list[BarEvent] = []
        now = bar.start
        while index < len(notes) and notes[index].onset < bar.end:
            note = notes[index]
            start, end = max(note.onset, bar.start), min(note.end, bar.end)
            if start > now:
                row.append(BarEvent(now, start, None))
            row.append(BarEvent(start, end, note.pitch, note.onset < bar.start, note.end > bar.end))
            now = end
            if note.end > bar.end:
                break
            index += 1
        if now < bar.end:
            row.append(BarEvent(now, bar.end, None))
        yield row


def glyphs(row: list[BarEvent], bar: Measure) -> list[Glyph]:
    """The written notes and rests of a measure; `row` is what sounds in it."""
    windows = _windows(row, bar)
    grid = _Grid(bar)
    written: list[Glyph] = []
    for event in row:
        pieces = list(_pieces(event, windows, grid))
        is_note = event.pitch is not None
        for number, (start, end, value, window) in enumerate(pieces):
            bracketed = window is not None and window.whole
            written.append(
                Glyph(
                    start,
                    end,
                    event.pitch,
                    value,
                    tie_from=is_note and (number > 0 or event.tie_from),
                    tie_to=is_note and (number < len(pieces) - 1 or event.tie_to),
                    opens=bracketed and window is not None and start == window.start,
                    closes=bracketed and window is not None and end == window.end,
                )
            )
    return written


def beams(row: list[Glyph], bar: Measure, ends: Container[int] = ()) -> list[tuple[str, ...]]:
    """For each glyph its beams, the eighth's first: begin, continue, end, forward hook or backward hook.

    No beam crosses a tick of `ends`, where phrases end.
    """
    states: list[tuple[str, ...]] = [()] * len(row)
    if bar.meter is None:
        return states  # flags, as in chant
    lines, length = beat_groups(bar.meter), bar.meter.bar_ticks

    def group_of(glyph: Glyph) -> int:
        into_bar = (glyph.start - bar.origin) % length
        return (glyph.start - into_bar) + bisect_right(lines, into_bar)

    group: list[int] = []
    for index, glyph in enumerate([*row, None]):
        flags = FLAGS.get(glyph.value.name, 0) if glyph and glyph.pitch is not None else 0
        same = (
            bool(group) and glyph is not None and group_of(row[group[0]]) == group_of(glyph) and glyph.start not in ends
        )
        if not (flags and same):
            for member, state in zip(group, _beam_states([FLAGS[row[i].value.name] for i in group]), strict=True):
                states[member] = state
            group = []
        if flags:
            group.append(index)
    return states


def _free_bar_lines(melody: Melody) -> list[int]:
    """Where a melody without meter may be split: at phrase ends, else some eight quarters apart."""
    lines, ends = [0], set(melody.phrase_ends)
    for note in melody.notes:
        for tick in (note.onset, note.end):
            is_long = tick - lines[-1] >= 8 * TICKS_PER_QUARTER
            if lines[-1] < tick < melody.duration and (tick in ends or is_long):
                lines.append(tick)
    return lines[1:]


class _Grid:
    """The beats of a measure, and which stretches one note value may cover without hiding them."""

    def __init__(self, bar: Measure) -> None:
        meter = bar.meter or Meter(0, 1, 4)
        unit = meter.bar_ticks // meter.beats
        self.origin, self.bar = bar.origin, meter.bar_ticks
        self.has_beats = bar.meter is not None
        self.groups = beat_groups(meter)
        self.is_grouped = _is_grouped(meter)
        self.is_triple = len(self.groups) == 3
        self.beat = unit
        half = meter.bar_ticks // 2 if meter.bar_ticks % (2 * unit) == 0 and not self.is_grouped else 0
        halved = [96 >> i for i in range(6) if 96 >> i <= unit]
        self.levels = [level for level in (half, 0 if self.is_grouped else unit, *halved) if level]

    def crossed(self, start: int, end: int) -> tuple[int, Sequence[int]]:
        """The strongest level with a line strictly inside, and its lines; level 0 for none."""
        if self.is_grouped and (lines := self._group_lines(start, end)):
            return self.bar, lines
        for level in self.levels:
            first = start + level - (start - self.origin) % level
            if first < end:
                return level, range(first, end, level)
        return 0, ()

    def _group_lines(self, start: int, end: int) -> list[int]:
        first = start - (start - self.origin) % self.bar
        return [bar + line for bar in range(first, end, self.bar) for line in self.groups if start < bar + line < end]

    def _into_group(self, tick: int) -> int:
        """Ticks from the start of the group of beats that a tick is in."""
        into_bar = (tick - self.origin) % self.bar
        return into_bar - self.groups[bisect_right(self.groups, into_bar) - 1]

    def fits(self, start: int, end: int, is_rest: bool) -> Value | None:
        """The value that may be written from start to end, if there is one."""
        value = _PLAIN.get(end - start)
        if value is None or not (self.has_beats or is_rest):
            return value
        fits = self._fits_groups if self.is_grouped else self._fits_beats
        return value if fits(start, end, value, is_rest) else None

    def _fits_groups(self, start: int, end: int, value: Value, is_rest: bool) -> bool:
        """In compound and odd meters: within a group, or from one line of groups to another."""
        into, size = self._into_group(start), end - start
        if self._group_lines(start, end):
            whole = into == 0 == self._into_group(end)
            regular = len(self.groups) in {2, 4} and (start - self.origin) % size == 0 and size % self.groups[1] == 0
            return whole and (regular or not is_rest)
        if not is_rest:
            return True
        if value.dots:
            return into == 0 == self._into_group(end) and value.dots == 1
        return into % size == 0

    def _fits_beats(self, start: int, end: int, value: Value, is_rest: bool) -> bool:
        at, size, level = start - self.origin, end - start, self.crossed(start, end)[0]
        if level < self.beat:
            return not is_rest or (not value.dots and at % size == 0)
        if is_rest:
            return at % size == 0 and not value.dots and not self.is_triple
        return at % self.beat == 0 if level > self.beat else 2 * at % self.beat == 0

    def pieces(self, start: int, end: int, is_rest: bool) -> Iterator[tuple[int, int, Value]]:
        """A stretch in as few values as show the beats. Both ends are multiples of 3 from the origin."""
        while start < end:
            value = self.fits(start, end, is_rest)
            stop = end
            if value is None:
                lines = self.crossed(start, end)[1]
                stop = next((line for line in reversed(lines) if self.fits(start, line, is_rest)), lines[0])
                yield from self.pieces(start, stop, is_rest)
            else:
                yield start, stop, value
            start = stop


def _pieces(event: BarEvent, windows: list[Window], grid: _Grid) -> Iterator[tuple[int, int, Value, Window | None]]:
    """The values of an event: plain outside the windows, triplets inside."""
    now, is_rest = event.start, event.pitch is None
    for window in windows:
        if window.end <= now or window.start >= event.end:
            continue
        for start, end, value in grid.pieces(now, window.start, is_rest):
            yield start, end, value, None
        now = max(now, window.start)
        stop = min(window.end, event.end)
        while now < stop:
            size = stop - now if stop - now in _TRIPLET_VALUES else max(s for s in _TRIPLET_VALUES if s < stop - now)
            yield now, now + size, _TRIPLET_VALUES[size], window
            now += size
    for start, end, value in grid.pieces(now, event.end, is_rest):
        yield start, end, value, None


def _windows(row: list[BarEvent], bar: Measure) -> list[Window]:
    """The triplets of a measure: around every boundary that is not on the thirty-second notes."""
    lines = {bar.start, bar.end} | {event.start for event in row}
    windows: list[Window] = []
    for line in sorted(lines):
        done = windows[-1].end if windows else bar.start - 1
        if (line - bar.origin) % 3 and line > done:
            windows.append(_window(line, lines, bar, done))
    return windows


def _window(line: int, lines: set[int], bar: Measure, done: int) -> Window:
    """The triplet around a line: the likeliest of the windows that lie between `done` and the bar's end.

    First choice is a window that notes neither enter nor leave and whose thirds they fill, then one whose
    thirds they fill, then one that they neither enter nor leave, then whatever is there.
    """

    def around(size: int) -> Iterator[Window]:
        aligned = line - (line - bar.origin) % size
        yield Window(aligned, aligned + size)
        for start in (aligned - size // 2, aligned + size // 2):  # off the beat, as after a dotted one
            if size > 6 and start < line < start + size:
                yield Window(start, start + size)

    def is_closed(window: Window) -> bool:
        return window.start in lines and window.end in lines

    def is_in_thirds(window: Window) -> bool:
        third = (window.end - window.start) // 3
        return all((t - window.start) % third == 0 for t in lines if window.start < t < window.end)

    def is_free(window: Window) -> bool:
        return max(bar.start, done) <= window.start and window.end <= bar.end

    tests = (
        ((12, 24, 48, 96, 6, 3), lambda w: is_closed(w) and is_in_thirds(w)),
        ((24, 12, 48, 96, 6, 3), is_in_thirds),
        ((24, 48, 96), is_closed),
        ((24, 12, 6, 3), lambda w: True),
    )
    for sizes, test in tests:
        for window in (window for size in sizes for window in around(size)):
            if is_free(window) and test(window):
                return window
    torn = next(around(3))  # at a bar line that is itself off the thirty-seconds
    return Window(max(torn.start, bar.start, done), min(torn.end, bar.end), whole=False)


def beat_groups(meter: Meter) -> tuple[int, ...]:
    """Ticks from the start of a bar at which a beam may begin: its beats, of up to two quarters.

    In compound meters they are dotted; in odd ones the eighths go by threes and twos as in `_ODD_GROUPS`, in others by
    twos with a three at the end.
    """
    unit = meter.bar_ticks // meter.beats
    if meter.beat_unit < 8:
        return tuple(range(0, meter.bar_ticks, min(unit, 2 * TICKS_PER_QUARTER)))
    if meter.beats % 3 == 0:
        groups: tuple[int, ...] = (3,) * (meter.beats // 3)
    elif meter.beats in _ODD_GROUPS:
        groups = _ODD_GROUPS[meter.beats]
    else:
        twos = meter.beats // 2
        groups = (2,) * twos if meter.beats % 2 == 0 else (2,) * (twos - 1) + (3,)
    return tuple(unit * beats for beats in accumulate((0, *groups[:-1])))


def _is_grouped(meter: Meter) -> bool:
    """Whether the bar falls into groups of eighths, or of shorter beats, that are not all halves of halves."""
    return meter.beat_unit >= 8 and meter.beats not in {1, 2, 4}


def _beam_states(flags: list[int]) -> list[tuple[str, ...]]:
    """Beam states of the notes of one group, given the flags of each; a lone note keeps its flags."""
    if len(flags) < 2:
        return [()] * len(flags)
    states: list[tuple[str, ...]] = []
    for index, own in enumerate(flags):
        before = flags[index - 1] if index else 0
        after = flags[index + 1] if index + 1 < len(flags) else 0
        states.append(tuple(_beam_state(level, before, after) for level in range(1, own + 1)))
    return states


def _beam_state(level: int, before: int, after: int) -> str:
    joins_before, joins_after = before >= level, after >= level
    if joins_before and joins_after:
        return "continue"
    if joins_after:
        return "begin"
    if joins_before:
        return "end"
    return "backward hook" if before else "forward hook"
