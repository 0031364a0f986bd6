"""Steps a model file with ONNX Runtime. `training.export` says what is in the file.

A file may come from anywhere, so it is checked before it is run: its size is bounded, and it may not refer to other
files, contain loops or lack a melody model's metadata. Every fault is a `ModelError` of one line.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from copy import copy
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.encodings import Encoding, Header, encoding_from
from melodysynthesis.encodings.base import Ids
from melodysynthesis.errors import MelodyError, ModelError
from melodysynthesis.runtime.base import Logits, ModelCard, State

MAX_ONNX_BYTES = 256 * 2**20
"""Larger files are refused unread; the models that ship have under 8 MB."""
MAX_STATE = 2**24
"""Upper bound of the numbers in the state of one sequence."""
LARGE_BATCH = 64
"""From so many sequences on, a step is shared between threads; below, waking them takes longer than it saves."""

# Keys of the metadata. A change of their values needs a new version.
FORMAT, ENCODING, CARD, STATE = (f"melodysynthesis.{name}" for name in ("format", "encoding", "card", "state"))
MODEL_VERSION = 1
NEXT = "next_"
"""Prefix of the state tensors' names among the outputs."""

# Operators that run a graph inside the graph: no step of ours needs them, and they may never end.
CONTROL_FLOW = frozenset({b"Loop", b"Scan", b"If", b"SequenceMap"})


class OnnxEngine:
    """An `Engine` over one model file. Its memory is a list of arrays, (batch, ...), in the order of the file.

    Args:
        path: of the file.
        threads: for steps of a large batch; 0 for all processors.

    Raises:
        ModelError: for a file that is missing, damaged, hostile or no melody model.
    """

    def __init__(self, path: Path | str, threads: int = 0) -> None:
        self.path, self.threads = Path(path), threads
        data = read_bytes(self.path)
        facts = _facts(data, self.path)
        self.card = _card(facts, self.path)
        self.encoding = _encoding(facts, self.path)
        self.shapes = _shapes(facts, self.path)
        self._data = data
        self._sessions: dict[bool, Any] = {}
        self._check(self._session(large=False))

    def workers(self) -> tuple[OnnxEngine, ...]:
        """See `Engine.workers`: as many as threads, all with the session that takes one thread."""
        alone = copy(self)
        alone.threads = 1
        return (alone,) * (self.threads or os.cpu_count() or 1)

    def init(self, batch: int, header: Header = Header()) -> tuple[Logits, State]:  # noqa: B008 (a frozen value)
        """See `Engine.init`."""
        memory = [np.zeros((batch, *shape), np.float32) for shape in self.shapes.values()]
        state = State(self.encoding.start(batch, header), memory)
        return self._run(np.full(batch, self.encoding.start_id, np.int64), state)

    def step(self, ids: Ids, state: State) -> tuple[Logits, State]:
        """See `Engine.step`."""
        state.context.advance(ids)
        return self._run(ids, state)

    def select(self, state: State, indices: NDArray[np.int64]) -> State:
        """See `Engine.select`."""
        return State(state.context.select(indices), [array[indices] for array in state.memory])

    def _run(self, ids: Ids, state: State) -> tuple[Logits, State]:
        feed = {"ids": np.ascontiguousarray(ids, np.int64), **dict(zip(self.shapes, state.memory, strict=True))}
        if self.uses_features:
            feed["features"] = state.context.features()
        # A plain run: binding inputs and outputs took longer (101 against 65 us for one sequence).
        logits, *memory = self._session(large=len(ids) >= LARGE_BATCH).run(self.outputs, feed)
        return logits, State(state.context, memory)

    def _session(self, large: bool) -> Any:
        """The session for small or for large batches; the latter is made when it is first needed."""
        if large and self.threads == 1:
            large = False
        if large not in self._sessions:
            self._sessions[large] = open_session(self._data, self.path, self.threads if large else 1)
        return self._sessions[large]

    def _check(self, session: Any) -> None:
        """Compare the graph's inputs and outputs with the file's metadata.

        Raises:
            ModelError: if they differ.
        """
        inputs = {tensor.name: tensor for tensor in session.get_inputs()}
        self.outputs = ["logits", *(NEXT + name for name in self.shapes)]
        self.uses_features = "features" in inputs
        expected = {"ids", *self.shapes} | ({"features"} if self.uses_features else set())
        if set(inputs) != expected or not set(self.outputs) <= {tensor.name for tensor in session.get_outputs()}:
            raise ModelError(
                f"{self.path}: the graph takes {', '.join(sorted(inputs))}, expected {', '.join(sorted(expected))}"
            )
        try:
            logits, _ = self.init(1)
        except MelodyError:
            raise
        except Exception as error:  # ONNX Runtime's errors have no common base but this
            raise ModelError(f"{self.path}: the model does not run: {one_line(error)}") from error
        if logits.shape != (1, len(self.encoding.vocabulary)):
            raise ModelError(
                f"{self.path}: the model gives logits of shape {logits.shape}, "
                f"the encoding {self.encoding.name!r} has {len(self.encoding.vocabulary)} tokens"
            )


