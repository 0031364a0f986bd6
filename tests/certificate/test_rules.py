"""Each rule on melodies that keep it, and on the same melodies after a change that breaks it.

A case is a strategy of melodies with a request that they keep, and a change. Both are made without the code under test:
the melody is built to keep the rule, or what is asked for is read off it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from melodysynthesis import formats
from melodysynthesis.certificate import CHECKS, Location, Verdict, certify
from melodysynthesis.formats import json as melody_json
from melodysynthesis.generation.request import Request
from melodysynthesis.music import TICKS_PER_QUARTER, Key, Melody, Meter, Note
from melodysynthesis.notation import format_pitch
from melodysynthesis.theory import NAMED_SCALES, is_strong, metric_weight
from tests.certificate.tunes import in_bars, tunes, with_note, with_pitches

CASES: dict[str, Any] = {}


@dataclass
class Case:
    """A melody that keeps a rule, and one that does not: at `note`, counted from 0, or anywhere for None."""

    melody: Melody
    fields: dict[str, Any]
    broken: Melody
    note: int | None = None
    originality: dict[str, Any] | None = None
    broken_originality: dict[str, Any] | None = None


def case(strategy):
    """Put a strategy of `Case` among the cases; its name is the rule's."""
    CASES[strategy.__name__.removesuffix("_")] = st.composite(strategy)()
    return strategy


def quarters(ticks):
    return str(Fraction(ticks, TICKS_PER_QUARTER))


def a_note(draw, melody, first=0, last=None):
    return draw(st.integers(first, (len(melody) if last is None else last) - 1))


def meter_of_bar(melody):
    return [bar.meter for bar in melody.bars() if bar.number]


@case
def key(draw):
    melody = draw(tunes())
    other = draw(st.sampled_from([k for k in (Key("A"), Key("C", "lydian"), None) if k != melody.key]))
    fields = {"key": str(melody.key)}
    return Case(melody, fields, replace(melody, key=other or Key("B", "minor")))


@case
def meter(draw):
    melody = draw(tunes().filter(lambda melody: len(melody.meters) == 1))
    number = draw(st.integers(1, len(meter_of_bar(melody))))
    meters = meter_of_bar(melody)
    meters[number - 1 :] = [Meter(0, 7, 4)]
    broken = in_bars([], meters, melody.pickup, melody.key)
    return Case(melody, {"meter": str(melody.meters[0])}, broken)


@case
def meters(draw):
    melody = draw(tunes())
    there = meter_of_bar(melody)
    fields = {"meters": ", ".join(f"{meter.beats}/{meter.beat_unit} x1" for meter in there)}
    if draw(st.booleans()):
        return Case(melody, fields, in_bars([], [*there, there[-1]], melody.pickup))
    number = draw(st.integers(0, len(there) - 1))
    there[number] = Meter(0, 11, 4)
    return Case(melody, fields, in_bars([], there, melody.pickup))


@case
def pickup(draw):
    melody = draw(tunes())
    first = melody.meters[0]
    other = draw(st.integers(0, first.bar_ticks - 1).filter(lambda ticks: ticks != melody.pickup))
    fields = {"pickup": melody.pickup, "meter": str(first)}
    return Case(melody, fields, replace(melody, pickup=other))


@case
def bars(draw):
    melody = draw(tunes())
    count = len(meter_of_bar(melody))
    last = melody.meters[-1].bar_ticks
    longer = replace(melody, duration=melody.duration + draw(st.integers(1, last)))
    return Case(melody, {"bars": count}, longer)


@case
def primers(draw):
    melody = draw(tunes(min_notes=3))
    count = draw(st.integers(1, len(melody) - 1))
    primer = Melody(melody.notes[:count], melody.notes[count - 1].end)
    number = a_note(draw, melody, 0, count)
    changed = with_note(melody, number, pitch=melody.notes[number].pitch + draw(st.sampled_from((-12, 1, 5))))
    return Case(melody, {"primers": [melody_json.to_dict(primer)]}, changed)


