"""How far a run has come, and who looks on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol, Self


@dataclass(slots=True)
class Position:
    """How far a run has come.

    Attributes:
        epoch: number of the epoch under way, from 0.
        batch: batches of it that are done.
        step: updates made in all.
        seconds: time spent in all, interruptions not counted.
        tokens: tokens trained on since the last validation.
        best: lowest value of the monitored figure; `best_step` when.
        without_gain: validations since then; `waited` since then or since the plateau schedule last lowered the rate.
        falls: how often it did.
        averaged: updates of the running average.
        stopped: why the run is over; "" if it is not.
    """

    epoch: int = 0
    batch: int = 0
    step: int = 0
    seconds: float = 0.0
    tokens: int = 0
    best: float = math.inf
    best_step: int = 0
    without_gain: int = 0
    waited: int = 0
    falls: int = 0
    averaged: int = 0
    stopped: str = ""

    def values(self) -> dict[str, object]:
        """As JSON values: infinity, which JSON lacks, becomes text."""
        return {name: str(value) if value == math.inf else value for name, value in asdict(self).items()}

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Self:
        """Of what `values` gave.

        Raises:
            TypeError: for an unknown name.
        """
        numbers: dict[str, Any] = {name: math.inf if value == "inf" else value for name, value in values.items()}
        return cls(**numbers)


class Watch(Protocol):
    """Someone who looks on: a progress bar, a test."""

    def updated(self, at: Position, steps: int, loss: float, speed: float, seconds_left: float) -> None:
        """Every `log_every` updates: steps in all, loss lately in nats per token, tokens per second, time left."""

    def validated(self, line: Mapping[str, Any]) -> None:
        """After each validation: the line of the history."""


class Unwatched:
    """Nobody looks on."""

    def updated(self, at: Position, steps: int, loss: float, speed: float, seconds_left: float) -> None:
        """See `Watch.updated`."""

    def validated(self, line: Mapping[str, Any]) -> None:
        """See `Watch.validated`."""
