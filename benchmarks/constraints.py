"""Melodies with rules: how long they take, how many particles count, and how soon a note is out.

    python benchmarks/constraints.py [--model NAME|FILE ...] [--count N] [--streams N] [--particles N]

`guarantees.py` counts how many random requests are kept. Here one request with all usual rules is drawn `--count` times
in batches, and streamed `--streams` times with one particle, batch 1, on one core; then with form and max-copy beside
them, which look far back. Time per note is told by the clock and by the processor, which is what counts where the
machine is shared.
"""

import argparse
import os
import time
from collections.abc import Iterator

import numpy as np

from melodysynthesis.generation.constrained import stream_request
from melodysynthesis.generation.generate import check, generate
from melodysynthesis.generation.request import Request
from melodysynthesis.runtime import pretrained
from melodysynthesis.runtime.base import Engine

RULES = {
    "key": "G major", "meter": "3/4", "bars": 8, "scale": "major", "chromatic": 1, "range": "D4-G5", "max_leap": 9,
    "leap_recovery": True, "chords": "G | C | D7 | G", "cadence": True, "max_syncopation": 2, "rests": False,
    "ties_over_bars": False, "durations": "1/4 1/2 1 3/2 2 3", "contour": "+ +", "fixed": "3.1:A4",
}  # fmt: skip
LOOKING_BACK = ({"form": "ABAB"}, {"max_copy": 8}, {"form": "ABAB", "max_copy": 8})
GOAL_MS, OTHER_GOAL_MS = 5.0, 10.0
"""Of the LSTM, and of the others: musicians notice 20 to 30 ms."""


def note_times(engine: Engine, request: Request) -> Iterator[tuple[float, float]]:
    """Seconds by the clock and by the processor until each note after the first."""
    clock, processor = time.perf_counter(), time.process_time()
    for number, _ in enumerate(stream_request(engine, request)):
        now, used = time.perf_counter(), time.process_time()
        if number:
            yield now - clock, used - processor
        clock, processor = time.perf_counter(), time.process_time()


def tables(engine: Engine, request: Request) -> None:
    """Print how long the tables take, and how long they take again."""
    seconds = []
    for _ in range(2):
        used = time.process_time()
        check(engine, request)
        seconds.append(time.process_time() - used)
    print(f"tables of {len(request.rules)} rules: {seconds[0]:.3f} s of processor, cached {seconds[1]:.4f} s")


def melodies(engine: Engine, request: Request) -> None:
    """Print how long melodies take that are drawn together, and how many particles count."""
    start, used = time.perf_counter(), time.process_time()
    made = generate(engine, request)
    wall, used = time.perf_counter() - start, time.process_time() - used
    sizes = np.array([one.steering.effective_size for one in made if one.steering])
    print(
        f"{len(made)} melodies of 8 bars, {request.particles} particles: {wall:.1f} s, {used:.1f} of processor; 1,000:"
    )
    print(
        f"  {1000 * wall / len(made):.0f} s, {1000 * used / len(made):.0f} of processor; load {os.getloadavg()[0]:.1f}"
    )
    median, low = np.percentile(sizes, [50, 5])
    print(f"  least effective particles of {request.particles}: median {median:.2f}, 5th percentile {low:.2f}")


def streams(engine: Engine, request: Request, goal: float, count: int) -> None:
    """Print the time of each note, one particle, batch 1."""
    check(engine, request)
    alone = [request.model_copy(update={"seed": seed, "count": 1, "particles": 1}) for seed in range(count)]
    times = np.array([pair for one in alone for pair in note_times(engine, one)])
    for name, column in zip(("clock", "processor"), 1e3 * times.T, strict=True):
        median, tail = np.percentile(column, [50, 99])
        verdict = "met" if tail <= goal else "missed"
        rules = f"{len(request.rules)} rules, {len(column)} notes, {name}"
        print(f"streaming, {rules}: median {median:.2f}, p99 {tail:.2f} ms; goal {goal} {verdict}")


def commitments(engine: Engine, request: Request, count: int) -> None:
    """Print what it costs to give notes out while particles are under way, by how many notes they are ahead."""
    for ahead in (0, 2, 8):
        sung = [
            one
            for seed in range(count)
            for one in stream_request(engine, request.model_copy(update={"seed": seed, "count": 1}), ahead=ahead)
        ]
        before, after = np.mean([(one.before, one.after) for one in sung], axis=0)
        print(
            f"notes out {ahead} notes behind the particles: {before:.2f} effective ones before each, {after:.2f} after"
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", nargs="+", default=["lstm", "transformer", "hybrid", "gan"])
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--streams", type=int, default=10)
    parser.add_argument("--particles", type=int, default=8)
    chosen = parser.parse_args()
    for model in chosen.model:
        print(model)
        engine = pretrained.load(model)
        request = Request(model=model, seed=1, count=chosen.count, particles=chosen.particles, **RULES)
        tables(engine, request)
        melodies(engine, request)
        alone = pretrained.load(model, threads=1)
        goal = GOAL_MS if "lstm" in model else OTHER_GOAL_MS
        streams(alone, request, goal, chosen.streams)
        for more in LOOKING_BACK:
            print(", ".join(f"{name} {value}" for name, value in more.items()))
            streams(alone, Request(**request.model_dump(mode="json", exclude_none=True) | more), goal, chosen.streams)
        commitments(alone, request, chosen.streams // 2)


if __name__ == "__main__":
    main()
