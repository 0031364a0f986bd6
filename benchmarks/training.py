"""Training speed: tokens a second of each architecture, as a share of what the machine's matrix products allow.

    python benchmarks/training.py [--model lstm transformer hybrid] [--preset original base] [--threads 1 2]
                                  [--precision 32-true bf16-mixed] [--seconds 10]

Each update is one of the training loop: forward, backward, clipping and AdamW on songs of the default corpus' length.
The peak is the fastest of several matrix products in the same precision between the updates, with as many threads; the
share counts 2 operations for each weight and token forward and 4 backward, nothing else: not attention's products of
positions with positions. `original` is fed one-hot, which could be looked up instead: its share counts that product as
well, since it is computed. Fastest tenths are compared, since others may use the machine.
"""

import argparse
import sys
import tempfile
import time
import warnings
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from melodysynthesis.encodings import Encoding, encoding_from
from melodysynthesis.models import ARCHITECTURES, MelodyModel, config_from, parameter_count
from melodysynthesis.training.batches import Songs
from melodysynthesis.training.config import TrainingConfig
from melodysynthesis.training.data import Sequences
from melodysynthesis.training.loop import Trainer
from melodysynthesis.training.objective import Likelihood
from melodysynthesis.training.run import Run

PRESETS = {"original": "grid", "base": "event"}
LENGTHS = (60, 180)
"""Shortest and longest song in tokens: about those of the default corpus."""


def peak(precision: str) -> float:
    """Operations a second of the fastest of several matrix products in a precision."""
    kind = torch.float32 if precision == "32-true" else torch.bfloat16
    a, b = torch.rand(1024, 1024, dtype=kind), torch.rand(1024, 1024, dtype=kind)
    times = []
    for _ in range(12):
        start = time.perf_counter()
        a @ b
        times.append(time.perf_counter() - start)
    return 2 * 1024**3 / min(times)


def random_songs(encoding: Encoding, count: int = 512) -> Sequences:
    """Ids and features that mean nothing, in the sizes of real ones: speed does not depend on what they say."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(*LENGTHS, count)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    ids = rng.integers(0, len(encoding.vocabulary), starts[-1]).astype(np.uint16)
    columns = [rng.integers(0, feature.size, starts[-1]) for feature in encoding.features]
    features = np.stack(columns, 1) if columns else np.zeros((starts[-1], 0))
    return Sequences(ids, features.astype(np.uint8), starts.astype(np.int64))


def operations(model: MelodyModel) -> int:
    """Operations per token in the matrix products: every weight matrix that is multiplied, forward and backward."""
    looked_up = {"input.embedding.weight", "input.features.table.weight"}
    matrices = {id(p): p.numel() for name, p in model.named_parameters() if p.ndim == 2 and name not in looked_up}
    output: torch.Tensor = model.output.weight  # type: ignore[assignment, union-attr]
    return 6 * sum({**matrices, id(output): output.numel()}.values())  # tied, it is looked up and multiplied


def measure(architecture: str, preset: str, threads: int, precision: str, seconds: float) -> None:
    """Print tokens a second, the peak in operations a second, and the share of it."""
    torch.set_num_threads(threads)
    encoding = encoding_from({"name": PRESETS[preset]})
    config = TrainingConfig(precision=precision, device="cpu", tensorboard=False, log_every=10**6)
    with tempfile.TemporaryDirectory() as folder:
        made = config_from(architecture, preset)
        run = Run(Path(folder), architecture, preset, made, encoding, replace(config, epochs=1))
        songs = Songs(random_songs(encoding), config.batch_size, seed=0)
        model = run.build()
        trainer = Trainer(
            run.training, model, Likelihood(encoding), training=songs, validation=songs, folder=run.folder,
            identity=run.identity,
        )  # fmt: skip
        trainer.started = time.monotonic()
        batches = list(songs.epoch(0))
        model.train()
        trainer._update(batches[0])
        best, speeds, limit = 0.0, list[float](), time.perf_counter() + seconds
        while time.perf_counter() < limit or len(speeds) < 5:
            if len(speeds) % 5 == 0:
                best = max(best, peak(precision))
            batch = batches[len(speeds) % len(batches)]
            start = time.perf_counter()
            trainer._update(batch)
            speeds.append(batch.mask.sum() / (time.perf_counter() - start))
        fast = float(np.quantile(speeds, 0.9))
        print(
            f"{architecture:11} {preset:8} {threads} threads {precision:10} {parameter_count(model):10,} parameters  "
            f"{fast:8,.0f} tokens/s (median {np.median(speeds):,.0f})  "
            f"peak {best / 1e9:6.1f} GFLOP/s  share {fast * operations(model) / best:5.1%}",
            flush=True,
        )


def main() -> None:
    """Measure all that was asked for."""
    warnings.filterwarnings("ignore")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", nargs="+", default=list(ARCHITECTURES), choices=list(ARCHITECTURES))
    parser.add_argument("--preset", nargs="+", default=list(PRESETS), choices=list(PRESETS))
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--precision", nargs="+", default=["32-true", "bf16-mixed"])
    parser.add_argument("--seconds", type=float, default=10)
    given = parser.parse_args()
    for case in product(given.model, given.preset, given.threads, given.precision):
        measure(*case, given.seconds)


if __name__ == "__main__":
    main()
