from dataclasses import asdict

import pytest
import torch

from melodysynthesis.errors import ModelError
from melodysynthesis.models import build, config_from, parameter_count
from melodysynthesis.models.hybrid import Hybrid, HybridConfig
from melodysynthesis.models.transformer import (
    CausalSelfAttention,
    Transformer,
    TransformerConfig,
    apply_rotary,
    attend,
    causal_bias,
    rotary_angles,
)
from tests.training.songs import GRID

WINDOW = {
    "embedding": 8, "units": 8, "blocks": 1, "heads": 2, "head_size": 4, "hidden": 8, "use_features": (),
}  # fmt: skip


@pytest.mark.parametrize(("architecture", "parameters"), [("transformer", 10_543_917), ("hybrid", 8_176_941)])
def test_original_has_the_parameters_of_the_study(architecture: str, parameters: int) -> None:
    assert parameter_count(build(architecture, "original", GRID)) == parameters


def test_attention_equals_pytorchs() -> None:
    torch.manual_seed(0)
    q, k, v = torch.randn(3, 2, 3, 5, 4)
    ours = attend(q, k, v, causal_bias(5, 0, 0, q.device))
    theirs = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    torch.testing.assert_close(ours, theirs)


def test_a_rotation_keeps_lengths_and_tells_distances_only() -> None:
    torch.manual_seed(0)
    q, k = torch.randn(2, 1, 1, 1, 8)

    def agreement(here: float, there: float) -> torch.Tensor:
        at = [rotary_angles(torch.tensor([[place]]), 8)[:, None] for place in (here, there)]
        return (apply_rotary(q, at[0]) * apply_rotary(k, at[1])).sum()

    torch.testing.assert_close(apply_rotary(q, rotary_angles(torch.tensor([[7.0]]), 8)[:, None]).norm(), q.norm())
    torch.testing.assert_close(agreement(9, 4), agreement(105, 100), atol=1e-4, rtol=0)
    assert abs(agreement(9, 4) - agreement(9, 3)) > 1e-3


def test_rotary_angles_are_those_of_the_paper() -> None:
    angles = rotary_angles(torch.tensor([3.0]), 4)  # "Attention is all you need", section 3.5: pos / 10000^(2i / size)
    torch.testing.assert_close(angles, torch.tensor([[3.0, 0.03]]))


@pytest.mark.parametrize("positions", ["none", "rotary", "sinusoidal"])
def test_a_window_ends_what_is_seen_and_what_is_kept(positions: str) -> None:
    torch.manual_seed(0)
    model = build("transformer", {**WINDOW, "context": 4, "positions": positions}, GRID).eval()
    ids = torch.randint(0, 45, (1, 12))
    changed = ids.clone()
    changed[0, 7] = (ids[0, 7] + 1) % 45
    with torch.no_grad():
        (before, state), (after, _) = model(ids), model(changed)
        # One block sees four positions: what stood at 7 is seen from 7 to 10.
        assert [not torch.equal(a, b) for a, b in zip(before[0], after[0], strict=True)] == [
            7 <= i <= 10 for i in range(12)
        ]
        assert state["keys0"].shape == (1, 2, 3, 4)
        state, found = None, []
        for part in (slice(0, 3), slice(3, 4), slice(4, 12)):
            logits, state = model(ids[:, part], None, state)
            found.append(logits)
    torch.testing.assert_close(torch.cat(found, 1), before)


def test_a_window_of_one_sees_nothing_but_itself() -> None:
    model = build("transformer", {**WINDOW, "context": 1}, GRID).eval()
    ids = torch.tensor([[4, 5, 5]])
    with torch.no_grad():
        logits, state = model(ids)
    torch.testing.assert_close(logits[0, 1], logits[0, 2])
    assert state["keys0"].shape[2] == 0


def test_a_cache_keeps_what_was_computed() -> None:
    attention = CausalSelfAttention(8, 2, 4).eval()
    x, nothing = torch.randn(1, 6, 8), torch.zeros(1, 2, 0, 4)
    _, keys, _ = attention(x, nothing, nothing, None, causal_bias(6, 0, 0, x.device))
    _, first, values = attention(x[:, :5], nothing, nothing, None, causal_bias(5, 0, 0, x.device))
    _, then, _ = attention(x[:, 5:], first, values, None, None)
    assert torch.equal(then[:, :, :5], first)
    torch.testing.assert_close(then, keys)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"blocks": 0}, "blocks is 0, expected at least 1"),
        ({"dropout_dense": 1.0}, "dropout_dense is 1.0, expected a number from 0"),
        ({"embedding": 0}, "one-hot"),
        ({"positions": "rotarry"}, "unknown positions 'rotarry': did you mean rotary"),
        ({"head_size": 7}, "rotary positions need an even head_size, not 7"),
        ({"positions": "sinusoidal", "units": 7, "width": 7}, "sinusoidal positions need vectors of an even size"),
        ({"context": -1}, "context is -1"),
        ({"use_features": (), "copy_bias": True}, "copy_bias needs use_features"),
    ],
)
@pytest.mark.parametrize("config", [TransformerConfig, HybridConfig])
def test_contradictions_are_told(config: type, change: dict[str, object], message: str) -> None:
    known = {name: value for name, value in change.items() if name in config.__dataclass_fields__}
    with pytest.raises(ModelError, match=message):
        config(**known)


def test_a_batch_norm_stands_in_the_place_of_dropout() -> None:
    original = asdict(config_from("hybrid", "original"))
    model = build("hybrid", {**original, "width": 8, "heads": 1, "head_size": 4, "units": 8, "layers": 3}, GRID)
    assert isinstance(model, Hybrid)
    assert [type(norm).__name__ for norm in model.stack.norms] == ["MaskedBatchNorm", "MaskedBatchNorm", "Identity"]
    assert (model.stack.dropout_between.rate, model.stack.dropout_output.rate) == (0.0, 0.2)


@pytest.mark.parametrize("blocks", [2, 12])
def test_the_sum_of_what_blocks_add_does_not_grow_with_their_number(blocks: int) -> None:
    torch.manual_seed(0)
    model = build("transformer", {"blocks": blocks, "dropout_attention": 0.0, "dropout_dense": 0.0}, GRID).eval()
    assert isinstance(model, Transformer)
    x = torch.randn(4, 20, model.blocks.units)
    with torch.no_grad():
        added = model.blocks(x, model.initial_state(4))[0] - x
    assert 0.1 < float(added.std()) < 0.5


@pytest.mark.parametrize("blocks", [2, 12])
def test_the_last_weights_of_a_block_are_scaled_by_the_number_of_blocks(blocks: int) -> None:
    torch.manual_seed(0)
    model = build("transformer", {"blocks": blocks}, GRID)
    assert isinstance(model, Transformer)
    for block in model.blocks.blocks:
        for last in (block.attention.out_proj, block.dense_out):  # type: ignore[union-attr]
            expected = 0.5 / (2 * blocks * last.in_features) ** 0.5
            assert last.weight.std().item() == pytest.approx(expected, rel=0.05)
