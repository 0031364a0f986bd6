"""`melody study` on the command line: a user's mistake is one line and exit code 2."""

from pathlib import Path

import pytest

from melodysynthesis.apps.cli import run
from melodysynthesis.formats import files

BROKEN = 'name = "x"\n[models'


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "smok"], "melody: unknown plan 'smok': did you mean smoke?"),
        (["run", "broken.toml"], "melody: broken.toml: no TOML:"),
        (["run", "smoke", "--only", "lstm-evnt"], "melody: unknown trial 'lstm-evnt': did you mean lstm-event-1"),
        (["run", "smoke", "--address", "auto"], "melody: --address goes with --ray"),
        (["resume", "nowhere"], "melody: nowhere: there is no study here: plan.json is missing"),
        (["report", "nowhere"], "melody: nowhere: there is no study here: plan.json is missing"),
        (["rum"], "No such command 'rum'"),
    ],
)
def test_mistakes_are_one_line(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    files.save("broken.toml", BROKEN.encode())
    assert run(["study", *arguments]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1
    assert not (tmp_path / "studies").exists(), "nothing is begun"


def test_help_names_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["study", "--help"]) == 0
    said = capsys.readouterr().out
    for verb in ("run", "resume", "report"):
        assert verb in said
