"""From a corpus to what a run is trained on: ids, with the features that belong to them.

    melodies --encode--> Sequences (flat arrays) --batches.Songs | Stream--> Batch, Batch, ... for each epoch

Features are computed once, by advancing the encoding's own batched context along whole melodies: training sees exactly
what generation will see.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from melodysynthesis import corpora
from melodysynthesis.encodings import Encoding, Ids, token_ids
from melodysynthesis.encodings.base import Feature
from melodysynthesis.errors import EncodingError, TrainingError
from melodysynthesis.formats import files
from melodysynthesis.music import Melody

TEXTS = {"train": "train.txt", "validation": "val.txt"}
"""Files of a corpus in the form of the original study: each is one long text of grid tokens."""
UNPLANNED = 6
"""Every so manieth melody is trained on without its plan, so that a model can continue one that has none."""
WALKED_TOGETHER = 256
"""Melodies in a batched context: enough to keep NumPy busy, few enough that their contexts stay in the cache."""


@dataclass(frozen=True, slots=True)
class Sequences:
    """Many sequences of ids, one after the other in flat arrays.

    Attributes:
        ids: (tokens,) unsigned 16 bit.
        features: (tokens, F) 8 or 16 bit: row i is what is known once ids up to i have been seen.
        starts: (sequences + 1,) where each sequence starts; the last entry is the number of tokens.
    """

    ids: NDArray[np.uint16]
    features: NDArray[np.unsignedinteger]
    starts: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def lengths(self) -> NDArray[np.int64]:
        """(sequences,) number of tokens."""
        return np.diff(self.starts)


def encode(encoding: Encoding, melodies: Sequence[Melody]) -> Sequences:
    """Ids and features of melodies, in memory.

    Raises:
        EncodingError: for the first melody that can't be encoded.
    """
    return from_ids(encoding, [encoding.encode(melody) for melody in melodies])


def from_ids(encoding: Encoding, sequences: Sequence[Ids]) -> Sequences:
    """Sequences of ids with the features that belong to them. Each starts with the encoding's start token."""
    starts = np.concatenate([[0], np.cumsum([len(ids) for ids in sequences])]).astype(np.int64)
    flat = np.concatenate([np.zeros(0, np.uint16), *sequences]).astype(np.uint16)
    features = np.zeros((len(flat), len(encoding.features)), feature_type(encoding.features))
    if encoding.features:
        # Sequences of similar length are walked together, so that few wait for the longest.
        order = sorted(range(len(sequences)), key=lambda i: len(sequences[i]))
        for low in range(0, len(order), WALKED_TOGETHER):
            _walk(encoding, sequences, order[low : low + WALKED_TOGETHER], starts, features)
    return Sequences(flat, features, starts)


def feature_type(features: tuple[Feature, ...]) -> type[np.unsignedinteger]:
    """The smallest type that holds the values of all features."""
    return np.uint8 if all(feature.size <= 256 for feature in features) else np.uint16


def _walk(
    encoding: Encoding,
    sequences: Sequence[Ids],
    rows: list[int],
    starts: NDArray[np.int64],
    features: NDArray[np.unsignedinteger],
) -> None:
    """Fill in the features of some sequences (`rows`) by advancing one batched context along all of them."""
    lengths = np.array([len(sequences[row]) for row in rows])
    # A sequence that has ended repeats its last token, which the grammar allows; its features are no longer stored.
    ids = np.stack([np.pad(sequences[row], (0, lengths[-1] - len(sequences[row])), "edge") for row in rows])
    first = starts[rows]
    context = encoding.start(len(rows))
    for i in range(lengths[-1]):
        if i:
            context.advance(ids[:, i].astype(np.int64))
        alive = lengths > i
        features[first[alive] + i] = context.features()[alive]


