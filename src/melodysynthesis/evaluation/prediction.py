"""How well an engine predicts melodies: accuracy, loss, bits per note.

Conventions
-----------
Input: an `Engine` and either melodies (`judge`) or one stream of grid tokens (`judge_text`). The engine steps
through the true tokens and is asked for the next one each time (teacher forcing). The start token is never
predicted and never counted.

Let p be the softmax of the engine's logits over the whole vocabulary, and q the same restricted to what the
grammar lets follow (`Context.allowed`) and renormalised.

Accuracy
    Share of tokens at which p is largest for the true token; of equal ones the first counts. Reported by
    `Group` too, since holds and delimiters come nearly for free: on grid text "always hold" has 77 %. Top-k
    likewise.
Loss
    Mean of -ln p(true token), in nats per token. Comparable within one encoding and protocol only.
Bits per note
    The only figure that can be compared across encodings: the cost in bits of writing the melody down, over
    its number of notes. With M, P and G the mass of q on tokens of `Role` MUSIC, PHRASE and GIVEN, -log2
    q(target) falls into three parts:

    ========  =================  =====================  ==================
    target    music              phrase                 given
    ========  =================  =====================  ==================
    MUSIC     -log2(q / M)       -log2(M / (M + P))     -log2(M + P)
    PHRASE    0                  -log2(q / (M + P))     -log2(M + P)
    GIVEN     0                  0                      -log2 q
    ========  =================  =====================  ==================

    *Bits per note* is music over notes: pitches, rests, durations, the pickup, the number of bars and the
    end, given where phrases end. *Phrase bits per note* is what the marks cost, where one comes and where
    one could have come and did not. Tonic, mode, meter and changes of meter are given and cost nothing.
    Each comes with the standard error and the 95 % percentile interval of a bootstrap over tunes
    (`bootstrap_ratio`).
    On a token stream there is no grammar: q is p, delimiters are paid for, and a "tune" is a song with the
    delimiters after it.
Bits of a note
    The music bits of its own token and of all up to the next note's: its duration, the rest after it, and of the last
    note the end. What stands before the first note (pickup, number of bars) is of none. `evaluation.breakdown` tells
    them by scale degree, metric position, place in the phrase, and notes heard before.
Calibration
    Confidence (largest p) against accuracy in ten bins; expected calibration error (Guo et al. 2017, eq. 3). Also by
    the true token's group: holds and delimiters are many and easy.

Empty input is an error in words; tunes that the encoding can't say are left out and listed in `rejected`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.encodings import Encoding, Group, Ids, Role
from melodysynthesis.errors import CorpusError, EncodingError, ModelError
from melodysynthesis.evaluation.statistics import Interval, bootstrap_ratio
from melodysynthesis.music import Melody
from melodysynthesis.runtime.base import Engine, Logits

BATCH = 256
WINDOW = 64
"""Tokens before the predicted one in the study's protocol; a text's first so many are not predicted."""
LANES = 64
WARM_UP = 512
"""A text is cut into lanes, stepped side by side; each first reads this many tokens before its own."""
BINS = 10

Progress = Callable[[int, int], None]
"""Called now and then with the number of tokens judged and of all tokens."""
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Prediction:
    """What `judge` found. Arrays by tune are in the order of the melodies, so that two models can be paired.

    Attributes:
        encoding: of the tokens.
        protocol: how the engine was asked, in words.
        sources: (tunes,) where each tune is from.
        numbers: (tunes,) which of the melodies, or of the text's songs, each tune is.
        rejected: one message for each tune that the encoding can't say.
        tokens: (tunes, groups) predicted tokens by the true token's `Group`.
        correct: (tunes, groups) of these, how many were predicted right.
        nats: (tunes,) -ln p, summed.
        music_bits: (tunes, groups) by the true token's group; see the module's docstring.
        phrase_bits: (tunes,)
        given_bits: (tunes,) not counted; with the other two it makes up -log2 q.
        confusion: (vocabulary, vocabulary) tokens by true and predicted token.
        ranks: (vocabulary,) number of tokens whose true value was the most likely, second most likely, ...
        bins: (groups, BINS, 3) by confidence: number of tokens, sum of confidence, number predicted right.
        note_tune: (notes,) the tune of each note, as they stand.
        note_bits: (notes,) see Bits of a note.
        note_right: (notes,) whether its own token was predicted right.
    """

    encoding: Encoding
    protocol: str
    sources: tuple[str, ...]
    numbers: tuple[int, ...]
    rejected: tuple[str, ...]
    tokens: Ints
    correct: Ints
    nats: Floats
    music_bits: Floats
    phrase_bits: Floats
    given_bits: Floats
    confusion: Ints
    ranks: Ints
    bins: Floats
    note_tune: Ints
    note_bits: Floats
    note_right: NDArray[np.bool_]

    @property
    def notes(self) -> Ints:
        """(tunes,) number of notes."""
        return self.tokens[:, Group.NOTE]

    @property
    def accuracy(self) -> float:
        """Share of tokens predicted right."""
        return float(self.correct.sum() / self.tokens.sum())

    @property
    def loss(self) -> float:
        """Nats per token."""
        return float(self.nats.sum() / self.tokens.sum())

    def top(self, k: int) -> float:
        """Share of tokens that were among the k most likely."""
        return float(self.ranks[:k].sum() / self.ranks.sum())

    def bits_per_note(self, seed: int = 0) -> Interval:
        """Music bits per note, given the phrase marks."""
        return bootstrap_ratio(self.music_bits.sum(axis=1), self.notes, seed=seed)

    def phrase_bits_per_note(self, seed: int = 0) -> Interval:
        """What the phrase marks cost, in bits per note."""
        return bootstrap_ratio(self.phrase_bits, self.notes, seed=seed)

    def total_bits_per_note(self, seed: int = 0) -> Interval:
        """Music and phrase marks together, in bits per note."""
        return bootstrap_ratio(self.music_bits.sum(axis=1) + self.phrase_bits, self.notes, seed=seed)

    @property
    def calibration_error(self) -> float:
        """Expected calibration error: mean distance between confidence and accuracy, weighted by tokens."""
        return _calibration_error(self.bins.sum(axis=0))

    def by_group(self) -> dict[str, dict[str, float]]:
        """Of each group that occurs: tokens, their share of all, accuracy, calibration error, music bits per note."""
        tokens, correct, bits = self.tokens.sum(axis=0), self.correct.sum(axis=0), self.music_bits.sum(axis=0)
        notes = self.notes.sum()
        return {
            group.name.lower(): {
                "tokens": int(tokens[group]),
                "share": float(tokens[group] / tokens.sum()),
                "accuracy": float(correct[group] / tokens[group]),
                "calibration error": _calibration_error(self.bins[group]),
                "bits per note": float(bits[group] / notes) if notes else float("nan"),
            }
            for group in Group
            if tokens[group]
        }

    def figures(self, seed: int = 0) -> dict[str, Any]:
        """All figures as JSON types; intervals as value, low, high and standard error."""
        bits = {
            "bits per note": self.bits_per_note(seed),
            "phrase bits per note": self.phrase_bits_per_note(seed),
            "total bits per note": self.total_bits_per_note(seed),
        }
        return {
            "protocol": self.protocol,
            "tunes": len(self.sources),
            "rejected": len(self.rejected),
            "tokens": int(self.tokens.sum()),
            "notes": int(self.notes.sum()),
            "accuracy": self.accuracy,
            "top 3 accuracy": self.top(3),
            "top 5 accuracy": self.top(5),
            "loss": self.loss,
            **{name: interval.figures() for name, interval in bits.items()},
            "calibration error": self.calibration_error,
            "groups": self.by_group(),
        }


def judge(
    engine: Engine, melodies: Sequence[Melody], *, batch: int = BATCH, progress: Progress | None = None
) -> Prediction:
    """Let an engine predict melodies, each from its start token to its end.

    Args:
        engine: the model.
        melodies: what to predict.
        batch: how many tunes are stepped side by side; tunes of like length go together.
        progress: told how far it is.

    Raises:
        CorpusError: if there is no melody.
        EncodingError: if the engine's encoding can say none of them.
        ModelError: if the engine's logits are not numbers.
    """
    sequences, numbers, rejected = _encode(engine.encoding, melodies)
    lengths = np.array([len(ids) for ids in sequences])
    tally = _Tally(engine.encoding, np.concatenate(sequences), np.repeat(np.arange(len(lengths)), lengths))
    starts = np.cumsum(lengths) - lengths
    total = int(lengths.sum()) - len(lengths)
    by_length = np.argsort(lengths, kind="stable")
    for start in range(0, len(by_length), batch):
        tunes = by_length[start : start + batch]
        _walk(engine, [sequences[tune] for tune in tunes], starts[tunes], tally)
        if progress:
            progress(tally.seen, total)
    sources = [melodies[number].source for number in numbers]
    return tally.result("melodies, each from its start to its end", sources, numbers, rejected)


def judge_text(
    engine: Engine,
    ids: Ids,
    *,
    window: int | None = None,
    lanes: int = LANES,
    batch: int = 4 * BATCH,
    progress: Progress | None = None,
) -> Prediction:
    """Let an engine predict a grid text with its delimiters, from its 65th token on, as the study did.

    Args:
        engine: the model; its encoding must be a grid.
        ids: of the whole text: ``encoding.ids_of(text.split())``.
        window: how many tokens the engine sees before each predicted one: 64 is the study's protocol (64
            times the work). None carries the state along. An engine always sees its start token, a
            delimiter, first.
        lanes: with a carried state, how many stretches of the text are stepped side by side. Each reads 512
            tokens before its own first; with 1 the state is carried through the whole text.
        batch: how many windows are stepped side by side.
        progress: told how far it is.

    Raises:
        CorpusError: if the text has no more than 64 tokens.
        EncodingError: if the engine's encoding is not a grid.
    """
    encoding = engine.encoding
    if encoding.name != "grid":
        raise EncodingError(f"a grid text can't be judged by a model of the encoding {encoding.name!r}")
    if len(ids) <= WINDOW:
        raise CorpusError(f"a text of {len(ids)} tokens is too short: its first {WINDOW} are not predicted")
    songs = _songs(ids, encoding.start_id)
    tally = _Tally(encoding, ids, songs)
    asks = _in_windows(engine, ids, window, batch) if window else _in_lanes(engine, ids, lanes)
    for places, logits in asks:
        tally.add(places, logits, None)
        if progress:
            progress(tally.seen, len(ids) - WINDOW)
    context = f"windows of {window} tokens" if window else f"a carried state, {lanes} lanes"
    sources = [f"song {number}" for number in range(1, len(tally.tokens) + 1)]
    return tally.result(f"text with delimiters, {context}", sources, list(range(len(sources))), [])


def _encode(encoding: Encoding, melodies: Sequence[Melody]) -> tuple[list[Ids], list[int], list[str]]:
    """Ids of the melodies that can be said, their numbers, and why the others can't be."""
    if not melodies:
        raise CorpusError("there is no melody to judge")
    sequences, numbers, rejected = [], [], []
    for number, melody in enumerate(melodies):
        try:
            sequences.append(encoding.encode(melody))
            numbers.append(number)
        except EncodingError as error:
            rejected.append(str(error))
    if not sequences:
        raise EncodingError(f"none of {len(melodies)} melodies can be judged; the first: {rejected[0]}")
    return sequences, numbers, rejected


