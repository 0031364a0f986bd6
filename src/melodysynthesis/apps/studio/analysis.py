"""Analyses melodies: certificate, originality, a model's surprise at each note, and descriptors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from melodysynthesis.apps.certificate import certified
from melodysynthesis.errors import CorpusError, EncodingError, FormatError
from melodysynthesis.generation import output
from melodysynthesis.generation.request import Request
from melodysynthesis.music import Melody
from melodysynthesis.runtime.base import Engine

CERTIFIED_FILES = (".mid", ".musicxml")
"""Formats, besides JSON, whose files the certificate checks."""
PENDING = {"pending": True}


def analyse(
    melodies: Sequence[Melody], request: Request | None, engine: Engine, *, searched: bool
) -> Iterator[dict[str, Any]]:
    """Analyse each melody.

    Args:
        melodies: any.
        request: whose rules the certificate checks; None for no certificate.
        engine: the model of the surprise, whose corpus is searched for copies.
        searched: whether the corpus is ready to be searched; else the originality is ``pending``.
    """
    from melodysynthesis.evaluation.descriptors import NAMES, describe_sounds, sounds_of

    figures = describe_sounds([sounds_of(melody) for melody in melodies]).tolist()
    for melody, bits, row in zip(melodies, surprises(melodies, engine), figures, strict=True):
        corpus = engine.card.corpus
        originality = originality_of(melody, corpus) if searched else PENDING | {"unknown": f"reading {corpus} …"}
        known = None if "unknown" in originality else originality
        yield {
            "certificate": None if request is None else certified(melody, request, CERTIFIED_FILES, known),
            "originality": originality,
            "surprise": bits,
            "descriptors": {name: float(f"{value:.6g}") for name, value in zip(NAMES, row, strict=True)},
            "statistics": output.statistics(melody),
        }


def surprises(melodies: Sequence[Melody], engine: Engine) -> list[list[float] | None]:
    """Bits of each note under a model, see `evaluation.prediction`; None if its encoding can't represent the melody."""
    from melodysynthesis.evaluation.evaluate import evaluate

    bits: list[list[float] | None] = [None] * len(melodies)
    try:
        found = evaluate(engine, melodies)
    except (CorpusError, EncodingError):
        return bits
    for tune, number in enumerate(found.numbers):
        bits[number] = np.round(found.note_bits[found.note_tune == tune], 3).tolist()
    return bits


def originality_of(melody: Melody, corpus: str) -> dict[str, Any]:
    """What a melody shares with the training melodies of a corpus; ``unknown`` says why if that can't be computed."""
    from melodysynthesis.evaluation.originality import evaluate

    try:
        return evaluate(melody, _index(corpus))
    except (CorpusError, FormatError) as error:
        return {"unknown": str(error)}


@lru_cache(maxsize=4)
def _index(corpus: str) -> Any:
    from melodysynthesis.apps.originality import open_index

    return open_index(corpus)
