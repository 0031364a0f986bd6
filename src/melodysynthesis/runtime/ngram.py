"""An interpolated n-gram model: the baseline that a neural network has to beat, stepped by the same contract.

The probability of a token after a context of k tokens mixes what followed that context in training with the
probability after the context one token shorter, down to all tokens being equally likely:

    p_k(w | h) = (1 - e) * count(h, w) / count(h) + e * p_{k-1}(w | h')

The escape weight e depends on the context's length k, on how many tokens followed it (`count(h)`) and on how
many different ones. Those three are put into classes, and one weight for each class is fitted to data held
out from the counts, by expectation-maximisation (deleted interpolation: Jelinek and Mercer 1980). Classes
without held-out data keep the Witten-Bell weight, ``different / (different + all)``, which is the escape of
the compressor PPM-C.

Contexts are kept exactly, as a trie over the past: the node of a context is found from the node of the
context one token shorter and the one token that stands before it.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.encodings import Encoding, Frame, Ids, encoding_from
from melodysynthesis.errors import EncodingError, ModelError, TrainingError
from melodysynthesis.formats import files
from melodysynthesis.runtime.base import Card, Logits, State

MAX_ORDER = 64
HELD_OUT = 10
"""One block in this many is held out to fit the escape weights; all are counted afterwards."""
BLOCK_TOKENS = 8192
"""Longer sequences, such as a whole corpus in one line, are held out in blocks of this length."""

MAX_VARIETY, MAX_FREQUENCY = 5, 12
"""Classes of escape weights: different followers 1 to 5 or more; followers 1, 2, 3-4, 5-8 ... over 1,024."""
ROUNDS = 40
PRIOR_WEIGHT = 2.0
"""How many held-out tokens the Witten-Bell weight of a class is worth."""

FORMAT_NAME, FORMAT_VERSION = "melodysynthesis ngram", 1
MAX_FILE_BYTES = 2**30

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Level(NamedTuple):
    """Counts after the contexts of one length.

    Attributes:
        keys: (contexts,) ascending: the node of the context one token shorter, times the vocabulary's size,
            plus the token that stands before it. The node of a context is its place here.
        starts: (contexts + 1,) where each context's followers start in the next two.
        tokens: (pairs,) followers, ascending within a context.
        counts: (pairs,) how often each followed.
    """

    keys: Ints
    starts: Ints
    tokens: Ints
    counts: Ints


@dataclass(frozen=True, slots=True)
class Shares:
    """What a level adds: (1 - e) * count(h, w) / count(h) for each pair, and e for each context."""

    level: Level
    share: Floats
    escape: Floats


class NGramEngine:
    """An n-gram model as an `Engine`; made by `train_ngram` or `load_ngram`.

    Args:
        levels: counts after contexts of 0, 1, ... tokens.
        weights: (levels, classes) escape weights, each above 0 and below 1.
        encoding: of the ids that were counted.
        card: what to know of it.
    """

    def __init__(self, levels: Sequence[Level], weights: Floats, encoding: Encoding, card: Card) -> None:
        self.levels, self.weights = tuple(levels), weights
        self.encoding, self.card = encoding, card
        self._shares = [_shares(level, row) for level, row in zip(self.levels, weights, strict=True)]

    @property
    def order(self) -> int:
        """Longest context in tokens: an order of 8 is a 9-gram to those who count the predicted token."""
        return len(self.levels) - 1

    def init(self, batch: int, frame: Frame = Frame()) -> tuple[Logits, State]:  # noqa: B008 (a frozen value)
        """Log-probabilities of the first token, and the state after the start token; see `Engine.init`."""
        past = np.full((batch, max(self.order, 1)), -1, np.int64)
        past[:, -1] = self.encoding.start_id
        return self._logits(past), State(self.encoding.start(batch, frame), past)

    def step(self, ids: Ids, state: State) -> tuple[Logits, State]:
        """Take one token for each sequence; log-probabilities of the next; see `Engine.step`."""
        state.context.advance(ids)
        past = np.concatenate([state.memory[:, 1:], np.asarray(ids, np.int64)[:, None]], axis=1)
        return self._logits(past), State(state.context, past)

    def workers(self) -> tuple[Self]:
        """See `Engine.workers`."""
        return (self,)

    def select(self, state: State, indices: Ints) -> State:
        """A new state of the sequences at `indices`; see `Engine.select`."""
        return State(state.context.select(indices), state.memory[indices])

    def probabilities(self, past: Ints) -> Floats:
        """Probabilities (batch, vocabulary) after a past (batch, tokens), the latest last; -1 is no token."""
        size = len(self.encoding.vocabulary)
        mixed = np.full((len(past), size), 1.0 / size)
        rows = np.arange(len(past))
        nodes = np.zeros(len(past), np.int64)
        for length, shares in enumerate(self._shares):
            if length:
                older = past[rows, -length]
                nodes, found = _find(shares.level.keys, nodes * size + older)
                found &= older >= 0
                rows, nodes = rows[found], nodes[found]
            if not len(rows):
                break
            starts = shares.level.starts
            each, pairs = _spread(starts[nodes], starts[nodes + 1] - starts[nodes])
            mixed[rows] *= shares.escape[nodes, None]
            mixed[rows[each], shares.level.tokens[pairs]] += shares.share[pairs]
        return mixed

    def _logits(self, past: Ints) -> Logits:
        return np.log(self.probabilities(past)).astype(np.float32)

    def save(self, path: files.PathLike) -> None:
        """Write the model as one ``.npz`` file, whole or not at all; the same model gives the same bytes.

        Raises:
            FormatError: if the file can't be written.
        """
        header = {
            "format": FORMAT_NAME,
            "version": FORMAT_VERSION,
            "encoding": self.encoding.description(),
            "vocabulary": list(self.encoding.vocabulary),
            "card": asdict(self.card),
        }
        text = json.dumps(header, ensure_ascii=False, sort_keys=True).encode()
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            header=np.frombuffer(text, np.uint8),
            weights=self.weights,
            contexts=np.array([len(level.keys) for level in self.levels], np.int64),
            keys=np.concatenate([level.keys for level in self.levels]),
            variety=np.concatenate([np.diff(level.starts) for level in self.levels]).astype(np.int32),
            tokens=np.concatenate([level.tokens for level in self.levels]).astype(np.int32),
            counts=np.concatenate([level.counts for level in self.levels]).astype(np.int32),
        )
        files.save(path, buffer.getvalue())


def train_ngram(sequences: Iterable[Ids], encoding: Encoding, order: int = 16, card: Card | None = None) -> NGramEngine:
    """Count id sequences and fit the escape weights.

    Args:
        sequences: ids from the start token on; the first token of each is context only and never counted as
            predicted. A corpus text with its delimiters is one sequence.
        encoding: of the ids.
        order: longest context in tokens, 0 to 64. As weights are fitted, a longer one costs only memory.
        card: what to know of the model; its `parameters` are set to the number of counts.

    Raises:
        TrainingError: if there is nothing to count or the order is out of range.
        EncodingError: if an id is outside the vocabulary.
    """
    if not 0 <= order <= MAX_ORDER:
        raise TrainingError(f"an n-gram order of {order} is not between 0 and {MAX_ORDER}")
    blocks = [block for ids in sequences for block in _blocks(np.asarray(ids, np.int64)) if len(block) > 1]
    if not blocks:
        raise TrainingError("there is nothing to count: no sequence has a token after its first")
    size = len(encoding.vocabulary)
    for block in blocks:
        if block.min() < 0 or block.max() >= size:
            raise EncodingError(f"ids from {block.min()} to {block.max()}: the vocabulary has {size} tokens")
    weights = _fit_weights(blocks, size, order)
    levels = _count(blocks, size, order)
    parameters = sum(len(level.tokens) for level in levels)
    card = card or Card("n-gram", "ngram", f"order {order}", "", "", 0, 0, "", {})
    return NGramEngine(levels, weights[: len(levels)], encoding, replace(card, parameters=parameters))


def load_ngram(path: files.PathLike) -> NGramEngine:
    """Read what `NGramEngine.save` wrote.

    Raises:
        FormatError: if the file can't be read.
        ModelError: if it is damaged, something else, or of a vocabulary that its encoding no longer has.
    """
    data = files.load(path, MAX_FILE_BYTES)
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            if sum(member.file_size for member in arrays.zip.infolist()) > 4 * MAX_FILE_BYTES:
                raise ModelError(f"{path}: unpacks to more than {4 * MAX_FILE_BYTES:,} bytes")
            found = {name: arrays[name] for name in arrays.files}
        header = json.loads(found["header"].tobytes())
        if header["format"] != FORMAT_NAME or header["version"] != FORMAT_VERSION:
            raise ModelError(f"{path}: {header['format']!r} version {header['version']} is no n-gram model")
        encoding = encoding_from(header["encoding"])
        if list(encoding.vocabulary) != header["vocabulary"]:
            raise ModelError(f"{path}: its vocabulary is not that of the encoding {encoding.name!r} here")
        levels = _unpack(found, len(encoding.vocabulary))
        return NGramEngine(levels, found["weights"], encoding, Card(**header["card"]))
    except (KeyError, TypeError, ValueError, EOFError, OSError, AttributeError, zipfile.BadZipFile) as error:
        raise ModelError(f"{path}: not an n-gram model, or damaged: {error}") from error


def _unpack(found: Mapping[str, NDArray[Any]], size: int) -> list[Level]:
    contexts, variety = found["contexts"].astype(np.int64), found["variety"].astype(np.int64)
    keys, tokens, counts = (found[name].astype(np.int64) for name in ("keys", "tokens", "counts"))
    weights = found["weights"]
    whole = (
        len(contexts) > 0
        and contexts.min() > 0
        and len(keys) == len(variety) == contexts.sum()
        and len(tokens) == len(counts) == variety.sum()
        and min(variety.min(), counts.min()) > 0
        and 0 <= tokens.min() <= tokens.max() < size
        and weights.shape == (len(contexts), MAX_VARIETY * MAX_FREQUENCY)
        and bool(((weights > 0) & (weights < 1)).all())
    )
    if not whole:
        raise ValueError("its tables contradict one another")
    levels, context, pair = [], 0, 0
    for number in contexts.tolist():
        starts = np.concatenate([[0], np.cumsum(variety[context : context + number])])
        pairs = slice(pair, pair + int(starts[-1]))
        levels.append(Level(keys[context : context + number], starts, tokens[pairs], counts[pairs]))
        context, pair = context + number, pairs.stop
    return levels


def _blocks(ids: Ids) -> list[Ids]:
    """Pieces of at most `BLOCK_TOKENS` predicted tokens; each starts with the last token of the previous."""
    cuts = [*range(0, max(len(ids) - 1, 1), BLOCK_TOKENS), len(ids) - 1]
    return [ids[start : end + 1] for start, end in pairwise(cuts)]


def _places(blocks: Sequence[Ids]) -> tuple[Ids, Ints, Ints]:
    """All ids in a row, the places of the predicted ones, and how many of the block's tokens stand before."""
    lengths = np.array([len(block) for block in blocks])
    before = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    places = np.flatnonzero(before > 0)
    return np.concatenate(blocks), places, before[places]


