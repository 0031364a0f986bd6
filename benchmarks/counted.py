"""One step of the counted baselines: microseconds at batch 1, 256 and 1,000, n-gram and PPM, on real tunes.

    python benchmarks/counted.py [--encoding event grid] [--batches 1 256 1000] [--position 100] [--seconds 3]

Counted on the training tunes of `essen-german`, then stepped through validation tunes: the token at `position` is
timed, since PPM counts the tokens so far. The walk of the encoding's context is left out. The models are timed
in turns, and the fastest tenth counts, since others may use the machine.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from _turns import in_turns
from melodysynthesis import corpora
from melodysynthesis.encodings import Encoding, Ids, encoding_from
from melodysynthesis.errors import EncodingError
from melodysynthesis.runtime import short_term
from melodysynthesis.runtime.ngram import NGramEngine, train_ngram
from melodysynthesis.runtime.ppm import Mix, PPMEngine, train_ppm


def sequences(encoding: Encoding, split: str) -> list[Ids]:
    """Ids of the tunes of a split that the encoding can say."""
    found = []
    for melody in corpora.load("essen-german").split(split):
        try:
            found.append(encoding.encode(melody))
        except EncodingError:
            continue
    return found


def ngram_step(engine: NGramEngine, tunes: Ids) -> object:
    """The logits after the last column."""
    return engine._logits(tunes[:, -engine.order :])


def ppm_step(engine: PPMEngine, history: short_term.ShortTermHistory, ids: Ids) -> object:
    """Take the last column; the logits after it."""
    return engine._logits(short_term.advance(history, ids, engine.encoding.start_id))


def measure(encoding: Encoding, given: argparse.Namespace) -> None:
    """Print a line for each batch size."""
    train = sequences(encoding, "train")
    ngram, ppm = train_ngram(train, encoding), train_ppm(train, encoding)
    others = [PPMEngine(ppm.levels, replace(ppm.settings, mix=mix), ppm.fit, encoding, ppm.card)
              for mix in (Mix.UPON, Mix.SHORT)]  # fmt: skip
    long_enough = [ids for ids in sequences(encoding, "validation") if len(ids) > given.position]
    print(f"\n{encoding.name}, token {given.position}; microseconds a step")
    print(f"{'batch':>6} {'n-gram':>9} {'PPM mean':>9} {'PPM upon':>9} {'short':>9} {'PPM mean us/token':>18}")
    for batch in given.batches:
        tunes = np.array([long_enough[i % len(long_enough)][: given.position] for i in range(batch)])
        history = short_term.begin(tunes[:, 0])
        for column in tunes.T[1:-1]:
            history = short_term.advance(history, column, encoding.start_id)
        runs: list[Callable[[], object]] = [partial(ngram_step, ngram, tunes)]
        runs += [partial(ppm_step, engine, history, tunes[:, -1]) for engine in (ppm, *others)]
        taken = in_turns(runs, given.seconds)
        print(
            f"{batch:6} " + " ".join(f"{1e6 * each:9.0f}" for each in taken) + f" {1e6 * taken[1] / batch:18.1f}",
            flush=True,
        )


def main() -> None:
    """Measure all that was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoding", nargs="+", default=["event", "grid"], choices=["event", "grid"])
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 256, 1000])
    parser.add_argument("--position", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=3)
    given = parser.parse_args()
    for name in given.encoding:
        measure(encoding_from({"name": name}), given)


if __name__ == "__main__":
    main()
