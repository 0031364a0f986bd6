"""What rules cost: melodies that were steered to keep them against melodies that keep them by chance.

    python benchmarks/price.py [--model NAME|FILE] [--count N] [--particles N]

The rules are ones that free melodies keep now and then. Free melodies of which the certificate finds all rules kept are
drawn from exactly what particles are to draw from: the model's own distribution among melodies that keep the rules. So
both sets are compared by bits per note under the model, without rules, and by the 17 descriptors: differences are what
steering costs, with intervals by bootstrap over melodies. Both are drawn at temperature 1.
"""

import argparse
import sys
import time
from math import log
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from melodysynthesis.apps.opening import open_model
from melodysynthesis.certificate import Verdict, certify
from melodysynthesis.evaluation.descriptors import NAMES, describe
from melodysynthesis.evaluation.statistics import compare_sets, corrected
from melodysynthesis.generation.generate import generate
from melodysynthesis.generation.generated import Generated
from melodysynthesis.generation.request import Request

FRAME = {"key": "G major", "meter": "3/4", "pickup": 0, "bars": 8, "temperature": 1.0}
RULES = {
    "scale": "major",
    "range": "D4-G5",
    "max_leap": 7,
    "max_syncopation": 1,
    "ties_over_bars": False,
    "cadence": True,
}


def bits_per_note(made: Generated) -> float:
    """Under the model, the rules not given."""
    return -made.log_likelihood / log(2) / max(made.notes_drawn, 1)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", default="lstm")
    parser.add_argument(
        "--count", type=int, default=400, help="melodies with rules; free ones are as many again, times 4"
    )
    parser.add_argument("--particles", type=int, default=8)
    chosen = parser.parse_args()
    engine = open_model(chosen.model)[0]
    start = time.process_time()
    request = Request(seed=1, count=chosen.count, particles=chosen.particles, **FRAME, **RULES)
    ruled = generate(engine, request)
    used = time.process_time() - start
    every = generate(engine, Request(seed=2, count=4 * chosen.count, **FRAME))
    written = request.model_dump(mode="json")
    free = [one for one in every if certify(one.melody, written).verdict is Verdict.KEPT]
    share = len(free) / len(every)
    print(f"{chosen.model}: {len(free)} of {len(every)} free melodies keep {', '.join(RULES)}: {share:.1%}")
    estimate = np.mean([np.exp(one.steering.log_probability) for one in ruled if one.steering])
    print(f"particles say {estimate:.1%}; {len(ruled)} melodies with {chosen.particles} in {used:.0f} s of processor")
    sizes = [one.steering.effective_size for one in ruled if one.steering]
    median, low = np.percentile(sizes, (50, 5))
    print(f"effective particles: median {median:.2f}, 5th percentile {low:.2f}")
    rows = {name: np.array([describe(one.melody) for one in made]) for name, made in (("ruled", ruled), ("free", free))}
    compared = {
        name: compare_sets(rows["ruled"][:, number], rows["free"][:, number]) for number, name in enumerate(NAMES)
    }
    bits = {"bits per note": compare_sets([bits_per_note(one) for one in ruled], [bits_per_note(one) for one in free])}
    for name, one in {**bits, **corrected(compared)}.items():
        print(f"  {name:<40} ruled - free {one.difference}, p {one.p:.3g}")


if __name__ == "__main__":
    main()