def read_card(path: Path | str) -> ModelCard:
    """The card of a model file, without making it ready to run.

    Raises:
        ModelError: as `OnnxEngine`.
    """
    return read_label(path)[0]


def read_label(path: Path | str) -> tuple[ModelCard, Encoding]:
    """The card and the encoding of a model file, without making it ready to run.

    Raises:
        ModelError: as `OnnxEngine`.
    """
    path = Path(path)
    facts = _facts(read_bytes(path), path)
    return _card(facts, path), _encoding(facts, path)


def read_bytes(path: Path, most: int = MAX_ONNX_BYTES, kind: str = "melody model") -> bytes:
    """The bytes of a file, unless there are more than `most`.

    Raises:
        ModelError: if there are, or the file can't be read.
    """
    try:
        size = path.stat().st_size
        if size > most:
            raise ModelError(f"{path}: {size / 2**20:.1f} MB, a {kind} has at most {most // 2**20}")
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: the model can't be read: {error.strerror or error}") from error


def open_session(data: bytes, path: Path, threads: int) -> Any:
    """A session of ONNX Runtime.

    Raises:
        ModelError: if it can't run the graph.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 4  # what is wrong is raised, in one line
    try:
        return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's errors have no common base but this
        raise ModelError(f"{path}: damaged or no ONNX model: {one_line(error)}") from error


def one_line(error: Exception) -> str:
    """What an error of ONNX Runtime says, in one line."""
    return " ".join(str(error).split())[:200]


def read_metadata(data: bytes, path: Path, format: str, kind: str = "melody model") -> dict[str, Any]:
    """Check a file, then read those of its metadata that are ours.

    Args:
        data: the file's bytes.
        path: of the file, for messages.
        format: key of the metadata that says the version of a file of this kind.
        kind: what such a file is called in messages.

    Raises:
        ModelError: for a file that is damaged, refers to other files, has loops, or is of another kind.
    """
    try:
        facts = dict(_properties(data))
        _check_graph(data, path)
    except (IndexError, ValueError, RecursionError) as error:
        raise ModelError(f"{path}: damaged or no ONNX model: {error}") from error
    if format not in facts:
        raise ModelError(f"{path}: an ONNX file, but no {kind}: its metadata lacks {format!r}")
    try:
        return {key: json.loads(text) for key, text in facts.items() if key.startswith("melodysynthesis.")}
    except ValueError as error:
        raise ModelError(f"{path}: the metadata is no JSON: {error}") from error


def _facts(data: bytes, path: Path) -> dict[str, Any]:
    """Check the file of a melody model, then read its metadata.

    Raises:
        ModelError: as `read_metadata`, and where the metadata lacks something.
    """
    values = read_metadata(data, path, FORMAT)
    if values[FORMAT] != MODEL_VERSION:
        raise ModelError(f"{path}: a model file of version {values[FORMAT]}, this program reads {MODEL_VERSION}")
    if missing := [key for key in (ENCODING, CARD, STATE) if key not in values]:
        raise ModelError(f"{path}: the metadata lacks {missing[0]!r}")
    return values


def _card(facts: dict[str, Any], path: Path) -> ModelCard:
    try:
        return ModelCard(**facts[CARD])
    except TypeError as error:
        raise ModelError(f"{path}: the card is not one: {error}") from error


def _encoding(facts: dict[str, Any], path: Path) -> Encoding:
    try:
        return encoding_from(facts[ENCODING])
    except (MelodyError, TypeError, ValueError, AttributeError) as error:
        raise ModelError(f"{path}: its encoding is not known here: {error}") from error


def _shapes(facts: dict[str, Any], path: Path) -> dict[str, tuple[int, ...]]:
    """Name and shape, without the batch, of each state tensor."""
    try:
        shapes = {str(name): tuple(shape) for name, *shape in facts[STATE]}
        fine = all(isinstance(n, int) and n >= 0 for shape in shapes.values() for n in shape)
        fine = fine and sum(math.prod(shape) for shape in shapes.values()) <= MAX_STATE
    except (TypeError, ValueError) as error:
        raise ModelError(f"{path}: the state is not described: {error}") from error
    if not fine:
        raise ModelError(f"{path}: the shapes of the state make no sense: {str(shapes)[:100]}")
    return shapes


# ONNX files are protocol buffers. These few functions walk their fields without the `onnx` package, which the core does
# not need. Numbers of fields, from onnx.proto:
MODEL_GRAPH, MODEL_METADATA, MODEL_FUNCTIONS = 7, 14, 25
NODE_OPERATOR, NODE_ATTRIBUTE, FUNCTION_NODE = 4, 5, 7
GRAPH_NODE, GRAPH_INITIALIZER, GRAPH_SPARSE = 1, 5, 15
ATTRIBUTE_TENSOR, ATTRIBUTE_GRAPH, ATTRIBUTE_TENSORS, ATTRIBUTE_GRAPHS = 5, 6, 10, 11
TENSOR_EXTERNAL, TENSOR_LOCATION = 13, 14
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

Field = tuple[int, "int | memoryview"]


def _fields(data: memoryview) -> Iterator[Field]:
    """Number and value of each field of a message.

    Raises:
        ValueError: if the message is cut off.
    """
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == VARINT:
            value, at = _varint(data, at)
            yield number, value
        elif kind in (FIXED64, FIXED32):
            at += 8 if kind == FIXED64 else 4
        elif kind == BYTES:
            size, at = _varint(data, at)
            yield number, data[at : at + size]
            at += size
        else:
            raise ValueError(f"field {number} is of unknown kind {kind}")
        if at > len(data):
            raise ValueError("the file is cut off")


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ValueError("the file is cut off")
        byte = data[at]
        value, at, shift = value | (byte & 127) << shift, at + 1, shift + 7
        if byte < 128:
            return value, at


def _parts(data: memoryview, *numbers: int) -> Iterator[memoryview]:
    """The messages and texts among the fields with these numbers."""
    return (value for number, value in _fields(data) if number in numbers and isinstance(value, memoryview))


def _properties(data: bytes) -> Iterator[tuple[str, str]]:
    """Key and value of each property of a model."""
    for entry in _parts(memoryview(data), MODEL_METADATA):
        texts = {number: bytes(value).decode() for number, value in _fields(entry) if isinstance(value, memoryview)}
        yield texts.get(1, ""), texts.get(2, "")


def _check_graph(data: bytes, path: Path) -> None:
    """Refuse tensors in other files, and loops: no melody model needs them.

    Raises:
        ModelError: if there is any.
    """
    model = memoryview(data)
    nodes = [node for function in _parts(model, MODEL_FUNCTIONS) for node in _parts(function, FUNCTION_NODE)]
    tensors: list[memoryview] = []
    graphs = list(_parts(model, MODEL_GRAPH))
    if not graphs:
        raise ModelError(f"{path}: damaged or no ONNX model: there is no graph in it")
    for graph in graphs:
        nodes += _parts(graph, GRAPH_NODE)
        tensors += _parts(graph, GRAPH_INITIALIZER)
        tensors += (half for sparse in _parts(graph, GRAPH_SPARSE) for half in _parts(sparse, 1, 2))
    for node in nodes:
        operators = {bytes(name) for name in _parts(node, NODE_OPERATOR)}
        attributes = list(_parts(node, NODE_ATTRIBUTE))
        has_graph = any(True for a in attributes for _ in _parts(a, ATTRIBUTE_GRAPH, ATTRIBUTE_GRAPHS))
        if operators & CONTROL_FLOW or has_graph:
            raise ModelError(f"{path}: the graph has control flow, which no melody model needs")
        tensors += (tensor for a in attributes for tensor in _parts(a, ATTRIBUTE_TENSOR, ATTRIBUTE_TENSORS))
    for tensor in tensors:
        if any(number == TENSOR_EXTERNAL or (number == TENSOR_LOCATION and value) for number, value in _fields(tensor)):
            raise ModelError(f"{path}: its weights refer to another file; a melody model is one file")