@case
def rewrite(draw):
    melody = draw(tunes(min_notes=4, min_bars=2))
    there = [bar for bar in melody.bars() if bar.number]
    first = draw(st.integers(0, len(there) - 1))
    last = draw(st.integers(first, len(there) - 1))
    start, end = there[first].start, there[last].end
    inside = [number for number, note in enumerate(melody.notes) if start <= note.onset < end]
    outside = [number for number in range(len(melody)) if number not in inside]
    assume(outside)
    new = melody
    for number in inside:
        new = with_note(new, number, pitch=draw(st.integers(55, 79)))
    number = draw(st.sampled_from(outside))
    fields = {"within": melody_json.to_dict(melody), "rewrite": f"{first + 1}-{last + 1}"}
    return Case(new, fields, with_note(new, number, pitch=melody.notes[number].pitch + 1))


@case
def scale(draw):
    melody = draw(tunes())
    name = draw(st.sampled_from([name for name in NAMED_SCALES if name != "chromatic"]))
    classes = [(melody.key.pitch_class + above) % 12 for above in NAMED_SCALES[name]]
    outside = [other for other in range(12) if other not in classes]
    pitches = [60 + draw(st.sampled_from(classes)) for _ in melody.notes]
    chosen = draw(st.sets(st.integers(0, len(pitches) - 1)))
    assume(len(chosen) < len(pitches))
    for number in chosen:
        pitches[number] = 48 + draw(st.sampled_from(outside))
    kept = with_pitches(melody, pitches)
    number = draw(st.sampled_from([n for n in range(len(pitches)) if n not in chosen]))
    fields = {"scale": name, "key": str(melody.key), "chromatic": len(chosen)}
    return Case(kept, fields, with_note(kept, number, pitch=72 + draw(st.sampled_from(outside))), number)


@case
def range_(draw):
    melody = draw(tunes())
    low, high = min(melody.pitches) - draw(st.integers(0, 3)), max(melody.pitches) + draw(st.integers(0, 3))
    number = a_note(draw, melody)
    beyond = draw(st.sampled_from((low - 1, high + 1, low - 12, high + 12)))
    fields = {"range": f"{format_pitch(low)}-{format_pitch(high)}"}
    return Case(melody, fields, with_note(melody, number, pitch=beyond), number)


@case
def max_leap(draw):
    melody = draw(tunes())
    limit = max(abs(b - a) for a, b in pairwise(melody.pitches)) + draw(st.integers(0, 2))
    number = a_note(draw, melody, 1)
    leap = (limit + 1) * draw(st.sampled_from((-1, 1)))
    pitch = melody.notes[number - 1].pitch + leap
    assume(0 <= pitch <= 127)
    return Case(melody, {"max_leap": limit}, with_note(melody, number, pitch=pitch), number)


@case
def leap_recovery(draw):
    melody = draw(tunes(min_notes=3))
    pitches = [60 + draw(st.integers(0, 7)) for _ in melody.notes]
    number = a_note(draw, melody, 1, len(melody) - 1)
    way = draw(st.sampled_from((-1, 1)))
    pitches[number] = pitches[number - 1] + way * draw(st.integers(8, 15))
    pitches[number + 1] = pitches[number] - way * draw(st.integers(1, 2))
    for later in range(number + 2, len(pitches)):
        pitches[later] = pitches[number + 1] + draw(st.integers(-3, 3))
    kept = with_pitches(melody, pitches)
    after = pitches[number] + way * draw(st.sampled_from((0, 1, 2, -3, -8)))
    return Case(kept, {"leap_recovery": True}, with_note(kept, number + 1, pitch=after), number + 1)


@case
def contour(draw):
    melody = draw(tunes())
    count = a_note(draw, melody, 1)
    signs = [{1: "+", 0: "0", -1: "-"}[(b > a) - (b < a)] for a, b in pairwise(melody.pitches[: count + 1])]
    whole = count == len(melody) - 1 and draw(st.booleans())
    number = a_note(draw, melody, 1, count + 1)
    before = melody.notes[number - 1].pitch
    pitch = before + {"+": -1, "0": 1, "-": 0}[signs[number - 1]]
    fields = {"contour": " ".join(signs) + (" ." if whole else "")}
    return Case(melody, fields, with_note(melody, number, pitch=pitch), number)


