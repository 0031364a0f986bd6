"""How varied a set of melodies is, by runs of tokens. Input: the tokens of each melody; unit: shares from 0 to 1.

A model that has collapsed writes melodies that are fine one by one and all alike: no judge of single melodies can hear
that. `distinct_ngrams` is distinct-n (Li et al. 2016); `self_overlap` is what self-BLEU (Zhu et al. 2018) asks, how
much of a melody stands in the others, for one n and without a brevity penalty.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

NGRAM = 8
"""Tokens of a run: about four notes of `event`."""


def distinct_ngrams(melodies: Sequence[ArrayLike], n: int = NGRAM) -> float:
    """Different runs of n tokens, over all runs. NaN where no melody has n tokens."""
    grams = [gram for melody in melodies for gram in _ngrams(melody, n)]
    return len(set(grams)) / len(grams) if grams else float("nan")


def self_overlap(melodies: Sequence[ArrayLike], n: int = NGRAM) -> float:
    """Share of a melody's runs of n tokens that stand in another of the melodies too, the mean over melodies.

    Melodies of fewer than n tokens are left out; NaN where all are.
    """
    runs = [set(_ngrams(melody, n)) for melody in melodies]
    heard = Counter(gram for melody in runs for gram in melody)
    shares = [sum(heard[gram] > 1 for gram in melody) / len(melody) for melody in runs if melody]
    return float(np.mean(shares)) if shares else float("nan")


def _ngrams(melody: ArrayLike, n: int) -> list[bytes]:
    tokens: NDArray[np.int32] = np.ascontiguousarray(melody, np.int32)
    return [tokens[i : i + n].tobytes() for i in range(len(tokens) - n + 1)]
