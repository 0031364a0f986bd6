"""Teacher-forced evaluation of an engine on melodies or on a grid text.

The engine steps through the true tokens and predicts the next one each time; `evaluation.prediction` defines the
figures that are made of its predictions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.encodings import Encoding, Group, Ids, Role
from melodysynthesis.errors import CorpusError, EncodingError, ModelError
from melodysynthesis.evaluation.prediction import BINS, Floats, Ints, Prediction
from melodysynthesis.music import Melody
from melodysynthesis.numerics import log_sum_exp
from melodysynthesis.runtime.base import Engine, Logits

BATCH = 256
WINDOW = 64
"""Tokens before the predicted one in the study's protocol; a text's first so many are not predicted."""
LANES = 64
WARM_UP = 512
"""A text is cut into lanes, stepped side by side; each first reads this many tokens before its own."""

Progress = Callable[[int, int], None]
"""Called now and then with the number of tokens evaluated and the number of all tokens."""


def evaluate(
    engine: Engine, melodies: Sequence[Melody], *, batch: int = BATCH, progress: Progress | None = None
) -> Prediction:
    """Evaluate an engine on melodies, each from its start token to its end.

    Args:
        engine: the model.
        melodies: what to predict.
        batch: how many tunes are stepped side by side; tunes of similar length go together.
        progress: called with tokens done and tokens in all.

    Raises:
        CorpusError: if there is no melody.
        EncodingError: if the engine's encoding can represent none of them.
        ModelError: if the engine's logits are not numbers.
    """
    sequences, numbers, rejected = _encode(engine.encoding, melodies)
    lengths = np.array([len(ids) for ids in sequences])
    counts = Accumulator(engine.encoding, np.concatenate(sequences), np.repeat(np.arange(len(lengths)), lengths))
    starts = np.cumsum(lengths) - lengths
    total = int(lengths.sum()) - len(lengths)
    by_length = np.argsort(lengths, kind="stable")
    for start in range(0, len(by_length), batch):
        tunes = by_length[start : start + batch]
        _predict_batch(engine, [sequences[tune] for tune in tunes], starts[tunes], counts)
        if progress:
            progress(counts.seen, total)
    sources = [melodies[number].source for number in numbers]
    return counts.result("melodies, each from its start to its end", sources, numbers, rejected)


def evaluate_text(
    engine: Engine,
    ids: Ids,
    *,
    window: int | None = None,
    lanes: int = LANES,
    batch: int = 4 * BATCH,
    progress: Progress | None = None,
) -> Prediction:
    """Evaluate an engine on a grid text with its delimiters, from its 65th token on, as the original study did.

    Args:
        engine: the model; its encoding must be a grid.
        ids: of the whole text: ``token_ids(encoding, text.split())``.
        window: how many tokens the engine sees before each predicted one: 64 is the study's protocol (64
            times the work). None carries the state along. An engine always sees its start token, a
            delimiter, first.
        lanes: with a carried state, how many stretches of the text are stepped side by side. Each reads 512
            tokens before its own first; with 1 the state is carried through the whole text.
        batch: how many windows are stepped side by side.
        progress: called with tokens done and tokens in all.

    Raises:
        CorpusError: if the text has no more than 64 tokens.
        EncodingError: if the engine's encoding is not a grid.
    """
    encoding = engine.encoding
    if not encoding.is_text:
        raise EncodingError(f"a grid text needs a model of the encoding 'grid', not of {encoding.name!r}")
    if len(ids) <= WINDOW:
        raise CorpusError(f"a text of {len(ids)} tokens is too short: its first {WINDOW} are not predicted")
    songs = _songs(ids, encoding.start_id)
    counts = Accumulator(encoding, ids, songs)
    predictions = _in_windows(engine, ids, window, batch) if window else _in_lanes(engine, ids, lanes)
    for places, logits in predictions:
        counts.add(places, logits, None)
        if progress:
            progress(counts.seen, len(ids) - WINDOW)
    context = f"windows of {window} tokens" if window else f"a carried state, {lanes} lanes"
    sources = [f"song {number}" for number in range(1, len(counts.tokens) + 1)]
    return counts.result(f"text with delimiters, {context}", sources, list(range(len(sources))), [])


def _encode(encoding: Encoding, melodies: Sequence[Melody]) -> tuple[list[Ids], list[int], list[str]]:
    """Ids of the melodies that can be encoded, their numbers, and why the others can't be."""
    if not melodies:
        raise CorpusError("there is no melody to evaluate")
    sequences, numbers, rejected = [], [], []
    for number, melody in enumerate(melodies):
        try:
            sequences.append(encoding.encode(melody))
            numbers.append(number)
        except EncodingError as error:
            rejected.append(str(error))
    if not sequences:
        raise EncodingError(f"none of {len(melodies)} melodies can be evaluated; the first: {rejected[0]}")
    return sequences, numbers, rejected


