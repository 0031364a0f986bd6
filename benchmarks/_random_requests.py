"""Random requests: ones that some melody keeps, as a melody is there that does, and ones that none can keep.

A satisfiable request is read off a witness: a stretch of a held-out tune in another key, or a melody that is composed
here, over chords and in a form. Its rules are among those that the certificate finds kept by the witness: no request
is called satisfiable by mistake. An impossible one is such a request with rules of a recipe beside it that contradict
each other, whatever else is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, pairwise
from random import Random
from typing import Any, NamedTuple, Protocol

from melodysynthesis.certificate import Verdict, certify
from melodysynthesis.certificate.rhythm import is_syncopated
from melodysynthesis.certificate.score import Score, beat_ticks
from melodysynthesis.errors import RequestError
from melodysynthesis.formats import json as melody_json
from melodysynthesis.generation.request import Request
from melodysynthesis.music import TICKS_PER_QUARTER, Key, Melody, Meter, Note
from melodysynthesis.notation import format_pitch, parse_meter
from melodysynthesis.theory import NAMED_SCALES, tonic_name
from melodysynthesis.theory.chords import CHORDS, Chord

Fields = dict[str, Any]

LONGEST, SHORTEST = 32, 2
"""Bars."""
LOWEST, HIGHEST = 52, 84
"""Pitches of a witness: E3 to C6, which every model can say in every key."""
METERS = tuple(map(parse_meter, ("2/4", "3/4", "4/4", "6/8", "5/4")))
FORMS = ("AA", "AB", "AABA", "ABA", "AABB", "AA'BA", "ABA'B", "ABCA")
PROGRESSIONS = ("1 4 5 1", "1 6m 4 57", "1 2m 57 1", "1 5 6m 4", "1 4 1 57", "6m 4 1 5")
ALL_CHORDS = [(str(chord), chord.tones) for r in range(12) for chord in (Chord(tonic_name(r), q) for q in CHORDS)]
SHARE = 0.35
"""Of rules that a witness keeps, so many are asked for."""


@dataclass(frozen=True)
class ConstraintProblem:
    """A request; where it is from; a melody that keeps it, or the rules that are known to conflict."""

    fields: Fields
    origin: str
    witness: Melody | None = None
    conflict: tuple[str, ...] = ()

    @property
    def meters(self) -> str:
        """The meters that are asked for."""
        return str(self.fields.get("meter") or ("changing" if "meters" in self.fields else "a melody's"))


class Singer(Protocol):
    """What has to be known of a model, so that nothing is asked of it that it can't say."""

    def says(self, melody: Melody) -> bool:
        """Whether it can say a melody."""

    def longest_copy(self, melody: Melody) -> int:
        """Notes of the longest run that a melody shares with the tunes that it was trained on."""


def satisfiable(random: Random, tunes: Sequence[Melody], singer: Singer) -> ConstraintProblem:
    """A random request and a melody that keeps it.

    Args:
        random: which one.
        tunes: to cut witnesses from.
        singer: the model that is asked.
    """
    while True:
        origin = random.choice(("corpus", "composed"))
        witness = stretch(random, random.choice(tunes)) if origin == "corpus" else composed(random)
        if witness is None or not singer.says(witness):
            continue
        fields = frame_of(witness)
        for rule in rules_of(random, witness):
            if random.random() < SHARE and keeps(witness, rule):
                fields |= rule
        if not keeps(witness, fields):  # with a scale, a cadence means other degrees
            continue
        fields = beside_notes(random, witness, fields)
        fields |= {"temperature": random.choice((0.7, 0.9, 1.0, 1.2)), "seed": random.randrange(10**6)}
        if random.random() < SHARE:
            fields |= {"max_copy": max(singer.longest_copy(witness), 1) + random.choice((0, 1, 3))}
        return ConstraintProblem(fields, origin, witness)


def beside_notes(random: Random, witness: Melody, fields: Fields) -> Fields:
    """The request, now and then with the witness' beginning to continue, or with some of its bars to rewrite."""
    way = random.random()
    if way < 0.1:
        count = random.randint(1, len(witness) - 1)
        primer = Melody(witness.notes[:count], witness.notes[count - 1].end)
        return fields | {"primers": [melody_json.to_dict(primer)]}
    if way < 0.2:
        last = max(bar.number for bar in witness.bars())
        first = random.randint(1, last)
        within = {"within": melody_json.to_dict(witness), "rewrite": f"{first}-{random.randint(first, last)}"}
        return within | {name: value for name, value in fields.items() if name not in frame_of(witness)}
    return fields


