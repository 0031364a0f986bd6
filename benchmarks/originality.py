"""What a melody shares with the training tunes: time a melody, beside a search through every tune; load and build.

    python benchmarks/originality.py [--corpus essen-german]

The search through everything is that of the longest common run by dynamic programming over a melody and each training
tune (vectorised over the tunes' notes), by interval alone; both must find the same. The index does besides rhythm, the
shares of copied runs, names, places and percentiles. The melodies are held-out tunes. Processor time counts, which on a
quiet machine is that of the clock; the index is built in a temporary cache.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from melodysynthesis import corpora
from melodysynthesis.evaluation.originality import Index, evaluate, index_of
from melodysynthesis.music import Melody

Result = TypeVar("Result")
MELODIES, SEARCHED = 200, 20
GOAL_MS = 5.0


def seconds(work: Callable[[], Result]) -> tuple[float, float, Result]:
    """Seconds of processor time and by the clock, and the result."""
    start, clock = time.process_time(), time.perf_counter()
    result = work()
    return time.process_time() - start, time.perf_counter() - clock, result


def text_of(view: corpora.View) -> NDArray[np.int16]:
    """The intervals of all tunes, with 999 after each."""
    return np.concatenate([[*np.diff(melody.pitches), 999] for melody in view]).astype(np.int16)


def longest(melody: Melody, text: NDArray[np.int16]) -> int:
    """Notes of the longest run that stands in a text, from the length of the run that ends at each of its places."""
    best, before = 0, np.zeros(len(text) + 1, np.int16)
    for interval in np.diff(melody.pitches):
        now = np.zeros_like(before)
        now[1:] = np.where(text == interval, before[:-1] + 1, 0)
        best, before = max(best, int(now.max())), now
    return best + 1


def main() -> int:
    """Print the figures; 1 if the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", default=corpora.DEFAULT)
    name = parser.parse_args().corpus
    with tempfile.TemporaryDirectory() as cache:
        os.environ["MELODYSYNTHESIS_CACHE"] = cache
        corpus = corpora.load(name)
        build, build_clock, _ = seconds(lambda: index_of(corpus))
        load, load_clock, index = seconds(lambda: index_of(corpus))
        melodies = list(corpus.split("test")[:MELODIES])
        ours, clock, found = seconds(lambda: [evaluate(melody, index) for melody in melodies])
        text, few = text_of(corpus.split("train")), melodies[:SEARCHED]
        brute, brute_clock, searched = seconds(lambda: [longest(melody, text) for melody in few])
    same = searched == [report["interval"]["longest_run"] for report in found[:SEARCHED]]
    per_melody, per_search = ours / len(melodies), brute / len(few)
    print(f"{'step':36} {'CPU ms':>9} {'clock ms':>9}")
    print(f"{'build the index':36} {1000 * build:9.0f} {1000 * build_clock:9.0f}   {size(index)}")
    print(f"{'load the index':36} {1000 * load:9.1f} {1000 * load_clock:9.1f}")
    print(f"{'a melody by the index':36} {1000 * per_melody:9.3f} {1000 * clock / len(melodies):9.3f}")
    print(f"{'a melody through every tune':36} {1000 * per_search:9.3f} {1000 * brute_clock / len(few):9.3f}")
    print(
        f"the index is {per_search / per_melody:.0f}x faster; the longest runs are {'equal' if same else 'NOT EQUAL'}"
    )
    met = same and 1000 * per_melody < GOAL_MS
    print(f"goal: under {GOAL_MS:g} ms a melody, equal: {'met' if met else 'MISSED'}")
    return 0 if met else 1


def size(index: Index) -> str:
    """What is in an index."""
    train = index.corpus.split("train")
    return f"{len(train):,} tunes, {train.note_count:,} notes"


if __name__ == "__main__":
    sys.exit(main())