def _predict_batch(engine: Engine, sequences: Sequence[Ids], starts: Ints, counts: Accumulator) -> None:
    """Step one batch from start to end. A tune that has ended repeats its last token, uncounted.

    Args:
        engine: the model.
        sequences: ids of each tune.
        starts: (tunes,) place of each tune's start token among all tokens.
        counts: what the predictions are added to.
    """
    lengths = np.array([len(ids) for ids in sequences])
    padded = np.stack([np.pad(ids, (0, lengths.max() - len(ids)), mode="edge") for ids in sequences])
    logits, state = engine.init(len(sequences))
    for place in range(1, lengths.max()):
        live = np.flatnonzero(lengths > place)
        counts.add(starts[live] + place, logits[live], state.context.allowed()[live])
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


class Accumulator:
    """Adds up what a `Prediction` holds of all tokens `ids`, each of a tune `tune_of` of its own number."""

    def __init__(self, encoding: Encoding, ids: Ids, tune_of: Ints) -> None:
        size, groups, tunes = len(encoding.vocabulary), len(Group), int(tune_of[-1]) + 1
        self.encoding, self.ids, self.tune_of = encoding, ids, tune_of
        self.seen = 0
        self.counted, self.right = np.zeros(len(ids), np.bool_), np.zeros(len(ids), np.bool_)
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
        whole = log_sum_exp(scores, axis=1)
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
        self.counted[places], self.right[places], self.music_at[places] = True, right, music
        self.seen += len(targets)

    def _bits(
        self, targets: Ids, own: Floats, scores: Floats, allowed: NDArray[np.bool_] | None
    ) -> tuple[Floats, Floats, Floats]:
        """Music, phrase and given bits of each target; see the module's docstring."""
        if allowed is not None:
            scores = np.where(allowed, scores, -np.inf)
        music, phrase, given = (log_sum_exp(scores[:, columns], axis=1) for columns in self.of_role)
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
        """The prediction made of all that was added; `numbers` and `sources` are of the tunes."""
        # a song can lie wholly before a text's 65th token
        with_tokens = self.tokens.sum(axis=1) > 0
        chosen = np.flatnonzero(with_tokens).tolist()
        notes, bits = self._notes()
        return Prediction(
            self.encoding, protocol, tuple(sources[tune] for tune in chosen), tuple(numbers[tune] for tune in chosen),
            tuple(rejected), self.tokens[chosen], self.correct[chosen], self.nats[chosen], self.music_bits[chosen],
            self.phrase_bits[chosen], self.given_bits[chosen], self.confusion, self.ranks, self.bins,
            (np.cumsum(with_tokens) - 1)[self.tune_of[notes]], bits, self.right[notes],
        )  # fmt: skip

    def _notes(self) -> tuple[Ints, Floats]:
        """The places of the counted tokens that begin a note, and the music bits up to the next one's, in its tune."""
        begins = np.flatnonzero(self.encoding.groups[self.ids] == Group.NOTE)
        tune_ends = np.flatnonzero(np.diff(self.tune_of, append=-1)) + 1
        ends = np.minimum(np.append(begins[1:], len(self.ids)), tune_ends[self.tune_of[begins]])
        before = np.concatenate([[0.0], np.cumsum(self.music_at)])
        kept = self.counted[begins]
        return begins[kept], (before[ends] - before[begins])[kept]