def keeps(witness: Melody, fields: Fields) -> bool:
    """Whether a melody keeps these rules."""
    return certify(witness, Request(**fields).model_dump(mode="json")).verdict is Verdict.KEPT


def stretch(random: Random, tune: Melody) -> Melody | None:
    """Some bars of a tune, in another key; None where they do not begin with a note, or a bar in them is not whole."""
    bars = [bar for bar in tune.bars() if bar.number]
    if len(bars) < SHORTEST or tune.key is None:
        return None
    count = random.randint(SHORTEST, min(LONGEST, len(bars)))
    first = random.randint(0, len(bars) - count)
    pickup = tune.pickup if first == 0 else 0
    chosen = bars[first : first + count]
    start = 0 if pickup else chosen[0].start
    end = start + sum(bar.meter.bar_ticks for bar in chosen)
    cut = [Note(n.onset - start, min(n.end, end) - n.onset, n.pitch) for n in tune.notes if start <= n.onset < end]
    whole = all(bar.end - bar.start == bar.meter.bar_ticks for bar in chosen[:-1]) and end <= tune.duration
    if not (whole and len(cut) > 1 and cut[0].onset == 0 and pickup < chosen[-1].meter.bar_ticks):
        return None
    low, high = min(note.pitch for note in cut), max(note.pitch for note in cut)
    if high - low > HIGHEST - LOWEST:
        return None
    shift = random.randint(max(LOWEST - low, -11), min(HIGHEST - high, 11)) if LOWEST - low <= HIGHEST - high else 0
    key = Key(tonic_name(tune.key.pitch_class + shift, tune.key.mode), tune.key.mode)
    meters = [bar.meter for bar in chosen]
    return in_bars([note._replace(pitch=note.pitch + shift) for note in cut], meters, pickup, key)


def in_bars(notes: Sequence[Note], meters: Sequence[Meter], pickup: int, key: Key) -> Melody:
    """The melody of these notes, with a meter for each bar."""
    starts = [0, *(pickup + end for end in accumulate(meter.bar_ticks for meter in meters[:-1]))]
    changes = [Meter(0, *meters[0][1:])]
    for start, meter in zip(starts, meters, strict=True):
        if meter[1:] != changes[-1][1:]:
            changes.append(Meter(start, *meter[1:]))
    return Melody(tuple(notes), sum(meter.bar_ticks for meter in meters), tuple(changes), key, pickup=pickup)


