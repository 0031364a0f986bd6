import json
import os
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from melodysynthesis.errors import ModelError, TrainingError
from melodysynthesis.models import build
from melodysynthesis.training import checkpoint
from melodysynthesis.training.checkpoint import Identity
from tests.training.songs import EVENT, TINY


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    shared = torch.arange(6.0).view(2, 3)
    tensors = {"a": shared, "b": shared.t(), "c": torch.tensor(3), "d": torch.tensor([True])}
    checkpoint.save(tmp_path / "x.safetensors", tensors, {"step": 4})
    loaded, meta = checkpoint.load(tmp_path / "x.safetensors")
    assert meta == {"version": 2, "step": 4}
    assert all(torch.equal(loaded[name], tensor) for name, tensor in tensors.items())
    assert os.listdir(tmp_path) == ["x.safetensors"]


@settings(max_examples=60)
@given(data=st.data())
def test_a_damaged_file_is_one_clear_error(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("damaged") / "x.safetensors"
    checkpoint.save(path, {"a": torch.arange(9.0)}, {"step": 4})
    whole = path.read_bytes()
    if data.draw(st.booleans()):
        path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    else:
        path.write_bytes(data.draw(st.binary(max_size=200)))
    with pytest.raises(ModelError, match=r"x\.safetensors: damaged or no checkpoint at all"):
        checkpoint.load(path)


def test_a_missing_or_foreign_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there is no such checkpoint"):
        checkpoint.load(tmp_path / "none.safetensors")
    save_file({"a": torch.ones(1)}, tmp_path / "foreign.safetensors")
    with pytest.raises(ModelError, match="not a checkpoint of a melody model"):
        checkpoint.load(tmp_path / "foreign.safetensors")
    save_file({"a": torch.ones(1)}, tmp_path / "new.safetensors", {checkpoint.META: json.dumps({"version": 9})})
    with pytest.raises(ModelError, match="version 9, this program reads version 2"):
        checkpoint.load(tmp_path / "new.safetensors")


def test_an_unwritable_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="can't be written"):
        checkpoint.save(tmp_path / "none" / "x.safetensors", {"a": torch.ones(1)}, {})


def test_weights_of_another_shape_are_refused(tmp_path: Path) -> None:
    model = build("lstm", TINY, EVENT)
    tensors = {name: tensor.clone() for name, tensor in checkpoint.weights(model).items()}
    checkpoint.load_weights(model, tensors, tmp_path)
    with pytest.raises(ModelError, match=r"output\.bias has shape \(1,\), expected \(327,\)"):
        checkpoint.load_weights(model, {**tensors, "output.bias": torch.ones(1)}, tmp_path)
    del tensors["output.bias"]
    with pytest.raises(ModelError, match=r"lacks 'output\.bias'"):
        checkpoint.load_weights(model, tensors, tmp_path)


def test_an_identity_survives_json(tmp_path: Path) -> None:
    mine = Identity.of("lstm", "tiny", asdict(TINY), EVENT)
    mine.check(json.loads(json.dumps(asdict(mine))), tmp_path)
    with pytest.raises(ModelError, match="architecture is 'transformer', here it is 'lstm'"):
        mine.check({**asdict(mine), "architecture": "transformer"}, tmp_path)


def test_an_optimizer_survives() -> None:
    def new() -> tuple[torch.nn.Parameter, torch.optim.AdamW]:
        weight = torch.nn.Parameter(torch.arange(4.0))
        return weight, torch.optim.AdamW([weight], 0.1)

    def step(weight: torch.nn.Parameter, optimizer: torch.optim.AdamW) -> None:
        optimizer.zero_grad()
        (weight**2).sum().backward()
        optimizer.step()

    one, first = new()
    step(one, first)
    other, second = new()
    other.data.copy_(one.data)
    checkpoint.unpack_optimizer(second, checkpoint.pack_optimizer(first))
    step(one, first)
    step(other, second)
    assert torch.equal(one, other)


def test_random_numbers_go_on() -> None:
    state = checkpoint.pack_random()
    drawn = torch.rand(3)
    checkpoint.unpack_random(state)
    assert torch.equal(torch.rand(3), drawn)
