"""From a corpus to what a run trains on and validates with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from melodysynthesis import corpora
from melodysynthesis.encodings import Encoding, Ids, encoding_from
from melodysynthesis.encodings.grid import GridEncoding
from melodysynthesis.errors import EncodingError, TrainingError
from melodysynthesis.formats import files
from melodysynthesis.music import Melody
from melodysynthesis.training.batches import Sequences, from_ids, from_text

TEXTS = {"train": "train.txt", "validation": "val.txt"}
"""Files of a corpus as the original study keeps it: each one long text of grid tokens."""


@dataclass(frozen=True, slots=True)
class Data:
    """What a run trains on and validates with.

    Attributes:
        corpus: its name.
        licence: of the corpus, in one line for people.
        is_text: whether it is a plain text of tokens, to be trained on as a stream.
        rejected: a line for each melody that the encoding can't say.
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

    A folder with the original study's ``train.txt`` and ``val.txt`` is taken as they are, delimiters and all, where the
    encoding is `grid`; its vocabulary is widened if the texts need it.

    Raises:
        CorpusError: for an unknown or empty corpus.
        TrainingError: if a split has nothing that the encoding can say.
    """
    folder = Path(corpus).expanduser()
    if isinstance(encoding, GridEncoding) and all((folder / name).is_file() for name in TEXTS.values()):
        return _load_texts(folder, encoding)
    loaded, rejected = corpora.load(corpus), []
    splits = {}
    for split in TEXTS:
        if not len(loaded.split(split)):
            raise TrainingError(
                f"corpus {corpus!r}: its {len(loaded):,} tunes are {loaded.report.families:,} families of relatives, "
                f"too few for a {split} split of its own"
            )
        ids, refused = encode_all(encoding, loaded.split(split))
        rejected += refused
        if not ids:
            reason = f"; the first: {refused[0]}" if refused else ""
            raise TrainingError(
                f"corpus {corpus!r}: nothing in its {split} split can be said in {encoding.name!r}{reason}"
            )
        splits[split] = from_ids(encoding, ids)
    licence = licence_of(corpus)
    return Data(encoding, splits["train"], splits["validation"], loaded.name, licence, False, rejected)


def encode_all(encoding: Encoding, melodies: Iterable[Melody]) -> tuple[list[Ids], list[str]]:
    """Ids of the melodies that an encoding can say, and why not of each that it can't."""
    ids: list[Ids] = []
    rejected: list[str] = []
    for melody in melodies:
        try:
            ids.append(encoding.encode(melody))
        except EncodingError as error:
            rejected.append(str(error))
    return ids, rejected


def licence_of(corpus: str) -> str:
    """The licence of a corpus in one line."""
    source = corpora.find_source(corpus)
    if not source.licence:
        return "the user's own files"
    terms = "for non-commercial use" if "non-commercial" in source.title else "see the collection's own statement"
    return f"{source.title}: {terms} (melody corpus show {source.name} --licence)"


def _load_texts(folder: Path, encoding: GridEncoding) -> Data:
    tokens = {split: files.load(folder / name).decode("utf-8", "replace").split() for split, name in TEXTS.items()}
    known = {token for text in tokens.values() for token in text}
    pitches = {int(token) for token in known if token.isdecimal() and int(token) < 128}
    if not pitches <= set(encoding.pitches):
        widened = encoding_from({"name": encoding.name, "pitches": sorted(pitches | set(encoding.pitches))})
        assert isinstance(widened, GridEncoding)
        encoding = widened
    try:
        ids = {split: encoding.ids_of(text) for split, text in tokens.items()}
    except EncodingError as error:
        raise TrainingError(f"{folder}: {error}") from None
    training, validation = from_text(encoding, ids["train"]), from_text(encoding, ids["validation"])
    return Data(encoding, training, validation, folder.name, "the user's own files", True, [])
