"""The loop: above all, that a run which was cut off goes on as if it had not been."""

import json
import math
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from melodysynthesis.encodings import Encoding
from melodysynthesis.errors import ModelError, TrainingError
from melodysynthesis.models.base import State
from melodysynthesis.training import checkpoint
from melodysynthesis.training.checkpoint import TrainingState
from melodysynthesis.training.config import TrainingConfig
from melodysynthesis.training.data import encode
from melodysynthesis.training.loop import Trainer
from melodysynthesis.training.objective import Likelihood, Tensors
from melodysynthesis.training.reporting import read_history
from melodysynthesis.training.run import Run, batches, fit, open_run
from melodysynthesis.training.setup import precision
from tests.training import interruption
from tests.training.interruption import After, Killed, interrupt, kill
from tests.training.songs import EVENT, GRID, songs, tiny

ROOT = Path(__file__).parents[2]
TIMES = ("seconds", "tokens_per_second")
CONFIG = TrainingConfig(
    batch_size=4,
    steps=8,
    epochs=3,
    learning_rate=0.01,
    checkpoint_every=3,
    log_every=1,
    tensorboard=False,
    device="cpu",
)
MODES: dict[str, tuple[Encoding, TrainingConfig]] = {
    "songs": (EVENT, CONFIG),
    "average": (EVENT, replace(CONFIG, ema_decay=0.9, accumulate=2, validate_every=3)),
    "stream": (GRID, replace(CONFIG, mode="stream", schedule="plateau", plateau_patience=1)),
}


def train(run: Run, resume: bool = False, callback: After | None = None) -> str:
    return interruption.train(run, 14, 4, resume, callback)


def new_run(folder: Path, mode: str = "songs", **changes: object) -> Run:
    encoding, config = MODES[mode]
    return Run(folder, "lstm", "tiny", tiny(encoding), encoding, replace(config, **changes))  # type: ignore[arg-type]


def history(run: Run) -> list[dict[str, Any]]:
    lines = read_history(run.folder / "history.jsonl")
    return [{name: value for name, value in line.items() if name not in TIMES} for line in lines]


def weights(run: Run, name: str = "last") -> dict[str, torch.Tensor]:
    tensors, _ = checkpoint.load(run.folder / "checkpoints" / f"{name}.safetensors")
    return {key: tensor for key, tensor in tensors.items() if not key.startswith("random")}


def assert_same(one: Run, other: Run) -> None:
    assert history(one) == history(other)
    for name in ("last", "best"):
        mine, theirs = weights(one, name), weights(other, name)
        assert mine.keys() == theirs.keys()
        assert [key for key in mine if not torch.equal(mine[key], theirs[key])] == []


def test_training_learns(tmp_path: Path) -> None:
    run = new_run(tmp_path / "run", epochs=6)
    assert train(run) == "finished"
    lines = history(run)
    assert [line["epoch"] for line in lines] == [1, 2, 3, 4, 5, 6]
    assert lines[-1]["loss"] < 0.75 * lines[0]["loss"] < math.log(len(EVENT.vocabulary))
    assert lines[-1]["train_loss"] < lines[0]["train_loss"]
    assert 0 < lines[-1]["accuracy"] < 1
    assert lines[-1]["bits_per_note"] > 0


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("how", [kill, interrupt])
def test_a_resumed_run_equals_one_that_was_never_cut(tmp_path: Path, mode: str, how: Callable[[], None]) -> None:
    whole, cut = new_run(tmp_path / "whole", mode), new_run(tmp_path / "cut", mode)
    looking = After(0, kill)
    assert train(whole, callback=looking) == "finished"
    middle = 2 * len(looking.losses) // 3  # in the middle of an epoch
    if how is kill:
        with pytest.raises(Killed):
            train(cut, callback=After(middle, how))
    else:
        assert train(cut, callback=After(middle, how)) == "interrupted"
    torch.manual_seed(99)
    assert train(open_run(cut.folder), resume=True) == "finished"
    assert_same(whole, cut)