def from_text(encoding: Encoding, ids: Ids) -> Sequences:
    """One long grid text, such as the original study's corpus files, as a single sequence; it may begin with a note.

    Raises:
        TrainingError: for an encoding whose melodies can't be joined into one text.
    """
    if not encoding.is_text:
        raise TrainingError(f"a text of tokens with delimiters needs the encoding 'grid', not {encoding.name!r}")
    ids = np.concatenate([[encoding.start_id], ids])
    delimiter = ids == encoding.start_id
    # Features start again with the delimiters before each melody, so melodies can be walked in parallel.
    starts = np.flatnonzero(delimiter[1:] & ~delimiter[:-1]) + 1
    features = from_ids(encoding, np.split(ids, starts)).features[1:]
    return Sequences(ids[1:].astype(np.uint16), features, np.array([0, len(ids) - 1]))


@dataclass(frozen=True, slots=True)
class Data:
    """The training and validation set of a run.

    Attributes:
        corpus: its name.
        licence: of the corpus, in one line.
        is_text: whether it is a plain text of tokens, to be trained on as a stream.
        rejected: for each melody that can't be encoded, the reason.
    """

    encoding: Encoding
    training: Sequences
    validation: Sequences
    corpus: str
    licence: str
    is_text: bool
    rejected: list[str]


def load(corpus: str, encoding: Encoding) -> Data:
    """The training and validation splits of a named corpus or a folder, in an encoding.

    With the encoding `grid`, a folder with the original study's ``train.txt`` and ``val.txt`` is read as these texts,
    delimiters included; the vocabulary gets further pitches if the texts need them.

    Raises:
        CorpusError: for an unknown or empty corpus.
        TrainingError: if no melody of a split can be encoded.
    """
    folder = Path(corpus).expanduser()
    if encoding.is_text and all((folder / name).is_file() for name in TEXTS.values()):
        return _load_texts(folder, encoding)
    loaded, rejected = corpora.load(corpus), []
    splits = {}
    for split in TEXTS:
        if not len(loaded.split(split)):
            raise TrainingError(
                f"corpus {corpus!r}: its {len(loaded):,} tunes form {loaded.report.families:,} families of variants, "
                f"too few for a {split} split"
            )
        ids, refused = encode_all(encoding, loaded.split(split), UNPLANNED if split == "train" else 0)
        rejected += refused
        if not ids:
            reason = f"; the first: {refused[0]}" if refused else ""
            raise TrainingError(
                f"corpus {corpus!r}: no melody of its {split} split can be encoded as {encoding.name!r}{reason}"
            )
        splits[split] = from_ids(encoding, ids)
    licence = licence_of(corpus)
    return Data(encoding, splits["train"], splits["validation"], loaded.name, licence, False, rejected)


def encode_all(encoding: Encoding, melodies: Iterable[Melody], unplanned: int = 0) -> tuple[list[Ids], list[str]]:
    """Ids of the melodies that can be encoded, and the reason for each that can't.

    Args:
        encoding: in which they are written.
        melodies: to encode.
        unplanned: every so manieth melody is written without its plan; 0 for none.
    """
    ids: list[Ids] = []
    rejected: list[str] = []
    without = encoding.unplanned()
    for number, melody in enumerate(melodies, 1):
        try:
            ids.append((without if unplanned and number % unplanned == 0 else encoding).encode(melody))
        except EncodingError as error:
            rejected.append(str(error))
    return ids, rejected


def licence_of(corpus: str) -> str:
    """The licence of a corpus in one line."""
    source = corpora.find_source(corpus)
    if source.locator == source.folder:
        return source.terms
    terms = "; ".join(dict.fromkeys(member.terms for member in source.members or (source,)))
    return f"{source.title}: {terms} (melody corpus show {source.public_name} --licence)"


def _load_texts(folder: Path, encoding: Encoding) -> Data:
    tokens = {split: files.load(folder / name).decode("utf-8", "replace").split() for split, name in TEXTS.items()}
    encoding = encoding.covering({token for text in tokens.values() for token in text})
    try:
        ids = {split: token_ids(encoding, text) for split, text in tokens.items()}
    except EncodingError as error:
        raise TrainingError(f"{folder}: {error}") from None
    training, validation = from_text(encoding, ids["train"]), from_text(encoding, ids["validation"])
    return Data(encoding, training, validation, folder.name, "the user's own files", True, [])
