"""The original study's texts: baselines and trained models, judged on one file, with and without the songs that leak.

    python benchmarks/original_study.py TRAIN.txt TEST.txt [--models RUN ...] [--orders 8,16,32] [--window 64]

Tokens from the 65th on. "window 0" carries the state through the text; the study's own protocol is a window of 64
tokens before each. The last two columns leave out test songs that are token for token in TRAIN. For comparison: an
8-gram of ours had 81.05 % and 0.6734 nats a token, the study's LSTM 85.36 % and 0.4613.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from melodysynthesis.encodings import GridEncoding, token_ids
from melodysynthesis.evaluation.evaluate import evaluate_text
from melodysynthesis.runtime.base import Engine
from melodysynthesis.runtime.constant import train_constant
from melodysynthesis.runtime.ngram import train_ngram
from melodysynthesis.runtime.pretrained import load


def songs_of(path: Path) -> list[tuple[str, ...]]:
    """The songs of a text with delimiters, as their tokens."""
    return [tuple(song.split()) for song in path.read_text().split("/") if song.strip()]


def main() -> None:
    """Print one row a model and window."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("--orders", default="8,16,32", help="of the n-grams; empty for none")
    parser.add_argument("--models", nargs="*", default=[], help="names, files or run folders of trained grid models")
    parser.add_argument("--window", type=int, default=0, help="judge the models in windows of so many tokens, too")
    arguments = parser.parse_args()
    encoding = GridEncoding()
    train, test = (token_ids(encoding, path.read_text().split()) for path in (arguments.train, arguments.test))
    known = set(songs_of(arguments.train))
    unseen = np.array([song not in known for song in songs_of(arguments.test)])
    print(f"{unseen.sum()} of {len(unseen)} songs of {arguments.test.name} are not in {arguments.train.name}")
    print(
        f"{'model':>15} {'window':>6} {'accuracy':>9} {'nats/token':>11} {'bits/note':>20} {'judge s':>8} "
        f"{'unseen':>8} {'nats':>7}"
    )
    makers: dict[str, Callable[[], Engine]] = {}
    if arguments.orders:
        makers["constant rule"] = lambda: train_constant([train], encoding)
    for order in map(int, filter(None, arguments.orders.split(","))):
        makers[f"order {order}"] = lambda order=order: train_ngram([train], encoding, order)
    trained = {Path(model).name: model for model in arguments.models}
    for name, model in trained.items():
        makers[name] = lambda model=model: load(model)
    for name, make in makers.items():
        engine = make()
        for window in sorted({0, arguments.window}) if name in trained else [0]:
            start = time.perf_counter()
            found = evaluate_text(engine, test, window=window or None)
            judged = time.perf_counter() - start
            new = unseen[[int(source.removeprefix("song ")) - 1 for source in found.sources]]
            tokens = found.tokens[new].sum()
            print(
                f"{name:>15} {window:>6} {found.accuracy:>9.2%} {found.loss:>11.4f} {found.bits_per_note()!s:>20} "
                f"{judged:>8.1f} {found.correct[new].sum() / tokens:>8.2%} {found.nats[new].sum() / tokens:>7.4f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