def test_losses_after_resuming_are_the_same_update_by_update(tmp_path: Path) -> None:
    whole, cut, rest = After(0, kill), After(5, interrupt), After(0, kill)
    train(new_run(tmp_path / "whole"), callback=whole)
    train(new_run(tmp_path / "cut"), callback=cut)
    train(open_run(tmp_path / "cut"), resume=True, callback=rest)
    # The very first look after resuming sums over the same losses in another order.
    assert cut.losses + rest.losses == pytest.approx(whole.losses, rel=1e-12)


def test_a_run_killed_before_its_first_checkpoint_starts_again(tmp_path: Path) -> None:
    whole, cut = new_run(tmp_path / "whole"), new_run(tmp_path / "cut")
    train(whole)
    with pytest.raises(Killed):
        train(cut, callback=After(1, kill))
    train(open_run(cut.folder), resume=True)
    assert_same(whole, cut)


def test_killed_while_saving_leaves_the_checkpoint_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, cut = new_run(tmp_path / "whole"), new_run(tmp_path / "cut")
    train(whole)
    replace_file, saved = os.replace, list[str]()

    def break_down(source: Path, target: Path) -> None:
        saved.append(str(target))
        if len(saved) == 8:
            raise Killed
        replace_file(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", break_down)
        with pytest.raises(Killed):
            train(cut)
    assert list(cut.folder.rglob("*.part")), "the half-written file is still there"
    checkpoint.load(cut.folder / "checkpoints" / "last.safetensors")
    train(open_run(cut.folder), resume=True)
    assert_same(whole, cut)
    assert not list(cut.folder.rglob("*.part"))


def test_what_a_killed_process_was_writing_is_cleared(tmp_path: Path) -> None:
    run = new_run(tmp_path / "run", epochs=1)
    train(run)
    left = [run.folder / "checkpoints" / name for name in (".tmp4rL3uH", "last.safetensors.part")]
    for path in left:
        path.write_bytes(b"half")
    train(open_run(run.folder), resume=True)
    assert not any(path.exists() for path in left)


def test_a_full_disk_is_told_and_the_checkpoint_before_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = new_run(tmp_path / "run")

    def full(source: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(TrainingError, match=r"can't be written.*No space left"):
        train(run, callback=After(5, lambda: monkeypatch.setattr(os, "replace", full)))
    checkpoint.load(run.folder / "checkpoints" / "last.safetensors")
    assert not list(run.folder.rglob("*.part"))


def test_interrupted_says_so_and_keeps_what_was_learned(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT)
    run = new_run(tmp_path / "run")
    assert train(run, callback=After(2, interrupt)) == "interrupted"
    _, meta = checkpoint.load(run.folder / "checkpoints" / "last.safetensors")
    assert meta["at"]["step"] == 2
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize(
    ("step", "value", "what"),
    [(5, math.nan, "the loss is .* update 6"), (5, math.inf, "update 6"), (6, math.nan, "weights are .* update 6")],
)
def test_what_is_no_number_stops_the_run(tmp_path: Path, step: int, value: float, what: str) -> None:
    run = new_run(tmp_path / "run")
    broken: list[Any] = []

    class Broken(After):
        def on_update(self, at: TrainingState, *rest: float) -> None:  # type: ignore[override]
            if at.step == step:
                with torch.no_grad():
                    broken[0].output.bias.fill_(value)

    build = Run.build

    def catch(self: Run) -> Any:
        broken.append(build(self))
        return broken[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Run, "build", catch)
        with pytest.raises(TrainingError, match=f"{what}.*the last good checkpoint is .*learning_rate below 0.01"):
            train(run, callback=Broken(0, kill))
    _, meta = checkpoint.load(run.folder / "checkpoints" / "last.safetensors")
    assert meta["at"]["step"] == 4
    assert all(tensor.isfinite().all() for tensor in weights(run).values())


def test_training_stops_early_without_gain(tmp_path: Path) -> None:
    run = new_run(tmp_path / "run", epochs=50, patience=2, learning_rate=1e-30, lowest_rate=0.0, schedule="constant")
    assert train(run) == "no gain"
    lines = history(run)
    assert len(lines) < 50
    assert not any(line["best"] for line in lines[-2:])
    assert train(open_run(run.folder), resume=True) == "no gain", "a run that is over stays over"


def test_the_time_limit_stops_cleanly_with_the_rate_run_out(tmp_path: Path) -> None:
    run = new_run(tmp_path / "run", epochs=10_000, max_minutes=0.02, patience=0)
    assert train(run) == "time"
    lines = read_history(run.folder / "history.jsonl")
    assert 1.0 < lines[-1]["seconds"] < 10
    assert lines[-1]["learning_rate"] == pytest.approx(CONFIG.lowest_rate)


def test_the_plateau_lowers_the_rate(tmp_path: Path) -> None:
    run = new_run(tmp_path / "run", "stream", epochs=5, learning_rate=1e-30, lowest_rate=0.0, patience=0)
    train(run)
    rates = [line["learning_rate"] for line in history(run)]
    assert rates[0] == 1e-30
    assert rates[-1] < 1e-32


@pytest.mark.parametrize("mode", ["songs", "stream"])
def test_training_runs_in_half_precision(tmp_path: Path, mode: str) -> None:
    run = new_run(tmp_path / "run", mode, precision="bf16-mixed", epochs=2)
    if precision(TrainingConfig(precision="auto", device="cpu")) == "32-true":
        with pytest.raises(TrainingError, match="this processor can't train an LSTM in bf16-mixed"):
            train(run)
        return
    assert train(run, callback=After(5, interrupt)) == "interrupted"
    assert train(open_run(run.folder), resume=True) == "finished"
    assert all(math.isfinite(line["loss"]) for line in history(run))


def test_parts_make_the_same_update(tmp_path: Path) -> None:
    no_noise = replace(tiny(EVENT), dropout_input=0, dropout_between=0, dropout_output=0, weight_drop=0)
    losses = []
    for parts in (1, 3):
        run = replace(new_run(tmp_path / f"{parts}", accumulate=parts), model=no_noise)
        train(run)
        losses.append([line["loss"] for line in history(run)])
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_the_average_is_what_is_validated_and_kept(tmp_path: Path) -> None:
    run = new_run(tmp_path / "run", "average")
    first = checkpoint.weights(run.build())
    train(run)
    last, best = weights(run), weights(run, "best")
    for name, weight in best.items():
        assert not weight.is_floating_point() or not torch.equal(weight, first[name]), f"{name} was never updated"
    assert any(not torch.equal(best[name], last[f"model/{name}"]) for name in best)
    model, figures = run.best()
    assert figures is not None
    assert figures.loss == min(line["loss"] for line in history(run))
    for name, tensor in checkpoint.weights(model).items():
        assert torch.equal(tensor, best[name])


def test_a_run_is_not_overwritten(tmp_path: Path) -> None:
    train(new_run(tmp_path / "run", epochs=1))
    with pytest.raises(TrainingError, match="there is a run here already"):
        train(new_run(tmp_path / "run"))


def test_resuming_needs_a_run(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="there is no run here"):
        open_run(tmp_path)
    (tmp_path / "config.json").write_text('{"architecture": "ls')
    with pytest.raises(TrainingError, match=r"config\.json: damaged"):
        open_run(tmp_path)


def test_resuming_with_another_order_is_refused(tmp_path: Path) -> None:
    train(new_run(tmp_path / "run", epochs=1))
    with pytest.raises(TrainingError, match="the run has seed 0, which can't be changed to 5"):
        open_run(tmp_path / "run", seed=5)
    assert open_run(tmp_path / "run", seed=0).training == replace(CONFIG, epochs=1)


def test_a_run_that_is_over_goes_on_with_more_epochs_and_remembers_them(tmp_path: Path) -> None:
    run = new_run(tmp_path / "run", epochs=1)
    train(run)
    assert train(open_run(run.folder, epochs=2), resume=True) == "finished"
    assert [line["epoch"] for line in history(run)] == [1, 2]
    assert open_run(run.folder).training.epochs == 2


def test_a_device_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="device 'abacus' can't be used"):
        train(new_run(tmp_path / "run", device="abacus"))
    assert not (tmp_path / "run").exists()


def test_resuming_with_other_data_is_refused(tmp_path: Path) -> None:
    run = new_run(tmp_path / "run", epochs=1)
    train(run)
    others = encode(EVENT, songs(9))
    with pytest.raises(TrainingError, match="was started with other training data: 14 sequences"):
        fit(run, others, others, resume=True)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [("units", 17, "model is units 16, here it is units 17"), ("layers", 3, "model is layers 2, here it is layers 3")],
)
def test_a_checkpoint_of_another_model_is_refused(tmp_path: Path, field: str, value: int, message: str) -> None:
    run = new_run(tmp_path / "run", epochs=1)
    train(run)
    other = replace(run, model=replace(run.model, **{field: value}))
    with pytest.raises(ModelError, match=message):
        other.best()
    with pytest.raises(ModelError, match=message):
        train(other, resume=True)


