"""The control without training: of several continuations of a beginning, the one that the game's critic prefers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from melodysynthesis.encodings.base import Ids
from melodysynthesis.errors import TrainingError
from melodysynthesis.training import checkpoint
from melodysynthesis.training.adversarial.game import Game
from melodysynthesis.training.adversarial.rollout import marked
from melodysynthesis.training.batches import Songs, from_ids
from melodysynthesis.training.objective import to_tensors
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
        self.game = Game(run.encoding, run.adversarial)
        self.game.unpack(checkpoint.section(tensors, "objective/game"))

    def scores(self, melodies: Sequence[Ids]) -> NDArray[np.float64]:
        """(melodies,) the critic's score of each; only those of the same beginning can be compared.

        Args:
            melodies: the tokens of each, from the start token on.
        """
        game, config = self.game, self.game.config
        songs = Songs(from_ids(game.encoding, melodies), len(melodies), max_length=max(map(len, melodies)))
        tunes = to_tensors(next(songs.epoch(0)), game.device)
        heard = marked(game.encoding, tunes, length=config.length, bars=config.primer_bars)
        order = np.argsort([-len(melody) for melody in melodies], kind="stable")  # songs come longest first
        scores = np.empty(len(melodies))
        with torch.no_grad():
            scores[order] = game.critic.eval()(heard).cpu().numpy()
        return scores

    def best(self, melodies: Sequence[Ids], of: int) -> NDArray[np.int64]:
        """The number of the best in each group: melody i is one of `of` continuations of beginning i modulo groups."""
        groups = len(melodies) // of
        chosen = self.scores(melodies[: groups * of]).reshape(of, groups).argmax(0)
        return np.asarray(chosen * groups + np.arange(groups), np.int64)
