"""Twenty harmonisations read by a musician's rules: chorale sopranos, folk songs and generated melodies.

    python benchmarks/harmony_rules.py [--folder scores] [--harmonic-rhythm bar]

For each melody it prints, and with --folder it draws the score of the worst ones:

    parallels   fifths or octaves in a row of melody and bass, from one strong beat to the next, both of them moving;
                the bass is the root, as a chord symbol says it
    clashes     notes that begin on a strong beat and are foreign to their chord
    cadences    phrase ends with V-I, another chord that leads to I (plagal, vii), V (a half cadence), or V-vi; of all
    off         chords that enter where the harmonic rhythm has no place, phrase ends excepted
    late        chords that enter on a weak beat and go on over the bar line

The same counts of random triads of the key stand beside them.
"""

import argparse
import random
from bisect import bisect_right
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import melodysynthesis as ms
from melodysynthesis.corpora.sources import music21_corpus
from melodysynthesis.harmony import learn
from melodysynthesis.harmony.chord_search import slots_of
from melodysynthesis.music import Key, Melody
from melodysynthesis.theory import SCALES, beat_ticks, is_strong
from melodysynthesis.theory.chords import parse_chord, root_name

CHORALES, SONGS, GENERATED = 7, 7, 6
FIFTH = 7
REQUESTS = (
    {"bars": 8, "key": "G major", "meter": "4/4"},
    {"bars": 8, "key": "a minor", "meter": "3/4"},
    {"bars": 16, "key": "D major", "meter": "2/4"},
    {"bars": 8, "key": "F major", "meter": "6/8"},
    {"bars": 8, "key": "e minor", "meter": "4/4"},
    {"bars": 12, "key": "Bb major", "meter": "3/4"},
)


class Findings(NamedTuple):
    """What the rules say of one melody with chords: onsets of faults, strong beats, kinds of cadences."""

    parallels: list[int]
    clashes: list[int]
    strong: int
    cadences: list[str]
    off: list[int]
    late: list[int]

    @property
    def faults(self) -> int:
        """How many rules are broken, and how often."""
        return len(self.parallels) + len(self.clashes) + self.cadences.count("none") + len(self.off) + len(self.late)


