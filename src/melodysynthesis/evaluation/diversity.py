"""How varied a set of melodies is, by runs of tokens. Input: the tokens of each melody; unit: shares from 0 to 1.

A model that has collapsed writes good melodies that are all similar: no measure of single melodies can show that.
`distinct_ngrams` is distinct-n (Li et al. 2016). It depends on the number and length of the melodies: compare sets of
about as many tokens. Its interval is by bootstrap over melodies, each with what it has in common with the whole set:
drawing a melody twice repeats no run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from melodysynthesis.evaluation.statistics import Interval, bootstrap_ratio

NGRAM = 8
"""Tokens of a run: about four notes of `event`."""


def distinct_ngrams(melodies: Sequence[ArrayLike], n: int = NGRAM) -> Interval:
    """Number of distinct runs of n tokens over the number of all runs. NaN where no melody has n tokens."""
    runs = [ngrams(melody, n) for melody in melodies]
    counts = Counter(run for melody in runs for run in melody)
    # a run that occurs k times counts as a k-th of a distinct one each time
    distinct = [sum(1 / counts[run] for run in melody) for melody in runs]
    return bootstrap_ratio(distinct, [len(melody) for melody in runs])


def ngrams(melody: ArrayLike, n: int) -> list[bytes]:
    """The bytes of each run of n tokens."""
    tokens: NDArray[np.int32] = np.ascontiguousarray(melody, np.int32)
    return [tokens[i : i + n].tobytes() for i in range(len(tokens) - n + 1)]
