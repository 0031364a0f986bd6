"""Chords under the melody: chord tones on strong beats, other notes only passing or neighbouring."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace
from math import ceil

import numpy as np

from melodysynthesis.constraints.rule import NO, Flags, Ints, RuleContext, StatelessRule
from melodysynthesis.constraints.specification import RequestedBars, RuleSpec, Values
from melodysynthesis.constraints.timeline import Timeline
from melodysynthesis.errors import RequestError
from melodysynthesis.music import Melody
from melodysynthesis.theory import beat_ticks
from melodysynthesis.theory.chords import NO_CHORD, Chart, Chord, format_chords, in_key, parse_chord, parse_chords

STEPS = (-2, -1, 1, 2)
ANY_NOTE, FIRST_STEP = 0, 1
"""States: no step has to follow; from `FIRST_STEP` on: one has to, after a note reached by that one of `STEPS`, first
those that do not begin on a beat, then those that do."""
ALL = (1 << 12) - 1
"""The set of all pitch classes, by bits."""
LONG = 2
"""Beats of the shortest note that is too long to pass."""


def chord_entrances(timeline: Timeline, chart: Chart) -> list[tuple[int, Chord]]:
    """Tick and chord of each entrance, in order.

    The chart begins in bar 1, after the pickup, and starts again where the melody has more bars. Of n chords in a bar
    of b beats, chord k enters on beat ceil(k * b / n), both counted from 0. A last bar that is short by the pickup has
    its entrances where a whole bar would have them; those beyond the melody's end are left out.
    """
    entrances = []
    for bar, (start, meter) in enumerate(zip(timeline.bar_lines, timeline.meters, strict=True)):
        chords, beat = chart[bar % len(chart)], beat_ticks(meter)
        beats = meter.bar_ticks // beat
        entrances += [(start + ceil(k * beats / len(chords)) * beat, chord) for k, chord in enumerate(chords)]
    return [(tick, chord) for tick, chord in entrances if tick < timeline.ticks]


def chord_symbols(melody: Melody, chart: Chart) -> tuple[tuple[int, str], ...]:
    """`Melody.chords` of a chart under a melody with a meter: the chords where they change."""
    entrances = chord_entrances(Timeline.of_melody(melody), chart) if melody.meters else []
    entrances = [(tick, chord) for tick, chord in entrances if tick < melody.duration]
    pairs = zip([None, *(chord for _, chord in entrances)], entrances, strict=False)
    return tuple((tick, str(chord)) for before, (tick, chord) in pairs if chord != before)


def chart_under(melody: Melody, first: int, last: int) -> Chart:
    """The chart of a melody's own chords from one bar to another, and N.C. in the other bars.

    A chord that enters between beats does so on the next one.
    """
    ticks, symbols = zip(*melody.chords, strict=True) if melody.chords else ((), ())
    chart: list[tuple[Chord, ...]] = []
    for bar in melody.bars():
        beat = beat_ticks(bar.meter)
        places = [bisect_right(ticks, tick) for tick in range(bar.start, bar.start + bar.meter.bar_ticks, beat)]
        chords = tuple(parse_chord(symbols[place - 1]) if place else NO_CHORD for place in places)
        if bar.number:
            chart.append(chords if first <= bar.number <= last else (NO_CHORD,))
    return tuple(chart)


class Chords(StatelessRule):
    """Guaranteed: a note is a tone of the chord at its onset and of that at each strong beat that it sounds through.

    Or it passes or is a neighbour between strong beats. A passing note comes by a step of 1 or 2 semitones and leaves
    by one in the same direction. A neighbour comes by a step and goes back. Such notes are shorter than two beats, and
    of two in a row not both begin on a beat. The first and the last note are chord tones. Notes that begin in the
    pickup are free until the first bar line.
    """

    states = FIRST_STEP + 2 * len(STEPS)
    ends_locally = True

    def __init__(self, context: RuleContext, chart: Chart) -> None:
        super().__init__(context)
        timeline, ticks = context.timeline, context.timeline.ticks
        self.own = np.full(ticks, ALL)  # chords as sets of pitch classes, by bits; a pickup has none
        for tick, chord in chord_entrances(timeline, chart):
            self.own[tick:] = sum(1 << tone for tone in chord.tones)
        strong = np.array(timeline.strong) & (np.arange(ticks) >= timeline.pickup)
        self.struck = np.where(strong, self.own, ALL)
        places = map(timeline.place, range(ticks))
        self.on_beat = np.array([place.position % beat_ticks(place.meter) == 0 for place in places])
        self.beats = np.array(timeline.beats)
        # A section that is repeated has to fit the chords of the repeat, too.
        self.shared, self.all_struck = self.own.copy(), self.struck.copy()
        for group in context.section_groups:
            for section, start in enumerate(group.starts):
                for other in (group.starts[number] for number in group.equal_sections(section)):
                    self.shared[start : start + group.ticks] &= self.own[other : other + group.ticks]
                    self.all_struck[start : start + group.ticks] &= self.struck[other : other + group.ticks]
        # The notes at the ends of a section have other neighbours each time: there the own chord decides.
        self.starts = {start for group in context.section_groups for start in group.starts}
        self.cuts = {start + group.ticks for group in context.section_groups for start in group.starts}

    def symbols(self, onsets: Ints, lengths: Ints) -> Ints:
        """The chord, 12 bits for what the strong beats leave, a bit for whether on a beat, and one for whether long."""
        chord, struck = self.own[onsets], self._struck(self.struck, onsets, lengths)
        if self.starts:
            alone = np.isin(onsets, list(self.starts)) | np.isin(onsets + lengths, list(self.cuts))
            chord = np.where(alone, chord, self.shared[onsets])
            struck = np.where(alone, struck, self._struck(self.all_struck, onsets, lengths))
        long = lengths >= LONG * self.beats[onsets]
        return np.asarray(((chord << 12 | struck) << 2) + 2 * self.on_beat[onsets] + long)

    @staticmethod
    def _struck(struck: Ints, onsets: Ints, lengths: Ints) -> Ints:
        """(n, m) the pitch classes that are in every chord of a strong beat which an event sounds through."""
        ends = np.minimum(onsets + lengths, len(struck))
        common = np.zeros(np.broadcast_shapes(onsets.shape, lengths.shape), np.int64)
        for tone in range(12):
            clashes = np.append(0, np.cumsum(struck >> tone & 1 ^ 1))
            common |= (clashes[ends] == clashes[onsets]).astype(np.int64) << tone
        return common

    def transitions(self, symbol: int) -> Ints:
        """Whether the step that had to follow did, and whether one has to follow this note."""
        interval = self.context.intervals
        table = np.full((self.states, len(interval), len(self.context.pitches) + 1), NO)
        table[..., self.context.rest] = np.arange(self.states)[:, None]
        chord, struck, on_beat, long = symbol >> 14, symbol >> 2 & ALL, symbol >> 1 & 1, symbol & 1
        fits = (struck >> self.context.pitches % 12 & 1).astype(np.bool_)
        tone = fits & (chord >> self.context.pitches % 12 & 1).astype(np.bool_)
        follows = np.full(interval.shape, NO)  # the step after a note outside the chord has to go on from this one
        for number, step in enumerate(STEPS if not long else ()):
            follows[interval == step] = FIRST_STEP + number + len(STEPS) * on_beat
        arrives = np.where(tone, ANY_NOTE, np.where(fits, follows, NO))
        table[ANY_NOTE, :, :-1] = arrives
        for number, step in enumerate(STEPS):
            left = np.isin(interval, STEPS) & (np.sign(interval) == np.sign(step)) | (interval == -step)
            table[FIRST_STEP + number, :, :-1] = np.where(left, arrives, NO)
            after_beat = np.where(left & (tone | (not on_beat)), arrives, NO)
            table[FIRST_STEP + number + len(STEPS), :, :-1] = after_beat
        return table

    def ends(self) -> Flags:
        """Not on a note that is passing."""
        return np.equal(np.arange(self.states), ANY_NOTE)[:, None]


def _check(values: Values, bars: RequestedBars) -> None:
    chart: Chart = values["chords"]
    if bars.number and len(chart) > bars.number:
        raise RequestError(f"chords are of {len(chart)} bars, but {bars.number} are requested")
    for meter, chords in zip(bars.meters_of(len(chart)), chart, strict=False):
        if len(chords) > meter.bar_ticks // beat_ticks(meter):
            raise RequestError(f"chords: {len(chords)} in a bar are more than the beats of {meter}")


SPEC = RuleSpec(
    name="chords", label="chords", type=Chart, example="G | C | D7 G | G", parse=parse_chords, write=format_chords,
    in_key=in_key,
    help='Chords that the melody fits: "G | C | D7 G | %", or in a key "I | IV | V7 I | I".',
    guarantee="The chart has a bar between two lines; it starts at bar 1, and again if the melody has more bars. Of n "
    "chords in a bar of b beats, chord k from 0 enters on beat ceil(k * b / n), counted from 0; beats are dotted in "
    "compound meters. A note is a tone of the chord at each strong beat on which it begins or through which it "
    "sounds. It is a tone of the chord at its onset, too, or is passing (reached by a step of 1 or 2 semitones, and "
    "left by one in the same direction) or neighbouring (a step away from the note before, and back to that pitch); "
    "such a note is shorter than two beats, and of two in a row not both begin on a beat. Rests between them change "
    "nothing. The first note and the last are chord tones. The bass of G/B is a chord tone, too. A pickup has "
    "no chord, nor has N.C.: a note that begins there is free until the next strong beat with a chord. Roman numerals "
    "and Nashville numbers refer to the key.",
    build=lambda context, values: Chords(context, values["chords"]),
    check=_check,
    finish=lambda melody, values: replace(melody, chords=chord_symbols(melody, values["chords"])),
    by_bar=True,
)  # fmt: skip
