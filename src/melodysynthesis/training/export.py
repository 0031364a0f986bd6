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
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from melodysynthesis.encodings.base import Encoding
from melodysynthesis.errors import TrainingError
from melodysynthesis.models.base import MelodyModel
from melodysynthesis.runtime.base import Card
from melodysynthesis.runtime.onnx import CARD, ENCODING, FORMAT, NEXT, STATE, VERSION
from melodysynthesis.training.checkpoint import PART, sync

HALF_FROM = 1024
"""Weights of at least so many numbers are stored in 16 bits; biases are too small to matter."""


class Step(nn.Module):
    """`MelodyModel.step` with the state as separate arguments and results, as a graph has them."""

    def __init__(self, model: MelodyModel, names: list[str]) -> None:
        super().__init__()
        self.model, self.names = model, names

    def forward(self, ids: Tensor, features: Tensor | None, *state: Tensor) -> tuple[Tensor, ...]:
        """(B,), (B, F) and the state's tensors -> logits (B, V) and the state's tensors."""
        logits, after = self.model.step(ids, features, dict(zip(self.names, state, strict=True)))
        return (logits, *(after[name] for name in self.names))


def export(model: MelodyModel, encoding: Encoding, card: Card, path: Path, half: bool = True) -> None:
    """Write a model file, whole or not at all.

    Args:
        model: is put into evaluation mode.
        encoding: of its tokens.
        card: for people.
        path: of the file.
        half: store weights in 16 bits, which changed no figure's third decimal. They are cast back once, on loading,
            so the model runs as fast. The run's checkpoint keeps all 32.

    Raises:
        TrainingError: where the file can't be written.
    """
    data = to_onnx(model, encoding, card, half)
    part = path.with_name(path.name + PART)
    try:
        part.write_bytes(data)
        sync(part)
        os.replace(part, path)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise TrainingError(f"{path}: the model can't be written: {error}") from error


def to_onnx(model: MelodyModel, encoding: Encoding, card: Card, half: bool = False) -> bytes:
    """The bytes of a model file; see `export`."""
    import onnx

    proto = _graph(model.cpu().eval())
    if half:
        _store_in_half(proto)
    shapes = [[name, *tensor.shape[1:]] for name, tensor in model.initial_state(1).items()]
    facts = {
        FORMAT: VERSION, ENCODING: encoding.description(), CARD: asdict(card), STATE: shapes,
    }  # fmt: skip
    onnx.helper.set_model_props(proto, {key: json.dumps(value) for key, value in facts.items()})
    onnx.checker.check_model(proto)
    data: bytes = proto.SerializeToString()
    return data


def _graph(model: MelodyModel) -> Any:
    """The graph of a model's step."""
    # Tensors of their own: an exporter that meets one tensor twice takes both for one input.
    state = {name: tensor.clone() for name, tensor in model.initial_state(2).items()}
    names = list(state)
    batch = torch.export.Dim("batch", min=1, max=1 << 20)
    ids = torch.zeros(2, dtype=torch.long)
    features = torch.zeros(2, len(model.features), dtype=torch.long) if model.uses_features else None
    # The batch, and a state's axis that starts empty and grows, such as a cache's time.
    axes = tuple(
        {0: batch} | {i: torch.export.Dim.DYNAMIC for i, n in enumerate(t.shape) if n == 0} for t in state.values()
    )
    with _quiet():
        program = torch.onnx.export(
            Step(model, names).eval(), (ids, features, *state.values()), dynamo=True, verbose=False,
            dynamic_shapes=({0: batch}, None if features is None else {0: batch}, axes),
            input_names=["ids", *(["features"] if features is not None else []), *names],
            output_names=["logits", *(NEXT + name for name in names)],
        )  # fmt: skip
    assert program is not None
    proto = program.model_proto
    for node in proto.graph.node:  # stack traces of the machine that exported: noise, and not for everybody
        del node.metadata_props[:]
        node.doc_string = ""
    for described in (*proto.graph.value_info, *proto.graph.input, *proto.graph.output, *proto.graph.initializer):
        del described.metadata_props[:]
        described.doc_string = ""
    del proto.graph.metadata_props[:]
    return proto


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporter's remarks on packages that are not installed and on its own deprecated calls."""
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


def halved(model: MelodyModel) -> None:
    """Round a model's large weights to 16 bits, as `half` stores them: to see what that costs."""
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.numel() >= HALF_FROM:
                parameter.copy_(parameter.half().float())
