"""Finds the chords of a melody: the likeliest of each moment by the model of harmony, and others.

A *slot* is a stretch of the melody that has one chord: a beat, half a bar or a bar. Each slot is scored by the melody
notes that sound in it, above all on its strong beats. Phrases end with the successions of cadences, and the melody ends
on the tonic chord if its last note allows.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.errors import RequestError, unknown
from melodysynthesis.harmony.model import Floats, HarmonyModel, load, mode_of
from melodysynthesis.music import TICKS_PER_QUARTER, Key, Melody
from melodysynthesis.theory import SCALES, beat_ticks, find_key, is_strong
from melodysynthesis.theory.chords import Chord, quality_semitones

HARMONIC_RHYTHMS = ("bar", "half", "beat")
"""How often the chord may change."""
SPICE = range(4)
"""0: triads of the key and the dominant seventh; 1: as in the chorales; 2: more sevenths and secondary dominants; 3: as
2, with sixths, sevenths and ninths added where the melody allows."""
MAX_ALTERNATIVES = 20

STAY = {"bar": 0.35, "half": 0.45}
"""Probability that a chord goes on in the next slot; by the beat it is learnt."""
CLASH, CLASH_BY_BEAT = 4.0, 3.0
"""Penalty of a chord, in nats, for a note on a strong beat that is foreign to it; the note's probability counts too."""
START, FINAL = 2.0, 8.0
"""Added to the tonic triad at the start and at the end."""
NOTES = 0.7
"""Weight of the melody notes relative to the successions: notes over one chord are not independent."""
PASSING, FOREIGN = 2.0, 1.5
"""Taken, where a slot is longer than a beat, from chords that chorales have in passing: diminished ones and sevenths
but V7 and ii7; and from chords with tones outside the key."""
DIFFERENT = 2.5
"""Taken from a chord that another alternative has in the same slot."""
SPICY = 0.8
"""Added to chords with a seventh and to secondary dominants from spice 2 on."""
PARALLEL = 4.0
"""Taken from a succession in which root and melody move in parallel fifths or octaves, where chords are longer than a
beat. By the beat, as in chorales, inversions avoid them, which the model's chords don't say."""
CADENCE = 1.5
"""Added at the end of a phrase to the tonic triad and to the dominant triad, as a half cadence."""
PHRASE_BARS = 4
"""Bars of a phrase where the melody says no phrases."""


FIFTH = 7
Run = tuple[int, int, Chord]


class ChordSlot(NamedTuple):
    """A stretch of one chord, in ticks; `ends_phrase` where the last note of a phrase begins, `holds` after that."""

    start: int
    end: int
    strong: bool
    ends_phrase: bool = False
    holds: bool = False


def harmonise(
    melody: Melody,
    *,
    key: Key | None = None,
    harmonic_rhythm: str | None = None,
    spice: int = 1,
    alternatives: int = 1,
) -> list[Melody]:
    """The melody with chords, in so many ways: the likeliest first, each unlike the ones before it.

    Args:
        melody: a melody with a meter. Its own chords are replaced.
        key: by default the melody's, else the one that fits best.
        harmonic_rhythm: one of `HARMONIC_RHYTHMS`; by default half a bar where that is two beats or more, else a bar.
        spice: one of `SPICE`.
        alternatives: from 1 to `MAX_ALTERNATIVES`.

    Raises:
        RequestError: if the melody has no notes or no meter, or an argument is none of these.
    """
    if not melody.notes:
        raise RequestError("the melody has no notes, so no chords are found for it")
    if not melody.meters:
        raise RequestError("the melody has no meter, so no bars for chords: give one, such as 4/4")
    if harmonic_rhythm not in (None, *HARMONIC_RHYTHMS):
        raise RequestError(unknown("harmonic rhythm", str(harmonic_rhythm), HARMONIC_RHYTHMS))
    if spice not in SPICE:
        raise RequestError(f"spice {spice!r}: expected a whole number from 0 to {SPICE[-1]}")
    if not 1 <= alternatives <= MAX_ALTERNATIVES:
        raise RequestError(f"alternatives {alternatives!r}: expected a whole number from 1 to {MAX_ALTERNATIVES}")
    key = key or melody.key or find_key(melody)
    assert key is not None  # there are notes
    model, slots = load(mode_of(key)), slots_of(melody, harmonic_rhythm)
    sung = sung_at(melody, slots, key)
    scores = slot_scores(model, melody, slots, key, CLASH_BY_BEAT if harmonic_rhythm == "beat" else CLASH)
    scores += _taste(model, spice, plain=harmonic_rhythm != "beat")
    scores[0] += START * model.is_tonic
    found = []
    for _ in range(alternatives):
        path = likeliest(model, scores, slots, sung, harmonic_rhythm)
        scores[np.arange(len(slots)), path] -= DIFFERENT * (np.array([not slot.holds for slot in slots]))
        runs = _runs(slots, [model.chord(state, key) for state in path])
        if spice == SPICE[-1]:
            runs = [_enriched(run, key, melody) for run in runs[:-1]] + runs[-1:]
        found.append(replace(melody, chords=tuple((start, str(chord)) for start, _, chord in runs)))
    return found


