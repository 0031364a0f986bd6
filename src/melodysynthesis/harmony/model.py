"""A hidden Markov model of harmony: chords relative to the tonic, their successions, and the melody notes over them.

The hidden states are chords, a root in semitones above the tonic and a quality. What is observed is the pitch class of
the melody, on a beat and off it. `chorales.json` holds counts, as `learn` found them; here they become smooth
probabilities: additive smoothing towards the frequency of each chord, and for melody notes towards those over all
chords of a quality.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.music import Key
from melodysynthesis.theory import SCALES
from melodysynthesis.theory.chords import CHORDS, Chord, root_name

Floats = NDArray[np.float64]

QUALITIES = ("", "m", "dim", "aug", "7", "m7", "maj7", "m7b5", "dim7")
SUCCESSIONS = ("weak", "strong", "cadence")
"""Kinds of successions: to a chord on a weak beat, on a strong beat, and to the last chord of a phrase."""
TOWARDS_FREQUENCY = 8.0
TOWARDS_QUALITY = 20.0
LEAST_COUNT = 0.02
"""Pseudo-counts: of a chord's frequency in each succession, of the quality in each emission, of any note."""


def mode_of(key: Key) -> str:
    """The mode of the model for a key: ``"minor"`` where its third is minor."""
    return "minor" if SCALES[key.mode][2] == 3 else "major"


@dataclass(frozen=True, eq=False)
class HarmonyModel:
    """Probabilities as natural logarithms, for keys of one mode; S is the number of chords.

    Attributes:
        mode: major or minor.
        states: (S,) root in semitones above the tonic, and quality.
        start: (S,) of the first chord.
        successions: by `SUCCESSIONS`, each (S, S) from a chord, in rows, to the next, which may be the same.
        change: (S, S) to the next other chord.
        notes: (2, S, 12) of the melody's pitch class above the tonic over a chord, on a beat and off it.
        tones: (S, 12) whether a pitch class above the tonic is a tone of the chord.
    """

    mode: str
    states: tuple[tuple[int, str], ...]
    start: Floats
    successions: dict[str, Floats]
    change: Floats
    notes: Floats
    tones: NDArray[np.bool_]

    @property
    def is_tonic(self) -> NDArray[np.bool_]:
        """(S,) whether a chord is the tonic triad of the mode."""
        return np.array([state == (0, "m" if self.mode == "minor" else "") for state in self.states])

    @property
    def is_final(self) -> NDArray[np.bool_]:
        """(S,) whether a melody may end on a chord: the tonic triad, in minor also with the major third."""
        return np.asarray(self.is_tonic | np.array([state == (0, "") for state in self.states]))

    def chord(self, state: int, key: Key) -> Chord:
        """The chord of a state in a key."""
        above, quality = self.states[state]
        return Chord(root_name(key, above), quality)


@cache
def load(mode: str) -> HarmonyModel:
    """The model of a mode, major or minor, that comes with the program."""
    return from_counts(json.loads(files(__package__).joinpath("chorales.json").read_bytes())[mode], mode)


def from_counts(counts: dict[str, Any], mode: str) -> HarmonyModel:
    """The model of counts: ``states``, ``start``, ``notes`` and `SUCCESSIONS` as triples of row, column and count."""
    states = tuple((int(root), str(quality)) for root, quality in counts["states"])
    size = len(states)
    successions = {name: _square(counts[name], size) for name in SUCCESSIONS}
    together = np.sum(list(successions.values()), axis=0)
    frequency = (together.sum(axis=0) + 1) / (together.sum() + size)
    changes = together * (1 - np.eye(size))
    observed = np.array(counts["notes"], np.float64)  # (2, S, 12)
    return HarmonyModel(
        mode,
        states,
        _smoothed(np.array([counts["start"]], np.float64), frequency)[0],
        {name: _smoothed(table, frequency) for name, table in successions.items()},
        _smoothed(changes, frequency),
        np.log(_notes(observed, states)),
        np.array([_tones(*state) for state in states]),
    )


def _square(triples: list[list[int]], size: int) -> Floats:
    table = np.zeros((size, size))
    for row, column, count in triples:
        table[row, column] = count
    return table


def _smoothed(table: Floats, frequency: Floats) -> Floats:
    smooth = table + TOWARDS_FREQUENCY * frequency
    return np.asarray(np.log(smooth / smooth.sum(axis=1, keepdims=True)))


def _notes(observed: Floats, states: tuple[tuple[int, str], ...]) -> Floats:
    """(2, S, 12) probabilities, drawn towards those of all chords of the quality, at the same intervals above the
    root."""
    probabilities = np.empty_like(observed)
    for quality in {quality for _, quality in states}:
        members = [index for index, (_, other) in enumerate(states) if other == quality]
        rolled = [np.roll(observed[:, index], -states[index][0], axis=-1) for index in members]
        above_root = np.sum(rolled, axis=0) + LEAST_COUNT
        above_root = above_root / above_root.sum(axis=-1, keepdims=True)
        for index in members:
            prior = np.roll(above_root, states[index][0], axis=-1)
            smooth = observed[:, index] + TOWARDS_QUALITY * prior
            probabilities[:, index] = smooth / smooth.sum(axis=-1, keepdims=True)
    return probabilities


def _tones(root: int, quality: str) -> NDArray[np.bool_]:
    return np.isin(np.arange(12), [(root + above) % 12 for above in CHORDS[quality]])
