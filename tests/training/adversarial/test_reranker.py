"""Reranking: the scores are the critic's, each melody gets its own, and the best of each beginning is chosen."""

import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from melodysynthesis.errors import TrainingError
from melodysynthesis.training import checkpoint
from melodysynthesis.training.run import Run
from tests.training.adversarial.fixtures import SMALL, critic_trainer, model, tunes
from tests.training.songs import EVENT, TINY, song

sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks"))

from _reranker import Reranker, as_rollout


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run of which there is nothing but a critic."""
    base = tmp_path / "base.safetensors"
    run = Run(tmp_path / "run", "lstm", "tiny", TINY, EVENT, replace_training(), base=base, adversarial=SMALL)
    checkpoint.save(base, checkpoint.weights(model()), asdict(run.identity))
    run.create()
    packed = checkpoint.sections(objective=checkpoint.sections(critic=critic_trainer().pack()))
    checkpoint.save(run.folder / "checkpoints/last.safetensors", packed, asdict(run.identity))
    return run


def replace_training() -> object:
    from melodysynthesis.training.adversarial.config import TRAINING

    return replace(TRAINING, device="cpu")


def test_marks_stand_where_a_rollout_would_begin() -> None:
    some = tunes()
    real, _ = critic_trainer().roll_out(model(), some)
    alone = as_rollout(EVENT, some, length=SMALL.length, bars=SMALL.primer_bars)
    kept = alone.generated.any(1)
    assert torch.equal(alone.generated[kept], real.generated)


def test_each_melody_has_its_own_score_in_its_own_place(run: Run) -> None:
    reranker = Reranker(run.folder)
    melodies = [EVENT.encode(song(seed)) for seed in range(6)]
    together = reranker.scores(melodies)
    alone = [reranker.scores([melody])[0] for melody in melodies]
    assert together == pytest.approx(alone, abs=1e-5)
    assert len(np.unique(together)) > 3


def test_the_best_of_each_beginning_is_chosen(run: Run) -> None:
    reranker = Reranker(run.folder)
    melodies = [EVENT.encode(song(seed)) for seed in range(9)]
    scores, chosen = reranker.scores(melodies), reranker.best(melodies, 3)
    assert [number % 3 for number in chosen] == [0, 1, 2]
    for group, number in enumerate(chosen):
        assert scores[number] == max(scores[group::3])


def test_a_run_without_a_critic_is_told(tmp_path: Path) -> None:
    run = Run(tmp_path / "run", "lstm", "tiny", TINY, EVENT, replace_training())
    run.create()
    with pytest.raises(TrainingError, match="has no critic"):
        Reranker(run.folder)
