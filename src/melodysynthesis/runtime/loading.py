"""Opening a model by name or file, whatever kind of model it is, and where it came from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from melodysynthesis.encodings import Encoding
from melodysynthesis.errors import ModelError
from melodysynthesis.formats import files
from melodysynthesis.runtime import pretrained
from melodysynthesis.runtime.base import Engine, ModelCard

MAX_MODEL_BYTES = 2**30
ZIP_SIGNATURE = b"PK\x03\x04"
"""The file of a counting model (n-gram, PPM, constant rule) is a zip archive; any other file is read as a network."""


@dataclass(frozen=True, slots=True)
class ModelSource:
    """Where a model came from: the name or file that the user gave, the file's SHA-256 in hex, and its card."""

    name: str
    sha256: str
    card: ModelCard


class OpenedModel(NamedTuple):
    """A model that is ready to run, and where it came from."""

    engine: Engine
    source: ModelSource


class ModelSummary(NamedTuple):
    """The description in a model file; `size` is the file's size in bytes."""

    source: ModelSource
    encoding: Encoding
    size: int


def open_model(name: str) -> OpenedModel:
    """Open a pretrained model by name, a model file, or the model in a run's folder.

    Raises:
        ModelError: if no model has that name (the nearest is suggested), or the file is not a model.
        FormatError: if the file can't be read.
    """
    path, data = _find(name)
    engine = _open_counting_model(path) if data.startswith(ZIP_SIGNATURE) else pretrained.load(path)
    return OpenedModel(engine, ModelSource(name, hashlib.sha256(data).hexdigest(), engine.card))


def read_summary(name: str) -> ModelSummary:
    """Read the description of a model, without making it ready to run, which would take a fraction of a second.

    Raises:
        ModelError, FormatError: as `open_model`.
    """
    path, data = _find(name)
    if data.startswith(ZIP_SIGNATURE):
        from melodysynthesis.runtime import tables

        _, card, encoding = tables.read_label(path)
    else:
        card, encoding = pretrained.read_label(path)
    return ModelSummary(ModelSource(name, hashlib.sha256(data).hexdigest(), card), encoding, len(data))


def _find(name: str) -> tuple[Path, bytes]:
    if not name.strip() or "\0" in name:
        raise ModelError(f"model {name!r} is neither a name nor a file")
    path = pretrained.path_of(name)
    return path, files.load(path, MAX_MODEL_BYTES)


def _open_counting_model(path: Path) -> Engine:
    from melodysynthesis.runtime import constant, ngram, ppm, tables

    format = tables.read_label(path).format
    if format == ppm.KIND[0]:
        return ppm.load_ppm(path)
    if format == constant.KIND[0]:
        return constant.load_constant(path)
    return ngram.load_ngram(path)
