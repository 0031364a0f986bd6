"""A small game for the tests: a tiny model that knows little, tunes, and a critic that fits on a thumbnail."""

from dataclasses import replace

import torch

from melodysynthesis.models import MelodyModel, build
from melodysynthesis.training.adversarial.config import AdversarialConfig
from melodysynthesis.training.adversarial.game import Game
from melodysynthesis.training.adversarial.rollout import Pair
from melodysynthesis.training.batches import Songs, encode
from melodysynthesis.training.objective import Tensors, to_tensors
from tests.training.songs import EVENT, TINY, songs

CPU = torch.device("cpu")
SMALL = AdversarialConfig(
    length=40, primer_bars=1, critic_width=16, critic_layers=1, critic_heads=2, critic_rate=5e-3, critic_first=3,
    rollouts=6, least_accuracy=0.0, most_accuracy=1.0, worse_likelihood=1.0, fewer_ngrams=1.0,
)  # fmt: skip


def model(seed: int = 0) -> MelodyModel:
    torch.manual_seed(seed)
    return build("lstm", TINY, EVENT)


def tunes(count: int = 8, first: int = 0) -> Tensors:
    return to_tensors(next(Songs(encode(EVENT, songs(count, first)), count).epoch(0)), CPU)


def game(**changes: object) -> Game:
    return Game(EVENT, replace(SMALL, **changes))  # type: ignore[arg-type]


def pair(count: int = 8, first: int = 0) -> Pair:
    return game().deal(model(), tunes(count, first))
