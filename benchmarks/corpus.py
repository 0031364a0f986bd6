"""The default corpus from files to token ids, against the original's 49 ms a tune; first and second build.

    python benchmarks/corpus.py [--corpus essen-german]

The original read, filtered, transposed and encoded with music21, in one process. So do we: reading and filtering are
the build, which besides finds the families and splits; transposing is part of each encoding. The cache is a temporary
folder, so that the first build is one. Ratios are of processor time, which on a quiet machine is that of the clock.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from melodysynthesis import corpora
from melodysynthesis.encodings import ENCODINGS
from melodysynthesis.errors import EncodingError

Result = TypeVar("Result")
ORIGINAL_MS = 49.0
GOAL_RATIO, GOAL_SECOND_BUILD = 50, 1.0


def seconds(work: Callable[[], Result]) -> tuple[float, float, Result]:
    """Seconds of processor time and by the clock, and the result."""
    start, clock = time.process_time(), time.perf_counter()
    result = work()
    return time.process_time() - start, time.perf_counter() - clock, result


def encode_all(corpus: corpora.Corpus, name: str) -> tuple[int, int]:
    """Number of melodies that the encoding can say, and of their ids."""
    encoding, said, ids = ENCODINGS[name](), 0, 0
    for melody in corpus:
        try:
            ids += len(encoding.encode(melody))
            said += 1
        except EncodingError:
            pass
    return said, ids


def main() -> int:
    """Print the figures; 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", default=corpora.DEFAULT)
    name = parser.parse_args().corpus
    with tempfile.TemporaryDirectory() as cache:
        os.environ["MELODYSYNTHESIS_CACHE"] = cache
        first, first_clock, corpus = seconds(lambda: corpora.load(name))
        second, second_clock, corpus = seconds(lambda: corpora.load(name))
        tunes = corpus.report.read
        print(f"{'step':28} {'CPU s':>8} {'clock s':>8} {'ms a tune':>10} {'x original':>11}")
        print(f"{'first build':28} {first:8.2f} {first_clock:8.2f} {1000 * first / tunes:10.3f}")
        ratios = []
        for encoding in ENCODINGS:
            took, clock, (said, ids) = seconds(partial(encode_all, corpus, encoding))
            ms = 1000 * (first + took) / tunes
            ratios.append(ORIGINAL_MS / ms)
            print(
                f"{'  + transpose, encode ' + encoding:28} {first + took:8.2f} {first_clock + clock:8.2f} {ms:10.3f}"
                f" {ratios[-1]:10.0f}x   {said:,} of {tunes:,} tunes, {ids:,} ids"
            )
        print(f"{'second build':28} {second:8.4f} {second_clock:8.4f}")
    met = min(ratios) >= GOAL_RATIO and second_clock < GOAL_SECOND_BUILD
    print(f"goals: {GOAL_RATIO}x, second build under {GOAL_SECOND_BUILD:g} s: {'met' if met else 'MISSED'}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
