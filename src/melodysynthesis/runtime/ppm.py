"""PPM with a long-term and a short-term model: the standard predictor of music cognition, stepped by the same contract.

Listeners know a style from the music of their past, and a tune from its notes so far. The long-term model is counted
on the corpus and does not change. The short-term model starts empty with each melody and counts its tokens as they
come (Conklin and Witten 1995; Pearce 2005, IDyOM). Both interpolate: the probability of a token after a context of k
tokens mixes what followed that context with the probability after the context one token shorter,

    p_k(w | h) = (1 - e) * (c - d) / (T - d * t) + e * p_{k-1}(w | h')

with c = count(h, w), and T tokens of t different ones after h. The escape e and the discount d are those of a method of
`escapes`; below the empty context all tokens are equally likely. With *update exclusion* a token counts in its longest
context and in shorter ones only down to the longest in which it had followed before (Moffat 1990; Bunton 1997): short
contexts then count in how many longer ones a token was new.

The two are mixed in one of these ways (`Mix`):

    mean   a geometric mean that trusts the one that is surer (Pearce, Conklin and Wiggins 2004). With entropies H
           and the bias b:  p(w) ~ p_long(w)^v * p_short(w)^(1 - v),   v = H_long^-b / (H_long^-b + H_short^-b)
    upon   the short-term model falls back on the long-term one instead of on "all equally likely"
    long   the long-term model alone
    short  the short-term model alone

Escapes and bias are fitted to melodies held out from the counts; then all are counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from enum import Enum
from itertools import pairwise
from typing import Any, NamedTuple, Self

import numpy as np

from melodysynthesis.encodings import Encoding, Header, Ids, Role
from melodysynthesis.errors import TrainingError
from melodysynthesis.formats import files
from melodysynthesis.numerics import log_sum_exp
from melodysynthesis.runtime import escapes, short_term, tables, trie
from melodysynthesis.runtime.base import Logits, ModelCard, State
from melodysynthesis.runtime.short_term import ShortTermHistory
from melodysynthesis.runtime.trie import Floats, Ints, Level, LevelProbabilities

FITTED = "fitted"
BIASES = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0, 8.0)
"""Candidates for the bias."""
LEAST_ENTROPY = 1e-6
FIT_BLOCKS, FIT_BATCH = 512, 256
"""Number of held-out blocks that are used to fit, at most, and the size of their batches."""

KIND = ("melodysynthesis ppm", 1)


class Mix(Enum):
    """How the two models predict together; see the module's docstring."""

    MEAN = "mean"
    UPON = "upon"
    LONG = "long"
    SHORT = "short"


@dataclass(frozen=True, slots=True)
class CountSettings:
    """How one of the two models counts and escapes.

    Attributes:
        order: longest context in tokens, 0 to 64.
        escape: ``"fitted"`` or a method of `escapes.METHODS`.
        exclusion: whether updates of shorter contexts are excluded.
    """

    order: int = 16
    escape: str = FITTED
    exclusion: bool = False

    def __post_init__(self) -> None:
        trie.check_order(self.order)
        if self.escape != FITTED and self.escape not in escapes.METHODS:
            known = ", ".join([FITTED, *escapes.METHODS])
            raise TrainingError(f"escape method {self.escape!r} is not one of {known}")

    def probabilities(self, level: Level, weights: Floats) -> LevelProbabilities:
        """The probabilities of one level; `weights` (classes,) are used only if the escapes are fitted."""
        return escapes.by_class(level, weights) if self.escape == FITTED else escapes.by_formula(level, self.escape)


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of a PPM model. Except for the mix, the defaults predicted validation tunes best.

    Attributes:
        long_term: settings of the model of the corpus.
        short_term: settings of the model of the melody.
        mix: how they predict together: by default as the standard does, though ``upon`` predicts better.
    """

    long_term: CountSettings = CountSettings()
    short_term: CountSettings = CountSettings(exclusion=True)
    mix: Mix = Mix.MEAN


IDYOM = Settings(CountSettings(escape="C"), CountSettings(escape="AX", exclusion=True))
"""The escapes and exclusion of IDyOM (Pearce 2005), which bounds no context's length."""