def test_a_checkpoint_of_another_encoding_is_refused(tmp_path: Path) -> None:
    run = new_run(tmp_path / "run", epochs=1)
    train(run)
    with pytest.raises(ModelError, match="checkpoint's encoding is name event, here it is name grid"):
        replace(run, encoding=GRID).best()


def test_the_history_drops_a_line_that_was_cut(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    path.write_text(json.dumps({"step": 1}) + "\n" + '{"step": 2, "lo')
    assert read_history(path) == [{"step": 1}]


def test_tensorboard_is_written(tmp_path: Path) -> None:
    run = new_run(tmp_path / "run", epochs=1, tensorboard=True)
    train(run)
    assert list((run.folder / "tensorboard").glob("events*"))


@pytest.mark.slow
def test_two_processes_train_as_one(tmp_path: Path) -> None:
    code = (
        "import sys; from tests.training.test_loop import *; "
        "quiet = replace(tiny(EVENT), dropout_input=0, dropout_between=0, dropout_output=0, weight_drop=0); "
        "train(replace(new_run(Path(sys.argv[1]), devices=int(sys.argv[2])), model=quiet))"
    )
    script = tmp_path / "run.py"  # each process starts the script again
    script.write_text(code)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "src")))}
    for devices in ("1", "2"):
        command = [sys.executable, str(script), str(tmp_path / devices), devices]
        subprocess.run(command, env=environment, check=True, capture_output=True)
    one, two = (read_history(tmp_path / devices / "history.jsonl") for devices in ("1", "2"))
    for name in ("loss", "train_loss"):
        assert [line[name] for line in one] == pytest.approx([line[name] for line in two], rel=1e-5)


