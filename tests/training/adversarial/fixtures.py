"""A tiny model, tunes and a tiny critic for the tests."""

from dataclasses import replace

import torch

from melodysynthesis.models import MelodyModel, build
from melodysynthesis.training.adversarial.config import AdversarialConfig
from melodysynthesis.training.adversarial.critic import CriticTrainer
from melodysynthesis.training.adversarial.rollout import Pairs
from melodysynthesis.training.batches import Songs
from melodysynthesis.training.data import encode
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


def critic_trainer(**changes: object) -> CriticTrainer:
    return CriticTrainer(EVENT, replace(SMALL, **changes))  # type: ignore[arg-type]


def pairs(count: int = 8, first: int = 0) -> Pairs:
    return critic_trainer().roll_out(model(), tunes(count, first))
