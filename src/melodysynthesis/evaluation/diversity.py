"""How varied a set of melodies is, by runs of tokens. Input: the tokens of each melody; unit: shares from 0 to 1.

A model that has collapsed writes melodies that are fine one by one and all alike: no judge of single melodies can hear
that. `distinct_ngrams` is distinct-n (Li et al. 2016); `self_overlap` is what self-BLEU (Zhu et al. 2018) asks, how
much of a melody stands in the others, for one n and without a brevity penalty.

Both depend on how many melodies there are and how long they are: compare sets of about as many tokens. Intervals are by
bootstrap over melodies, each with what it has in common with the whole set: drawing a melody twice repeats no run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from melodysynthesis.evaluation.statistics import Interval, bootstrap_mean, bootstrap_ratio

NGRAM = 8
"""Tokens of a run: about four notes of `event`."""


def distinct_ngrams(melodies: Sequence[ArrayLike], n: int = NGRAM) -> Interval:
    """Different runs of n tokens, over all runs. NaN where no melody has n tokens."""
    runs = [_ngrams(melody, n) for melody in melodies]
    heard = Counter(run for melody in runs for run in melody)
    # A run that was heard k times is a k-th of a different one each time.
    return bootstrap_ratio([sum(1 / heard[run] for run in melody) for melody in runs], [len(melody) for melody in runs])


def self_overlap(melodies: Sequence[ArrayLike], n: int = NGRAM) -> Interval:
    """Share of a melody's different runs of n tokens that stand in another of the melodies too, the mean over melodies.

    Melodies of fewer than n tokens are left out; NaN where all are.
    """
    runs = [set(_ngrams(melody, n)) for melody in melodies]
    heard = Counter(run for melody in runs for run in melody)
    return bootstrap_mean([sum(heard[run] > 1 for run in melody) / len(melody) for melody in runs if melody])


def _ngrams(melody: ArrayLike, n: int) -> list[bytes]:
    tokens: NDArray[np.int32] = np.ascontiguousarray(melody, np.int32)
    return [tokens[i : i + n].tobytes() for i in range(len(tokens) - n + 1)]
