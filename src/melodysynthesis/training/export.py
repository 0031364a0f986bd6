"""A trained model as one ONNX file: the step, with its encoding and card inside.

    inputs    ids (batch,), features (batch, F) if the model uses them, and each state tensor
    outputs   logits (batch, V), and each state tensor as `next_...`
    metadata  what `runtime.onnx` needs: the encoding's description, the card, the shapes of the state before the start

The graph is what `MelodyModel.step` does: matrix products and gates. ONNX's own LSTM operator on one position was
slower (82 against 65 us for one sequence, 5.9 against 5.1 ms for 256), and folding the embeddings into the first
layer's product gained nothing (96 against 97 us) for 4.5 MB: both were measured and left out.
"""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from melodysynthesis.encodings.base import Encoding
from melodysynthesis.models.base import MelodyModel
from melodysynthesis.runtime.base import ModelCard
from melodysynthesis.runtime.onnx import CARD, ENCODING, FORMAT, MODEL_VERSION, NEXT, STATE
from melodysynthesis.training.checkpoint import whole_file

HALF_FROM = 1024
"""Weights of at least this many numbers are stored in 16 bits; biases are too small to matter."""


class ExportedStep(nn.Module):
    """`MelodyModel.step` with the state as separate arguments and results, as a graph has them."""

    def __init__(self, model: MelodyModel, names: list[str]) -> None:
        super().__init__()
        self.model, self.names = model, names

    def forward(self, ids: Tensor, features: Tensor | None, *state: Tensor) -> tuple[Tensor, ...]:
        """(B,), (B, F) and the state's tensors -> logits (B, V) and the state's tensors."""
        logits, after = self.model.step(ids, features, dict(zip(self.names, state, strict=True)))
        return (logits, *(after[name] for name in self.names))


def export(model: MelodyModel, encoding: Encoding, card: ModelCard, path: Path, half: bool = True) -> None:
    """Write a model file, whole or not at all.

    Args:
        model: is put into evaluation mode.
        encoding: of its tokens.
        card: the model's description of itself.
        path: of the file.
        half: store weights in 16 bits, which changed no figure's third decimal. They are cast back once, on loading,
            so the model runs as fast. The run's checkpoint keeps all 32.

    Raises:
        TrainingError: where the file can't be written.
    """
    data = to_onnx(model, encoding, card, half)
    with whole_file(path, "the model") as part:
        part.write_bytes(data)


def to_onnx(model: MelodyModel, encoding: Encoding, card: ModelCard, half: bool = False) -> bytes:
    """The bytes of a model file; see `export`."""
    shapes = [[name, *tensor.shape[1:]] for name, tensor in model.initial_state(1).items()]
    metadata = {FORMAT: MODEL_VERSION, ENCODING: encoding.description(), CARD: asdict(card), STATE: shapes}
    return labelled(_graph(model.cpu().eval()), metadata, half)


def _graph(model: MelodyModel) -> Any:
    """The graph of a model's step."""
    # Separate tensors: the exporter would take one tensor that is passed twice for one input.
    state = {name: tensor.clone() for name, tensor in model.initial_state(2).items()}
    names = list(state)
    batch = torch.export.Dim("batch", min=1, max=1 << 20)
    ids = torch.zeros(2, dtype=torch.long)
    features = torch.zeros(2, len(model.features), dtype=torch.long) if model.uses_features else None
    # The batch, and a state's axis that starts empty and grows, such as a cache's time.
    axes = tuple(
        {0: batch} | {i: torch.export.Dim.DYNAMIC for i, n in enumerate(t.shape) if n == 0} for t in state.values()
    )
    return traced(
        ExportedStep(model, names), (ids, features, *state.values()),
        ({0: batch}, None if features is None else {0: batch}, axes),
        inputs=["ids", *(["features"] if features is not None else []), *names],
        outputs=["logits", *(NEXT + name for name in names)],
    )  # fmt: skip


def traced(
    module: nn.Module, arguments: tuple[Any, ...], shapes: tuple[Any, ...], *, inputs: list[str], outputs: list[str]
) -> Any:
    """The graph of a module, without traces of the machine that made it.

    Args:
        module: is put into evaluation mode.
        arguments: an example of each; None for one that is left out.
        shapes: which axes of each argument may vary, as `torch.export` takes them.
        inputs: names of the arguments.
        outputs: names of the results.
    """
    with _quiet():
        program = torch.onnx.export(
            module.eval(), arguments, dynamo=True, verbose=False, dynamic_shapes=shapes, input_names=inputs,
            output_names=outputs,
        )  # fmt: skip
    assert program is not None
    proto = program.model_proto
    for node in proto.graph.node:  # stack traces with paths of this machine
        del node.metadata_props[:]
        node.doc_string = ""
    for described in (*proto.graph.value_info, *proto.graph.input, *proto.graph.output, *proto.graph.initializer):
        del described.metadata_props[:]
        described.doc_string = ""
    del proto.graph.metadata_props[:]
    return proto


def labelled(proto: Any, metadata: dict[str, Any], half: bool) -> bytes:
    """The bytes of a graph with metadata; with `half`, its large weights in 16 bits."""
    import onnx

    if half:
        _store_in_half(proto)
    onnx.helper.set_model_props(proto, {key: json.dumps(value) for key, value in metadata.items()})
    onnx.checker.check_model(proto)
    data: bytes = proto.SerializeToString()
    return data


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the exporter's remarks on packages that are not installed and on its own deprecated calls."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _store_in_half(proto: Any) -> None:
    """Keep large weights in 16 bits, with a cast before their use that ONNX Runtime folds away on loading."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    casts = []
    for i, tensor in enumerate(proto.graph.initializer):
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < HALF_FROM or abs(values).max() > np.finfo(np.float16).max:
            continue
        name = tensor.name
        proto.graph.initializer[i].CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
    nodes = list(proto.graph.node)
    del proto.graph.node[:]
    proto.graph.node.extend([*casts, *nodes])
