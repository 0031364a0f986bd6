"""One step of the engine: microseconds at batch 1, 256 and 1,000, ONNX Runtime against eager PyTorch.

    python benchmarks/engine.py [--model lstm transformer hybrid] [--preset original base] [--batches 1 256 1000]
                                [--position 100] [--seconds 3]

The step is that of one position, the hundredth by default, so that a cache is as full as it is in the middle of a
melody. The network alone is timed, with random weights, whose speed is that of trained ones. Beside it is the mean time
of the encoding's context for a token of a scale in quarters, features included. PyTorch runs the same step without
gradients. The two are timed in turns, and the fastest tenth counts, since others may use the machine. The last column
is what the products of one step would take at the peak of a float32 matrix product in this process.
"""

import argparse
import sys
import tempfile
import time
import warnings
from itertools import product
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from _turns import in_turns
from melodysynthesis.encodings import encoding_from
from melodysynthesis.models import ARCHITECTURES, build, parameter_count
from melodysynthesis.music import Key, Melody, Meter, Note
from melodysynthesis.runtime.base import ModelCard
from melodysynthesis.runtime.onnx import OnnxEngine
from melodysynthesis.training.export import export

THREADS = torch.get_num_threads()
PRESETS = {"original": "grid", "base": "event"}


def peak() -> float:
    """Operations a second of the fastest of several float32 matrix products."""
    a, b = np.ones((1024, 1024), np.float32), np.ones((1024, 1024), np.float32)
    times = []
    for _ in range(12):
        start = time.perf_counter()
        a @ b
        times.append(time.perf_counter() - start)
    return 2 * 1024**3 / min(times)


def measure(architecture: str, preset: str, given: argparse.Namespace, folder: Path) -> None:
    """Print a line for each batch size."""
    encoding = encoding_from({"name": PRESETS[preset]})
    model = build(architecture, preset, encoding).eval()
    path = folder / f"{architecture}-{preset}.onnx"
    export(
        model, encoding, ModelCard(architecture, architecture, preset, "", "", 0, parameter_count(model), "", {}), path
    )
    start = time.perf_counter()
    engine = OnnxEngine(path)
    loading = time.perf_counter() - start
    best = peak()
    size = path.stat().st_size / 1e6
    notes = tuple(Note(24 * number, 24, 60 + number % 12) for number in range(given.position))
    tune = encoding.encode(Melody(notes, 24 * len(notes), (Meter(0, 4, 4),), Key("C")))[1:]
    print(f"\n{architecture} {preset}: {size:.1f} MB, loaded in {1000 * loading:.0f} ms, peak {best / 1e9:.0f} GFLOP/s")
    print(f"{'batch':>6} {'ONNX':>10} {'PyTorch':>10} {'ratio':>6} {'context':>10} {'us/token':>9} {'at peak':>10}")
    for batch in given.batches:
        ids = np.full(batch, encoding.start_id, np.int64)
        _, state = engine.init(batch)
        for _ in range(given.position):
            _, state = engine._run(ids, state)
        features = torch.from_numpy(state.context.features()) if model.uses_features else None
        tensors = {name: torch.from_numpy(a) for name, a in zip(engine.shapes, state.memory, strict=True)}

        def by_torch(ids=ids, known=features, state=tensors) -> None:
            with torch.no_grad():
                model.step(torch.from_numpy(ids), known, state)

        def by_onnx(ids: np.ndarray = ids, state=state) -> None:
            engine._run(ids, state)

        def context(batch=batch) -> None:
            under_way = encoding.start(batch)
            for token in tune:
                under_way.advance(np.full(batch, token))
                under_way.features()

        torch.set_num_threads(1 if batch < 64 else THREADS)  # as the engine has it
        onnx, eager, walk = in_turns([by_onnx, by_torch, context], given.seconds)
        matrices = sum(p.numel() for n, p in model.named_parameters() if p.ndim == 2 and "embedding" not in n)
        ideal = 2 * matrices * batch / best
        print(
            f"{batch:6} {1e6 * onnx:7.0f} us {1e6 * eager:7.0f} us {eager / onnx:5.1f}x "
            f"{1e6 * walk / len(tune):7.0f} us "
            f"{1e6 * onnx / batch:9.1f} {1e6 * ideal:7.0f} us"
        )


def main() -> None:
    """Measure all that was asked for."""
    warnings.filterwarnings("ignore")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", nargs="+", default=list(ARCHITECTURES), choices=list(ARCHITECTURES))
    parser.add_argument("--preset", nargs="+", default=list(PRESETS), choices=list(PRESETS))
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 256, 1000])
    parser.add_argument("--position", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for architecture, preset in product(given.model, given.preset):
            measure(architecture, preset, given, Path(folder))


if __name__ == "__main__":
    main()
