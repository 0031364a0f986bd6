"""The baselines of a corpus, counted once and kept: what a trained model has to be better than.

PPM, an n-gram and the constant rule are counted on the training tunes of a corpus, in an encoding. On the German songs
that takes some fifteen seconds of one processor, and 0.6 GB while it lasts. The model files, 13 MB each, are put in
the cache, where the corpus is; a corpus that changes gets others.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from melodysynthesis.encodings import Encoding, Ids
from melodysynthesis.errors import CorpusError, EncodingError, MelodyError
from melodysynthesis.runtime.base import ModelCard
from melodysynthesis.runtime.loading import read_summary

if TYPE_CHECKING:
    from melodysynthesis.corpora import Corpus
    from melodysynthesis.runtime.constant import ConstantEngine
    from melodysynthesis.runtime.ngram import NGramEngine
    from melodysynthesis.runtime.ppm import PPMEngine

BASELINES = {"ppm": "PPM", "ngram": "n-gram", "constant": "constant rule"}
"""Names, and what they are called."""

ORDER = 16
"""Longest context of the n-gram, in tokens."""

_VERSION = 1
_COLUMNS = ("first_note", "onset", "duration", "pitch", "first_meter", "meter_tick", "beats", "beat_unit", "split")


class Counted(NamedTuple):
    """A baseline that is ready: its name in `BASELINES`, its model file and its card."""

    name: str
    file: Path
    card: ModelCard


class Offer(NamedTuple):
    """Baselines that can be counted.

    Attributes:
        corpus: that they learn from.
        encoding: that they speak.
        names: those of `BASELINES` that no model has; none where they can't be counted.
        missing: why they can't be.
    """

    corpus: str
    encoding: Encoding
    names: tuple[str, ...]
    missing: str | None


def offer(models: Mapping[str, str]) -> Offer:
    """Baselines to compare with models, given their files by name: of the first whose corpus is there.

    Raises:
        ModelError, FormatError: if a file is no model, or can't be read.
    """
    summaries = [read_summary(file) for file in models.values()]
    found = [(summary, _missing(summary.source.card.corpus)) for summary in summaries]
    summary, missing = next((one for one in found if one[1] is None), found[0])
    names = () if missing else tuple(name for name in BASELINES if name not in models)
    return Offer(summary.source.card.corpus, summary.encoding, names, missing)


def _missing(corpus: str) -> str | None:
    """Why nothing can be counted on a corpus; None where something can."""
    from melodysynthesis import corpora

    if corpus not in corpora.SOURCES:
        return f"no baselines: {corpus or 'the corpus'} is none of the named collections"
    try:
        corpora.find_source(corpus).files()
    except CorpusError as error:
        return str(error)
    return None


def count(corpus: str, encoding: Encoding) -> Iterator[Counted]:
    """The baselines of a named corpus, each counted unless the cache has it; the quickest first.

    Raises:
        CorpusError: if the corpus is not known or not installed.
        FormatError: if the cache can't be written to.
    """
    from melodysynthesis import corpora

    loaded = corpora.load(corpus)
    sequences: list[Ids] = []
    for name in reversed(BASELINES):
        file = _place(loaded, encoding, name)
        if (card := _card_of(file)) is None:
            sequences = sequences or list(_sequences(loaded, encoding))
            engine = _count(name, sequences, encoding, ModelCard(name, name, "", loaded.name, "", 0, 0, "", {}))
            engine.save(file)
            card = engine.card
        yield Counted(name, file, card)


def _count(
    name: str, sequences: Sequence[Ids], encoding: Encoding, card: ModelCard
) -> ConstantEngine | NGramEngine | PPMEngine:
    from melodysynthesis.runtime.constant import train_constant
    from melodysynthesis.runtime.ngram import train_ngram
    from melodysynthesis.runtime.ppm import Settings, train_ppm

    if name == "constant":
        return train_constant(sequences, encoding, card)
    if name == "ngram":
        return train_ngram(sequences, encoding, ORDER, replace(card, preset=f"order {ORDER}"))
    return train_ppm(sequences, encoding, card=replace(card, preset=Settings().mix.value))


def _sequences(corpus: Corpus, encoding: Encoding) -> Iterator[Ids]:
    """Ids of the training tunes that the encoding can say."""
    for melody in corpus.split("train"):
        try:
            yield encoding.encode(melody)
        except EncodingError:
            continue


def _place(corpus: Corpus, encoding: Encoding, name: str) -> Path:
    from melodysynthesis.corpora.store import cache_folder

    digest = hashlib.blake2b(f"{_VERSION}|{json.dumps(encoding.description(), sort_keys=True)}".encode(), digest_size=8)
    for column in _COLUMNS:
        digest.update(np.ascontiguousarray(corpus.columns[column]).data)
    label = re.sub(r"[^\w.-]+", "-", corpus.name)
    return cache_folder() / "corpora" / f"{label}-{encoding.name}-{digest.hexdigest()}.{name}"


def _card_of(file: Path) -> ModelCard | None:
    """The card of a baseline's file; None if it is missing or damaged."""
    from melodysynthesis.runtime import tables

    try:
        return tables.read_label(file).card
    except MelodyError:
        return None
