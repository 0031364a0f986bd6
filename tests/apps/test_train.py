"""`melody train`, on a folder of a few songs."""

import json
from dataclasses import fields
from pathlib import Path

import pytest

from melodysynthesis.apps import train
from melodysynthesis.apps.cli import run
from melodysynthesis.configuration import field_help
from melodysynthesis.formats import write
from melodysynthesis.runtime.pretrained import load
from melodysynthesis.training import export, loop
from melodysynthesis.training.adversarial.config import TRAINING
from melodysynthesis.training.config import PRESETS, TrainingConfig
from melodysynthesis.training.reporting import read_history
from tests.training.songs import songs

SMALL = ("--set", "embedding=8", "--set", "units=12", "--epochs", "1", "--threads", "1", "--no-tensorboard")


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with songs of many families, so that every split gets some."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "tunes"
    folder.mkdir()
    for i, song in enumerate(songs(60)):
        write(song, folder / f"{i}.abc")
    return folder


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def no_export(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exporting takes seconds and is tested elsewhere."""
    monkeypatch.setattr(export, "to_onnx", lambda *_: b"")


@pytest.fixture
def text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as the original study has it."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "text"
    folder.mkdir()
    tune = "60 _ 62 _ 64 _ _ _ r _ 42 _ _ _ " + "/ " * 8
    for name, count in (("train", 40), ("val", 9), ("test", 9)):
        (folder / f"{name}.txt").write_text(tune * count)
    return folder


def test_a_folder_of_songs_becomes_a_model(corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "--corpus", str(corpus), "--out", "runs/mine", *SMALL]) == 0
    printed = capsys.readouterr()
    assert printed.out.strip() == "runs/mine/model.onnx"
    assert "trainable parameters" in printed.err
    assert "best validation" in printed.err
    engine = load("runs/mine")
    assert engine.card.preset == "base"
    assert engine.card.licence == "the user's own files"
    assert Path("runs/mine/architecture.png").is_file()


@pytest.mark.usefixtures("no_export")
def test_the_originals_texts_are_a_stream_with_their_own_vocabulary(text: Path) -> None:
    options = ["--preset", "original", "--set", "units=8", "--epochs", "1", "--batch-size", "4", "--steps", "16"]
    assert (
        run(["train", "--corpus", str(text), "--out", "runs/text", "--threads", "1", "--no-tensorboard", *options]) == 0
    )
    config = json.loads(Path("runs/text/config.json").read_text())
    assert config["training"]["mode"] == "stream"
    assert 42 in config["encoding"]["pitches"]


@pytest.mark.usefixtures("no_export")
def test_ctrl_c_says_how_to_go_on(
    text: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Pressed(loop.threading.Event):  # type: ignore[name-defined]
        def is_set(self) -> bool:
            return True

    command = ["train", "--preset", "original", "--set", "units=8", "--threads", "1", "--no-tensorboard"]
    command += ["--corpus", str(text), "--epochs", "2", "--batch-size", "4", "--steps", "16"]
    with monkeypatch.context() as patch:
        patch.setattr(loop.threading, "Event", Pressed)
        assert run(command) == 130
    said = capsys.readouterr().err
    assert "melody train --resume runs/lstm-original-text" in said
    assert run(["train", "--resume", "runs/lstm-original-text"]) == 0
    assert run(["train", "--resume", "runs/lstm-original-text"]) == 0, "a run that is over says so again"
    assert len(read_history(Path("runs/lstm-original-text/history.jsonl"))) == 2


@pytest.mark.usefixtures("no_export")
def test_a_run_on_older_splits_is_refused_by_name(text: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["train", "--preset", "original", "--set", "units=8", "--threads", "1", "--no-tensorboard"]
    assert run([*command, "--corpus", str(text), "--epochs", "1", "--batch-size", "4", "--steps", "16"]) == 0
    config = Path("runs/lstm-original-text/config.json")
    assert '"splits_version": 0' in config.read_text(), "a text is split already"
    config.write_text(config.read_text().replace('"splits_version": 0', '"splits_version": 1'))
    for option in ("--resume", "--from"):
        capsys.readouterr()
        assert run(["train", option, "runs/lstm-original-text"]) == 2
        said = capsys.readouterr().err.strip()
        assert "lstm-original-text: trained on splits of version 1, and this program makes version" in said
        assert "\n" not in said


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--model", "lstn"], "unknown model 'lstn': did you mean lstm"),
        (["--preset", "bass"], "unknown preset of lstm 'bass': did you mean base"),
        (["--encoding", "grit"], "unknown encoding 'grit': did you mean grid"),
        (["--corpus", "esen-german"], "unknown corpus 'esen-german': did you mean essen-german"),
        (["--set", "unit=3"], "unknown model field 'unit': did you mean units"),
        (["--set", "units=many"], "--set units=many: 'many' is not a whole number"),
        (["--set", "units"], "expected name=value"),
        (["--epochs", "0"], "epochs is 0, expected at least 1"),
        (["--schedule", "cosin"], "unknown schedule 'cosin': did you mean cosine"),
        (["--resume", "nowhere"], "nowhere: there is no run here"),
        (["--resume", "nowhere", "--out", "x", "--set", "units=3"], "leave out --set and --out"),
        (["--resume", "nowhere", "--model", "lstm", "--corpus", "airds"], "leave out --model and --corpus"),
    ],
)
def test_a_mistake_is_one_line(
    options: list[str],
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["train", *options]) == 2
    said = capsys.readouterr().err.strip()
    assert message in said
    assert "\n" not in said
    assert not list(tmp_path.iterdir())


def test_a_run_is_not_overwritten(text: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (text.parent / "mine").mkdir()
    (text.parent / "mine" / "config.json").write_text("{}")
    assert run(["train", "--corpus", str(text), "--out", "mine"]) == 2
    assert "there is a run here already: use --resume mine" in capsys.readouterr().err


def test_help_documents_every_field(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "--help"]) == 0
    shown = capsys.readouterr().out
    for option in (
        "--model",
        "--corpus",
        "--preset",
        "--resume",
        "--seed",
        "--minutes",
        "--learning-rate",
        "--ema-decay",
    ):
        assert option in shown
    assert "Example: melody train" in shown


def test_the_card_tells_the_command_without_the_folders_of_the_machine(tmp_path: Path) -> None:
    words = ["train", "--corpus", f"{tmp_path}/tunes", "--seed", "1", "--out", f"{tmp_path}/run"]
    assert train._published(words, f"{tmp_path}/tunes") == "melody train --corpus tunes --seed 1"
    assert train._published(["train", f"--out={tmp_path}"], "airds") == "melody train"


def test_help_shows_the_default_of_every_field_for_each_preset(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "--help"]) == 0
    shown = " ".join(capsys.readouterr().out.replace("│", " ").split())
    for field in fields(TrainingConfig):
        values = [getattr(config, field.name) for config in (PRESETS["base"], PRESETS["original"], TRAINING)]
        texts = [{True: "on", False: "off"}[value] if isinstance(value, bool) else str(value) for value in values]
        base, original, gan = texts
        expected = f"[{base}]" if len(set(texts)) == 1 else f"[base {base}, original {original}, gan {gan}]"
        assert f"{field_help(TrainingConfig)[field.name]} {expected}" in shown
