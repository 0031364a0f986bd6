from dataclasses import asdict

import pytest
import torch

from melodysynthesis.errors import ModelError
from melodysynthesis.models import build, config_from, parameter_count
from melodysynthesis.models.layers import FeatureEmbedding, LockedDropout, MaskedBatchNorm
from melodysynthesis.models.lstm import LSTM, LSTMConfig, LSTMLayer
from tests.training.songs import EVENT, GRID, TINY


def test_original_has_the_parameters_of_the_study() -> None:
    assert len(GRID.vocabulary) == 45
    assert parameter_count(build("lstm", "original", GRID)) == 846_637


def test_base_is_about_the_size_of_original() -> None:
    assert 800_000 <= parameter_count(build("lstm", "base", EVENT)) <= 1_600_000


def test_the_second_bias_stays_zero() -> None:
    layer = LSTMLayer(3, 4)
    assert [name for name, _ in layer.named_parameters()] == ["input_weight", "recurrent_weight", "bias"]
    assert not layer.no_bias.any()


def test_the_forget_gate_starts_open() -> None:
    assert LSTMLayer(3, 4).bias.tolist() == [0] * 4 + [1] * 4 + [0] * 8


def test_tied_weights_are_one_tensor() -> None:
    model = build("lstm", TINY, EVENT)
    assert isinstance(model, LSTM)
    assert model.input.embedding is not None
    assert model.output.weight is model.input.embedding.weight
    untied = build("lstm", {**asdict(TINY), "tie_weights": False}, EVENT)
    assert parameter_count(untied) > parameter_count(model)


def test_only_the_features_that_are_named_are_read() -> None:
    model = build("lstm", {**asdict(TINY), "use_features": ["bars to go"]}, EVENT).eval()
    ids, features = torch.zeros(1, 3, dtype=torch.long), torch.zeros(1, 3, len(EVENT.features), dtype=torch.long)
    changed = features.clone()
    changed[..., 0] = 5
    assert torch.equal(model(ids, features)[0], model(ids, changed)[0])
    changed[..., [feature.name for feature in EVENT.features].index("bars to go")] = 5
    assert not torch.equal(model(ids, features)[0], model(ids, changed)[0])


def test_skipped_features_reach_the_output_at_once() -> None:
    model = build("lstm", {**asdict(TINY), "skip_features": True}, EVENT).eval()
    assert isinstance(model, LSTM)
    for layer in model.stack.layers:
        for parameter in layer.parameters():
            torch.nn.init.zeros_(parameter)
    ids, features = torch.zeros(1, 2, dtype=torch.long), torch.zeros(1, 2, len(EVENT.features), dtype=torch.long)
    features[0, 1] = 3
    logits, _ = model(ids, features)
    assert not torch.allclose(logits[0, 0], logits[0, 1])


def test_missing_features_are_told() -> None:
    with pytest.raises(ModelError, match="needs the encoding's features"):
        build("lstm", TINY, EVENT)(torch.zeros(1, 2, dtype=torch.long))


def test_features_are_summed() -> None:
    embedding = FeatureEmbedding(EVENT.features, ("bars to go", "position in bar"), 4)
    rows = embedding.table.weight
    values = torch.zeros(len(EVENT.features), dtype=torch.long)
    values[0], values[1] = 7, 2
    torch.testing.assert_close(embedding(values), rows[7] + rows[EVENT.features[0].size + 2])


def test_padding_does_not_count_for_batch_norm() -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 6, 3)
    mask = torch.tensor([[True] * 6, [True] * 2 + [False] * 4])
    padded, plain = MaskedBatchNorm(3), MaskedBatchNorm(3)
    normal = padded(x, mask)
    torch.testing.assert_close(normal[mask], plain(x[mask][None])[0])
    torch.testing.assert_close(padded.running_var, plain.running_var)
    assert not normal[~mask].any()


def test_batch_norm_remembers_a_plain_average_at_first() -> None:
    norm = MaskedBatchNorm(1)
    for value in (1.0, 2.0, 6.0):
        norm(torch.full((1, 4, 1), value))
    torch.testing.assert_close(norm.running_mean, torch.tensor([3.0]))


def test_batch_norm_equals_pytorchs() -> None:
    torch.manual_seed(0)
    x = torch.randn(4, 5, 3)
    ours, theirs = MaskedBatchNorm(3), torch.nn.BatchNorm1d(3, eps=1e-3)
    torch.testing.assert_close(ours(x), theirs(x.flatten(0, 1)).view_as(x))


def test_locked_dropout_keeps_one_mask_for_a_sequence() -> None:
    torch.manual_seed(0)
    dropped = LockedDropout(0.5)(torch.ones(4, 9, 32)) == 0
    assert (dropped == dropped[:, :1]).all()
    assert dropped.any()
    assert (dropped[0] != dropped[1]).any()


def test_weight_drop_acts_in_training_only() -> None:
    torch.manual_seed(0)
    layer = LSTMLayer(2, 8, weight_drop=0.5)
    x, zeros = torch.randn(1, 9, 2), torch.zeros(1, 8)
    assert not torch.equal(layer(x, zeros, zeros)[0], layer(x, zeros, zeros)[0])
    layer.eval()
    assert torch.equal(layer(x, zeros, zeros)[0], layer(x, zeros, zeros)[0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layers": 0}, "layers is 0"),
        ({"dropout_output": 1.0}, "dropout_output is 1.0, expected a number from 0 to below 1"),
        ({"embedding": 0}, "one-hot"),
        ({"use_features": (), "skip_features": True}, "skip_features needs use_features"),
        ({"batch_norm": True, "layer_norm": True}, "choose one"),
    ],
)
def test_contradictions_are_told(change: dict[str, object], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        LSTMConfig(**change)


def test_an_unknown_feature_is_told() -> None:
    config = config_from("lstm", {**asdict(TINY), "use_features": ["bar to go"]})
    with pytest.raises(ModelError, match="no feature 'bar to go'; it has: position in bar"):
        build("lstm", config, EVENT)