@case
def fixed(draw):
    melody = draw(tunes())
    numbers = sorted(draw(st.sets(st.integers(0, len(melody) - 1), min_size=1, max_size=3)))
    words = [f"{place_of(melody, melody.notes[n].onset)}:{format_pitch(melody.notes[n].pitch)}" for n in numbers]
    number = draw(st.sampled_from(numbers))
    if draw(st.booleans()):
        changed = with_note(melody, number, pitch=melody.notes[number].pitch + draw(st.integers(1, 12)))
        return Case(melody, {"fixed": " ".join(words)}, changed, number)
    without = replace(melody, notes=melody.notes[:number] + melody.notes[number + 1 :])
    return Case(melody, {"fixed": " ".join(words)}, without)


def place_of(melody, tick):
    """Bar and beat as `fixed` has them."""
    bar = next(bar for bar in melody.bars() if bar.start <= tick < bar.end)
    position = tick - (bar.end - bar.meter.bar_ticks if bar.number == 0 else bar.start)
    return f"{bar.number}.{1 + Fraction(position, beat_of(bar.meter))}"


def beat_of(meter):
    """Ticks of a beat: three eighths in 6/8, 9/8 and 12/8, else the unit of the meter."""
    return {6: 36, 9: 36, 12: 36}.get(meter.beats if meter.beat_unit == 8 else 0, 96 // meter.beat_unit)


@case
def chords(draw):
    """Every note is of its chord, or one of three in a row is a passing or neighbour note on a weak place."""
    melody = draw(tunes(min_notes=3))
    count = len(meter_of_bar(melody))
    symbols = draw(st.lists(st.sampled_from(("C", "Am", "G7", "Dm")), min_size=count, max_size=count))
    tones = {"C": (60, 64, 67), "Am": (57, 60, 64), "G7": (55, 59, 62, 65), "Dm": (62, 65, 69)}
    pitches, places = [], []
    ends = [min([tick for tick in strong_ticks(melody) if tick > note.onset] + [note.end]) for note in melody.notes]
    cut = (
        note._replace(duration=min(note.end, end) - note.onset) for note, end in zip(melody.notes, ends, strict=True)
    )
    melody = replace(melody, notes=tuple(cut))
    for note in melody.notes:
        bar = next(bar for bar in melody.bars() if bar.start <= note.onset < bar.end)
        position = note.onset - bar.start
        places.append(bar.number and (symbols[bar.number - 1], is_strong(bar.meter, position)))
        pitches.append(draw(st.sampled_from(tones[symbols[bar.number - 1]] if bar.number else (61, 63))))
    fields = {"chords": " | ".join(symbols)}
    for number in range(1, len(pitches) - 1):
        weak = places[number] and not places[number][1]
        before, after = pitches[number - 1], pitches[number + 1]
        if weak and abs(after - before) == 4:  # a passing note
            pitches[number] = (before + after) // 2
        elif weak and after == before:  # a neighbour
            pitches[number] = before + draw(st.sampled_from((-2, -1, 1, 2)))
    # A change above may have moved a note that another one leans on: such melodies are left out.
    number = draw(st.sampled_from([n for n in range(len(pitches)) if places[n]] or [None]))
    assume(number is not None and leans_well(melody, pitches, places))
    kept = with_pitches(melody, pitches)
    return Case(kept, fields, with_note(kept, number, pitch=90), number)  # F#6: in none of the chords, and a leap away


CLASSES = {"C": {0, 4, 7}, "Am": {9, 0, 4}, "G7": {7, 11, 2, 5}, "Dm": {2, 5, 9}}


def strong_ticks(melody):
    return [
        bar.start + position
        for bar in melody.bars()
        if bar.number
        for position in range(bar.end - bar.start)
        if is_strong(bar.meter, position)
    ]


def is_on_beat(melody, tick):
    return "/" not in place_of(melody, tick)


def leans_well(melody, pitches, places):
    """The rule once more, as briefly as it can be put, for notes that sound through no strong beat."""
    outside = [place and pitch % 12 not in CLASSES[place[0]] for pitch, place in zip(pitches, places, strict=True)]
    on_beat = [is_on_beat(melody, note.onset) for note in melody.notes]
    if any(all(pair) for pair in pairwise([one and other for one, other in zip(outside, on_beat, strict=True)])):
        return False
    beats = [beat_of(melody.meter_at(note.onset)) for note in melody.notes]
    if any(one and note.duration >= 2 * beat for one, note, beat in zip(outside, melody.notes, beats, strict=True)):
        return False
    for number, (pitch, place) in enumerate(zip(pitches, places, strict=True)):
        if not place or pitch % 12 in CLASSES[place[0]]:
            continue
        around = pitches[max(number - 1, 0) : number + 2]
        steps = [b - a for a, b in pairwise(around)]
        good = len(steps) == 2 and all(0 < abs(step) <= 2 for step in steps)
        passing = good and (steps[0] > 0) == (steps[1] > 0)
        neighbour = good and steps[0] == -steps[1]
        if place[1] or not (passing or neighbour):
            return False
    return True


@case
def cadence(draw):
    """Whole bars, then a bar whose first note is the tonic."""
    melody = draw(tunes(min_notes=3))
    melody = replace(melody, key=draw(st.sampled_from((Key("C"), Key("G"), Key("Eb", "mixolydian")))))
    last = melody.meters[-1]
    start = melody.duration
    tonic = 60 + melody.key.pitch_class
    before = tonic + draw(st.sampled_from((2, 7, 11 if melody.key.mode == "major" else 10, -1, -5)))
    notes = [*melody.notes[:-1], melody.notes[-1]._replace(pitch=before), Note(start, last.bar_ticks, tonic)]
    meters = [*meter_of_bar(melody), last]
    kept = in_bars(notes, meters, 0, melody.key)
    number = len(notes) - 1
    how = draw(st.integers(0, 3))
    if how == 0:
        broken = with_note(kept, number, pitch=tonic + draw(st.integers(1, 11)))
    elif how == 1:
        broken = with_note(kept, number, duration=6)
    elif how == 2:
        broken = with_note(kept, number, onset=start + 5, duration=last.bar_ticks - 5)
    else:
        broken, number = (
            with_note(kept, number - 1, pitch=tonic + draw(st.sampled_from((0, 3, 4, 5, 8, 9)))),
            number - 1,
        )
    return Case(kept, {"cadence": True, "key": str(melody.key)}, broken, number)


@case
def durations(draw):
    melody = draw(tunes())
    lengths = {note.duration for note in melody.notes}
    number = a_note(draw, melody)
    assume(melody.notes[number].duration > 1)
    other = draw(st.integers(1, melody.notes[number].duration - 1).filter(lambda ticks: ticks not in lengths))
    fields = {"durations": " ".join(map(quarters, sorted(lengths)))}
    return Case(melody, fields, with_note(melody, number, duration=other), number)


@case
def max_note(draw):
    melody = draw(tunes())
    number = a_note(draw, melody)
    later = [note.onset for note in melody.notes[number + 1 :]] + [melody.duration]
    longer = later[0] - melody.notes[number].onset
    assume(longer > 1)
    kept = with_note(melody, number, duration=draw(st.integers(1, longer - 1)))
    limit = max(note.duration for note in kept.notes)
    assume(limit < longer)
    return Case(kept, {"max_note": quarters(limit)}, with_note(kept, number, duration=longer), number)


@case
def max_rest(draw):
    melody = draw(tunes(min_notes=3))
    number = a_note(draw, melody)
    limit = max((length for _, length in gaps(melody)), default=0) + draw(st.integers(1, 30))
    broken = replace(melody, notes=melody.notes[:number] + melody.notes[number + 1 :])
    assume(max(length for _, length in gaps(broken)) > limit)
    return Case(melody, {"max_rest": quarters(limit)}, broken)


@case
def rests(draw):
    melody = draw(tunes(rests=False))
    number = a_note(draw, melody)
    without = replace(melody, notes=melody.notes[:number] + melody.notes[number + 1 :])
    return Case(melody, {"rests": False}, without)


@case
def ties_over_bars(draw):
    melody = draw(tunes(min_bars=2))
    lines = [bar.start for bar in melody.bars()][1:]
    notes = []
    for note in melody.notes:
        line = next((line for line in lines if note.onset < line < note.end), note.end)
        notes.append(note._replace(duration=line - note.onset))
    kept = replace(melody, notes=tuple(notes))
    line = draw(st.sampled_from(lines))
    onset, end = line - draw(st.integers(1, 3)), line + draw(st.integers(1, 3))
    around = [note for note in notes if note.end <= onset or note.onset >= end]
    broken = replace(melody, notes=tuple(sorted([*around, Note(onset, end - onset, 60)])))
    return Case(kept, {"ties_over_bars": False}, broken, broken.notes.index((onset, end - onset, 60)))


@case
def max_syncopation(draw):
    melody = draw(tunes())
    count = sum(is_syncopated(melody, note) for note in melody.notes)
    fields = {"max_syncopation": count}
    line = melody.pickup + melody.meters[0].bar_ticks
    assume(line + 24 < melody.duration and len(melody.meters) == 1)
    across = Note(line - 1, 2, 60)  # from just before a bar line
    around = [note for note in melody.notes if note.end <= across.onset or note.onset >= across.end]
    gone = [note for note in melody.notes if note not in around]
    assume(not any(is_syncopated(melody, note) for note in gone))
    return Case(melody, fields, replace(melody, notes=tuple(sorted([*around, across]))))


def is_syncopated(melody, note):
    def strength(tick):
        bar = next(bar for bar in melody.bars() if bar.start <= tick < bar.end)
        return metric_weight(bar.meter, tick - (bar.end - bar.meter.bar_ticks if bar.number == 0 else bar.start))

    return max(map(strength, range(note.onset, note.end))) > strength(note.onset)


@case
def rhythm(draw):
    """The rhythm of a bar or two, all along, the pickup with its end."""
    first = draw(tunes(max_bars=2).filter(lambda melody: not melody.pickup and len(melody.meters) == 1))
    period, times = first.duration, draw(st.integers(1, 3))
    parts = sorted([(n.onset, n.duration, True) for n in first.notes] + [(*gap, False) for gap in gaps(first)])
    notes = [note._replace(onset=note.onset + k * period) for k in range(times) for note in first.notes]
    edges = [onset for onset, _, _ in parts if period - onset < first.meters[0].bar_ticks]
    pickup = period - draw(st.sampled_from([*edges, period]))
    meters = meter_of_bar(first) * times
    melody = turned(notes, meters, pickup, first.key) if pickup else in_bars(notes, meters, 0, first.key)
    number = a_note(draw, melody)
    length = melody.notes[number].duration
    assume(length > 1)
    fields = {"rhythm": " ".join(("" if sounds else "r:") + quarters(ticks) for _, ticks, sounds in parts)}
    return Case(melody, fields, with_note(melody, number, duration=draw(st.integers(1, length - 1))))


@case
def grouping(draw):
    """5/4 in two groups, and bars that have other beats."""
    kept = in_bars([Note(0, 24, 60)], [Meter(0, 5, 4)] * draw(st.integers(1, 3)), 0, None)
    broken = in_bars([Note(0, 24, 60)], [Meter(0, 3, 4)] * draw(st.integers(1, 3)), 0, None)
    return Case(kept, {"grouping": draw(st.sampled_from(["3+2", "2+3"]))}, broken)


@case
def first_degree(draw):
    melody, degree = draw(tunes()), draw(st.integers(1, 7))
    key = Key(melody.key.tonic, "major")
    above = (0, 2, 4, 5, 7, 9, 11)[degree - 1]
    kept = with_note(melody, 0, pitch=60 + (key.pitch_class + above) % 12)
    off = kept.notes[0].pitch + draw(st.integers(1, 11))
    return Case(kept, {"key": str(key), "first_degree": degree}, with_note(kept, 0, pitch=off), 0)


@case
def climax(draw):
    """The highest pitch, 80, in one bar, which is broken by one note elsewhere or by none there."""
    melody = draw(tunes(min_notes=3))
    bars = [bar for bar in melody.bars() if bar.number]
    number = a_note(draw, melody)
    bar = next((bar for bar in bars if bar.start <= melody.notes[number].onset < bar.end), None)
    assume(bar is not None)
    fields = {"climax": f"{bar.number}:G#5"}
    kept, other = with_note(melody, number, pitch=80), a_note(draw, melody)
    outside = not bar.start <= melody.notes[other].onset < bar.end
    broken = with_note(kept, other, pitch=80 if outside else 81)
    return Case(kept, fields, broken, other)


@case
def density(draw):
    melody = draw(tunes())
    bars = [bar for bar in melody.bars() if bar.number]
    counts = [sum(bar.start <= note.onset < bar.end for note in melody.notes) for bar in bars]
    assume(max(counts) > 1)
    least, most = min([*counts[:-1], max(counts)]), max(counts)
    fewer = [note for note in melody.notes if note.onset < bars[0].start or note.onset >= bars[0].end]
    assume(least and len(bars) > 1 and fewer)
    return Case(melody, {"density": f"{least}-{most}"}, replace(melody, notes=tuple(fewer)))


@case
def tessitura(draw):
    melody = draw(tunes(min_notes=3))
    high = draw(st.sampled_from(range(len(melody))))
    kept = with_note(with_pitches(melody, [60] * len(melody)), high, pitch=draw(st.integers(61, 90)))
    other = high + 1 if high + 1 < len(melody) else high - 1
    return Case(kept, {"tessitura": "C4-C4"}, with_note(kept, other, pitch=59), max(high, other))


@case
def phrases(draw):
    melody = draw(tunes(min_bars=2))
    starts = [bar.start - melody.pickup for bar in melody.bars() if bar.number]
    first = draw(st.integers(1, len(starts) - 1))
    cut, rests = starts[first], draw(st.booleans())
    before = [note._replace(duration=min(note.duration, cut - rests - note.onset)) for note in melody.notes
              if note.onset < cut - rests]  # fmt: skip
    after = [note for note in melody.notes if note.onset >= cut]
    assume(before and after)
    fields = {"phrases": f"{first} {len(starts) - first}", **({"phrase_rests": True} if rests else {})}
    kept = replace(melody, notes=(*before, *after))
    if rests:
        return Case(kept, fields, with_note(kept, len(before) - 1, duration=cut - before[-1].onset))
    across = before[-1]._replace(duration=cut + 1 - before[-1].onset)
    later = [note for note in after if note.onset > cut]
    return Case(kept, fields, replace(melody, notes=(*before[:-1], across, *later)), len(before) - 1)


@case
def returning_motif(draw):
    """Two notes that touch, as a motif that comes as often as it does, and is broken by another duration of one."""
    melody = draw(tunes(rests=False, min_notes=3))
    number = a_note(draw, melody, 0, len(melody) - 1)
    one, other = melody.notes[number : number + 2]
    sizes = [(b.pitch - a.pitch, a.duration, b.duration) for a, b in pairwise(melody.notes)]
    times = sizes.count((other.pitch - one.pitch, one.duration, other.duration))
    assume(times <= 16)
    fields = {"returning_motif": f"C4:{quarters(one.duration)} {format_pitch(60 + other.pitch - one.pitch)}:"
                       f"{quarters(other.duration)}", "returns": times}  # fmt: skip
    return Case(melody, fields, with_note(melody, number, duration=one.duration - 1))


def gaps(melody):
    ends, onsets = [0, *(note.end for note in melody.notes)], [*(note.onset for note in melody.notes), melody.duration]
    return [(end, onset - end) for end, onset in zip(ends, onsets, strict=True) if onset > end]


def turned(notes, meters, pickup, key):
    """The melody whose end, as long as the pickup, stands at its start."""
    whole = in_bars(notes, meters)
    cut = whole.duration - pickup
    late = [note._replace(onset=note.onset - cut) for note in notes if note.onset >= cut]
    early = [note._replace(onset=note.onset + pickup) for note in notes if note.onset < cut]
    return in_bars([*late, *early], meters, pickup, key)


@case
def form(draw):
    first = draw(tunes(min_bars=2, max_bars=2))
    assume(len(first.meters) == 1)
    # Another section of the same meter and pickup: some of the first one's notes, at other pitches.
    heard = [note for number, note in enumerate(first.notes) if not number or draw(st.booleans())]
    second = replace(first, notes=tuple(note._replace(pitch=draw(st.integers(55, 79))) for note in heard))
    number = a_note(draw, first)
    varied = with_note(first, number, pitch=first.notes[number].pitch + 1)
    parts = {"A": first, "B": second, "A'": varied}
    places = {name: {(note.onset, note.pitch) for note in part.notes} for name, part in parts.items()}
    assume(all(4 * len(places["B"] & places[name]) <= 3 * len(second.notes) for name in ("A", "A'")))
    order = draw(st.sampled_from((("A", "A"), ("A", "B", "A"), ("A", "A'", "B", "A'"), ("A", "A", "B", "A'"))))
    length = first.duration
    notes = [n._replace(onset=n.onset + k * length) for k, name in enumerate(order) for n in parts[name].notes]
    kept = in_bars(notes, meter_of_bar(first) * len(order), first.pickup, first.key)
    start = (len(order) - 1) * length
    last = [number for number, note in enumerate(kept.notes) if note.onset >= start]
    chosen = draw(st.sampled_from(last))
    duration = kept.notes[chosen].duration
    assume(duration > 1)
    return Case(kept, {"form": "".join(order)}, with_note(kept, chosen, duration=duration - 1))


def copied(draw, name, kind):
    melody = draw(tunes(min_notes=3))
    limit = draw(st.integers(1, len(melody) - 1))
    number = draw(st.integers(0, len(melody) - limit - 1))
    place = {"first_note": number + 1, "last_note": number + limit + 1}
    shared = {"longest_run": limit, "place": place, "tune": 3, "name": "a tune"}
    other = {"longest_run": len(melody), "place": place, "tune": 3, "name": "a tune"}
    kept, broken = (
        {"rhythm": other, "interval": other} | {kind: one} for one in (shared, {**shared, "longest_run": limit + 1})
    )
    return Case(melody, {name: limit}, melody, number, kept, broken)


@case
def max_copy(draw):
    return copied(draw, "max_copy", "rhythm")


@case
def max_copy_pitches(draw):
    return copied(draw, "max_copy_pitches", "interval")


@case
def lyrics(draw):
    melody = draw(tunes(min_notes=4, min_bars=2))
    sung = sorted(draw(st.sets(st.integers(0, len(melody) - 1), min_size=4, max_size=14)))
    words = draw(st.lists(st.sampled_from(("la", "sol", "mi,", "grün!")), min_size=len(sung), max_size=len(sung)))
    first = draw(st.integers(1, len(sung) - 1))
    placed = tuple((melody.notes[note].onset, word) for note, word in zip(sung, words, strict=True))
    ends = tuple(sorted({melody.notes[sung[first] - 1].end, melody.duration}))
    kept = replace(melody, lyrics=placed, phrase_ends=ends)
    fields = {
        "lyrics": f"{' '.join(words[:first])} / {' '.join(words[first:])}", "language": "de",
        "primers": [melody_json.to_dict(melody)],  # so that no meter or bars follow from the text
    }  # fmt: skip
    change = draw(st.integers(0, len(placed) - 1))
    missing = placed[:change] + placed[change + 1 :]
    other = (*placed[:change], (placed[change][0], "do"), *placed[change + 1 :])
    return Case(kept, fields, replace(kept, lyrics=draw(st.sampled_from((missing, other)))))


def written(fields):
    return Request(**fields).model_dump(mode="json")


def finding_of(rule, melody, fields, originality=None):
    certificate = certify(melody, written(fields), originality)
    return next(finding for finding in certificate.findings if finding.rule == rule)


def test_every_rule_has_a_case():
    assert set(CASES) == {rule.field for rule in CHECKS}


SLOW = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow]
)