class Counting(Likelihood):
    """The loss of a batch is a weight times its tokens, so that the weight's gradient is the tokens' share."""

    def loss(self, model: nn.Module, batch: Tensors, state: State | None) -> tuple[Tensor, State]:
        return next(model.parameters()).sum() * batch.targets.ge(0).sum(), {}


@pytest.mark.parametrize("mode", ["songs", "stream", "windows"])
def test_a_token_weighs_the_same_in_every_batch(tmp_path: Path, mode: str) -> None:
    encoding = EVENT if mode == "songs" else GRID
    run = Run(tmp_path, "lstm", "tiny", tiny(encoding), encoding, replace(CONFIG, mode=mode, clip=0.0, accumulate=2))
    training = batches(run.training, encode(encoding, songs(14)), shuffled=True)
    trainer = Trainer(
        run.training, run.build(), Counting(encoding), training=training, validation=training, folder=tmp_path,
        identity=run.identity,
    )  # fmt: skip
    weight, gradients = next(trainer.model.parameters()), []
    trainer.optimizer.step = lambda: gradients.append(float(weight.grad.flatten()[0]))  # type: ignore[union-attr]
    tokens = []
    for batch in training.epoch(0):
        trainer._update(batch)
        tokens.append(int(batch.mask.sum()))
    assert len(set(tokens)) > 1
    shares = [gradient / count for gradient, count in zip(gradients, tokens, strict=True)]
    assert shares == pytest.approx([shares[0]] * len(shares))
    assert sum(gradients) / len(gradients) == pytest.approx(1, rel=0.1 if mode != "songs" else 1e-6)
