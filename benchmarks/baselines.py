"""Baselines on grid texts: the constant rule and n-grams of growing order, trained on one file and judged on another.

    python benchmarks/baselines.py TRAIN.txt TEST.txt [--orders 8,16,32]

Tokens from the 65th on, state carried. The last two columns leave out test songs that are token for token in TRAIN.
For comparison: an 8-gram of ours had 81.05 % and 0.6734 nats a token, the study's LSTM 85.36 % and 0.4613.
"""

import argparse
import time
from pathlib import Path

import numpy as np

from melodysynthesis.encodings import GridEncoding
from melodysynthesis.evaluation.prediction import judge_text
from melodysynthesis.runtime.constant import train_constant
from melodysynthesis.runtime.ngram import train_ngram


def songs_of(path: Path) -> list[tuple[str, ...]]:
    """The songs of a text with delimiters, as their tokens."""
    return [tuple(song.split()) for song in path.read_text().split("/") if song.strip()]


def main() -> None:
    """Print one row a model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("--orders", default="8,16,32")
    arguments = parser.parse_args()
    encoding = GridEncoding()
    train, test = (encoding.ids_of(path.read_text().split()) for path in (arguments.train, arguments.test))
    known = set(songs_of(arguments.train))
    unseen = np.array([song not in known for song in songs_of(arguments.test)])
    print(f"{unseen.sum()} of {len(unseen)} songs of {arguments.test.name} are not in {arguments.train.name}")
    print(
        f"{'model':>15} {'accuracy':>9} {'nats/token':>11} {'bits/note':>20} {'train s':>8} {'judge s':>8} "
        f"{'unseen':>8} {'nats':>7}"
    )
    makers = {"constant rule": lambda: train_constant([train], encoding)}
    for order in map(int, arguments.orders.split(",")):
        makers[f"order {order}"] = lambda order=order: train_ngram([train], encoding, order)
    for name, make in makers.items():
        start = time.perf_counter()
        engine = make()
        trained = time.perf_counter()
        found = judge_text(engine, test)
        judged = time.perf_counter()
        new = unseen[[int(source.removeprefix("song ")) - 1 for source in found.sources]]
        tokens = found.tokens[new].sum()
        print(
            f"{name:>15} {found.accuracy:>9.2%} {found.loss:>11.4f} {found.bits_per_note()!s:>20} "
            f"{trained - start:>8.1f} {judged - trained:>8.1f} {found.correct[new].sum() / tokens:>8.2%} "
            f"{found.nats[new].sum() / tokens:>7.4f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
