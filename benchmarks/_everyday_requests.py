"""Random requests as people make them: a form with primes anywhere, a cadence, chords in common progressions, in any
meter up to 12/8 and any mode, of 8 to 64 bars; continuations and fills; several rules at once.

Each is read off a melody that is composed here and keeps it, so that all can be kept. Its rules are such as people
write: a range between white keys, a leap of a fifth or an octave, note values that everybody knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from random import Random

from _random_requests import ConstraintProblem, Fields, Singer, chord_of, frame_of, in_bars, keeps
from melodysynthesis.certificate.score import beat_ticks
from melodysynthesis.formats import json as melody_json
from melodysynthesis.music import MODES, Key, Melody, Meter, Note
from melodysynthesis.notation import parse_meter
from melodysynthesis.theory import SCALES, tonic_name

METERS = tuple(map(parse_meter, ("2/4", "3/4", "4/4", "6/8", "9/8", "12/8", "5/4", "7/8", "2/2", "3/8", "5/8", "6/4")))
KNOWN_FORMS = ("AABA", "AABA'", "AA'BA'", "AA'BA", "ABA", "ABA'", "AB", "AA'", "ABAC", "ABA'C", "AABB'", "AA'BB'")
BARS = (8, 12, 16, 24, 32, 48, 64)
PROGRESSIONS = ("1 4 5 1", "1 6m 4 5", "1 5 6m 4", "2m 57 1 1", "1 1 4 5", "6m 4 1 5", "1 4 1 57", "1 4 57 1")
LOW, HIGH = 57, 79
"""Of the melodies: A3 to G5, which everybody can sing."""
WHITE = (55, 57, 60, 62, 64, 79, 81, 83, 84)


def everyday(random: Random, singer: Singer) -> ConstraintProblem:
    """A random request, and a melody that keeps it.

    Args:
        random: which one.
        singer: the model that is asked.
    """
    while True:
        form = random.choice(KNOWN_FORMS) if random.random() < 0.6 else form_of(random)
        sections = form.replace("'", "")
        sizes = [bars for bars in BARS if bars % len(sections) == 0]
        if not sizes:
            continue
        key = Key(tonic_name(random.randrange(12)), random.choice(MODES))
        witness, chart = melody_in(random, key, random.choice(METERS), form, random.choice(sizes) // len(sections))
        if not singer.says(witness):
            continue
        fields = {name: value for name, value in frame_of(witness).items() if name != "pickup"}
        if random.random() < 0.2:
            fields["pickup"] = 0
        for share, rule in rules_of(random, witness, form, chart):
            if random.random() < share and keeps(witness, fields | rule):
                fields |= rule
        fields = with_notes(random, witness, fields) | {"seed": random.randrange(10**6)}
        return ConstraintProblem(fields, "everyday", witness)


def form_of(random: Random) -> str:
    """A form of up to six sections; a letter that comes again may have primes."""
    sections: list[str] = []
    for _ in range(random.choice((1, 2, 2, 3, 4, 4, 4, 5, 6))):
        known = sorted({section[0] for section in sections})
        letter = random.choice([*known, "ABCDEF"[len(known)]])
        sections.append(letter + "'" * (random.choice((0, 0, 1, 1, 2)) if letter in known else 0))
    return "".join(sections)


def melody_in(random: Random, key: Key, meter: Meter, form: str, bars: int) -> tuple[Melody, str]:
    """A melody of chord tones in a form, whose last section closes, and the chart of a section."""
    sections = [letter for letter in form if letter != "'"]
    names = form_names(form)
    degrees = (random.choice(PROGRESSIONS).split() * bars)[: max(bars - 2, 0)]
    degrees = [*degrees, *(["5", "1"] if bars > 1 else ["1"])]
    chords = [chord_of(degree, key) for degree in degrees]
    rhythms = {letter: rhythm_in(random, meter, bars) for letter in dict.fromkeys(sections)}
    tones = [chord.tones for chord in chords]
    over = {
        letter: [(onset, ticks, tones[onset // meter.bar_ticks]) for onset, ticks in rhythm]
        for letter, rhythm in rhythms.items()
    }
    parts: dict[str, list[Note]] = {}
    for name in dict.fromkeys(names):
        while True:
            part = sung(random, key, over[name[0]], closes=name == names[-1])
            twins = (parts[other] for other in parts if other[0] == name[0])
            if all(part != other for other in twins):
                break
        parts[name] = part
    length = meter.bar_ticks * bars
    notes = [note._replace(onset=note.onset + i * length) for i, name in enumerate(names) for note in parts[name]]
    return in_bars(notes, [meter] * (bars * len(names)), 0, key), " | ".join(map(str, chords))


def form_names(form: str) -> list[str]:
    """The sections of a form with their primes."""
    names: list[str] = []
    for sign in form:
        if sign == "'":
            names[-1] += sign
        else:
            names.append(sign)
    return names


def rhythm_in(random: Random, meter: Meter, bars: int) -> list[tuple[int, int]]:
    """Onsets and durations of a section: beats, their halves and doubles, and a long note in the last bar."""
    beat, bar = beat_ticks(meter), meter.bar_ticks
    half = beat // 2 if beat % 24 == 0 else beat // 3
    found = []
    for number in range(bars):
        now = 0
        while now < bar and not (number == bars - 1 and now and bars == 1) and number < bars - (bars > 1):
            ticks = min(random.choice((beat, beat, half, half, 2 * beat)), bar - now)
            found.append((number * bar + now, ticks))
            now += ticks
        if number == bars - 1 and bars > 1:
            found.append((number * bar, bar))
    return found


def sung(random: Random, key: Key, rhythm: Sequence[tuple[int, int, frozenset[int]]], closes: bool) -> list[Note]:
    """Chord tones near to each other; a section that closes ends from the fifth degree to the tonic."""
    pitch, notes = 67, list[Note]()
    for number, (onset, ticks, tones) in enumerate(rhythm):
        left = len(rhythm) - number
        allowed: frozenset[int] | set[int] = tones
        if closes and left <= 2:
            allowed = {(key.pitch_class + (7 if left == 2 else 0)) % 12}
        near = [p for p in range(LOW, HIGH) if p % 12 in allowed]
        pitch = random.choice(sorted(near, key=lambda p: abs(p - pitch))[:3])
        notes.append(Note(onset, ticks, pitch))
    return notes


def rules_of(random: Random, witness: Melody, form: str, chart: str) -> list[tuple[float, Fields]]:
    """Rules with how often people want them; some the melody may not keep."""
    pitches = witness.pitches
    low = max((p for p in WHITE if p <= min(pitches)), default=min(pitches))
    high = min((p for p in WHITE if p >= max(pitches)), default=max(pitches))
    leap = max(abs(b - a) for a, b in pairwise(pitches)) if len(pitches) > 1 else 0
    scale = next((name for name in ("major", "dorian") if key_scale(witness) == SCALES.get(name)), "major")
    return [
        (0.7, {"form": form}),
        (0.6, {"cadence": True}),
        (0.5, {"chords": chart}),
        (0.3, {"scale": scale}),
        (0.3, {"range": f"{pitch_name(low)}-{pitch_name(high)}"}),
        (0.3, {"max_leap": next((size for size in (5, 7, 9, 12, 16) if size >= leap), leap)}),
        (0.1, {"leap_recovery": True}),
        (0.15, {"rests": False}),
        (0.15, {"ties_over_bars": False}),
        (0.1, {"max_syncopation": random.choice((2, 4, 8))}),
        (0.1, {"durations": "1/2 1 3/2 2 3 4"}),
    ]


def key_scale(witness: Melody) -> tuple[int, ...] | None:
    """The scale of a melody's mode."""
    return tuple(SCALES[witness.key.mode]) if witness.key else None


def pitch_name(pitch: int) -> str:
    """A white key, such as G4."""
    return f"{'C?D?EF?G?A?B'[pitch % 12]}{pitch // 12 - 1}"


def with_notes(random: Random, witness: Melody, fields: Fields) -> Fields:
    """The request, now and then with a beginning to continue, or with some of the melody's bars to rewrite."""
    way = random.random()
    bars = [bar for bar in witness.bars() if bar.number]
    if way < 0.1:
        end = bars[min(random.choice((1, 2, 4)), len(bars) - 1)].start
        primer = Melody(tuple(note for note in witness.notes if note.end <= end), end)
        return fields | {"primers": [melody_json.to_dict(primer)], "pickup": 0}
    if way < 0.2:
        first = random.randint(1, len(bars))
        last = min(first + random.choice((0, 1, 3, 7)), len(bars))
        within: Fields = {"within": melody_json.to_dict(witness), "rewrite": f"{first}-{last}"}
        return within | {name: value for name, value in fields.items() if name not in frame_of(witness)}
    return fields