def _walk(engine: Engine, sequences: Sequence[Ids], starts: Ints, tally: _Tally) -> None:
    """Step one batch from start to end. A tune that has ended repeats its last token, uncounted.

    Args:
        engine: the model.
        sequences: ids of each tune.
        starts: (tunes,) place of each tune's start token among all tokens.
        tally: what is added to.
    """
    lengths = np.array([len(ids) for ids in sequences])
    padded = np.stack([np.pad(ids, (0, lengths.max() - len(ids)), mode="edge") for ids in sequences])
    logits, state = engine.init(len(sequences))
    for place in range(1, lengths.max()):
        live = np.flatnonzero(lengths > place)
        tally.add(starts[live] + place, logits[live], state.context.allowed()[live])
        if place + 1 < lengths.max():
            logits, state = engine.step(padded[:, place], state)


def _songs(ids: Ids, delimiter: int) -> Ints:
    """(tokens,) number of the song that each token is of; delimiters are of the song before them."""
    inside = ids != delimiter
    starts = inside & ~np.concatenate([[False], inside[:-1]])
    return np.asarray(np.maximum(np.cumsum(starts) - 1, 0))


def _in_windows(engine: Engine, ids: Ids, window: int, batch: int) -> Iterator[tuple[Ints, Logits]]:
    """Places of predicted tokens and their logits, each from the `window` tokens before it alone."""
    places = np.arange(max(WINDOW, window), len(ids))
    for start in range(0, len(places), batch):
        chosen = places[start : start + batch]
        logits, state = engine.init(len(chosen))
        for back in range(window, 0, -1):
            logits, state = engine.step(ids[chosen - back], state)
        yield chosen, logits


