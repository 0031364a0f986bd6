"""Model files of counts: one ``.npz`` of arrays and a JSON header, written whole and read without trust.

Nothing in such a file is ever run: arrays of objects, which numpy would unpickle, are refused.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.encodings import Encoding, encoding_from
from melodysynthesis.errors import EncodingError, ModelError, TrainingError
from melodysynthesis.formats import files
from melodysynthesis.runtime.base import ModelCard

MAX_FILE_BYTES = 2**30
DAMAGE = (
    KeyError, TypeError, ValueError, EOFError, OSError, AttributeError, MemoryError, RuntimeError, NotImplementedError,
    zipfile.BadZipFile, zlib.error, EncodingError, TrainingError,
)  # fmt: skip
"""Errors of reading a zip file of arrays that is damaged, has false sizes or has impossible contents."""

T = TypeVar("T")


class Tables(NamedTuple):
    """Contents of a model file of counts.

    Attributes:
        header: format, version, encoding, vocabulary, card and the model's own entries; JSON types.
        arrays: by name, the header's left out.
        encoding: of the ids that were counted.
        card: what to know of the model.
    """

    header: Mapping[str, Any]
    arrays: Mapping[str, NDArray[Any]]
    encoding: Encoding
    card: ModelCard


def save(
    path: files.PathLike,
    kind: tuple[str, int],
    encoding: Encoding,
    card: ModelCard,
    arrays: Mapping[str, NDArray[Any]],
    **more: object,
) -> None:
    """Write a model as one file, whole or not at all; the same model gives the same bytes.

    Args:
        path: of the file.
        kind: name and version of the format.
        encoding: of the ids that were counted.
        card: what to know of the model.
        arrays: of numbers.
        more: further entries of the header; JSON types.

    Raises:
        FormatError: if the file can't be written.
    """
    header = {
        "format": kind[0],
        "version": kind[1],
        "encoding": encoding.description(),
        "vocabulary": list(encoding.vocabulary),
        "card": asdict(card),
        **more,
    }
    text = json.dumps(header, ensure_ascii=False, sort_keys=True).encode()
    buffer = io.BytesIO()
    columns: dict[str, Any] = {"header": np.frombuffer(text, np.uint8), **arrays}
    np.savez_compressed(buffer, **columns)
    files.save(path, buffer.getvalue())


def load(path: files.PathLike, kind: tuple[str, int], what: str, build: Callable[[Tables], T]) -> T:
    """The model that `build` makes from a file of `save`.

    Args:
        path: of the file.
        kind: name and version that the format must have.
        what: the model in words, such as ``"an n-gram model"``.
        build: may raise ValueError and the like for tables that are no model.

    Raises:
        FormatError: if the file can't be read.
        ModelError: if it is damaged, something else, or of a vocabulary that its encoding no longer has.
    """
    data = files.load(path, MAX_FILE_BYTES)
    try:
        arrays = _arrays(data)
        header = json.loads(arrays.pop("header").tobytes())
        if (header["format"], header["version"]) != kind:
            raise ValueError(f"it says {header['format']!r}, version {header['version']}")
        encoding = encoding_from(header["encoding"])
        if list(encoding.vocabulary) != header["vocabulary"]:
            raise ValueError(f"its vocabulary is not that of the encoding {encoding.name!r} here")
        return build(Tables(header, arrays, encoding, ModelCard(**header["card"])))
    except DAMAGE as error:
        raise ModelError(f"{path}: not {what}, or damaged: {error}") from error


class Label(NamedTuple):
    """Description in a model file of counts: the name of its format, its card and its encoding."""

    format: str
    card: ModelCard
    encoding: Encoding


def read_label(path: files.PathLike) -> Label:
    """The description in a model file, without reading its counts.

    Raises:
        FormatError: if the file can't be read.
        ModelError: if it is damaged or something else.
    """
    data = files.load(path, MAX_FILE_BYTES)
    try:
        header = json.loads(_arrays(data, only="header")["header"].tobytes())
        return Label(str(header["format"]), ModelCard(**header["card"]), encoding_from(header["encoding"]))
    except DAMAGE as error:
        raise ModelError(f"{path}: not a model of counts, or damaged: {error}") from error


def _arrays(data: bytes, only: str | None = None) -> dict[str, NDArray[Any]]:
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        if sum(member.file_size for member in arrays.zip.infolist()) > 4 * MAX_FILE_BYTES:
            raise ValueError(f"unpacks to more than {4 * MAX_FILE_BYTES:,} bytes")
        return {name: arrays[name] for name in arrays.files if only in (None, name)}
