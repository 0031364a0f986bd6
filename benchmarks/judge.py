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

from melodysynthesis import corpora
from melodysynthesis.evaluation.critic import two_sample
from melodysynthesis.evaluation.degenerate import shares
from melodysynthesis.evaluation.features import FIGURES, features_of
from melodysynthesis.evaluation.statistics import bootstrap_mean
from melodysynthesis.generation.generate import generate
from melodysynthesis.generation.request import Request
from melodysynthesis.music import Melody
from melodysynthesis.runtime.judge import shipped
from melodysynthesis.runtime.loading import open_model

SHOWN = ("Ends On Tonic", "Ends By Step", "Last Note", "Notes", "Range", "Bars Repeated", "Phrases", "Phrase Quarters")


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
    rows: dict[str, list[str]] = {"critic": [], "critic on tokens": []}
    for name, melodies in sets.items():
        real, generated = (people[::2], people[1::2]) if name == "people" else (people, melodies)
        for row, by in (("critic", "features"), ("critic on tokens", "tokens")):
            found = two_sample(real, generated, chosen.seed, by=by).auc  # type: ignore[arg-type]
            rows[row].append(f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]")
    figures = {name: features_of(melodies).figures for name, melodies in sets.items()}
    for shown in SHOWN:
        means = [bootstrap_mean(each[:, list(FIGURES).index(shown)]) for each in figures.values()]
        rows[shown] = [f"{mean.value:.2f} [{mean.low:.2f}, {mean.high:.2f}]" for mean in means]
    for sign in shares(people):
        rows[sign] = [f"{100 * shares(melodies)[sign]:.1f} %" for melodies in sets.values()]
    rows["different in 100"] = [f"{100 * len({m.notes for m in each}) / len(each):.1f}" for each in sets.values()]
    print(f"{'drafts':22}" + "".join(f"{name:>24}" for name in sets))
    for name, texts in rows.items():
        print(f"{name:22}" + "".join(f"{text:>24}" for text in texts))


if __name__ == "__main__":
    main()
