"""Opening a model by name or file, with what its provenance needs."""

from __future__ import annotations

import hashlib

from melodysynthesis.errors import ModelError
from melodysynthesis.formats import files
from melodysynthesis.generation.output import Model
from melodysynthesis.runtime import pretrained
from melodysynthesis.runtime.base import Engine

MAX_MODEL_BYTES = 2**30
ZIP_SIGN = b"PK\x03\x04"
"""A model of counts, n-gram or PPM, is a zip file; any other is read as a network."""


def open_model(name: str) -> tuple[Engine, Model]:
    """The engine of a pretrained model's name, a model file or a run's folder, and what to say of it.

    Raises:
        ModelError: if there is none of that name (the nearest is suggested), or the file is no model.
        FormatError: if the file can't be read.
    """
    if not name.strip() or "\0" in name:
        raise ModelError(f"model {name!r} is neither a name nor a file")
    path = pretrained.path_of(name)
    data = files.load(path, MAX_MODEL_BYTES)
    if data.startswith(ZIP_SIGN):
        from melodysynthesis.runtime import ngram, ppm, tables

        is_ppm = tables.format_of(path) == ppm.KIND[0]
        engine: Engine = ppm.load_ppm(path) if is_ppm else ngram.load_ngram(path)
    else:
        engine = pretrained.load(path)
    return engine, Model(name, hashlib.sha256(data).hexdigest(), engine.card)