def _in_lanes(engine: Engine, ids: Ids, lanes: int) -> Iterator[tuple[Ints, Logits]]:
    """Places of predicted tokens and their logits, the state carried along each lane."""
    length = -(-len(ids) // lanes)
    begins = np.arange(0, len(ids), length)
    # The first lane has delimiters before it, as every song has. Lanes after the text's end are never
    # counted.
    warm_up = WARM_UP if len(begins) > 1 else 0
    padded = np.concatenate([np.full(warm_up, engine.encoding.start_id), ids, np.repeat(ids[-1:], length)])
    logits, state = engine.init(len(begins))
    for offset in range(warm_up + length):
        places = begins + offset - warm_up
        counted = np.flatnonzero((places >= WINDOW) & (offset >= warm_up) & (places < len(ids)))
        if len(counted):
            yield places[counted], logits[counted]
        logits, state = engine.step(padded[begins + offset], state)


class _Tally:
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


def _calibration_error(bins: Floats) -> float:
    """Of bins (BINS, 3): see `Prediction.bins`."""
    return float(np.abs(bins[:, 1] - bins[:, 2]).sum() / bins[:, 0].sum())


def _log_sum_exp(scores: Floats) -> Floats:
    """(rows,) ln of the sum of exp over each row; minus infinity for a row of none."""
    if scores.shape[1] == 0:
        return np.full(len(scores), -np.inf)
    highest = scores.max(axis=1)
    safe = np.where(np.isfinite(highest), highest, 0.0)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(np.exp(scores - safe[:, None]).sum(axis=1)) + safe)
