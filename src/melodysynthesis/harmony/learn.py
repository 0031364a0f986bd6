"""Learns the model of harmony from Bach's four-part chorales in the package music21:

    python -m melodysynthesis.harmony.learn [--out chorales.json]

A chord is read off each beat of a chorale: the root and quality whose tones sound longest in the four voices, foreign
tones and missing ones counting against it. Keys are read off the signature and the last bass note. Sopranos that share
a run of `FAMILY_RUN` notes, or are near by edit distance (`corpora.families`), are one family; the model learns from
the training families only. The phrases end at fermatas.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from melodysynthesis.corpora import families
from melodysynthesis.corpora.chorales import read_voices
from melodysynthesis.corpora.run_index import NoteRuns
from melodysynthesis.corpora.sources import music21_corpus
from melodysynthesis.errors import FormatError
from melodysynthesis.formats import files
from melodysynthesis.harmony.chord_search import ChordSlot, slots_of
from melodysynthesis.harmony.model import QUALITIES, SUCCESSIONS, mode_of
from melodysynthesis.music import Key, Melody, Note
from melodysynthesis.theory.chords import CHORDS

FAMILY_RUN = 12
LEAST_CHORDS = 6
"""Chords that are rarer in the training chorales are no states."""
_FOREIGN, _MISSING, _BASS, _SEVENTH = 1.0, 0.35, 0.2, 0.15
"""What counts against a chord: foreign tones and missing ones of the triad, as shares of the beat; another bass; a
seventh."""

State = tuple[int, str]


@dataclass(frozen=True)
class Chorale:
    """A soprano by beats, and the chord of each beat relative to the tonic; None where none fits."""

    melody: Melody
    slots: tuple[ChordSlot, ...]
    chords: tuple[State | None, ...]

    @property
    def mode(self) -> str:
        """Major or minor."""
        assert self.melody.key is not None
        return mode_of(self.melody.key)


def chorales() -> list[Chorale]:
    """All chorales of four named voices, in order of their files.

    Raises:
        CorpusError: if music21 is not installed.
    """
    paths = sorted((music21_corpus("bach") / "bach").glob("*.mxl"))
    return [chorale for path in paths if (chorale := read_chorale(path)) is not None]


def read_chorale(path: Path) -> Chorale | None:
    """The chorale of a file; None if it has other voices, or no key or meter."""
    try:
        score = read_voices(files.load(path), path.name)
    except FormatError:
        return None
    key = score.melody.key
    assert key is not None
    slots = tuple(slots_of(score.melody, "beat"))
    chords = tuple(_chord(score.lines, slot, key) for slot in slots)
    return Chorale(score.melody, slots, chords)


def _chord(lines: Sequence[Sequence[Note]], slot: ChordSlot, key: Key) -> State | None:
    """The chord of a beat, its root above the tonic."""
    weight, bass = np.zeros(12), None
    length = slot.end - slot.start
    for line in lines:
        for note in line:
            overlap = min(note.end, slot.end) - max(note.onset, slot.start)
            if overlap > 0:
                weight[(note.pitch - key.pitch_class) % 12] += overlap / length
                if line is lines[3] and note.onset <= slot.start:
                    bass = (note.pitch - key.pitch_class) % 12
    best: tuple[float, State | None] = (0.5 * weight.sum() - 0.75, None)
    for quality in QUALITIES:
        tones = CHORDS[quality]
        for root in range(12):
            inside = [weight[(root + above) % 12] for above in tones]
            missing = sum(one < 0.25 for one in inside[:2]) + 0.5 * (inside[2] < 0.25)
            score = sum(inside) - _FOREIGN * (weight.sum() - sum(inside)) - _MISSING * missing
            score += _BASS * (bass == root) - _SEVENTH * (len(tones) > 3) - (len(tones) > 3 and inside[3] < 0.4)
            if score > best[0] + 1e-9:
                best = (score, (root, quality))
    return best[1]


def splits(tunes: Sequence[Chorale]) -> list[str]:
    """The split of each chorale: a function of its family's notes."""
    pitches = [np.array(tune.melody.pitches, np.uint8) for tune in tunes]
    first = np.cumsum([0, *map(len, pitches)]).astype(np.int64)
    found = families.find_families(NoteRuns(first, np.concatenate(pitches)), FAMILY_RUN)
    contents = [families.content_hash(tune.melody) for tune in tunes]
    return [families.SPLITS[split] for split in families.split_families(found, contents)]


def counts_of(tunes: Sequence[Chorale], mode: str) -> dict[str, Any]:
    """The counts of chorales of a mode, as `model.from_counts` takes them."""
    tunes = [tune for tune in tunes if tune.mode == mode]
    often = Counter(chord for tune in tunes for chord in tune.chords if chord)
    states = sorted(chord for chord, count in often.items() if count >= LEAST_CHORDS)
    number = {state: index for index, state in enumerate(states)}
    start = np.zeros(len(states), int)
    tables = {name: Counter[tuple[int, int]]() for name in SUCCESSIONS}
    notes = np.zeros((2, len(states), 12), int)
    for tune in tunes:
        path = [number.get(chord) if chord else None for chord in tune.chords]
        if path and path[0] is not None:
            start[path[0]] += 1
        for before, after, slot in zip(path, path[1:], tune.slots[1:], strict=False):
            if before is not None and after is not None and not slot.holds:
                kind = "cadence" if slot.ends_phrase else "strong" if slot.strong else "weak"
                tables[kind][before, after] += 1
        for state, slot in zip(path, tune.slots, strict=True):
            for above, on_beat in notes_in(tune.melody, slot) if state is not None else ():
                notes[0 if on_beat else 1, state, above] += 1
    return {
        "states": [list(state) for state in states],
        "start": start.tolist(),
        "notes": notes.tolist(),
        **{name: [[*pair, count] for pair, count in sorted(table.items())] for name, table in tables.items()},
    }


def notes_in(melody: Melody, slot: ChordSlot) -> Iterator[tuple[int, bool]]:
    """Pitch class above the tonic of each note in a slot of a beat, and whether it sounds on the beat."""
    assert melody.key is not None
    for note in melody.notes:
        if note.onset < slot.end and note.end > slot.start:
            yield (note.pitch - melody.key.pitch_class) % 12, note.onset <= slot.start


def main() -> None:
    """Learn from the training chorales and write the counts."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("chorales.json"))
    out = parser.parse_args().out
    tunes = chorales()
    training = [tune for tune, split in zip(tunes, splits(tunes), strict=True) if split == "train"]
    counts = {mode: counts_of(training, mode) for mode in ("major", "minor")}
    out.write_text(json.dumps(counts, separators=(",", ":")) + "\n")
    chords = {mode: len(table["states"]) for mode, table in counts.items()}
    size = f"{out.stat().st_size:,} bytes"
    sys.stdout.write(f"{len(tunes)} chorales, {len(training)} to learn from; chords: {chords}; {size}\n")


if __name__ == "__main__":
    main()
