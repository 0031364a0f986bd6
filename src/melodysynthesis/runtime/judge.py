"""The judge: how much likelier a whole melody is among people's than among a model's drafts, by ONNX Runtime.

    inputs    rows (melodies, longest, FIELDS), there (melodies, longest)
    outputs   log_odds (melodies,)
    metadata  the version, the card, and the fields that the rows must have; see `encodings.judge_features`

Generation draws one of several drafts by these odds. `training.judge` says how a judge is trained. A file is checked as
that of a model is, before it runs; one of more than `MAX_JUDGE_BYTES` is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.encodings.judge_features import FIELDS, padded, rows_of
from melodysynthesis.errors import ModelError
from melodysynthesis.music import Melody
from melodysynthesis.runtime import onnx
from melodysynthesis.runtime.pretrained import FOLDER

FILE = FOLDER / "judge.onnx"
MAX_JUDGE_BYTES = 2**20
MAX_LOG_ODDS = 20.0
"""Surer than this no judge is taken to be."""
TOGETHER = 1 << 14
"""Rows that are run together, padding included."""

JUDGE_FORMAT, JUDGE_CARD, JUDGE_FIELDS = (f"melodysynthesis.judge.{name}" for name in ("format", "card", "fields"))
JUDGE_VERSION = 1

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class JudgeCard:
    """Facts about a judge, written into its file.

    Attributes:
        encoding: of the models whose drafts it was trained against.
        corpora: names of the corpora of these models; others' melodies it was not trained to judge.
        licence: of these corpora, for people.
        seed: of the training.
        parameters: number of trainable parameters.
        command: the command line that made it.
        figures: measured on validation tunes.
    """

    encoding: str
    corpora: list[str]
    licence: str
    seed: int
    parameters: int
    command: str
    figures: dict[str, float]


class Judge:
    """A judge from its file.

    Args:
        path: of the file.

    Attributes:
        card: what the file says of itself.
        sha256: of the file, in hex.

    Raises:
        ModelError: for a file that is missing, damaged, too large, no judge, or one that reads other features.
    """

    def __init__(self, path: Path) -> None:
        data = onnx.read_bytes(path, MAX_JUDGE_BYTES, "judge")
        values = onnx.read_metadata(data, path, JUDGE_FORMAT, "judge")
        if values[JUDGE_FORMAT] != JUDGE_VERSION:
            raise ModelError(
                f"{path}: a judge's file of version {values[JUDGE_FORMAT]}, this program reads {JUDGE_VERSION}"
            )
        if values.get(JUDGE_FIELDS) != FIELDS:
            raise ModelError(f"{path}: this judge reads other features than this program computes: train it again")
        try:
            self.card = JudgeCard(**values[JUDGE_CARD])
        except (KeyError, TypeError) as error:
            raise ModelError(f"{path}: the card is not one: {error}") from error
        self.path, self.sha256 = path, sha256(data).hexdigest()
        self._session = onnx.open_session(data, path, 1)
        names = {tensor.name for tensor in self._session.get_inputs()}
        if names != {"rows", "there"}:
            raise ModelError(f"{path}: the graph takes {', '.join(sorted(names))}, expected rows, there")

    def knows(self, encoding: str, corpus: str) -> bool:
        """Whether it was trained against drafts of models with such an encoding and corpus."""
        return encoding == self.card.encoding and corpus in self.card.corpora

    def log_odds(self, melodies: Sequence[Melody]) -> Floats:
        """(melodies,) natural logarithm of the odds that each is human, from -`MAX_LOG_ODDS` to `MAX_LOG_ODDS`.

        Raises:
            ModelError: if the judge gives no numbers, or not one for each melody.
        """
        rows = [rows_of(melody) for melody in melodies]
        found = np.zeros(len(rows))
        for batch in _batches([len(one) for one in rows]):
            ids, there = padded([rows[number] for number in batch])
            try:
                (values,) = self._session.run(["log_odds"], {"rows": ids, "there": there})
            except Exception as error:  # ONNX Runtime's errors have no common base but this
                raise ModelError(f"{self.path}: the judge does not run: {onnx.one_line(error)}") from error
            if np.shape(values) != (len(batch),) or not np.isfinite(values).all():
                raise ModelError(f"{self.path}: the judge gives no number for each melody: its file is damaged")
            found[batch] = values
        return np.clip(found, -MAX_LOG_ODDS, MAX_LOG_ODDS)


def _batches(lengths: Sequence[int]) -> list[list[int]]:
    """Numbers of melodies to run together, those of similar length; padded they have at most `TOGETHER` rows."""
    batches: list[list[int]] = []
    for number in sorted(range(len(lengths)), key=lambda n: lengths[n]):
        if not batches or (len(batches[-1]) + 1) * lengths[number] > TOGETHER:
            batches.append([])
        batches[-1].append(number)
    return batches


@cache
def shipped() -> Judge | None:
    """The judge that ships; None in a copy of the program without it.

    Raises:
        ModelError: if its file is damaged.
    """
    return Judge(FILE) if FILE.is_file() else None
