"""How well an engine predicts melodies: accuracy, loss, bits per note.

Conventions
-----------
Input: an `Engine` and either melodies (`evaluate`) or one stream of grid tokens (`evaluate_text`). The engine steps
through the true tokens and predicts the next one each time (teacher forcing). The start token is never
predicted and never counted.

Let p be the softmax of the engine's logits over the whole vocabulary, and q the same restricted to what the
grammar lets follow (`Context.allowed`) and renormalised.

Accuracy
    Share of tokens at which p is largest for the true token; of equal ones the first counts. Reported by
    `Group` too, since holds and delimiters come nearly for free: on grid text "always hold" has 77 %. Top-k
    likewise.
Loss
    Mean of -ln p(true token), in nats per token. Comparable within one encoding and protocol only.
Bits per note
    The only figure that can be compared across encodings: the cost in bits of writing the melody down, over
    its number of notes. With M, P and G the mass of q on tokens of `Role` MUSIC, PHRASE and GIVEN, -log2
    q(target) falls into three parts:

    ========  =================  =====================  ==================
    target    music              phrase                 given
    ========  =================  =====================  ==================
    MUSIC     -log2(q / M)       -log2(M / (M + P))     -log2(M + P)
    PHRASE    0                  -log2(q / (M + P))     -log2(M + P)
    GIVEN     0                  0                      -log2 q
    ========  =================  =====================  ==================

    *Bits per note* is music over notes: pitches, rests, durations, the pickup, the number of bars and the
    end, given where phrases end. *Phrase bits per note* is what the marks cost, where one comes and where
    one could have come and did not. Tonic, mode, meter and changes of meter are given and cost nothing.
    Each comes with the standard error and the 95 % percentile interval of a bootstrap over tunes
    (`bootstrap_ratio`).
    On a token stream there is no grammar: q is p, delimiters are paid for, and a "tune" is a song with the
    delimiters after it.
Bits of a note
    The music bits of its own token and of all up to the next note's: its duration, the rest after it, and of the last
    note the end. Tokens before the first note (pickup, number of bars) belong to no note. `evaluation.breakdown` splits
    them by scale degree, metric position, position in the phrase, and number of notes before.
Calibration
    Confidence (largest p) against accuracy in ten bins; expected calibration error (Guo et al. 2017, eq. 3). Also by
    the true token's group: holds and delimiters are many and easy.

Empty input is an error in words; tunes that the encoding can't represent are left out and listed in `rejected`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.encodings import Encoding, Group
from melodysynthesis.evaluation.statistics import Interval, bootstrap_ratio

BINS = 10
GROUP_KEYS = {group: "frame" if group == Group.HEADER else group.name.lower() for group in Group}
"""Names of the groups in JSON and Parquet files."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Prediction:
    """The result of `evaluate`. Arrays by tune are in the order of the melodies, so that two models can be paired.

    Attributes:
        encoding: of the tokens.
        protocol: how the engine was evaluated, in words.
        sources: (tunes,) where each tune is from.
        numbers: (tunes,) which of the melodies, or of the text's songs, each tune is.
        rejected: one message for each tune that the encoding can't represent.
        tokens: (tunes, groups) predicted tokens by the true token's `Group`.
        correct: (tunes, groups) of these, how many were predicted right.
        nats: (tunes,) -ln p, summed.
        music_bits: (tunes, groups) by the true token's group; see the module's docstring.
        phrase_bits: (tunes,)
        given_bits: (tunes,) not counted; with the other two it makes up -log2 q.
        confusion: (vocabulary, vocabulary) tokens by true and predicted token.
        ranks: (vocabulary,) number of tokens whose true value was the most likely, second most likely, ...
        bins: (groups, BINS, 3) by confidence: number of tokens, sum of confidence, number predicted right.
        note_tune: (notes,) the tune of each note, as they stand.
        note_bits: (notes,) see Bits of a note.
        note_right: (notes,) whether its own token was predicted right.
    """

    encoding: Encoding
    protocol: str
    sources: tuple[str, ...]
    numbers: tuple[int, ...]
    rejected: tuple[str, ...]
    tokens: Ints
    correct: Ints
    nats: Floats
    music_bits: Floats
    phrase_bits: Floats
    given_bits: Floats
    confusion: Ints
    ranks: Ints
    bins: Floats
    note_tune: Ints
    note_bits: Floats
    note_right: NDArray[np.bool_]

    @property
    def notes(self) -> Ints:
        """(tunes,) number of notes."""
        return self.tokens[:, Group.NOTE]

    @property
    def accuracy(self) -> float:
        """Share of tokens predicted right."""
        return float(self.correct.sum() / self.tokens.sum())

    @property
    def loss(self) -> float:
        """Nats per token."""
        return float(self.nats.sum() / self.tokens.sum())

    def top(self, k: int) -> float:
        """Share of tokens that were among the k most likely."""
        return float(self.ranks[:k].sum() / self.ranks.sum())

    def bits_per_note(self, seed: int = 0) -> Interval:
        """Music bits per note, given the phrase marks."""
        return bootstrap_ratio(self.music_bits.sum(axis=1), self.notes, seed=seed)

    def phrase_bits_per_note(self, seed: int = 0) -> Interval:
        """What the phrase marks cost, in bits per note."""
        return bootstrap_ratio(self.phrase_bits, self.notes, seed=seed)

    def total_bits_per_note(self, seed: int = 0) -> Interval:
        """Music and phrase marks together, in bits per note."""
        return bootstrap_ratio(self.music_bits.sum(axis=1) + self.phrase_bits, self.notes, seed=seed)

    @property
    def calibration_error(self) -> float:
        """Expected calibration error: mean distance between confidence and accuracy, weighted by tokens."""
        return _calibration_error(self.bins.sum(axis=0))

    def by_group(self) -> dict[str, dict[str, float]]:
        """Of each group that occurs: tokens, their share of all, accuracy, calibration error, music bits per note."""
        tokens, correct, bits = self.tokens.sum(axis=0), self.correct.sum(axis=0), self.music_bits.sum(axis=0)
        notes = self.notes.sum()
        return {
            GROUP_KEYS[group]: {
                "tokens": int(tokens[group]),
                "share": float(tokens[group] / tokens.sum()),
                "accuracy": float(correct[group] / tokens[group]),
                "calibration error": _calibration_error(self.bins[group]),
                "bits per note": float(bits[group] / notes) if notes else float("nan"),
            }
            for group in Group
            if tokens[group]
        }

    def figures(self, seed: int = 0) -> dict[str, Any]:
        """All figures as JSON types; intervals as value, low, high and standard error."""
        bits = {
            "bits per note": self.bits_per_note(seed),
            "phrase bits per note": self.phrase_bits_per_note(seed),
            "total bits per note": self.total_bits_per_note(seed),
        }
        return {
            "protocol": self.protocol,
            "tunes": len(self.sources),
            "rejected": len(self.rejected),
            "tokens": int(self.tokens.sum()),
            "notes": int(self.notes.sum()),
            "accuracy": self.accuracy,
            "top 3 accuracy": self.top(3),
            "top 5 accuracy": self.top(5),
            "loss": self.loss,
            **{name: interval.figures() for name, interval in bits.items()},
            "calibration error": self.calibration_error,
            "groups": self.by_group(),
        }


def _calibration_error(bins: Floats) -> float:
    """Of bins (BINS, 3): see `Prediction.bins`."""
    return float(np.abs(bins[:, 1] - bins[:, 2]).sum() / bins[:, 0].sum())
