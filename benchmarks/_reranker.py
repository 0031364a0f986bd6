"""The control without training: the one of several continuations that an adversarial run's critic prefers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from melodysynthesis.encodings import Encoding, Ids
from melodysynthesis.errors import TrainingError
from melodysynthesis.training import checkpoint
from melodysynthesis.training.adversarial.critic import CriticTrainer
from melodysynthesis.training.adversarial.rollout import DrawingState, Rollout, whole_tunes
from melodysynthesis.training.batches import Songs
from melodysynthesis.training.data import from_ids
from melodysynthesis.training.objective import Tensors, to_tensors
from melodysynthesis.training.run import open_run


class Reranker:
    """The critic of an adversarial run, as it was at its last checkpoint.

    Args:
        folder: of the run.

    Raises:
        TrainingError: if there is no run, or it was not adversarial.
        ModelError: if its checkpoint is missing or damaged.
    """

    def __init__(self, folder: Path) -> None:
        run = open_run(folder)
        if run.adversarial is None:
            raise TrainingError(f"{folder}: the run has no critic: it was trained by likelihood")
        tensors, _ = checkpoint.load(folder / "checkpoints" / "last.safetensors")
        self.critic = CriticTrainer(run.encoding, run.adversarial)
        self.critic.unpack(checkpoint.section(tensors, "objective/critic"))

    def scores(self, melodies: Sequence[Ids]) -> NDArray[np.float64]:
        """(melodies,) the critic's score of each; only those with the same primer can be compared.

        Args:
            melodies: the tokens of each, from the start token on.
        """
        critic, config = self.critic, self.critic.config
        songs = Songs(from_ids(critic.encoding, melodies), len(melodies), max_length=max(map(len, melodies)))
        tunes = to_tensors(next(songs.epoch(0)), critic.device)
        rollout = as_rollout(critic.encoding, tunes, length=config.length, bars=config.primer_bars)
        order = np.argsort([-len(melody) for melody in melodies], kind="stable")  # songs are sorted by length
        scores = np.empty(len(melodies))
        with torch.no_grad():
            scores[order] = critic.network.eval()(rollout).cpu().numpy()
        return scores

    def best(self, melodies: Sequence[Ids], of: int) -> NDArray[np.int64]:
        """The number of the best in each group: melody i is one of `of` continuations of primer i modulo groups."""
        groups = len(melodies) // of
        chosen = self.scores(melodies[: groups * of]).reshape(of, groups).argmax(0)
        return np.asarray(chosen * groups + np.arange(groups), np.int64)


def as_rollout(encoding: Encoding, tunes: Tensors, *, length: int, bars: int) -> Rollout:
    """Whole melodies as a critic reads them, marked as generated after their first bars; see `rollout.roll_out`."""
    melodies = whole_tunes(tunes, encoding.start_id, length)
    drawing, given, generated = DrawingState(encoding, len(melodies.ids), bars), melodies.targets.cpu().numpy(), []
    for position in range(length):
        generated.append(~drawing.is_primer())
        drawing.context.advance(given[:, position])
    after_primer = torch.from_numpy(np.stack(generated, 1)).to(melodies.ids.device)
    return melodies._replace(generated=after_primer & melodies.mask)
