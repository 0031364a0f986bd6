"""Models side by side: fresh critics against held-out tunes, figures of structure, and how plans are followed.

    melody bench critics -- [--models transformer,runs/mine] [--melodies 300] [--temperature 0.9] [--seed 0]

Critics are trained afresh for each model, and select nothing. People's own column is half of the held-out tunes against
the other half.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from _critics import print_table
from melodysynthesis import corpora
from melodysynthesis.encodings.plan import plan_of
from melodysynthesis.generation.batch import Generated
from melodysynthesis.generation.generate import generate
from melodysynthesis.generation.request import Request
from melodysynthesis.music import Melody
from melodysynthesis.runtime.loading import open_model


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--models", default="transformer,lstm")
    parser.add_argument("--corpus", default="essen-german")
    parser.add_argument("--melodies", type=int, default=300)
    parser.add_argument("--temperature", type=float, default=0.9)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--drafts", type=int, default=1)
    chosen = parser.parse_args()
    people = list(corpora.load(chosen.corpus).split("test"))
    sets: dict[str, list[Melody]] = {"people": people}
    for model in chosen.models.split(","):
        request = Request(
            model=model, count=chosen.melodies, temperature=chosen.temperature, seed=chosen.seed, drafts=chosen.drafts
        )
        made = generate(open_model(model).engine, request)
        sets[Path(model).name] = [one.melody for one in made]
        print_plans(model, made)
    print_table(f"temperature {chosen.temperature:g}", people, sets, chosen.seed)


def print_plans(model: str, made: list[Generated]) -> None:
    """Print how many melodies have a plan, and how often a phrase is what its name in the plan says."""
    planned = [(one.plan, plan_of(one.melody)) for one in made if one.plan is not None]
    if not planned:
        return
    same = [
        there is not None
        and [section.name for section in plan.sections] == [section.name for section in there.sections]
        for plan, there in planned
    ]
    names = [
        wanted.name == found.name
        for plan, there in planned
        if there is not None
        for wanted, found in zip(plan.sections, there.sections, strict=True)
    ]
    print(
        f"{model}: {len(planned)} of {len(made)} melodies have a plan; letters as planned in {100 * np.mean(same):.0f} "
        f"% of them, and of {100 * np.mean(names):.0f} % of the phrases"
    )


if __name__ == "__main__":
    main()
