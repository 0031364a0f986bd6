"""How an engine is asked for predictions, of melodies and of a grid text; `evaluation.prediction` says what of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from melodysynthesis.encodings import Encoding, Ids
from melodysynthesis.errors import CorpusError, EncodingError
from melodysynthesis.evaluation.prediction import Ints, Prediction
from melodysynthesis.evaluation.tally import Tally
from melodysynthesis.music import Melody
from melodysynthesis.runtime.base import Engine, Logits

BATCH = 256
WINDOW = 64
"""Tokens before the predicted one in the study's protocol; a text's first so many are not predicted."""
LANES = 64
WARM_UP = 512
"""A text is cut into lanes, stepped side by side; each first reads this many tokens before its own."""

Progress = Callable[[int, int], None]
"""Called now and then with the number of tokens judged and of all tokens."""


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
    tally = Tally(engine.encoding, np.concatenate(sequences), np.repeat(np.arange(len(lengths)), lengths))
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
    tally = Tally(encoding, ids, songs)
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


def _walk(engine: Engine, sequences: Sequence[Ids], starts: Ints, tally: Tally) -> None:
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
