"""What an update does: carried state, clipping, decay, the average; each is seen by its effect."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.optim.optimizer import register_optimizer_step_pre_hook

from melodysynthesis.models import build
from melodysynthesis.models.lstm import LSTMConfig
from melodysynthesis.training.config import TrainingConfig
from melodysynthesis.training.reporting import read_history
from melodysynthesis.training.run import Run
from melodysynthesis.training.setup import average_weights, make_optimizer
from tests.training.interruption import train
from tests.training.songs import EVENT, GRID, TINY

PLAIN = LSTMConfig(
    embedding=8, units=8, dropout_input=0, dropout_between=0, dropout_output=0, use_features=(),
)  # fmt: skip
STILL = TrainingConfig(
    mode="stream", batch_size=2, steps=5, epochs=1, learning_rate=1e-30, lowest_rate=0.0, schedule="constant",
    weight_decay=0.0, patience=0, log_every=1, tensorboard=False, device="cpu",
)  # fmt: skip
"""Nothing is learned: only the division into batches can change the loss."""


def losses(folder: Path, **changes: object) -> tuple[float, float]:
    run = Run(folder, "lstm", "tiny", PLAIN, GRID, replace(STILL, **changes))  # type: ignore[arg-type]
    assert train(run, 8, 6) == "finished"
    line = read_history(folder / "history.jsonl")[-1]
    return line["train_loss"], line["loss"]


def test_a_stream_in_short_batches_has_the_loss_of_long_ones(tmp_path: Path) -> None:
    short, long = losses(tmp_path / "short", steps=5), losses(tmp_path / "long", steps=30)
    assert short == pytest.approx(long, rel=1e-5)
    reset = losses(tmp_path / "reset", mode="windows")
    assert abs(reset[0] - long[0]) > 1e-4
    assert abs(reset[1] - long[1]) > 1e-4


@contextmanager
def gradient_norms() -> Iterator[list[float]]:
    """The norm of all gradients before each step of an optimizer."""
    norms: list[float] = []

    def measure(optimizer: torch.optim.Optimizer, *_: object) -> None:
        gradients = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        norms.append(float(torch.nn.utils.get_total_norm(gradients)))

    handle = register_optimizer_step_pre_hook(measure)
    try:
        yield norms
    finally:
        handle.remove()


def test_gradients_are_clipped_to_the_limit_and_not_without_one(tmp_path: Path) -> None:
    found = {}
    for clip in (0.0, 0.05):
        config = replace(STILL, mode="songs", clip=clip, batch_size=4)
        with gradient_norms() as norms:
            train(Run(tmp_path / str(clip), "lstm", "tiny", PLAIN, GRID, config), 8, 4)
        found[clip] = norms
    assert min(found[0.0]) > 0.1
    assert found[0.05] == pytest.approx([0.05] * len(found[0.0]), rel=1e-3)


@pytest.mark.parametrize(("architecture", "config"), [("lstm", TINY), ("transformer", "base"), ("hybrid", "base")])
def test_matrices_decay_and_biases_and_norms_do_not(architecture: str, config: object) -> None:
    model = build(architecture, config, EVENT)
    optimizer = make_optimizer(TrainingConfig(learning_rate=0.1, weight_decay=0.5), model, torch.device("cpu"))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(2.0)
            parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    for name, parameter in model.named_parameters():
        expected = 1.9 if parameter.ndim > 1 else 2.0
        torch.testing.assert_close(parameter.data, torch.full_like(parameter, expected), msg=name)


def test_the_learning_rate_of_a_step_is_the_schedules(tmp_path: Path) -> None:
    rates: list[float] = []
    handle = register_optimizer_step_pre_hook(lambda optimizer, *_: rates.append(optimizer.param_groups[-1]["lr"]))
    config = replace(STILL, mode="songs", schedule="cosine", learning_rate=0.01, warm_up=0.5, batch_size=2)
    try:
        train(Run(tmp_path / "run", "lstm", "tiny", PLAIN, GRID, config), 8, 4)
    finally:
        handle.remove()
    assert rates == pytest.approx([0.0, 0.005, 0.01, 0.005])


def test_an_average_forgets_its_start_and_then_follows_slowly() -> None:
    layer = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.zeros_(layer.weight)
    average = average_weights(layer, 0.9)
    values = []
    for update in range(101):
        torch.nn.init.constant_(layer.weight, float(update < 100))
        average.update_parameters(layer)
        values.append(average.module.weight.item())
    # After update k the decay is (1 + k) / (10 + k), at most 0.9.
    assert values[:2] == pytest.approx([1 - 2 / 11, 1 - 2 / 11 * 3 / 12])
    assert values[-2:] == pytest.approx([1.0, 0.9])


def test_an_average_includes_the_statistics_of_batch_norm_and_leaves_whole_numbers_alone() -> None:
    model = build("lstm", {"batch_norm": True, "embedding": 8, "units": 8}, EVENT)
    average = average_weights(model, 0.5)
    buffers = dict(model.named_buffers())
    with torch.no_grad():
        for name, buffer in buffers.items():
            if name.endswith("running_mean"):
                buffer.fill_(11.0)
    average.update_parameters(model)
    for name, buffer in average.module.named_buffers():
        if name.endswith("running_mean"):
            assert buffer.tolist() == pytest.approx([9.0] * len(buffer))  # 9 / 11 of the way from 0
        elif not buffer.is_floating_point():
            assert torch.equal(buffer, buffers[name])
