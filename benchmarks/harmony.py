"""Accuracy of harmonising on held-out chorales, in five folds of tune families, beside simple rules.

    python benchmarks/harmony.py [--worst]

A beat is right by chord if root and triad (major, minor, diminished, augmented) are those of Bach's chord, and right by
function if both are tonic (I, iii, vi), subdominant (ii, IV) or dominant (V, vii) chords. The rules: always the tonic
triad; the triad of I, IV or V that holds the melody note. Intervals are 95 % bootstrap intervals over chorales.
"""

import argparse
import pickle
from pathlib import Path

import numpy as np

from melodysynthesis.corpora import families
from melodysynthesis.corpora.run_index import NoteRuns
from melodysynthesis.evaluation.statistics import bootstrap_ratio
from melodysynthesis.harmony import learn
from melodysynthesis.harmony.chord_search import likeliest, slot_scores, sung_at
from melodysynthesis.harmony.model import from_counts

FOLDS = 5
TRIADS = {"": "", "7": "", "maj7": "", "m": "m", "m7": "m", "dim": "dim", "m7b5": "dim", "dim7": "dim", "aug": "aug"}
FUNCTIONS = {0: "T", 3: "T", 4: "T", 8: "T", 9: "T", 2: "S", 5: "S", 1: "S", 7: "D", 11: "D", 10: "D"}


def main() -> None:
    """Print one row for the model and each rule."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, help="file of chorales that were read before")
    parser.add_argument("--worst", action="store_true", help="list the ten chorales with the fewest right chords")
    options = parser.parse_args()
    tunes = _chorales(options.cache)
    fold = folds(tunes)
    right: dict[str, list[np.ndarray]] = {name: [] for name in ("model", "I-IV-V", "always I")}
    order = []
    for number in range(FOLDS):
        training = [tune for tune, own in zip(tunes, fold, strict=True) if own != number]
        models = {mode: from_counts(learn.counts_of(training, mode), mode) for mode in ("major", "minor")}
        for tune in (tune for tune, own in zip(tunes, fold, strict=True) if own == number):
            model = models[tune.mode]
            scores = slot_scores(model, tune.melody, tune.slots, tune.melody.key)
            sung = sung_at(tune.melody, tune.slots, tune.melody.key)
            path = [model.states[state] for state in likeliest(model, scores, tune.slots, sung, "beat")]
            tonic = (0, "m" if tune.mode == "minor" else "")
            right["model"].append(_right(tune, path))
            right["I-IV-V"].append(_right(tune, _by_rule(tune)))
            right["always I"].append(_right(tune, [tonic] * len(tune.slots)))
            order.append(tune)
    beats = [int(row[2]) for row in right["model"]]
    print(f"{len(tunes)} chorales, {sum(beats):,} beats, {FOLDS} folds")
    for name, rows in right.items():
        chord = bootstrap_ratio([row[0] for row in rows], beats)
        function = bootstrap_ratio([row[1] for row in rows], beats)
        print(
            f"{name:>9}  chord {chord.value:.3f} [{chord.low:.3f}, {chord.high:.3f}]"
            f"  function {function.value:.3f} [{function.low:.3f}, {function.high:.3f}]"
        )
    if options.worst:
        for row, tune in sorted(zip(right["model"], order, strict=True), key=lambda pair: pair[0][0] / pair[0][2])[:10]:
            print(f"{row[0] / row[2]:.2f} {tune.melody.source} {tune.melody.key}")


def folds(tunes: list[learn.Chorale]) -> list[int]:
    """The fold of each chorale; families are not parted."""
    pitches = [np.array(tune.melody.pitches, np.uint8) for tune in tunes]
    first = np.cumsum([0, *map(len, pitches)]).astype(np.int64)
    found = families.find_families(NoteRuns(first, np.concatenate(pitches)), learn.FAMILY_RUN)
    return [int(families.content_hash(tunes[family].melody) % FOLDS) for family in found]


def _chorales(cache: Path | None) -> list[learn.Chorale]:
    if cache is not None and cache.exists():
        return pickle.loads(cache.read_bytes())
    tunes = learn.chorales()
    if cache is not None:
        cache.write_bytes(pickle.dumps(tunes))
    return tunes


def _right(tune: learn.Chorale, path: list[tuple[int, str]]) -> np.ndarray:
    """Beats whose chord and whose function is right, and all beats that have a chord."""
    pairs = [(real, own) for real, own in zip(tune.chords, path, strict=True) if real is not None]
    chord = sum(real[0] == own[0] and TRIADS[real[1]] == TRIADS[own[1]] for real, own in pairs)
    function = sum(FUNCTIONS.get(real[0]) == FUNCTIONS.get(own[0]) for real, own in pairs)
    return np.array([chord, function, len(pairs)])


def _by_rule(tune: learn.Chorale) -> list[tuple[int, str]]:
    """I, IV or V, the first that holds the note on the beat; else the chord before."""
    third = 3 if tune.mode == "minor" else 4
    quality = "m" if tune.mode == "minor" else ""
    rules = [((0, quality), {0, third, 7}), ((7, ""), {7, 11, 2}), ((5, quality), {5, (5 + third) % 12, 0})]
    path = [(0, quality)]
    for slot in tune.slots:
        note = next((above for above, on_beat in learn.notes_in(tune.melody, slot) if on_beat), None)
        path.append(next((chord for chord, tones in rules if note in tones), path[-1]))
    return path[1:]


if __name__ == "__main__":
    main()
