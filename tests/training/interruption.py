"""Runs that are cut short: by an accident, by a request to stop, at a given update."""

import os
import signal
from collections.abc import Callable, Mapping
from typing import Any

from melodysynthesis.training.checkpoint import TrainingState
from melodysynthesis.training.data import encode
from melodysynthesis.training.run import Run, fit
from tests.training.songs import songs


class After:
    """Does something after so many updates."""

    def __init__(self, step: int, act: Callable[[], None]) -> None:
        self.step, self.act, self.losses = step, act, list[float]()

    def on_update(self, at: TrainingState, steps: int, loss: float, speed: float, seconds_left: float) -> None:
        self.losses.append(loss)
        if at.step == self.step:
            self.act()

    def on_validation(self, line: Mapping[str, Any]) -> None:
        pass


class Killed(BaseException):
    """Nothing catches this: as near to kill -9 as a test comes without losing itself."""


def kill() -> None:
    raise Killed


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def train(run: Run, training: int, validation: int, resume: bool = False, callback: After | None = None) -> str:
    """Fit a run to so many artificial songs; returns why it stopped."""
    given = encode(run.encoding, songs(training)), encode(run.encoding, songs(validation, first=100))
    return fit(run, *given, resume=resume, callbacks=[callback] if callback else [])
