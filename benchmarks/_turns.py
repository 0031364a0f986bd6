"""Timings that can be compared on a noisy machine."""

import time
from collections.abc import Callable, Sequence

import numpy as np


def in_turns(runs: Sequence[Callable[[], object]], seconds: float) -> list[float]:
    """Seconds of each, run one after the other again and again: the tenth percentile of at least 20."""
    for run in runs:
        run()
    times: list[list[float]] = [[] for _ in runs]
    limit = time.perf_counter() + seconds
    while time.perf_counter() < limit or len(times[0]) < 20:
        for run, taken in zip(runs, times, strict=True):
            start = time.perf_counter()
            run()
            taken.append(time.perf_counter() - start)
    return [float(np.quantile(taken, 0.1)) for taken in times]