class Fit(NamedTuple):
    """The fitted parameters.

    Attributes:
        long_term: (levels, classes) escape weights of the model of the corpus.
        short_term: (levels, classes) escape weights of the model of the melody.
        bias: how much more the surer model is trusted; 0 trusts both equally.
    """

    long_term: Floats
    short_term: Floats
    bias: float = 1.0


class PPMEngine:
    """A PPM model as an `Engine`; made by `train_ppm` or `load_ppm`. Its memory is a `ShortTermHistory`.

    Args:
        levels: the corpus' counts after contexts of 0, 1, ... tokens.
        settings: of both models.
        fit: parameters that were fitted to held-out data.
        encoding: of the ids that were counted.
        card: of the model.
    """

    def __init__(
        self, levels: Sequence[Level], settings: Settings, fit: Fit, encoding: Encoding, card: ModelCard
    ) -> None:
        self.levels, self.settings, self.fit = tuple(levels), settings, fit
        self.encoding, self.card = encoding, card
        self._size = len(encoding.vocabulary)
        counting = settings.long_term
        counted = exclude(self.levels, self._size) if counting.exclusion else self.levels
        self._long = [counting.probabilities(level, row) for level, row in zip(counted, fit.long_term, strict=True)]

    def init(self, batch: int, header: Header = Header()) -> tuple[Logits, State]:  # noqa: B008 (a frozen value)
        """Log-probabilities of the first token, and the state after the start token; see `Engine.init`."""
        history = short_term.begin(np.full(batch, self.encoding.start_id))
        return self._logits(history), State(self.encoding.start(batch, header), history)

    def step(self, ids: Ids, state: State) -> tuple[Logits, State]:
        """Take one token for each sequence; log-probabilities of the next; see `Engine.step`."""
        state.context.advance(ids)
        history = short_term.advance(state.memory, ids, self.encoding.start_id)
        return self._logits(history), State(state.context, history)

    def workers(self) -> tuple[Self]:
        """See `Engine.workers`."""
        return (self,)

    def select(self, state: State, indices: Ints) -> State:
        """A new state of the sequences at `indices`; see `Engine.select`."""
        return State(state.context.select(indices), state.memory.select(indices))

    def long_term(self, history: ShortTermHistory) -> Floats:
        """(batch, vocabulary) probabilities of the next token from the corpus."""
        past = history.tokens[:, -max(len(self.levels) - 1, 1) :].astype(np.int64)
        return trie.interpolate(self._long, past, self._size)

    def short_term(self, history: ShortTermHistory, base: Floats | None = None) -> Floats:
        """(batch, vocabulary) probabilities of the next token from the melody so far.

        Args:
            history: the melodies so far.
            base: (batch, vocabulary) probabilities below the empty context; equal ones by default.
        """
        settings, predictions = self.settings.short_term, []
        counted = short_term.levels(history, self._size, settings.order, exclusion=settings.exclusion)
        for level, weights in zip(counted, self.fit.short_term, strict=False):
            _, probability, escape = settings.probabilities(level, weights)
            predictions.append(trie.LevelPrediction(level.keys, escape, level.variety, level.tokens, probability))
        equal = np.broadcast_to(1 / self._size, (len(history.tokens), self._size))
        return trie.blend(predictions, equal if base is None else base)

    def _logits(self, history: ShortTermHistory) -> Logits:
        match self.settings.mix:
            case Mix.LONG:
                probabilities = self.long_term(history)
            case Mix.SHORT:
                probabilities = self.short_term(history)
            case Mix.UPON:
                probabilities = self.short_term(history, self.long_term(history))
            case Mix.MEAN:
                return surer_mean(self.long_term(history), self.short_term(history), [self.fit.bias]).squeeze(0)
        return np.log(probabilities).astype(np.float32)

    def save(self, path: files.PathLike) -> None:
        """Write the model as one ``.npz`` file, whole or not at all; the same model gives the same bytes.

        Raises:
            FormatError: if the file can't be written.
        """
        weights = {"long_term": self.fit.long_term, "short_term": self.fit.short_term}
        settings = asdict(self.settings) | {"mix": self.settings.mix.value}
        arrays = {**weights, **trie.pack(self.levels)}
        tables.save(path, KIND, self.encoding, self.card, arrays, settings=settings, bias=self.fit.bias)