def slots_of(melody: Melody, harmonic_rhythm: str | None) -> list[ChordSlot]:
    """The slots of a melody, from the first full bar on; a pickup has no chord, unless it is all there is."""
    places: list[tuple[int, bool]] = []
    for bar in melody.bars():
        if bar.number == 0 and bar.end < melody.duration:
            continue
        beat = beat_ticks(bar.meter)
        beats = bar.meter.bar_ticks // beat
        half = beats // 2 if beats % 2 == 0 and bar.meter.bar_ticks > 2 * TICKS_PER_QUARTER else beats
        each = {"beat": 1, "half": half, "bar": beats}[harmonic_rhythm or "half"] * beat
        places += [(tick, is_strong(bar.meter, tick - bar.start)) for tick in range(bar.start, bar.end, each)]
    places = _with_endings(places, melody)
    starts = [tick for tick, _ in places]
    ends = [*starts[1:], melody.duration]
    final, held = set[int](), set[int]()
    for phrase_end, last in _endings(melody):
        if not starts or last < starts[0]:
            continue
        slot = bisect_right(starts, last) - 1
        final.add(slot)
        held |= set(range(slot + 1, bisect_right(starts, phrase_end - 1)))
    return [
        ChordSlot(start, end, strong, number in final, number in held - final)
        for number, ((start, strong), end) in enumerate(zip(places, ends, strict=True))
    ]


def _with_endings(places: list[tuple[int, bool]], melody: Melody) -> list[tuple[int, bool]]:
    """The slots' starts, also where the last note of a phrase begins on a strong beat within a slot."""
    more, bars = dict(places), [bar for bar in melody.bars() if bar.number]
    bar_lines = [bar.start for bar in bars]
    for _, last in _endings(melody):
        number = bisect_right(bar_lines, last) - 1
        if number >= 0 and is_strong(bars[number].meter, last - bar_lines[number]):
            more.setdefault(last, True)
    return sorted(more.items())


def _endings(melody: Melody) -> list[tuple[int, int]]:
    """Each end of a phrase, and the onset of the last note before it."""
    onsets = [note.onset for note in melody.notes]
    found = [(end, bisect_left(onsets, end) - 1) for end in _phrase_ends(melody)]
    return [(end, onsets[number]) for end, number in found if number >= 0]


def _phrase_ends(melody: Melody) -> list[int]:
    """Where phrases end; where the melody says none, every four bars and its end."""
    if melody.phrase_ends:
        return sorted({*melody.phrase_ends, melody.duration})
    bars = [bar for bar in melody.bars() if bar.number]
    whole = [bar.end - melody.pickup for bar in bars if bar.number % PHRASE_BARS == 0]
    return sorted({*whole, melody.duration})


def slot_scores(
    model: HarmonyModel, melody: Melody, slots: Sequence[ChordSlot], key: Key, clash: float = CLASH_BY_BEAT
) -> Floats:
    """(slots, S) how well each chord suits the notes that sound in each slot, in nats; `clash` is the penalty."""
    scores = np.zeros((len(slots), len(model.states)))
    onsets = [note.onset for note in melody.notes]
    for number, slot in enumerate(slots):
        first = max(bisect_right(onsets, slot.start) - 1, 0)
        for note in melody.notes[first:]:
            if note.onset >= slot.end:
                break
            if note.end <= slot.start:
                continue
            meter = melody.meter_at(max(note.onset, slot.start))
            assert meter is not None
            above = (note.pitch - key.pitch_class) % 12
            on_beat = note.onset <= slot.start or (note.onset - slot.start) % beat_ticks(meter) == 0
            if on_beat:
                scores[number] += model.notes[0, :, above]
                if note.onset <= slot.start:
                    scores[number] -= clash / NOTES * ~model.tones[:, above] * (1.0 if slot.strong else 0.5)
            else:
                scores[number] += 0.5 * model.notes[1, :, above]
    return NOTES * scores


def sung_at(melody: Melody, slots: Sequence[ChordSlot], key: Key) -> list[int]:
    """(slots,) semitones above the tonic of the note that sounds at the start of each slot; -1 for a rest."""
    onsets = [note.onset for note in melody.notes]
    notes = [melody.notes[max(bisect_right(onsets, slot.start) - 1, 0)] for slot in slots]
    sounds = [note.onset <= slot.start < note.end for note, slot in zip(notes, slots, strict=True)]
    return [(note.pitch - key.pitch_class) % 12 if is_sung else -1 for note, is_sung in zip(notes, sounds, strict=True)]


