"""The number of drafts and their judge, from the request, the model, and the judge that ships."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from melodysynthesis.errors import RequestError
from melodysynthesis.evaluation.degenerate import signs
from melodysynthesis.generation.request import Request
from melodysynthesis.generation.stepper import Floats
from melodysynthesis.music import Melody
from melodysynthesis.runtime.base import Engine
from melodysynthesis.runtime.judge import Judge, shipped

DRAFTS = 4
"""Drafts from which one is drawn by default; docs/lab-notes.md gives the reason."""

PENALTY = 3.0
"""Taken from the log odds for each sign of an unsingable melody (`evaluation.degenerate`). Under rules,
models write kinds of melodies that the judge was not trained on: there a sign can be 50 times as frequent as in human
tunes."""


class Drafting(NamedTuple):
    """A request whose number of drafts is decided, and the judge of them; None where there is nothing to judge."""

    request: Request
    judge: Judge | None


def drafting(engine: Engine, request: Request) -> Drafting:
    """Decide on the drafts of a request.

    Raises:
        RequestError: if several drafts are requested, and there is no judge for such a model.
        ModelError: if the judge's file is missing, damaged or no judge.
    """
    encoding, corpus = engine.encoding.name, engine.card.corpus
    if request.drafts == 1 or request.temperature == 0:
        return Drafting(request.model_copy(update={"drafts": 1}), None)
    judge = shipped() if request.judge is None else _opened(request.judge)
    if request.judge is not None and judge is not None and judge.card.encoding != encoding:
        raise RequestError(
            f"{request.judge}: this judge was trained with models of the encoding {judge.card.encoding!r}, but the "
            f"model's is {encoding!r}"
        )
    if judge is None or (request.judge is None and not judge.knows(encoding, corpus)):
        if request.drafts is None:
            return Drafting(request.model_copy(update={"drafts": 1}), None)
        raise RequestError(
            f"there is no judge for this model (encoding {encoding!r}, corpus {corpus!r}): leave out drafts, or name "
            "the file of a judge that `melody train-judge` made for it",
            field="drafts",
        )
    return Drafting(request.model_copy(update={"drafts": request.drafts or DRAFTS}), judge)


def weigh(judge: Judge, melodies: Sequence[Melody]) -> Floats:
    """(melodies,) log odds of drafts that have ended, with `PENALTY` taken off for each sign; all are finite."""
    return np.asarray(judge.log_odds(melodies) - PENALTY * np.array([len(signs(melody)) for melody in melodies]))


@lru_cache(maxsize=4)
def _opened(path: str) -> Judge:
    return Judge(Path(path))