def train_ppm(
    sequences: Iterable[Ids],
    encoding: Encoding,
    settings: Settings = Settings(),
    card: ModelCard | None = None,
) -> PPMEngine:
    """Count id sequences, and fit escape weights and bias to a tenth of them.

    Args:
        sequences: ids from the start token on; the first token of each is context only and never counted as
            predicted. A corpus text with its delimiters is one sequence.
        encoding: of the ids.
        settings: of both models.
        card: what to know of the model; its `parameters` are set to the number of counts.

    Raises:
        TrainingError: if there is nothing to count.
        EncodingError: if an id is outside the vocabulary.
    """
    order, size = settings.long_term.order, len(encoding.vocabulary)
    blocks = trie.blocks_of(sequences, size, order)
    levels = trie.count(blocks, size, order)
    fit = _fit(blocks, settings, encoding, len(levels))
    parameters = sum(len(level.tokens) for level in levels)
    card = card or ModelCard("PPM", "ppm", settings.mix.value, "", "", 0, 0, "", {})
    return PPMEngine(levels, settings, fit, encoding, replace(card, parameters=parameters))


def load_ppm(path: files.PathLike) -> PPMEngine:
    """Read what `PPMEngine.save` wrote.

    Raises:
        FormatError: if the file can't be read.
        ModelError: if it is damaged, something else, or of a vocabulary that its encoding no longer has.
    """
    return tables.load(path, KIND, "a PPM model", _built)


def _built(found: tables.Tables) -> PPMEngine:
    settings = _settings(**found.header["settings"])
    levels = trie.unpack(found.arrays, len(found.encoding.vocabulary))
    fit = Fit(found.arrays["long_term"], found.arrays["short_term"], float(found.header["bias"]))
    sized = escapes.are_weights(fit.long_term, len(levels))
    if not sized or not escapes.are_weights(fit.short_term, settings.short_term.order + 1):
        raise ValueError("its escape weights are not shares of its levels")
    if not 0 <= fit.bias <= max(BIASES):
        raise ValueError(f"a bias of {fit.bias} is not between 0 and {max(BIASES):g}")
    return PPMEngine(levels, settings, fit, found.encoding, found.card)


def _settings(long_term: dict[str, Any], short_term: dict[str, Any], mix: str) -> Settings:
    return Settings(CountSettings(**long_term), CountSettings(**short_term), Mix(mix))


