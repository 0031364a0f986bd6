"""The README's commands do what it says."""

import re
import shlex
from pathlib import Path

import pytest

from melodysynthesis.apps import cli

README = (Path(__file__).parent.parent / "README.md").read_text()
BLOCKS = re.findall(r"```bash\n(.*?)```", README, re.DOTALL)
COMMANDS = [
    shlex.split(line, comments=True)[1:]
    for block in BLOCKS
    for line in block.splitlines()
    if line.startswith("melody ")
]
QUICK = [command for command in COMMANDS if command[0] in ("generate", "fill", "vary", "models")]
TUNE = "X:1\nM:3/4\nL:1/4\nK:G\nG A B | c2 d | e d c | B2 A | G A B | c2 d | B A F | G3 |]\n"
"""What the commands find as tune.abc."""


def run(command: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What a command prints; it must end well."""
    code = cli.run(command)
    printed = capsys.readouterr()
    assert code == 0, printed.err
    return printed.out + printed.err


def test_the_readme_names_the_verbs_it_explains():
    assert {command[0] for command in COMMANDS} >= {"generate", "inspect", "models", "corpus", "train", "evaluate"}


@pytest.mark.parametrize("command", QUICK, ids=" ".join)
def test_quick_commands_run_as_they_stand(command, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("tune.abc").write_text(TUNE)
    run(command, capsys)
    if command[0] != "models":
        assert list((tmp_path / "generated_melodies").iterdir())


def test_the_first_command_writes_a_melody_that_inspect_reads(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first = next(re.findall(r"melody (generate .*)", block)[0] for block in BLOCKS if "pip install ." in block)
    run(shlex.split(first), capsys)
    (written,) = (tmp_path / "generated_melodies").glob("*.mid")
    assert "3/4" in run(["inspect", str(written)], capsys)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_option_that_the_readme_shows_exists(command, capsys):
    options = {word.split("=")[0] for word in command if word.startswith("--")}
    verb = command[:2] if command[0] in ("corpus", "listen") else command[:1]
    explained = run([*verb, "--help"], capsys)
    assert options <= set(re.findall(r"--[a-z-]+", explained))


def test_links_within_the_project_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert target.startswith("https://") or (Path(__file__).parent.parent / target).exists(), target
