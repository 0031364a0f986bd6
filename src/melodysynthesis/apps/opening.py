"""Opening a model by name or file, with what its provenance needs."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

from melodysynthesis.encodings import Encoding
from melodysynthesis.errors import ModelError
from melodysynthesis.formats import files
from melodysynthesis.generation.output import Model
from melodysynthesis.runtime import pretrained
from melodysynthesis.runtime.base import Engine

MAX_MODEL_BYTES = 2**30
ZIP_SIGN = b"PK\x03\x04"
"""A model of counts (n-gram, PPM, constant rule) is a zip file; any other is read as a network."""


class Label(NamedTuple):
    """What is known of a model without making it ready to run; `size` is that of its file in bytes."""

    model: Model
    encoding: Encoding
    size: int


def open_model(name: str) -> tuple[Engine, Model]:
    """The engine of a pretrained model's name, a model file or a run's folder, and what to say of it.

    Raises:
        ModelError: if there is none of that name (the nearest is suggested), or the file is no model.
        FormatError: if the file can't be read.
    """
    path, data = _found(name)
    engine = _of_counts(path) if data.startswith(ZIP_SIGN) else pretrained.load(path)
    return engine, Model(name, hashlib.sha256(data).hexdigest(), engine.card)


def read_label(name: str) -> Label:
    """What a model says of itself: a fraction of a second faster than opening it.

    Raises:
        ModelError, FormatError: as `open_model`.
    """
    path, data = _found(name)
    if data.startswith(ZIP_SIGN):
        from melodysynthesis.runtime import tables

        _, card, encoding = tables.read_label(path)
    else:
        card, encoding = pretrained.read_label(path)
    return Label(Model(name, hashlib.sha256(data).hexdigest(), card), encoding, len(data))


def _found(name: str) -> tuple[Path, bytes]:
    if not name.strip() or "\0" in name:
        raise ModelError(f"model {name!r} is neither a name nor a file")
    path = pretrained.path_of(name)
    return path, files.load(path, MAX_MODEL_BYTES)


def _of_counts(path: Path) -> Engine:
    from melodysynthesis.runtime import constant, ngram, ppm, tables

    format = tables.read_label(path).format
    if format == ppm.KIND[0]:
        return ppm.load_ppm(path)
    if format == constant.KIND[0]:
        return constant.load_constant(path)
    return ngram.load_ngram(path)