def composed(random: Random) -> Melody:
    """A melody over chords, in a form, in any meter or with changes of it, that ends with a cadence."""
    key = Key(random.choice(("C", "G", "D", "F", "Bb", "Eb", "A", "F#")), random.choice(("major", "minor", "dorian")))
    form = random.choice(FORMS).replace("'", "")
    size = random.choice([bars for bars in (1, 2, 3, 4, 8) if SHORTEST <= bars * len(form) <= LONGEST])
    meters = [random.choice(METERS)] * size
    if random.random() < 0.4 and size > 1:
        meters = [*meters[: size // 2], *[random.choice(METERS)] * (size - size // 2)]
    beat = beat_ticks(meters[0])
    short = min(meters[0].bar_ticks, meters[-1].bar_ticks)
    pickup = random.choice([ticks for ticks in (0, 0, beat, beat // 2) if ticks < short])
    progression = random.choice(PROGRESSIONS).split()
    parts = {letter: _section(random, key, meters, pickup, progression) for letter in dict.fromkeys(form)}
    length = sum(meter.bar_ticks for meter in meters)
    notes = [
        note._replace(onset=note.onset + number * length)
        for number, letter in enumerate(form)
        for note in parts[letter]
    ]
    return in_bars(notes, meters * len(form), pickup, key)


def chord_of(name: str, key: Key) -> Chord:
    """The chord of a degree and a quality, such as 57: in minor keys on the degrees of the major scale too."""
    above = NAMED_SCALES["major"][int(name[0]) - 1]
    return Chord(tonic_name(key.pitch_class + above), name[1:])


def _section(random: Random, key: Key, meters: Sequence[Meter], pickup: int, progression: Sequence[str]) -> list[Note]:
    """Notes of a section from its pickup on: chord tones near to the one before, and a tonic at the end."""
    lines = [pickup, *(pickup + end for end in accumulate(meter.bar_ticks for meter in meters))]
    end = lines[-1] - pickup
    notes: list[Note] = []
    now, pitch = 0, 64 + key.pitch_class % 12
    while now < end:
        bar = max(sum(line <= now for line in lines) - 1, 0)
        beat = beat_ticks(meters[min(bar, len(meters) - 1)])
        ticks = random.choice((beat, beat, beat // 2, 2 * beat))
        limit = next((line for line in (*lines, end) if line > now), end)  # no ties over bar lines or sections
        ticks = min(ticks, min(limit, end) - now)
        if now and random.random() < 0.06:
            now += ticks
            continue
        last = now >= lines[-2] and (now == lines[-2])
        tones = chord_of(progression[bar % len(progression)], key).tones
        near = [p for p in range(max(LOWEST, pitch - 7), min(HIGHEST, pitch + 7) + 1) if p % 12 in tones]
        pitch = random.choice(near)
        if last and notes and random.random() < 0.5:
            below = key.pitch_class + 12 * ((pitch - key.pitch_class) // 12)
            tonic = below if below >= LOWEST else below + 12
            notes[-1] = notes[-1]._replace(pitch=tonic + random.choice((2, 7)))
            notes.append(Note(now, end - now, tonic))
            break
        notes.append(Note(now, ticks, pitch))
        now += ticks
    return notes


def frame_of(witness: Melody) -> Fields:
    """Key, meters, pickup and bars of a melody."""
    meters = [bar.meter for bar in witness.bars() if bar.number]
    frame: Fields = {"key": str(witness.key), "pickup": witness.pickup}
    if len(witness.meters) == 1:
        return frame | {"meter": str(meters[0]), "bars": len(meters)}
    return frame | {"meters": ", ".join(f"{meter} x1" for meter in meters)}


def rules_of(random: Random, witness: Melody) -> Iterator[Fields]:
    """Rules as tight as the witness lets them be, or a little looser; some it may not keep."""
    notes, pitches, score = witness.notes, witness.pitches, Score(witness)
    bars = [bar for bar in witness.bars() if bar.number]
    name = random.choice(list(NAMED_SCALES))
    inside = {(score.tonic + above) % 12 for above in NAMED_SCALES[name]}
    outside = sum(pitch % 12 not in inside for pitch in pitches) + random.choice((0, 0, 2))
    yield {"scale": name, "chromatic": min(outside, 127)}
    low, high = min(pitches) - random.choice((0, 0, 2, 5)), max(pitches) + random.choice((0, 0, 2, 5))
    yield {"range": f"{format_pitch(low)}-{format_pitch(high)}"}
    yield {"max_leap": max(abs(b - a) for a, b in pairwise(pitches)) + random.choice((0, 0, 1, 3))}
    yield {"leap_recovery": True}
    yield {"chords": " | ".join(_chord_under(random, score, bar.start, bar.end) for bar in bars)}
    yield {"cadence": True}
    yield {"durations": _quarters(sorted({note.duration for note in notes} | {random.choice((6, 12, 24, 48))}))}
    syncopated = sum(is_syncopated(score, number) for number in range(len(notes)))
    yield {"max_syncopation": syncopated + random.choice((0, 0, 1, 4))}
    yield {"rests": False}
    yield {"ties_over_bars": False}
    yield {"rhythm": rhythm_of(witness)}
    signs = ["-0+"[(b > a) - (b < a) + 1] for a, b in pairwise(pitches)]
    whole = random.random() < 0.3
    yield {"contour": " ".join(signs if whole else signs[: random.randint(1, len(signs))]) + " ." * whole}
    yield {"fixed": " ".join(fixed(score, n) for n in sorted(random.sample(range(len(notes)), min(len(notes), 3))))}
    forms = [form for form in FORMS if keeps(witness, {"form": form})]
    yield {"form": random.choice(forms or ["A"])}


def _quarters(durations: Sequence[int]) -> str:
    return " ".join(str(Fraction(ticks, TICKS_PER_QUARTER)) for ticks in durations)


def fixed(score: Score, number: int) -> str:
    """A note of a melody as it is fixed: 2.1:G4."""
    bar, beat = score.bar_and_beat(score.notes[number].onset)
    return f"{bar}.{beat}:{format_pitch(score.notes[number].pitch)}"


def rhythm_of(witness: Melody) -> str:
    """The rhythm from bar 1 on, the pickup last."""
    parts = sorted(
        [(n.onset, n.duration, "") for n in witness.notes] + [(*gap, "r:") for gap in Score(witness).rests()]
    )
    late = [part for part in parts if part[0] >= witness.pickup]
    early = [part for part in parts if part[0] < witness.pickup]
    return " ".join(f"{rest}{Fraction(ticks, TICKS_PER_QUARTER)}" for _, ticks, rest in [*late, *early])


def _chord_under(random: Random, score: Score, start: int, end: int) -> str:
    """A chord that has as many of the notes as any, those on strong beats first."""
    onsets = [(note.pitch % 12, score.is_strong(note.onset)) for note in score.notes if start <= note.onset < end]
    chords = random.sample(ALL_CHORDS, len(ALL_CHORDS))
    return max(chords, key=lambda chord: sum(1 + strong for tone, strong in onsets if tone in chord[1]))[0]


class Recipe(NamedTuple):
    """Rules that conflict, and how to write them for a melody of a witness' frame; None where they would not."""

    rules: tuple[str, ...]
    write: Callable[[Random, Melody], Fields | None]


def _no_chord_tone_in_range(random: Random, witness: Melody) -> Fields | None:
    """Two neighbouring pitches, neither of the chord; a note in a pickup would be free of it."""
    low = random.randint(60, 70)
    roots = [root for root in range(12) if not {low % 12, (low + 1) % 12} & Chord(tonic_name(root)).tones]
    chart = {"range": f"{format_pitch(low)}-{format_pitch(low + 1)}", "chords": tonic_name(random.choice(roots))}
    return None if witness.pickup else chart


def _no_tonic_in_range(random: Random, witness: Melody) -> Fields:
    tonic = 60 + Score(witness).tonic
    low, high = tonic + random.randint(1, 4), tonic + random.randint(7, 11)
    return {"range": f"{format_pitch(low)}-{format_pitch(high)}", "cadence": True}


def _note_outside_the_scale(random: Random, witness: Melody) -> Fields:
    name = random.choice([name for name in NAMED_SCALES if name != "chromatic"])
    inside = [(Score(witness).tonic + above) % 12 for above in NAMED_SCALES[name]]
    pitch = random.choice([pitch for pitch in range(60, 72) if pitch % 12 not in inside])
    number = random.randrange(len(witness))
    place = fixed(Score(witness), number).partition(":")[0]
    return {"scale": name, "chromatic": 0, "fixed": f"{place}:{format_pitch(pitch)}"}


def _too_high_for_the_range(random: Random, witness: Melody) -> Fields:
    steps, low = random.randint(2, 9), random.randint(55, 65)
    return {"contour": "+ " * steps, "range": f"{format_pitch(low)}-{format_pitch(low + steps - 1)}"}


def _up_without_moving(random: Random, witness: Melody) -> Fields | None:
    few = len(list(witness.bars())) <= 8  # a melody does not repeat one pitch for ever
    return {"contour": random.choice("+-") + " 0", "max_leap": 0} if few else None


def _rhythm_of_other_durations(random: Random, witness: Melody) -> Fields | None:
    lengths = sorted({note.duration for note in witness.notes})
    if len(lengths) < 2:
        return None
    lengths.remove(random.choice(lengths))
    return {"rhythm": rhythm_of(witness), "durations": _quarters(lengths)}


def _rhythm_with_rests(random: Random, witness: Melody) -> Fields | None:
    return {"rhythm": rhythm_of(witness), "rests": False} if Score(witness).rests() else None


def _rhythm_with_ties(random: Random, witness: Melody) -> Fields | None:
    fields = {"rhythm": rhythm_of(witness), "ties_over_bars": False}
    return None if keeps(witness, fields) else fields


def _rhythm_with_syncopation(random: Random, witness: Melody) -> Fields | None:
    count = sum(is_syncopated(Score(witness), number) for number in range(len(witness)))
    limit = random.randrange(count) if count else 0
    return {"rhythm": rhythm_of(witness), "max_syncopation": limit} if count else None


def _notes_longer_than_bars(random: Random, witness: Melody) -> Fields | None:
    longest = max(bar.meter.bar_ticks for bar in witness.bars())
    return {"durations": _quarters([longest + 24]), "ties_over_bars": False}


def _unlike_notes_in_like_sections(random: Random, witness: Melody) -> Fields | None:
    score = Score(witness)
    count = score.last_number
    if count % 2 or len(witness.meters) > 1:
        return None
    bar, high = random.randint(1, count // 2), random.choice((1, 2, 5))
    fixed = f"{bar}.1:{format_pitch(65)} {bar + count // 2}.1:{format_pitch(65 + high)}"
    return {"form": "AA", "fixed": fixed}


def _last_note_too_short(random: Random, witness: Melody) -> Fields:
    beat = beat_ticks(list(witness.bars())[-1].meter)
    return {"cadence": True, "durations": _quarters([beat // 2])}


def _strong_note_off_its_chord(random: Random, witness: Melody) -> Fields:
    bar, root = random.randint(1, Score(witness).last_number), random.randrange(12)
    chord = Chord(tonic_name(root), random.choice(("", "m", "7")))
    pitch = random.choice([pitch for pitch in range(60, 72) if pitch % 12 not in chord.tones])
    return {"chords": str(chord), "fixed": f"{bar}.1:{format_pitch(pitch)}"}


def _no_chord_tone_in_the_scale(random: Random, witness: Melody) -> Fields | None:
    chord = Chord(tonic_name(Score(witness).tonic + 6))
    return None if witness.pickup else {"scale": "major-pentatonic", "chromatic": 0, "chords": str(chord)}


def _too_far_to_walk(random: Random, witness: Melody) -> Fields | None:
    """From one bar line to the next there are only so many quarters to step by."""
    score = Score(witness)
    bar = random.randint(1, max(score.last_number - 1, 1))
    length = next(b.meter.bar_ticks for b in score.bars if b.number == bar)
    step = random.choice((1, 2))
    far = step * -(-length // 24) + 1
    fixed = f"{bar}.1:{format_pitch(58)} {bar + 1}.1:{format_pitch(58 + far)}"
    return {"fixed": fixed, "max_leap": step, "durations": "1"} if bar < score.last_number else None


def _no_semitones_to_climb(random: Random, witness: Melody) -> Fields | None:
    few = len(list(witness.bars())) <= 8
    fields = {"scale": "major-pentatonic", "chromatic": 0, "max_leap": 1, "contour": "0 +"}
    return fields if few else None


RECIPES = (
    Recipe(("chords", "range"), _no_chord_tone_in_range),
    Recipe(("cadence", "range"), _no_tonic_in_range),
    Recipe(("fixed", "scale"), _note_outside_the_scale),
    Recipe(("contour", "range"), _too_high_for_the_range),
    Recipe(("contour", "max_leap"), _up_without_moving),
    Recipe(("durations", "rhythm"), _rhythm_of_other_durations),
    Recipe(("rests", "rhythm"), _rhythm_with_rests),
    Recipe(("rhythm", "ties_over_bars"), _rhythm_with_ties),
    Recipe(("max_syncopation", "rhythm"), _rhythm_with_syncopation),
    Recipe(("durations", "ties_over_bars"), _notes_longer_than_bars),
    Recipe(("fixed", "form"), _unlike_notes_in_like_sections),
    Recipe(("cadence", "durations"), _last_note_too_short),
    Recipe(("chords", "fixed"), _strong_note_off_its_chord),
    Recipe(("chords", "scale"), _no_chord_tone_in_the_scale),
    Recipe(("durations", "fixed", "max_leap"), _too_far_to_walk),
    Recipe(("contour", "max_leap", "scale"), _no_semitones_to_climb),
)


def impossible(random: Random, tunes: Sequence[Melody], singer: Singer) -> ConstraintProblem:
    """A random request that no melody keeps, and rules that conflict in it; see `satisfiable`."""
    while True:
        base = satisfiable(random, tunes, singer)
        assert base.witness is not None
        recipe = random.choice(RECIPES)
        rules = recipe.write(random, base.witness)
        if rules is None or {"primers", "within"} & set(base.fields):
            continue
        with suppress(RequestError):  # some other rule of the base contradicts them as soon as it is written
            Request(**base.fields | rules)
            return ConstraintProblem(base.fields | rules, base.origin, None, recipe.rules)
