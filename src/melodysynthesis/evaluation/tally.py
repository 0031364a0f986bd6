"""Adding up what a `Prediction` holds, some tokens at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.encodings import Encoding, Group, Ids, Role
from melodysynthesis.errors import ModelError
from melodysynthesis.evaluation.prediction import BINS, Floats, Ints, Prediction
from melodysynthesis.runtime.base import Logits


class Tally:
    """Adds up what a `Prediction` holds of all tokens `ids`, each of a tune `tune_of` of its own number."""

    def __init__(self, encoding: Encoding, ids: Ids, tune_of: Ints) -> None:
        size, groups, tunes = len(encoding.vocabulary), len(Group), int(tune_of[-1]) + 1
        self.encoding, self.ids, self.tune_of = encoding, ids, tune_of
        self.seen = 0
        self.judged, self.right = np.zeros(len(ids), np.bool_), np.zeros(len(ids), np.bool_)
        self.music_at = np.zeros(len(ids))
        self.of_role = [np.flatnonzero(encoding.roles == role) for role in Role]
        self.tokens = np.zeros((tunes, groups), np.int64)
        self.correct = np.zeros((tunes, groups), np.int64)
        self.nats, self.phrase_bits, self.given_bits = (np.zeros(tunes) for _ in range(3))
        self.music_bits = np.zeros((tunes, groups))
        self.confusion = np.zeros((size, size), np.int64)
        self.ranks = np.zeros(size, np.int64)
        self.bins = np.zeros((groups, BINS, 3))

    def add(self, places: Ints, logits: Logits, allowed: NDArray[np.bool_] | None) -> None:
        """Count the tokens at some places: the logits and the grammar have a row for each."""
        tunes, targets = self.tune_of[places], self.ids[places]
        scores = logits.astype(np.float64)
        rows = np.arange(len(targets))
        own = scores[rows, targets]
        if np.isnan(scores).any():
            raise ModelError("the model's logits are not numbers: was its training stable?")
        groups = self.encoding.groups[targets]
        predicted = scores.argmax(axis=1)
        whole = _log_sum_exp(scores)
        right = predicted == targets
        np.add.at(self.tokens, (tunes, groups), 1)
        np.add.at(self.correct, (tunes, groups), right)
        np.add.at(self.nats, tunes, whole - own)
        np.add.at(self.confusion, (targets, predicted), 1)
        ahead = (scores > own[:, None]) | ((scores == own[:, None]) & (np.arange(scores.shape[1]) < targets[:, None]))
        np.add.at(self.ranks, ahead.sum(axis=1), 1)
        confidence = np.exp(scores[rows, predicted] - whole)
        bins = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
        np.add.at(self.bins, (groups, bins), np.stack([np.ones(len(rows)), confidence, right], axis=1))
        music, phrase, given = self._bits(targets, own, scores, allowed)
        np.add.at(self.music_bits, (tunes, groups), music)
        np.add.at(self.phrase_bits, tunes, phrase)
        np.add.at(self.given_bits, tunes, given)
        self.judged[places], self.right[places], self.music_at[places] = True, right, music
        self.seen += len(targets)

    def _bits(
        self, targets: Ids, own: Floats, scores: Floats, allowed: NDArray[np.bool_] | None
    ) -> tuple[Floats, Floats, Floats]:
        """Music, phrase and given bits of each target; see the module's docstring."""
        if allowed is not None:
            scores = np.where(allowed, scores, -np.inf)
        music, phrase, given = (_log_sum_exp(scores[:, columns]) for columns in self.of_role)
        open_mass = np.logaddexp(music, phrase)
        everything = np.logaddexp(open_mass, given)
        roles = self.encoding.roles[targets]
        of_music, of_given = roles == Role.MUSIC, roles == Role.GIVEN
        kept = np.where(of_music, music, own)
        # a part without mass is never the target's: `where` keeps out what infinities give there
        with np.errstate(invalid="ignore"):
            nats = (
                np.where(of_music, music - own, 0.0),
                np.where(of_given, 0.0, open_mass - kept),
                everything - np.where(of_given, own, open_mass),
            )
        return nats[0] / np.log(2), nats[1] / np.log(2), nats[2] / np.log(2)

    def result(
        self, protocol: str, sources: Sequence[str], numbers: Sequence[int], rejected: Sequence[str]
    ) -> Prediction:
        """What was found of all that was added; `numbers` and `sources` of the tunes, `rejected` as in `Prediction`."""
        # a song may lie wholly before a text's 65th token
        counted = self.tokens.sum(axis=1) > 0
        judged = np.flatnonzero(counted).tolist()
        notes, bits = self._notes()
        return Prediction(
            self.encoding, protocol, tuple(sources[tune] for tune in judged), tuple(numbers[tune] for tune in judged),
            tuple(rejected), self.tokens[judged], self.correct[judged], self.nats[judged], self.music_bits[judged],
            self.phrase_bits[judged], self.given_bits[judged], self.confusion, self.ranks, self.bins,
            (np.cumsum(counted) - 1)[self.tune_of[notes]], bits, self.right[notes],
        )  # fmt: skip

    def _notes(self) -> tuple[Ints, Floats]:
        """The places of the judged tokens that begin a note, and the music bits up to the next one's, in its tune."""
        begins = np.flatnonzero(self.encoding.groups[self.ids] == Group.NOTE)
        tune_ends = np.flatnonzero(np.diff(self.tune_of, append=-1)) + 1
        ends = np.minimum(np.append(begins[1:], len(self.ids)), tune_ends[self.tune_of[begins]])
        before = np.concatenate([[0.0], np.cumsum(self.music_at)])
        kept = self.judged[begins]
        return begins[kept], (before[ends] - before[begins])[kept]


def _log_sum_exp(scores: Floats) -> Floats:
    """(rows,) ln of the sum of exp over each row; minus infinity for a row of none."""
    if scores.shape[1] == 0:
        return np.full(len(scores), -np.inf)
    highest = scores.max(axis=1)
    safe = np.where(np.isfinite(highest), highest, 0.0)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(np.exp(scores - safe[:, None]).sum(axis=1)) + safe)
