"""Training speed: tokens a second of both LSTM presets, as a share of what the machine's matrix products allow.

    python benchmarks/training.py [--threads 1 2] [--precision 32-true bf16-mixed] [--seconds 10]

Each update is one of the training loop: forward, backward, clipping and AdamW on songs of the default corpus' length.
The peak is the fastest of several float32 matrix products between the updates, with as many threads; the share counts 2
operations for each weight and token forward and 4 backward, nothing else. `original` is fed one-hot, which could be
looked up instead: its share counts that product as well, since it is computed. Fastest tenths are compared, since
others may use the machine.
"""

import argparse
import sys
import tempfile
import time
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from melodysynthesis.encodings import Encoding, encoding_from
from melodysynthesis.models import MelodyModel, config_from, parameter_count
from melodysynthesis.training.batches import Sequences, Songs
from melodysynthesis.training.config import TrainingConfig
from melodysynthesis.training.loop import Trainer
from melodysynthesis.training.objective import Likelihood
from melodysynthesis.training.run import Run

PRESETS = {"original": "grid", "base": "event"}
LENGTHS = (60, 180)
"""Shortest and longest song in tokens: about those of the default corpus."""


def peak() -> float:
    """Operations a second of the fastest of several float32 matrix products."""
    a, b = torch.rand(1024, 1024), torch.rand(1024, 1024)
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
    looked_up = {"embedding.weight", "feature_embedding.table.weight"}
    tied = model.vocabulary_size * model.config.embedding if model.config.tie_weights else 0  # type: ignore[attr-defined]
    matrices = sum(p.numel() for name, p in model.named_parameters() if p.ndim == 2 and name not in looked_up)
    return 6 * (matrices + tied)


def measure(preset: str, threads: int, precision: str, seconds: float) -> tuple[float, float, float]:
    """Tokens a second, the peak in operations a second, and the share of it."""
    torch.set_num_threads(threads)
    encoding = encoding_from({"name": PRESETS[preset]})
    config = TrainingConfig(precision=precision, device="cpu", tensorboard=False, log_every=10**6)
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Path(folder), "lstm", preset, config_from("lstm", preset), encoding, replace(config, epochs=1))
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
                best = max(best, peak())
            batch = batches[len(speeds) % len(batches)]
            start = time.perf_counter()
            trainer._update(batch)
            speeds.append(batch.mask.sum() / (time.perf_counter() - start))
        fast = float(np.quantile(speeds, 0.9))
        print(
            f"{preset:9} {threads} threads {precision:11} {parameter_count(model):9,} parameters  "
            f"{fast:8,.0f} tokens/s (median {np.median(speeds):,.0f})  "
            f"peak {best / 1e9:6.1f} GFLOP/s  share {fast * operations(model) / best:5.1%}"
        )
    return fast, best, fast * operations(model) / best


def main() -> None:
    """Measure all that was asked for."""
    warnings.filterwarnings("ignore")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--precision", nargs="+", default=["32-true", "bf16-mixed"])
    parser.add_argument("--seconds", type=float, default=10)
    given = parser.parse_args()
    for preset in PRESETS:
        for threads in given.threads:
            for precision in given.precision:
                measure(preset, threads, precision, given.seconds)


if __name__ == "__main__":
    main()
