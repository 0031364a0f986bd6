"""What rules cost: melodies that were steered to keep them against melodies that keep them by chance.

    python benchmarks/price.py [--model NAME|FILE ...] [--count N] [--free N] [--particles N]

The sets of rules are ones that free melodies keep now and then. Free melodies have their bars by particles, too, and no
other rule. Those of which the certificate finds all rules kept are drawn from what particles are to draw from: the
model's own distribution among melodies of these bars that keep the rules. So both are compared by bits per note under
the model, without rules, and by the 17 descriptors: differences are what steering costs, with intervals by bootstrap
over melodies. Both are drawn at temperature 1.
"""

import argparse
import sys
import time
from math import log
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from melodysynthesis.certificate import Verdict, certify
from melodysynthesis.evaluation.descriptors import NAMES, describe
from melodysynthesis.evaluation.statistics import compare_sets, corrected
from melodysynthesis.generation.batch import Generated
from melodysynthesis.generation.generate import generate
from melodysynthesis.generation.request import Request
from melodysynthesis.runtime.loading import open_model

ALPHA, FEWEST = 0.05, 20
FRAME = {"key": "G major", "meter": "3/4", "pickup": 0, "bars": 8, "temperature": 1.0}
NO_RULE = {"max_leap": 127, "drafts": 1}
SETS = (
    {"scale": "major", "range": "D4-G5", "max_leap": 7, "max_syncopation": 1, "ties_over_bars": False, "cadence": True},
    {"cadence": True, "rests": False},
    {"contour": "+ + -", "scale": "major"},
    {"durations": "1/2 1 3/2 2 3", "rests": False, "range": "D4-G5", "leap_recovery": True},
)


def bits_per_note(made: Generated) -> float:
    """Under the model, the rules not given."""
    return -made.log_likelihood / log(2) / max(made.notes_drawn, 1)


def estimate(made: list[Generated]) -> float:
    """Probability that a melody of the model has the bars and keeps the rules."""
    return float(np.mean([np.exp(one.steering.log_probability) for one in made if one.steering]))


def compare(ruled: list[Generated], free: list[Generated]) -> None:
    """Print what the ruled melodies have more of than the free ones."""
    rows = [np.array([describe(one.melody) for one in made]) for made in (ruled, free)]
    found = {name: compare_sets(rows[0][:, number], rows[1][:, number]) for number, name in enumerate(NAMES)}
    bits = compare_sets([bits_per_note(one) for one in ruled], [bits_per_note(one) for one in free])
    print(f"    bits per note: ruled - free {bits.difference}, p {bits.p:.3g}")
    apart = {name: one for name, one in corrected(found).items() if one.p < ALPHA}
    for name, one in apart.items():
        print(f"    {name}: {one.difference}, p {one.p:.3g}")
    print(f"    {len(NAMES) - len(apart)} of {len(NAMES)} descriptors not apart")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", nargs="+", default=["lstm", "transformer", "hybrid", "gan"])
    parser.add_argument("--count", type=int, default=300, help="melodies with each set of rules")
    parser.add_argument("--free", type=int, default=3000, help="melodies without rules")
    parser.add_argument("--particles", type=int, default=8)
    chosen = parser.parse_args()
    for model in chosen.model:
        engine = open_model(model)[0]
        every = generate(engine, Request(seed=2, count=chosen.free, particles=chosen.particles, **NO_RULE, **FRAME))
        frame = estimate(every)
        print(f"{model}: a melody has these bars with {frame:.1%}, as particles say")
        for rules in SETS:
            start = time.process_time()
            request = Request(seed=1, count=chosen.count, particles=chosen.particles, drafts=1, **FRAME | rules)
            ruled = generate(engine, request)
            used = time.process_time() - start
            written = request.model_dump(mode="json")
            free = [one for one in every if certify(one.melody, written).verdict is Verdict.KEPT]
            median, low = np.percentile([one.steering.effective_size for one in ruled if one.steering], (50, 5))
            print(f"  {', '.join(f'{name} {value}' for name, value in rules.items())}")
            share, said = len(free) / len(every), estimate(ruled) / frame
            print(f"    kept by {len(free)} of {len(every)} free melodies, {share:.1%}; as particles say, {said:.1%}")
            print(f"    effective particles {median:.2f}, 5th percentile {low:.2f}; {used:.0f} s of processor")
            if len(free) < FEWEST:
                print(f"    fewer than {FEWEST} to compare with")
            else:
                compare(ruled, free)


if __name__ == "__main__":
    main()
