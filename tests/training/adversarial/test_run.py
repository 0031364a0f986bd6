"""Adversarial runs: they resume as if never cut, stop where a guard says so, and keep the model of before."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from melodysynthesis.apps import train as command
from melodysynthesis.apps.cli import run as melody
from melodysynthesis.errors import ModelError, TrainingError
from melodysynthesis.training import checkpoint, export, loop
from melodysynthesis.training.adversarial import objective
from melodysynthesis.training.adversarial.config import ESTIMATORS, TRAINING
from melodysynthesis.training.config import TrainingConfig
from melodysynthesis.training.reporting import read_history
from melodysynthesis.training.run import BASE, BEST, Run, open_run
from tests.training import interruption
from tests.training.adversarial.fixtures import SMALL
from tests.training.interruption import After, Killed, interrupt, kill
from tests.training.songs import EVENT, TINY, songs

LIKELIHOOD = TrainingConfig(batch_size=8, epochs=2, learning_rate=0.01, tensorboard=False, device="cpu")
CONFIG = replace(
    TRAINING, batch_size=8, epochs=5, max_minutes=0, learning_rate=1e-3, validate_every=4, checkpoint_every=3,
    log_every=1, tensorboard=False, device="cpu", precision="32-true",
)  # fmt: skip
TIMES = ("seconds", "tokens_per_second")


def train(run: Run, resume: bool = False, callback: After | None = None) -> str:
    return interruption.train(run, 24, 9, resume, callback)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A model that has learned a little by likelihood."""
    run = Run(tmp_path_factory.mktemp("base") / "run", "lstm", "tiny", TINY, EVENT, LIKELIHOOD)
    assert train(run) == "finished"
    return run


def further(base: Run, folder: Path, estimator: str = "policy", **changes: object) -> Run:
    game = replace(SMALL, estimator=estimator, **changes)  # type: ignore[arg-type]
    return replace(base, folder=folder, training=CONFIG, base=base.folder / BEST, adversarial=game)


def history(run: Run) -> list[dict[str, Any]]:
    lines = read_history(run.folder / "history.jsonl")
    return [{name: value for name, value in line.items() if name not in TIMES} for line in lines]


def weights(run: Run, name: str) -> dict[str, torch.Tensor]:
    tensors, _ = checkpoint.load(run.folder / "checkpoints" / f"{name}.safetensors")
    return tensors


@pytest.mark.parametrize(("estimator", "how"), [("policy", interrupt), ("policy", kill), ("gumbel", kill)])
def test_a_resumed_run_equals_one_that_was_never_cut(base: Run, tmp_path: Path, estimator: str, how: Any) -> None:
    whole, cut = further(base, tmp_path / "whole", estimator), further(base, tmp_path / "cut", estimator)
    assert train(whole) == "finished"
    if how is kill:
        with pytest.raises(Killed):
            train(cut, callback=After(8, how))
    else:
        assert train(cut, callback=After(7, how)) == "interrupted"
    torch.manual_seed(99)
    assert train(open_run(cut.folder), resume=True) == "finished"
    assert history(whole) == history(cut)
    for name in ("last", "best"):
        mine, theirs = weights(whole, name), weights(cut, name)
        assert mine.keys() == theirs.keys()
        assert [key for key in mine if not torch.equal(mine[key], theirs[key])] == []


def test_it_begins_with_the_base_and_writes_that_down_first(base: Run, tmp_path: Path) -> None:
    run = further(base, tmp_path / "run")
    train(run)
    first, *others = history(run)
    kept = min(line["loss"] for line in history(base))
    assert (first["step"], first["train_loss"]) == (0, None)
    assert first["loss"] == pytest.approx(kept, rel=1e-6)
    assert 0 <= first["critic_accuracy"] <= 1
    assert 0 < first["distinct_8grams"] <= 1
    assert [line["step"] for line in others] == [3, 4, 6, 8, 9, 12, 15]
    assert all(line["best"] for line in others), "the latest that no guard objects to is kept"
    model, figures = run.best()
    assert figures is not None
    assert figures.loss == others[-1]["loss"]
    assert any(
        not torch.equal(weights(base, "best")[name], tensor) for name, tensor in checkpoint.weights(model).items()
    )