def exclude(levels: Sequence[Level], size: int) -> list[Level]:
    """The counts with update exclusion: a token counts in a context once for each longer one in which it was new.

    Where there is no longer context, at a sequence's beginning and in the last level, each time counts.

    Raises:
        ValueError: if longer contexts have met what shorter ones have not.
    """
    excluded = []
    for level, longer in pairwise(levels):
        pairs = np.repeat(np.arange(len(level.keys)), level.variety) * size + level.tokens
        shorter = np.repeat(longer.keys // size, longer.variety) * size + longer.tokens
        places, found = trie.find(pairs, shorter)
        new = np.bincount(places, minlength=len(pairs))
        repeated = np.bincount(places, longer.counts, len(pairs)).astype(np.int64)
        if not found.all() or (repeated > level.counts).any():
            raise ValueError("its counts contradict one another")
        excluded.append(level._replace(counts=level.counts - repeated + new))
    return [*excluded, levels[-1]]


def surer_mean(long: Floats, short: Floats, biases: Sequence[float]) -> Logits:
    """(biases, batch, vocabulary) log-probabilities of the geometric mean of two distributions, (batch, vocabulary).

    Each weighs as its entropy to the power of minus the bias; see the module's docstring.
    """
    log_long, log_short = np.log(long).astype(np.float32), np.log(short).astype(np.float32)
    ratio = _entropies(long, log_long) / _entropies(short, log_short)
    weight = (1 / (1 + ratio ** np.array(biases)[:, None])).astype(np.float32)[..., None]
    mixed: Logits = log_short + weight * (log_long - log_short)
    return np.asarray(mixed - log_sum_exp(mixed, axis=-1)[..., None])


def _entropies(probabilities: Floats, logs: Logits) -> Floats:
    """(batch,) in nats, not below `LEAST_ENTROPY`: rounding makes that of a near certainty nothing or less."""
    return np.asarray(np.maximum(-np.einsum("bv,bv->b", probabilities, logs), LEAST_ENTROPY))


def _fit(blocks: Sequence[Ids], settings: Settings, encoding: Encoding, levels: int) -> Fit:
    """What makes the held-out blocks most likely: the long-term weights, then the short-term ones, then the bias."""
    size = len(encoding.vocabulary)
    fit = Fit(escapes.witten_bell(levels), escapes.witten_bell(settings.short_term.order + 1))
    held_out, rest = trie.hold_out(blocks)
    if not held_out:
        return fit
    counted = trie.count(rest, size, levels - 1)
    if settings.long_term.escape == FITTED:
        seen_by = exclude(counted, size) if settings.long_term.exclusion else counted
        fit.long_term[: len(counted)] = escapes.fit(escapes.follow(seen_by, held_out, size), 1 / size)
    walked = held_out[:: -(-len(held_out) // FIT_BLOCKS)]
    if settings.mix is not Mix.LONG and settings.short_term.escape == FITTED:
        engine = _trial(counted, settings, fit, encoding)
        fit = fit._replace(short_term=_short_term_weights(engine, walked))
    if settings.mix is Mix.MEAN:
        engine = _trial(counted, settings, fit, encoding)
        fit = fit._replace(bias=BIASES[int(np.argmin(_losses(engine, walked)))])
    return fit


def _trial(counted: Sequence[Level], settings: Settings, fit: Fit, encoding: Encoding) -> PPMEngine:
    """A model of the counts without the held-out blocks."""
    fit = fit._replace(long_term=fit.long_term[: len(counted)])
    return PPMEngine(counted, settings, fit, encoding, ModelCard("", "ppm", "", "", "", 0, 0, "", {}))


def _short_term_weights(engine: PPMEngine, blocks: Sequence[Ids]) -> Floats:
    """(order + 1, classes) escape weights of the short-term model, based on the long-term one with `Mix.UPON`."""
    size, settings = len(engine.encoding.vocabulary), engine.settings.short_term
    upon = engine.settings.mix is Mix.UPON
    seen, classes, base = [], [], []
    for history, targets in _walk(blocks, engine.encoding.start_id):
        counted = short_term.levels(history, size, settings.order, exclusion=settings.exclusion)
        followed = _followed(counted, targets, settings.order + 1)
        seen.append(followed.seen)
        classes.append(followed.classes)
        below = engine.long_term(history) if upon else np.full((len(targets), size), 1 / size)
        base.append(below[np.arange(len(targets)), targets])
    followed = escapes.Followed(np.concatenate(seen, axis=1), np.concatenate(classes, axis=1))
    return escapes.fit(followed, np.concatenate(base))


def _followed(counted: Iterable[Level], targets: Ids, levels: int) -> escapes.Followed:
    """How often the predicted tokens, (batch,), followed each context of their own melody."""
    seen, classes = np.zeros((levels, len(targets))), np.full((levels, len(targets)), -1)
    for length, level in enumerate(counted):
        rows = np.repeat(level.keys, level.variety)
        hit = level.tokens == targets[rows]
        seen[length, rows[hit]] = level.counts[hit] / np.repeat(level.totals, level.variety)[hit]
        classes[length, level.keys] = escapes.classes_of(level.totals, level.variety)
    return escapes.Followed(seen, classes)


def _losses(engine: PPMEngine, blocks: Sequence[Ids]) -> Floats:
    """(BIASES,) total loss in nats over the tokens that are not given."""
    losses = np.zeros(len(BIASES))
    for history, targets in _walk(blocks, engine.encoding.start_id):
        logits = surer_mean(engine.long_term(history), engine.short_term(history), BIASES)
        counted = np.flatnonzero(engine.encoding.roles[targets] != Role.GIVEN)
        losses -= logits[:, counted, targets[counted]].sum(axis=1, dtype=np.float64)
    return losses


def _walk(blocks: Sequence[Ids], start_id: int) -> Iterator[tuple[ShortTermHistory, Ids]]:
    """Step through blocks in batches: yield the history so far and the tokens to predict, (batch,)."""
    longest_first = sorted(blocks, key=len, reverse=True)
    for start in range(0, len(longest_first), FIT_BATCH):
        batch = longest_first[start : start + FIT_BATCH]
        history = short_term.begin(np.array([block[0] for block in batch]))
        for place in range(1, len(batch[0])):
            targets = np.array([block[place] for block in batch if len(block) > place])
            history = history.select(slice(len(targets)))
            yield history, targets
            history = short_term.advance(history, targets, start_id)