def _count(blocks: Sequence[Ids], size: int, order: int) -> list[Level]:
    ids, places, before = _places(blocks)
    nodes = np.zeros(len(places), np.int64)
    levels = []
    for length in range(order + 1):
        long_enough = before >= length
        places, before, nodes = places[long_enough], before[long_enough], nodes[long_enough]
        if not len(places):
            break
        keys, nodes = (
            np.unique(nodes * size + ids[places - length], return_inverse=True)
            if length
            else (np.zeros(1, np.int64), nodes)
        )
        pairs, counts = np.unique(nodes * size + ids[places], return_counts=True)
        starts = np.searchsorted(pairs // size, np.arange(len(keys) + 1))
        levels.append(Level(keys, starts, pairs % size, counts))
    return levels


def _classes(totals: Ints, variety: Ints) -> Ints:
    """Class of escape weight of contexts that were followed `totals` times by `variety` different tokens."""
    frequency = np.minimum(np.ceil(np.log2(totals)).astype(np.int64), MAX_FREQUENCY - 1)
    return (np.minimum(variety, MAX_VARIETY) - 1) * MAX_FREQUENCY + frequency


def _witten_bell() -> Floats:
    """(classes,) the Witten-Bell weight of each class, taken at its upper end."""
    variety = np.repeat(np.arange(1, MAX_VARIETY + 1), MAX_FREQUENCY)
    return variety / (variety + 2.0 ** np.tile(np.arange(MAX_FREQUENCY), MAX_VARIETY))


def _totals(level: Level) -> Ints:
    return np.add.reduceat(level.counts, level.starts[:-1])


def _shares(level: Level, weights: Floats) -> Shares:
    totals, variety = _totals(level), np.diff(level.starts)
    escape = weights[_classes(totals, variety)]
    return Shares(level, np.repeat((1 - escape) / totals, variety) * level.counts, escape)


def _fit_weights(blocks: Sequence[Ids], size: int, order: int) -> Floats:
    """(order + 1, classes) escape weights that make the held-out blocks most likely."""
    prior = _witten_bell()
    weights = np.tile(prior, (order + 1, 1))
    held_out = blocks[HELD_OUT // 2 :: HELD_OUT]
    rest = [block for i, block in enumerate(blocks) if i % HELD_OUT != HELD_OUT // 2]
    if not held_out:
        return weights
    seen, classes = _follow(_count(rest, size, order), held_out, size)
    for _ in range(ROUNDS):
        weights[: len(seen)] = _expect_and_maximise(weights[: len(seen)], prior, seen, classes, size)
    return weights


def _follow(levels: Sequence[Level], blocks: Sequence[Ids], size: int) -> tuple[Floats, Ints]:
    """(levels, predicted): the token's share of what followed its context, and the context's class or -1."""
    ids, places, before = _places(blocks)
    seen = np.zeros((len(levels), len(places)))
    classes = np.full((len(levels), len(places)), -1)
    nodes, rows = np.zeros(len(places), np.int64), np.arange(len(places))
    for length, level in enumerate(levels):
        if length:
            nodes, found = _find(level.keys, nodes * size + ids[places[rows] - length])
            found &= before[rows] >= length
            nodes, rows = nodes[found], rows[found]
        totals, variety = _totals(level), np.diff(level.starts)
        pairs = np.repeat(np.arange(len(level.keys)), variety) * size + level.tokens
        pair, followed = _find(pairs, nodes * size + ids[places[rows]])
        seen[length, rows] = np.where(followed, level.counts[pair], 0) / totals[nodes]
        classes[length, rows] = _classes(totals, variety)[nodes]
    return seen, classes


def _expect_and_maximise(weights: Floats, prior: Floats, seen: Floats, classes: Ints, size: int) -> Floats:
    """One round: the share of the probability that came from below a context becomes its class's weight."""
    known = classes >= 0
    escape = np.where(known, np.take_along_axis(weights, np.maximum(classes, 0), axis=1), 1.0)
    below = [np.full(seen.shape[1], 1.0 / size)]
    for own, leave in zip(seen, escape, strict=False):
        below.append((1 - leave) * own + leave * below[-1])
    reached = np.ones(seen.shape[1])
    new = np.empty((len(seen), len(prior)))
    for level in reversed(range(len(seen))):
        left = reached * escape[level] * below[level] / below[level + 1]
        at = known[level]
        came = np.bincount(classes[level, at], reached[at], len(prior))
        went = np.bincount(classes[level, at], left[at], len(prior))
        new[level] = (went + PRIOR_WEIGHT * prior) / (came + PRIOR_WEIGHT)
        reached = left
    return new


def _find(keys: Ints, wanted: Ints) -> tuple[Ints, NDArray[np.bool_]]:
    """Place of each wanted key in the ascending `keys`, and whether it is there at all."""
    places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return places, keys[places] == wanted


def _spread(starts: Ints, lengths: Ints) -> tuple[Ints, Ints]:
    """The ranges ``start .. start + length`` in a row: which range each item is of, and the item."""
    each = np.repeat(np.arange(len(starts)), lengths)
    offsets = np.arange(len(each)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return each, starts[each] + offsets
