"""1,000 melodies in one batch: tokens a second against the original's 65 ms a token, and against the machine's peak.

    python benchmarks/generation.py [--model NAME|FILE] [--primers FILE] [--count N] [--steps N]

The original study continues 1,000 primers at temperature 0.7 for up to 1,500 tokens, each token by running its whole
window of 64 again. `--primers` takes its file, or any grid text; without one the first two bars of tunes of the
default corpus are continued. The peak is the best of several float32 matrix products of NumPy in the same process.
"""

import argparse
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from melodysynthesis.formats.grid import melody_of
from melodysynthesis.generation.generate import generate
from melodysynthesis.generation.request import Request
from melodysynthesis.music import Melody
from melodysynthesis.runtime.loading import open_model

ORIGINAL_SECONDS_PER_TOKEN = 0.065
GOAL = 1000


def grid_primers(path: Path, vocabulary: tuple[str, ...]) -> tuple[Melody, ...]:
    """A primer a line. The study's file is cut at 20 characters a line: a number cut in half is left out."""
    primers = []
    for line in path.read_text().splitlines():
        tokens = line.split()
        if tokens and tokens[-1] not in vocabulary:
            tokens.pop()
        if tokens:
            primers.append(melody_of(tokens))
    return tuple(primers)


def corpus_primers(count: int) -> tuple[Melody, ...]:
    """The first two bars, after a pickup, of tunes of the default corpus."""
    from melodysynthesis import corpora

    primers = []
    for tune in corpora.load("essen-german").split("test"):
        bars = [bar for bar in tune.bars() if bar.number <= 2]
        notes = tuple(note for note in tune.notes if bars and note.end <= bars[-1].end)
        if notes and len(tune.meters) == 1:
            primers.append(replace(tune, notes=notes, duration=notes[-1].end, phrase_ends=()))
    return tuple(primers[:count])


def flops_per_token(path: Path) -> int:
    """Multiplications and additions of the matrix products in one step of a model file, for one sequence."""
    import onnx

    graph = onnx.load(path).graph
    sizes = {weight.name: int(np.prod(weight.dims)) for weight in graph.initializer}
    for node in graph.node:  # a weight may be cast or turned before its use
        if node.op_type in ("Cast", "Transpose", "Identity", "Reshape") and node.input[0] in sizes:
            sizes[node.output[0]] = sizes[node.input[0]]
    products = [node for node in graph.node if node.op_type in ("MatMul", "Gemm")]
    return sum(2 * max((sizes.get(name, 0) for name in node.input[:2]), default=0) for node in products)


def peak_flops(size: int = 1536, runs: int = 12) -> float:
    """Floating-point operations a second of the best of several matrix products."""
    left, right = np.ones((size, size), np.float32), np.ones((size, size), np.float32)
    best = min(_seconds(lambda: left @ right) for _ in range(runs))
    return float(2 * size**3 / best)


def _seconds(act: Any) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


class Timed:
    """An engine that adds up the processor time of its steps; that of ONNX Runtime's own threads is not seen."""

    def __init__(self, engine: Any) -> None:
        self.engine, self.encoding, self.card, self.seconds = engine, engine.encoding, engine.card, 0.0
        self.timed: list[Timed] = []

    def init(self, *arguments: Any) -> Any:
        """See `Engine.init`."""
        return self._timed(self.engine.init, *arguments)

    def step(self, *arguments: Any) -> Any:
        """See `Engine.step`."""
        return self._timed(self.engine.step, *arguments)

    def select(self, *arguments: Any) -> Any:
        """See `Engine.select`."""
        return self._timed(self.engine.select, *arguments)

    def workers(self) -> list[Any]:
        """See `Engine.workers`."""
        self.timed = [Timed(worker) for worker in self.engine.workers()]
        return self.timed

    def _timed(self, act: Any, *arguments: Any) -> Any:
        start = time.thread_time()
        try:
            return act(*arguments)
        finally:
            self.seconds += time.thread_time() - start


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", default="lstm")
    parser.add_argument("--primers", type=Path)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--temperature", type=float, default=0.7)
    chosen = parser.parse_args()
    engine: Any = Timed(open_model(chosen.model)[0])
    held = chosen.primers is not None
    if held:
        primers = grid_primers(chosen.primers, getattr(engine.encoding, "vocabulary", ()))
    else:
        primers = corpus_primers(chosen.count)
    request = Request(
        model=chosen.model, count=chosen.count, seed=1, temperature=chosen.temperature, primers=primers, held=held,
        max_steps=chosen.steps,
    )  # fmt: skip
    generate(engine, request.model_copy(update={"max_steps": 3}))  # sessions are made, caches are warm
    engine.seconds = 0.0
    start, used = time.perf_counter(), time.process_time()
    made = generate(engine, request)
    wall, used = time.perf_counter() - start, time.process_time() - used
    peak = peak_flops()
    network = engine.engine
    flops = flops_per_token(network.path) if hasattr(network, "path") else 0
    drawn, ended = sum(one.drawn for one in made), sum(one.ended for one in made)
    ratio = drawn / wall * ORIGINAL_SECONDS_PER_TOKEN
    card = engine.card
    print(f"{card.architecture} {card.preset}, {card.parameters:,} parameters, {engine.encoding.name} encoding")
    print(f"{len(made):,} melodies from {len(primers):,} primers, {drawn:,} tokens drawn, {ended:,} ended")
    print(f"{wall:.1f} s, {used:.1f} s of processor on {os.cpu_count()} cores; load {os.getloadavg()[0]:.1f}")
    verdict = "met" if ratio >= GOAL else "missed"
    print(f"{drawn / wall:,.0f} tokens/s: {ratio:,.0f} x the original's; goal {GOAL:,}, {verdict}")
    in_model = engine.seconds + sum(worker.seconds for worker in engine.timed)
    print(f"{in_model / used:.0%} of the processor time in the model")
    if flops:
        print(
            f"{flops:,} operations a token: {drawn * flops / wall / 1e9:.1f} of {peak / 1e9:.1f} GFLOP/s, "
            f"{drawn * flops / wall / peak:.1%} of the peak"
        )


if __name__ == "__main__":
    main()
