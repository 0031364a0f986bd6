"""What drawing one of several drafts by the judge's odds gives: critics that never select, figures, and time.

    melody bench judge -- [--model transformer] [--melodies 300] [--drafts 4,8,16] [--temperature 0.9] [--seed 0]

All drafts of a melody are drawn once; the first is the melody without a judge, and of the first N one is drawn by odds.
Critics are trained afresh, against held-out tunes; people's own column is half of these tunes against the other half.
"""

from __future__ import annotations

import argparse
import os
import time

import numpy as np

from _critics import print_table
from melodysynthesis import corpora
from melodysynthesis.generation.generate import generate
from melodysynthesis.generation.request import Request
from melodysynthesis.music import Melody
from melodysynthesis.runtime.judge import shipped
from melodysynthesis.runtime.loading import open_model


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", default="transformer")
    parser.add_argument("--melodies", type=int, default=300)
    parser.add_argument("--drafts", default="4,8,16")
    parser.add_argument("--temperature", type=float, default=0.9)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    numbers = [1, *(int(text) for text in chosen.drafts.split(","))]
    engine, judge = open_model(chosen.model).engine, shipped()
    if judge is None or not judge.knows(engine.encoding.name, engine.card.corpus):
        raise SystemExit(f"the judge that ships was not trained with {chosen.model}")
    start = time.process_time()
    most, count = max(numbers), chosen.melodies
    request = Request(
        model=chosen.model, count=most * count, drafts=1, temperature=chosen.temperature, seed=chosen.seed
    )
    drafts = [one.melody for one in generate(engine, request)]
    drawn = time.process_time() - start
    odds = judge.log_odds(drafts).reshape(count, most)
    judged = time.process_time() - start - drawn
    print(
        f"processor: {drawn / len(drafts) * 1e3:.2f} ms a draft, {judged / len(drafts) * 1e3:.2f} ms to judge it; "
        + ", ".join(f"{n} drafts {n * (1 + judged / drawn):.1f} times one" for n in numbers[1:])
        + f"; load {os.getloadavg()[0]:.1f}"
    )
    people = list(corpora.load(engine.card.corpus).split("test"))
    random = np.random.default_rng(chosen.seed)
    sets: dict[str, list[Melody]] = {"people": people}
    for number in numbers:
        shifted = odds[:, :number] + random.gumbel(size=(count, number))  # the largest: one drawn by odds
        sets[str(number)] = [drafts[row * most + place] for row, place in enumerate(shifted.argmax(axis=1).tolist())]
    print_table("drafts", people, sets, chosen.seed)


if __name__ == "__main__":
    main()
