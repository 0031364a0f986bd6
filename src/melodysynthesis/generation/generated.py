"""A generated melody, and how it came about."""

from __future__ import annotations

from dataclasses import dataclass

from melodysynthesis.encodings.base import Frame
from melodysynthesis.generation.request import Request
from melodysynthesis.music import Melody


@dataclass(frozen=True, slots=True)
class Steering:
    """How particles were steered to keep rules; see `generation.steered`.

    Attributes:
        particles: how many there were.
        effective_size: the least effective number of them at any step.
        log_probability: estimated natural logarithm of the probability that the model by itself keeps the rules.
        attempts: how often it was begun.
    """

    particles: int
    effective_size: float
    log_probability: float
    attempts: int


@dataclass(frozen=True, slots=True)
class Generated:
    """A melody and how it came about.

    Attributes:
        index: its number in the request, from 0: with the seed it makes the melody again.
        melody: the primer included.
        ids: its tokens, from the start token on.
        request: what was asked for, for this melody alone.
        frame: what the model was held to.
        ended: whether the model chose the end; otherwise it was finished at the step limit.
        drawn: number of tokens drawn.
        log_likelihood: natural logarithm, summed over the drawn tokens that make music.
        notes_drawn: number of notes beside the primer's.
        steering: how it came to keep the rules that were asked for; None without any.
    """

    index: int
    melody: Melody
    ids: tuple[int, ...]
    request: Request
    frame: Frame
    ended: bool
    drawn: int
    log_likelihood: float
    notes_drawn: int
    steering: Steering | None = None
