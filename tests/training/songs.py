"""Small melodies and small models for the tests of training: seconds, not hours."""

import random

import torch

from melodysynthesis.encodings import Encoding, encoding_from
from melodysynthesis.models.lstm import LSTMConfig
from melodysynthesis.music import Key, Melody, Meter, Note

torch.set_num_threads(1)  # small products: waking a second thread costs more than it gains

TINY = LSTMConfig(embedding=12, units=16, dropout_input=0.1, dropout_between=0.1, dropout_output=0.1, weight_drop=0.1)
TINY_GRID = LSTMConfig(
    embedding=0, units=12, dropout_input=0, dropout_between=0, dropout_output=0.2, locked=False, batch_norm=True,
    tie_weights=False, use_features=(),
)  # fmt: skip
EVENT, GRID = encoding_from({"name": "event"}), encoding_from({"name": "grid"})


def tiny(encoding: Encoding) -> LSTMConfig:
    """A configuration for an encoding: all that `base` has for event, all that `original` has for grid."""
    return TINY if encoding.features else TINY_GRID


def song(seed: int, bars: int | None = None) -> Melody:
    """A melody on sixteenths in G major, 2 to 5 bars, with phrases and sometimes a pickup."""
    rng = random.Random(seed)
    beats, pickup = rng.choice((3, 4)), rng.choice((0, 24))
    length = pickup + (bars or rng.randint(2, 5)) * beats * 24
    notes, now = [], 0
    while now < length:
        duration = min(rng.choice((12, 12, 24, 24, 48, 6)), length - now)
        if rng.random() > 0.1 or not notes:
            notes.append(Note(now, duration, 67 + rng.choice((-5, -3, 0, 2, 4, 5, 7))))
        now += duration
    phrases = tuple(sorted({length // 2, length}))
    return Melody(tuple(notes), length, (Meter(0, beats, 4),), Key("G"), phrases, pickup, f"song {seed}")


def songs(count: int, first: int = 0) -> list[Melody]:
    """Several melodies."""
    return [song(seed) for seed in range(first, first + count)]
