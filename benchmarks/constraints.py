"""Melodies with rules: how long they take, how many particles count, and how soon a note is out.

    python benchmarks/constraints.py [--model NAME|FILE] [--count N] [--streams N] [--particles N]

`guarantees.py` counts how many random requests are kept. Here one request with all usual rules is drawn `--count` times
in batches, and streamed `--streams` times with one particle, batch 1. Time per note is told by the clock and by
the processor, which is what counts where the machine is shared.
"""

import argparse
import os
import time
from collections.abc import Iterator

import numpy as np

from melodysynthesis.generation import plan
from melodysynthesis.generation.generate import check, generate
from melodysynthesis.generation.request import Request
from melodysynthesis.generation.stream import stream
from melodysynthesis.runtime import pretrained
from melodysynthesis.runtime.base import Engine

RULES = {
    "key": "G major", "meter": "3/4", "bars": 8, "scale": "major", "chromatic": 1, "range": "D4-G5", "max_leap": 9,
    "leap_recovery": True, "chords": "G | C | D7 | G", "cadence": True, "max_syncopation": 2, "rests": False,
    "ties_over_bars": False, "durations": "1/4 1/2 1 3/2 2 3", "contour": "+ +", "fixed": "3.1:A4",
}  # fmt: skip
GOAL_MS = 5.0


def note_times(engine: Engine, request: Request) -> Iterator[tuple[float, float]]:
    """Seconds by the clock and by the processor until each note after the first."""
    clock, processor = time.perf_counter(), time.process_time()
    for number, _ in enumerate(stream(engine, request)):
        now, used = time.perf_counter(), time.process_time()
        if number:
            yield now - clock, used - processor
        clock, processor = time.perf_counter(), time.process_time()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", default="lstm")
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--streams", type=int, default=10)
    parser.add_argument("--particles", type=int, default=8)
    chosen = parser.parse_args()
    engine = pretrained.load(chosen.model)
    request = Request(model=chosen.model, seed=1, count=chosen.count, particles=chosen.particles, **RULES)

    start = time.perf_counter()
    check(engine, request)
    first = time.perf_counter() - start
    start = time.perf_counter()
    check(engine, request)
    print(f"tables of {len(request.rules)} rules: {first:.3f} s, cached {time.perf_counter() - start:.4f} s")
    print(f"cache: {plan.tables.cache_info()}")

    start, used = time.perf_counter(), time.process_time()
    made = generate(engine, request)
    wall, used = time.perf_counter() - start, time.process_time() - used
    sizes = np.array([one.steering.effective_size for one in made if one.steering])
    thousand = 1000 * wall / len(made), 1000 * used / len(made)
    print(f"{len(made)} melodies of 8 bars with {chosen.particles} particles: {wall:.1f} s, {used:.1f} s of processor;")
    print(f"  1,000 would take {thousand[0]:.0f} s, {thousand[1]:.0f} s of processor; load {os.getloadavg()[0]:.1f}")
    median, low = np.percentile(sizes, [50, 5])
    print(f"  least effective particles of {chosen.particles}: median {median:.2f}, 5th percentile {low:.2f}")

    alone = pretrained.load(chosen.model, threads=1)
    times = np.array(
        [
            pair
            for seed in range(chosen.streams)
            for pair in note_times(alone, request.model_copy(update={"seed": seed, "count": 1, "particles": 1}))
        ]
    )
    for name, column in zip(("clock", "processor"), 1e3 * times.T, strict=True):
        median, tail = np.percentile(column, [50, 99])
        verdict = "met" if tail <= GOAL_MS else "missed"
        print(
            f"streaming, {len(column)} notes, {name}: median {median:.2f}, p99 {tail:.2f} ms; goal {GOAL_MS} {verdict}"
        )


if __name__ == "__main__":
    main()