def test_a_guard_stops_the_run_and_the_model_of_before_is_kept(
    base: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[object] = []

    def third(*figures: object) -> str:
        seen.append(figures)
        return "guard: enough" if len(seen) == 3 else ""

    monkeypatch.setattr(objective, "guard", third)
    run = further(base, tmp_path / "run")
    assert train(run) == "guard: enough"
    *before, last = history(run)
    assert [line["step"] for line in before] == [0, 3]
    assert not last["best"]
    figures = run.best()[1]
    assert figures is not None
    assert figures.loss == before[-1]["loss"]
    assert train(open_run(run.folder), resume=True) == "guard: enough", "a run that is over stays over"


def test_a_critic_that_knows_nothing_ends_the_run_before_it_begins(base: Run, tmp_path: Path) -> None:
    run = further(base, tmp_path / "run", critic_first=0, least_accuracy=1.0)
    reason = train(run)
    assert reason.startswith("guard: critic: it no longer tells")
    assert train(open_run(run.folder), resume=True) == reason
    assert [line["step"] for line in history(run)] == [0]


class Preparing:
    """Notes the steps of the preparation, and what the clock says at each."""

    def __init__(self) -> None:
        self.steps: list[tuple[int, int]] = []

    def on_prepare(self, done: int, total: int) -> None:
        self.steps.append((done, total))


def test_the_critic_is_prepared_with_progress_and_within_the_time(
    base: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, progress = further(base, tmp_path / "run"), Preparing()
    assert interruption.train(run, 24, 9, callback=progress) == "finished"  # type: ignore[arg-type]
    assert progress.steps == [(0, 3), (1, 3), (2, 3), (3, 3)]
    now = iter(range(10_000))  # every look at the clock is a second later
    monkeypatch.setattr(loop.time, "monotonic", lambda: float(next(now)))
    short, progress = (
        replace(further(base, tmp_path / "short"), training=replace(CONFIG, max_minutes=0.03)),
        Preparing(),
    )
    assert interruption.train(short, 24, 9, callback=progress) == "time"  # type: ignore[arg-type]
    assert progress.steps == [(0, 3), (1, 3)]
    assert history(short) == []


def test_an_interruption_while_the_critic_is_prepared_starts_it_again(base: Run, tmp_path: Path) -> None:
    class Interrupting(Preparing):
        def on_prepare(self, done: int, total: int) -> None:
            if done == 2:
                interrupt()

    whole, cut = further(base, tmp_path / "whole"), further(base, tmp_path / "cut")
    train(whole)
    assert interruption.train(cut, 24, 9, callback=Interrupting()) == "interrupted"  # type: ignore[arg-type]
    assert history(cut) == []
    assert train(open_run(cut.folder), resume=True) == "finished"
    assert history(cut) == history(whole)


def test_the_base_may_go_away(base: Run, tmp_path: Path) -> None:
    lent = tmp_path / "lent.safetensors"
    lent.write_bytes((base.folder / "checkpoints/best.safetensors").read_bytes())
    run = replace(further(base, tmp_path / "run"), base=lent)
    assert train(run, callback=After(4, interrupt)) == "interrupted"
    lent.unlink()
    assert train(open_run(run.folder), resume=True) == "finished"


def test_a_damaged_or_missing_base_is_told(base: Run, tmp_path: Path) -> None:
    run = replace(further(base, tmp_path / "run"), base=tmp_path / "nothing.safetensors")
    with pytest.raises(ModelError, match=r"nothing\.safetensors: there is no such checkpoint"):
        train(run)
    whole = (base.folder / "checkpoints/best.safetensors").read_bytes()
    (tmp_path / "nothing.safetensors").write_bytes(whole[:-100])
    with pytest.raises(ModelError, match="damaged"):
        train(run)
    assert not run.folder.exists()


@pytest.mark.parametrize("change", [{"devices": 2}, {"accumulate": 2}, {"mode": "stream"}])
def test_a_loop_that_no_game_can_be_played_in_is_refused(base: Run, tmp_path: Path, change: dict[str, Any]) -> None:
    run = further(base, tmp_path / "run")
    with pytest.raises(TrainingError, match="adversarial training needs mode songs"):
        replace(run, training=replace(CONFIG, **change)).objective()
    with pytest.raises(TrainingError, match="trained by likelihood"):
        replace(run, base=None).objective()


def test_the_card_says_what_it_is(base: Run, tmp_path: Path) -> None:
    run = replace(further(base, tmp_path / "run"), command="melody train --model gan --from base")
    card = run.card(run.build(), None)
    assert (card.name, card.architecture, card.preset) == ("gan", "lstm", "tiny, adversarial (policy)")
    assert card.command == run.command


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A folder of songs, whose model is exported as nothing: that takes seconds and is tested elsewhere."""
    from melodysynthesis.formats import write

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(export, "to_onnx", lambda *_: b"")
    Path("tunes").mkdir()
    for i, song in enumerate(songs(60)):
        write(song, Path("tunes") / f"{i}.abc")
    return "tunes"


def test_the_command_goes_on_from_a_run_by_either_way(corpus: str, capsys: pytest.CaptureFixture[str]) -> None:
    quick = ["--threads", "1", "--no-tensorboard", "--epochs", "1", "--precision", "32-true"]
    small = ["--set", "embedding=8", "--set", "units=12"]
    assert melody(["train", "--corpus", corpus, "--out", "runs/base", *small, *quick]) == 0
    assert melody(["train", "--from", "runs/base", "--out", "runs/more", *quick]) == 0
    assert open_run(Path("runs/more")).training.learning_rate == pytest.approx(4e-4)
    game = ["--set", "critic_width=8", "--set", "critic_heads=1", "--set", "critic_first=1", "--set", "length=24"]
    limits = ["--set", "worse_likelihood=1", "--set", "least_accuracy=0", "--set", "most_accuracy=1"]
    for estimator in ESTIMATORS:
        words = ["train", "--model", "gan", "--from", "runs/base", "--estimator", estimator, *game, *limits, *quick]
        assert melody([*words, "--batch-size", "16"]) == 0
        made = open_run(Path(f"runs/base-{estimator}"))
        assert made.adversarial is not None
        assert (made.adversarial.estimator, made.architecture, made.corpus) == (estimator, "lstm", "tunes")
        assert json.loads((made.folder / "config.json").read_text())["adversarial"]["critic_width"] == 8
        assert (made.folder / BASE).is_file()
    assert "critic" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--model", "gan"], "name its run with --from"),
        (["--arm", "gumbel"], "name its run with --from"),
        (["--from", "nowhere"], "there is no run here"),
        (["--from", "{base}", "--preset", "base"], "leave out --preset"),
        (["--from", "{base}", "--model", "transformer"], "is a run of lstm"),
        (["--from", "{base}", "--arm", "policy"], "are for --model gan"),
        (["--from", "{base}", "--model", "gan", "--arm", "polizy"], "policy"),
        (["--from", "{base}", "--model", "gan", "--set", "kl=3"], "model field 'kl'"),
    ],
)
def test_what_makes_no_sense_is_told_in_a_line(
    base: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert melody(["train", *(word.format(base=base.folder) for word in words)]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_the_card_names_the_base_without_its_folder() -> None:
    for words in (["--from", "/home/me/runs/base"], ["--from=/home/me/runs/base"]):
        assert command._published(["train", "--model", "gan", *words], "essen-german").endswith("--from base")