@pytest.mark.parametrize("rule", CASES)
@SLOW
@given(st.data())
def test_a_melody_that_keeps_the_rule(rule, data):
    case = data.draw(CASES[rule])
    finding = finding_of(rule, case.melody, case.fields, case.originality)
    assert (finding.verdict, finding.breaches) == (Verdict.KEPT, ())


@pytest.mark.parametrize("rule", CASES)
@SLOW
@given(st.data())
def test_a_melody_that_breaks_it(rule, data):
    case = data.draw(CASES[rule])
    finding = finding_of(rule, case.broken, case.fields, case.broken_originality)
    assert finding.verdict is Verdict.BROKEN
    if case.note is not None:
        assert case.note + 1 in [breach.place.note for breach in finding.breaches]
    assert all(isinstance(breach.place, Location) and breach.found and breach.expected for breach in finding.breaches)


@SLOW
@given(st.data())
def test_the_certificate_of_a_file_is_that_of_the_melody_in_every_format(data):
    case = data.draw(CASES[data.draw(st.sampled_from(sorted(CASES)))])
    for melody in (case.melody, case.broken):
        assume(melody.notes)
        expected = certify(melody, written(case.fields), case.originality)
        for name in ("midi", "musicxml", "abc", "kern", "json"):
            (read,) = formats.read_bytes(formats.to_bytes(melody, name), name, name).melodies
            assert certify(read, written(case.fields), case.originality) == expected, name