def likeliest(
    model: HarmonyModel,
    scores: Floats,
    slots: Sequence[ChordSlot],
    sung: Sequence[int],
    harmonic_rhythm: str | None = None,
) -> NDArray[np.int64]:
    """(slots,) the likeliest state of each slot, given the whole melody: the forward-backward algorithm.

    On chorales it finds more of Bach's chords than the likeliest path as a whole.

    Args:
        model: of harmony.
        scores: (slots, S), as from `slot_scores`.
        slots: of the melody.
        sung: what is sung at the start of each, as from `sung_at`.
        harmonic_rhythm: one of `HARMONIC_RHYTHMS`, or None.
    """
    tables = [_succession(model, slot, harmonic_rhythm or "half") for slot in slots[1:]]
    weight = 0.0 if harmonic_rhythm == "beat" else PARALLEL
    successions = [
        np.exp(table - weight * _parallel(model, *pair)) for table, pair in zip(tables, pairwise(sung), strict=True)
    ]
    chances = np.exp(scores - scores.max(axis=1, keepdims=True))
    forward, backward = np.empty_like(chances), np.empty_like(chances)
    forward[0] = np.exp(model.start) * chances[0]
    for number in range(1, len(slots)):
        through = forward[number - 1] @ successions[number - 1] * chances[number]
        forward[number] = through / through.sum()
    backward[-1] = np.exp(FINAL * model.is_final)
    for number in range(len(slots) - 1, 0, -1):
        through = successions[number - 1] @ (chances[number] * backward[number])
        backward[number - 1] = through / through.sum()
    return np.asarray((forward * backward).argmax(axis=1))


def _parallel(model: HarmonyModel, before: int, after: int) -> NDArray[np.bool_]:
    """(S, S) whether two notes in a row make parallel fifths or octaves with the roots of two chords."""
    roots = np.array([root for root, _ in model.states])
    if before in (-1, after) or after == -1:
        return np.zeros((len(roots), len(roots)), np.bool_)
    first, second = (before - roots) % 12, (after - roots) % 12
    return np.asarray((first[:, None] == second) & np.isin(second, (0, FIFTH)))


def _succession(model: HarmonyModel, slot: ChordSlot, harmonic_rhythm: str) -> Floats:
    """(S, S) of the succession to this slot's chord."""
    if slot.holds:
        return np.where(np.eye(len(model.states), dtype=np.bool_), 0.0, -6.0)
    if slot.ends_phrase and harmonic_rhythm == "beat":
        return model.successions["cadence"]
    if slot.ends_phrase:
        is_dominant = np.array([state == (FIFTH, "") for state in model.states])
        return np.asarray(model.successions["cadence"] + CADENCE * (model.is_final | is_dominant))
    if harmonic_rhythm == "beat":
        return model.successions["strong" if slot.strong else "weak"]
    stay = STAY[harmonic_rhythm]
    table = np.asarray(model.change + np.log(1 - stay))
    np.fill_diagonal(table, np.log(stay))
    return table


def _taste(model: HarmonyModel, spice: int, plain: bool) -> Floats:
    """(S,) what the level of spice adds to each chord; `plain` where chords are longer than in chorales."""
    leading = {*SCALES[model.mode], 11}
    taste = np.zeros(len(model.states))
    for index, (root, quality) in enumerate(model.states):
        inside = all((root + above) % 12 in leading for above in quality_semitones(quality)) and root in leading
        seventh = 10 in quality_semitones(quality) or 11 in quality_semitones(quality)
        if spice == 0 and not (inside and (not seventh or (root, quality) == (7, "7"))):
            taste[index] = -50
        unstable = 6 in quality_semitones(quality) or 8 in quality_semitones(quality)
        if plain and (unstable or (spice < 2 and seventh and root not in (7, 2))):
            taste[index] -= PASSING
        if plain and spice < 2 and not inside:
            taste[index] -= FOREIGN
        if spice >= 2 and (seventh or (quality == "7" and root != 7)):
            taste[index] = SPICY
    return taste


_RICHER = {
    "": ("maj9", "6/9", "maj7", "6", "add9"),
    "m": ("m9", "m7", "madd9", "m6"),
    "7": ("13", "9", "7"),
    "m7": ("m9", "m7"),
    "maj7": ("maj9", "maj7"),
}
"""What a quality may become, the first that fits the key and the melody."""


def _runs(slots: Sequence[ChordSlot], chords: Sequence[Chord]) -> list[Run]:
    """Start, end and chord of each stretch of slots with one chord."""
    runs: list[Run] = []
    for slot, chord in zip(slots, chords, strict=True):
        start = runs.pop()[0] if runs and runs[-1][2] == chord else slot.start
        runs.append((start, slot.end, chord))
    return runs


def _enriched(run: Run, key: Key, melody: Melody) -> Run:
    """The chord with added tones, all within the key or sung over it, none a semitone from a note that is foreign to
    it."""
    start, end, chord = run
    sounding = {note.pitch % 12 for note in melody.notes if note.onset < end and note.end > start}
    scale = {(key.pitch_class + above) % 12 for above in SCALES[key.mode]} | sounding
    for quality in _RICHER.get(chord.quality, ()):
        richer = Chord(chord.root, quality)
        added = richer.tones - chord.tones
        if added <= scale and not added & {(tone + step) % 12 for tone in sounding - richer.tones for step in (-1, 1)}:
            return start, end, richer
    return run
