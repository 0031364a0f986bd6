"""A model file says what the model says, step by step. Exporting takes seconds, so each model is exported once."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from melodysynthesis.encodings import Encoding
from melodysynthesis.errors import ModelError, TrainingError
from melodysynthesis.models import ARCHITECTURES, MelodyModel, build, config_from
from melodysynthesis.models.layers import ModelConfig
from melodysynthesis.runtime import pretrained
from melodysynthesis.runtime.base import ModelCard
from melodysynthesis.runtime.onnx import ENCODING, FORMAT, STATE, OnnxEngine, read_card
from melodysynthesis.training import export as export_module
from melodysynthesis.training.batches import Songs
from melodysynthesis.training.data import encode
from melodysynthesis.training.export import HALF_FROM, export, to_onnx
from tests.training.songs import EVENT, GRID, songs, tiny

CARD = ModelCard("lstm", "lstm", "tiny", "none", "none", 3, 100, "melody train", {"bits per note": 3.0})
# Tracing takes seconds for each block, so models are exported small; an architecture that is not here, as it ships.


def blocks(encoding: Encoding) -> int:
    """Two for one encoding, so that the states of several blocks are exported; tracing costs seconds for each."""
    return 2 if encoding is EVENT else 1


SMALL: dict[str, Callable[[Encoding], ModelConfig]] = {
    "lstm": tiny,
    "transformer": lambda encoding: replace(
        config_from("transformer", "base"), units=16, blocks=blocks(encoding), heads=2, head_size=8, hidden=32
    ),
    "hybrid": lambda encoding: replace(
        config_from("hybrid", "base"), width=16, blocks=blocks(encoding), heads=2, head_size=8, hidden=32, units=16
    ),
}
CASES = [(name, encoding) for name in ARCHITECTURES for encoding in (EVENT, GRID)]
every_model = pytest.mark.parametrize(("name", "encoding"), CASES, ids=lambda v: v if isinstance(v, str) else v.name)


@cache
def exported(name: str, encoding: Encoding) -> tuple[MelodyModel, bytes]:
    torch.manual_seed(0)
    model = build(name, SMALL[name](encoding) if name in SMALL else "base", encoding)
    return model, to_onnx(model, encoding, CARD)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "model.onnx"
    path.write_bytes(exported("lstm", EVENT)[1])
    return path


@every_model
def test_the_file_agrees_with_the_model_step_by_step(tmp_path: Path, name: str, encoding: Encoding) -> None:
    model, data = exported(name, encoding)
    (tmp_path / "m.onnx").write_bytes(data)
    engine = OnnxEngine(tmp_path / "m.onnx")
    assert engine.encoding.vocabulary == encoding.vocabulary
    batch = next(Songs(encode(encoding, songs(3)), 3).epoch(0))
    shortest = int(batch.mask.sum(1).min())
    features = None if batch.features is None else torch.from_numpy(batch.features)
    with torch.no_grad():
        expected = model.eval()(torch.from_numpy(batch.ids), features)[0].numpy()
    logits, state = engine.init(3)
    for i in range(shortest):
        np.testing.assert_allclose(logits, expected[:, i], rtol=0, atol=1e-4)
        if i + 1 < shortest:
            logits, state = engine.step(batch.ids[:, i + 1], state)


@every_model
def test_batched_equals_single_and_select_reorders(tmp_path: Path, name: str, encoding: Encoding) -> None:
    (tmp_path / "m.onnx").write_bytes(exported(name, encoding)[1])
    engine = OnnxEngine(tmp_path / "m.onnx")
    batch = next(Songs(encode(encoding, songs(3)), 3).epoch(0))
    _, state = engine.init(3)
    for i in range(1, 9):
        _, state = engine.step(batch.ids[:, i], state)
    kept = engine.select(state, np.array([2, 0, 2]))
    after, _ = engine.step(batch.ids[:, 9], state)
    picked, _ = engine.step(batch.ids[[2, 0, 2], 9], kept)
    np.testing.assert_allclose(picked, after[[2, 0, 2]], rtol=0, atol=1e-5)
    alone, single = engine.init(1)
    for i in range(1, 10):
        alone, single = engine.step(batch.ids[:1, i], single)
    np.testing.assert_allclose(alone[0], after[0], rtol=0, atol=1e-4)


def test_a_large_batch_is_the_same_on_many_threads(file: Path) -> None:
    one, many = OnnxEngine(file, threads=1), OnnxEngine(file, threads=2)
    np.testing.assert_allclose(one.init(100)[0], many.init(100)[0], atol=1e-5)


def test_half_the_size_says_nearly_the_same(tmp_path: Path, file: Path) -> None:
    model, _ = exported("lstm", EVENT)
    export(model, EVENT, CARD, tmp_path / "half.onnx", half=True)
    whole, half = OnnxEngine(file), OnnxEngine(tmp_path / "half.onnx")
    assert (tmp_path / "half.onnx").stat().st_size < 0.65 * file.stat().st_size
    np.testing.assert_allclose(half.init(2)[0], whole.init(2)[0], atol=0.01)
    rounded = build("lstm", tiny(EVENT), EVENT).eval()
    rounded.load_state_dict(model.state_dict())
    with torch.no_grad():
        for parameter in rounded.parameters():
            if parameter.numel() >= HALF_FROM:
                parameter.copy_(parameter.half().float())
    features = torch.from_numpy(EVENT.start(2).features())
    with torch.no_grad():
        logits, _ = rounded.step(torch.full((2,), EVENT.start_id), features, rounded.initial_state(2))
    np.testing.assert_allclose(half.init(2)[0], logits.numpy(), atol=1e-5)


def test_the_card_is_inside(file: Path) -> None:
    assert read_card(file) == OnnxEngine(file).card == CARD


def test_nothing_of_the_machine_is_inside(file: Path) -> None:
    data = file.read_bytes()
    assert b"melodysynthesis/" not in data
    assert b".py" not in data
    assert b"/home" not in data


def test_an_unwritable_place_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_module, "to_onnx", lambda *_: b"data")
    with pytest.raises(TrainingError, match="the model can't be written"):
        export(exported("lstm", EVENT)[0], EVENT, CARD, tmp_path / "none" / "m.onnx")


def test_a_truncated_file_is_one_clear_error(file: Path) -> None:
    whole = file.read_bytes()
    for length in [*range(0, len(whole), len(whole) // 25), len(whole) - 1]:
        file.write_bytes(whole[:length])
        with pytest.raises(ModelError, match=r"model\.onnx: "):
            OnnxEngine(file)


def test_a_mutated_file_is_one_clear_error_or_a_model(file: Path) -> None:
    whole, rng, messages = file.read_bytes(), np.random.default_rng(0), list[str]()
    head, tail = 3000, len(whole) - 6000  # the graph and the metadata; in between are weights
    for _ in range(150):
        data = bytearray(whole)
        at = int(rng.integers(0, head) if rng.random() < 0.5 else rng.integers(tail, len(whole)))
        data[at] = int(rng.integers(256))
        file.write_bytes(data)
        try:
            OnnxEngine(file)
        except ModelError as error:
            messages.append(str(error))
    assert 30 < len(messages) < 150, "some changes are found, some harm nothing"
    for message in messages:
        assert message.startswith(f"{file}: ")
        assert len(message) > len(f"{file}: ") + 10
        assert "Traceback" not in message


def changed(file: Path, change: str) -> Path:
    """The file with something wrong."""
    proto = onnx.load(str(file))
    facts = {entry.key: entry for entry in proto.metadata_props}
    match change:
        case "external":
            weight = proto.graph.initializer[0]
            weight.data_location = onnx.TensorProto.EXTERNAL
            weight.external_data.add(key="location", value="../../etc/passwd")
        case "loop":
            proto.graph.node.add(op_type="Loop", input=["a"], output=["b"])
        case "metadata":
            del proto.metadata_props[:]
        case "encoding":
            facts[ENCODING].value = '{"name": "evnt"}'
        case "json":
            facts[STATE].value = "[["
        case "state":
            facts[STATE].value = '[["h0", 16], ["c0", 99999999999]]'
        case "names":
            facts[STATE].value = '[["x", 16]]'
        case "version":
            facts[FORMAT].value = "7"
        case "vocabulary":
            facts[ENCODING].value = '{"name": "grid"}'
    file.write_bytes(proto.SerializeToString())
    return file


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("external", "weights refer to another file"),
        ("loop", "control flow"),
        ("metadata", "no melody model: its metadata lacks"),
        ("encoding", "its encoding is not known here: unknown encoding 'evnt': did you mean event"),
        ("json", "the metadata is no JSON"),
        ("state", "the shapes of the state make no sense"),
        ("names", "the graph takes c0, c1, features, h0, h1, ids, expected features, ids, x"),
        ("version", "version 7, this program reads 1"),
        ("vocabulary", "does not run|gives logits"),
    ],
)
def test_a_wrong_file_is_told(file: Path, change: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        OnnxEngine(changed(file, change))


def test_a_huge_file_is_refused_unread(file: Path) -> None:
    with file.open("r+b") as stream:
        stream.truncate(2**40)
    with pytest.raises(ModelError, match=r"1048576.0 MB, a melody model has at most 256"):
        OnnxEngine(file)


def test_a_model_is_found_by_path_folder_or_name(file: Path) -> None:
    assert pretrained.load(file).card == CARD
    assert pretrained.load(file.parent).card == CARD
    with pytest.raises(ModelError, match="unknown model 'lstn': did you mean lstm"):
        pretrained.load("lstn")
    with pytest.raises(ModelError, match="can't be read: No such file"):
        pretrained.load("none.onnx")
    (file.parent / "empty").mkdir()
    with pytest.raises(ModelError, match=r"no model\.onnx in this folder"):
        pretrained.load(file.parent / "empty")


def test_an_engine_needs_no_pytorch() -> None:
    code = "import sys, melodysynthesis.runtime.judge, melodysynthesis.runtime.onnx; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_card_that_lacks_something_is_told(file: Path) -> None:
    proto = onnx.load(str(file))
    next(entry for entry in proto.metadata_props if entry.key.endswith("card")).value = '{"name": "x"}'
    file.write_bytes(proto.SerializeToString())
    with pytest.raises(ModelError, match="the card is not one"):
        read_card(file)
