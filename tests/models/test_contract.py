"""Laws that hold for every model in the table, with every encoding."""

from dataclasses import asdict, replace
from itertools import product

import numpy as np
import pytest
import torch

from melodysynthesis.encodings import ENCODINGS, Encoding, encoding_from
from melodysynthesis.errors import ModelError
from melodysynthesis.models import ARCHITECTURES, MelodyModel, build, config_from
from melodysynthesis.training.batches import Batch, Songs
from melodysynthesis.training.data import encode
from tests.training.songs import songs

# A preset that reads features says nothing new on an encoding without; each pair is tested all the same.
CASES = [
    (architecture, preset, encoding)
    for architecture, encoding in product(ARCHITECTURES, ENCODINGS)
    for preset in ARCHITECTURES[architecture].presets
]
every_model = pytest.mark.parametrize("case", CASES, ids=["-".join(case) for case in CASES])


def make(case: tuple[str, str, str]) -> tuple[MelodyModel, Encoding, Batch]:
    """A model with random weights, and a batch of songs of different length."""
    architecture, preset, name = case
    encoding = encoding_from({"name": name})
    torch.manual_seed(1)
    batch = next(Songs(encode(encoding, songs(5)), batch_size=5).epoch(0))
    return build(architecture, preset, encoding).eval(), encoding, batch


def run(model: MelodyModel, batch: Batch) -> torch.Tensor:
    features = None if batch.features is None else torch.from_numpy(batch.features)
    with torch.no_grad():
        logits, _ = model(torch.from_numpy(batch.ids), features)
    return logits


@every_model
def test_what_comes_later_never_changes_an_earlier_prediction(case: tuple[str, str, str]) -> None:
    model, encoding, batch = make(case)
    before = run(model, batch)
    rng = np.random.default_rng(0)
    width = batch.ids.shape[1]
    for cut in (1, width // 2, width - 1):
        ids = batch.ids.copy()
        ids[:, cut:] = rng.integers(0, len(encoding.vocabulary), ids[:, cut:].shape)
        features = batch.features
        if features is not None:
            features = features.copy()
            for column, feature in enumerate(encoding.features):
                features[:, cut:, column] = rng.integers(0, feature.size, features[:, cut:, column].shape)
        after = run(model, replace(batch, ids=ids, features=features))
        assert torch.equal(after[:, :cut], before[:, :cut])
        assert not torch.allclose(after[:, cut:], before[:, cut:])


@every_model
def test_stepping_equals_the_whole_sequence(case: tuple[str, str, str]) -> None:
    model, _, batch = make(case)
    whole = run(model, batch)
    state = model.initial_state(len(batch.ids))
    with torch.no_grad():
        for i in range(batch.ids.shape[1]):
            features = None if batch.features is None else torch.from_numpy(batch.features[:, i])
            logits, state = model.step(torch.from_numpy(batch.ids[:, i]), features, state)
            torch.testing.assert_close(logits, whole[:, i], rtol=0, atol=1e-4)


@every_model
def test_a_carried_state_goes_on_as_if_nothing_was_cut(case: tuple[str, str, str]) -> None:
    model, _, batch = make(case)
    whole, half = run(model, batch), batch.ids.shape[1] // 2
    state, found = None, []
    with torch.no_grad():
        for part in (slice(0, half), slice(half, None)):
            features = None if batch.features is None else torch.from_numpy(batch.features[:, part])
            logits, state = model(torch.from_numpy(batch.ids[:, part]), features, state)
            found.append(logits)
    torch.testing.assert_close(torch.cat(found, 1), whole, rtol=0, atol=1e-4)


@every_model
def test_a_row_does_not_know_of_its_batch(case: tuple[str, str, str]) -> None:
    model, _, batch = make(case)
    whole = run(model, batch)
    for row in range(len(batch.ids)):
        length = int(batch.mask[row].sum())
        features = None if batch.features is None else batch.features[row : row + 1, :length]
        alone = run(model, replace(batch, ids=batch.ids[row : row + 1, :length], features=features))
        torch.testing.assert_close(alone[0], whole[row, :length], rtol=0, atol=1e-4)


@every_model
def test_a_selected_state_goes_on_like_its_sequences(case: tuple[str, str, str]) -> None:
    model, _, batch = make(case)
    ids = torch.from_numpy(batch.ids)
    features = None if batch.features is None else torch.from_numpy(batch.features)
    order = torch.tensor([3, 0, 0])
    with torch.no_grad():
        _, state = model(ids[:, :8], None if features is None else features[:, :8])
        there, _ = model.step(ids[:, 8], None if features is None else features[:, 8], state)
        selected = {name: tensor[order] for name, tensor in state.items()}
        here, _ = model.step(ids[order, 8], None if features is None else features[order, 8], selected)
    torch.testing.assert_close(here, there[order], rtol=0, atol=1e-5)


@every_model
def test_every_weight_is_trained(case: tuple[str, str, str]) -> None:
    model, _, batch = make(case)
    features = None if batch.features is None else torch.from_numpy(batch.features)
    logits, _ = model.train()(torch.from_numpy(batch.ids), features, None, torch.from_numpy(batch.mask))
    logits[torch.from_numpy(batch.mask)].square().mean().backward()
    assert [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0] == []


@every_model
def test_a_state_is_zeros_with_the_batch_first(case: tuple[str, str, str]) -> None:
    model, _, _ = make(case)
    for tensor in model.initial_state(3).values():
        assert tensor.shape[0] == 3
        assert not tensor.any()


@pytest.mark.parametrize(("architecture", "preset"), sorted({case[:2] for case in CASES}))
def test_a_configuration_survives_json(architecture: str, preset: str) -> None:
    config = config_from(architecture, preset)
    assert config_from(architecture, asdict(config)) == config


@pytest.mark.parametrize(
    ("architecture", "config", "message"),
    [
        ("lstn", "base", "unknown model 'lstn': did you mean lstm"),
        ("lstm", "bass", "unknown preset of lstm 'bass': did you mean base"),
        ("lstm", {"unit": 3}, "unknown field of lstm 'unit': did you mean units"),
        ("lstm", {"units": "many"}, "field of lstm units is 'many', expected a whole number"),
        ("lstm", {"units": 0}, "units is 0, expected at least 1"),
    ],
)
def test_a_wrong_name_is_told(architecture: str, config: object, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        build(architecture, config, encoding_from({"name": "event"}))