def main() -> None:
    """Print a line for each melody, and the sums."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, help="draw the scores of the worst there, as PNG")
    parser.add_argument("--worst", type=int, default=4, help="how many scores")
    parser.add_argument("--harmonic-rhythm", choices=("bar", "half", "beat"))
    options = parser.parse_args()
    rows = []
    for name, melody in melodies():
        found = ms.harmonise(melody, harmonic_rhythm=options.harmonic_rhythm)[0]
        random_ones = read(with_random_chords(melody, options.harmonic_rhythm, len(rows)), options.harmonic_rhythm)
        rows.append((name, found, read(found, options.harmonic_rhythm), random_ones))
    for name, _, one, _ in rows:
        print(f"{one.faults:3} faults  {name}: {line(one)}")
    for label, column in (("all", 2), ("random chords of the key", 3)):
        every = [row[column] for row in rows]
        cadences = [cadence for one in every for cadence in one.cadences]
        print(
            f"{label}: {sum(len(one.parallels) for one in every)} parallels, {sum(len(one.clashes) for one in every)} "
            f"clashes on {sum(one.strong for one in every)} strong beats, {len(cadences) - cadences.count('none')} of "
            f"{len(cadences)} phrases end with a cadence ({counted(cadences)}), {sum(len(one.off) for one in every)} "
            f"chords off the harmonic rhythm, {sum(len(one.late) for one in every)} over a bar line"
        )
    if options.folder:
        options.folder.mkdir(parents=True, exist_ok=True)
        worst = sorted(rows, key=lambda row: -row[2].faults)[: options.worst]
        for number, (name, found, one, _) in enumerate(worst, 1):
            ms.write(replace(found, title=name), options.folder / f"worst-{number}.png")
            print(f"worst-{number}.png: {name}, {line(one)}")


def melodies() -> list[tuple[str, Melody]]:
    """The twenty melodies: a few chorales, songs by a seed, and melodies of six requests."""
    paths = sorted((music21_corpus("bach") / "bach").glob("*.mxl"))[25::50]
    chorales = [tune.melody for path in paths if (tune := learn.read_chorale(path)) is not None][:CHORALES]
    songs = [tune for tune in ms.load_corpus("essen-german") if tune.meters and len(tune.notes) >= 25]
    chosen = random.Random(3).sample(songs, SONGS)
    ours = [ms.generate(seed=number, **request)[0] for number, request in enumerate(REQUESTS, 1)]
    return [
        *((f"chorale {number}", tune) for number, tune in enumerate(chorales, 1)),
        *((f"song {number}", tune) for number, tune in enumerate(chosen, 1)),
        *((f"ours {number}", tune) for number, tune in enumerate(ours, 1)),
    ]


def read(melody: Melody, harmonic_rhythm: str | None) -> Findings:
    """What a musician would mark in a melody with chords."""
    assert melody.key is not None
    starts = [tick for tick, _ in melody.chords]
    roots = [(Key(parse_chord(symbol).root).pitch_class - melody.key.pitch_class) % 12 for _, symbol in melody.chords]
    tones = [parse_chord(symbol).tones for _, symbol in melody.chords]
    strong = []  # onset, pitch and number of the chord of each note that begins on a strong beat
    for note in melody.notes:
        bar = next(bar for bar in melody.bars() if bar.start <= note.onset < bar.end)
        into = note.onset - bar.start + (bar.meter.bar_ticks - melody.pickup if not bar.number else 0)
        number = bisect_right(starts, note.onset) - 1
        if number >= 0 and into % beat_ticks(bar.meter) == 0 and is_strong(bar.meter, into):
            strong.append((note.onset, note.pitch, number))
    parallels = [
        after[0]
        for before, after in pairwise(strong)
        if before[1] != after[1] and roots[before[2]] != roots[after[2]]
        and _interval(melody.key, before[1], roots[before[2]]) == _interval(melody.key, after[1], roots[after[2]])
        and _interval(melody.key, after[1], roots[after[2]]) in (0, FIFTH)
    ]  # fmt: skip
    places = {slot.start for slot in slots_of(melody, harmonic_rhythm)}
    return Findings(
        parallels,
        [onset for onset, pitch, number in strong if pitch % 12 not in tones[number]],
        len(strong),
        [_cadence(melody, end, starts, roots) for end in _phrase_ends(melody)],
        [start for start in starts if start not in places],
        _over_bar_lines(melody, starts),
    )


def _interval(key: Key, pitch: int, root: int) -> int:
    """Semitones from the bass up to the melody, without octaves."""
    return (pitch - key.pitch_class - root) % 12


def _phrase_ends(melody: Melody) -> list[int]:
    return sorted({*melody.phrase_ends, melody.duration})


def _cadence(melody: Melody, end: int, starts: list[int], roots: list[int]) -> str:
    """The kind of cadence at the end of a phrase, by the last two chords until there."""
    last = bisect_right(starts, end - 1) - 1
    before, now = (roots[last - 1] if last > 0 else None), roots[last]
    if now == 0:
        return {7: "V-I", 5: "IV-I", 11: "vii-I"}.get(-1 if before is None else before, "I")
    if now == 7:
        return "half"
    return "V-vi" if before == 7 and now in (8, 9) else _relative(before, now, melody)


def _relative(before: int | None, now: int, melody: Melody) -> str:
    """A cadence in another key: its dominant before it; else none."""
    assert melody.key is not None
    scale = SCALES[melody.key.mode]
    return "other key" if before is not None and (before - now) % 12 in (FIFTH, 11) and now in scale else "none"


def _over_bar_lines(melody: Melody, starts: list[int]) -> list[int]:
    """Chords that enter within a bar, on a weak beat, and go on into the next one."""
    found = []
    for start, end in pairwise([*starts, melody.duration]):
        bar = next(bar for bar in melody.bars() if bar.start <= start < bar.end)
        if bar.number and not is_strong(bar.meter, start - bar.start) and end > bar.end:
            found.append(start)
    return found


def with_random_chords(melody: Melody, harmonic_rhythm: str | None, seed: int) -> Melody:
    """The melody with a random triad of its key in each slot, for comparison."""
    assert melody.key is not None
    draw, scale = random.Random(seed), SCALES[melody.key.mode]
    triads = [(scale[n], (scale[(n + 2) % 7] - scale[n]) % 12, (scale[(n + 4) % 7] - scale[n]) % 12) for n in range(7)]
    names = {(4, 7): "", (3, 7): "m", (3, 6): "dim", (4, 8): "aug"}
    chords = []
    for slot in slots_of(melody, harmonic_rhythm):
        root, third, fifth = draw.choice(triads)
        chords.append((slot.start, root_name(melody.key, root) + names[third, fifth]))
    return replace(melody, chords=tuple(chords))


def counted(cadences: list[str]) -> str:
    """Each kind with its number, the most frequent first."""
    return ", ".join(f"{kind} {cadences.count(kind)}" for kind in sorted(set(cadences), key=cadences.count)[::-1])


def line(one: Findings) -> str:
    """The findings of a melody in words."""
    return (
        f"{len(one.parallels)} parallels, {len(one.clashes)} of {one.strong} clash, cadences {counted(one.cadences)}, "
        f"{len(one.off)} off, {len(one.late)} late"
    )


if __name__ == "__main__":
    main()
