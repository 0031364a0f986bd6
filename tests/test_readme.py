"""The README's commands do what it says, one after the other, on the installation that it names."""

import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest

import melodysynthesis as ms
from melodysynthesis.apps import cli
from melodysynthesis.apps.doctor import LIBRARIES

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
PAGES = [README, *(path.read_text() for path in sorted((ROOT / "docs").rglob("*.md")) if path.name != "lab-notes.md")]


def blocks(text, language):
    """The blocks of code of a page, but for the command that runs the tests."""
    return re.findall(rf"(?<!<!-- test command -->\n)```{language}\n(.*?)```", text, re.DOTALL)


LINES = [line for block in blocks(README, "bash") for line in block.splitlines()]
COMMANDS = sorted({
    tuple(shlex.split(line, comments=True)[1:])
    for page in PAGES
    for block in blocks(page, "bash")
    for line in block.splitlines()
    if line.startswith("melody ")
})  # fmt: skip
WRAPPER = '''#!{python}
"""melody with what is installed so far: other libraries can't be imported. A server is stopped once it is up."""
import os, pathlib, signal, subprocess, sys
extras = pathlib.Path({extras!r}).read_text().split()
for name, extra in {libraries!r}:
    if extra and extra not in extras:
        sys.modules[name] = None
if sys.argv[1] == "studio" and "SERVES" not in os.environ:
    words = [sys.executable, __file__, *sys.argv[1:], "--port", "0", "--no-browser"]
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a server started in the background would ignore it
    server = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env={{**os.environ, "SERVES": "1"}})
    address = server.stdout.readline()
    print(address, end="")
    server.send_signal(signal.SIGINT)
    sys.exit(server.wait() if "http://" not in address else 0 * server.wait())
from melodysynthesis.apps.cli import main
main()
'''
PIP = '''#!{python}
"""pip that only takes note of the extras."""
import sys
sys.path.insert(0, {root!r})
from tests.test_readme import installed_by
with open({extras!r}, "a") as file:
    print(*installed_by("pip install '" + sys.argv[-1] + "'"), file=file)
'''
IMPORTED_AS = {"python-rtmidi": "rtmidi", "lightning-fabric": "lightning_fabric"}


def executable(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@cache
def extras_of(extra):
    """An extra and those that it includes."""
    table = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    included = re.findall(r"melodysynthesis\[(.*?)\]", " ".join(table[extra]))
    return {extra}.union(*(extras_of(name) for names in included for name in names.split(",")))


def installed_by(text):
    """The extras that a page's commands install."""
    found = re.findall(r"pip install (?:-e )?'\.\[(.*?)\]'", text)
    return set().union(*(extras_of(name) for names in found for name in names.split(",")))


@pytest.fixture
def shell(tmp_path):
    """Runs lines in a shell in which `pip` and `python3 -m venv` only take note of what is to be installed."""
    extras = tmp_path / "extras"
    extras.write_text("")
    tools, home = tmp_path / "tools", tmp_path / "project"
    executable(tools / "python3", "#!/bin/bash\nmkdir -p .venv/bin && touch .venv/bin/activate\n")
    executable(tools / "pip", PIP.format(python=sys.executable, root=str(ROOT), extras=str(extras)))
    libraries = [(IMPORTED_AS.get(library.name, library.name), library.extra) for library in LIBRARIES]
    executable(tools / "melody", WRAPPER.format(python=sys.executable, extras=str(extras), libraries=libraries))
    home.mkdir()
    environment = {
        **os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "PYTHONPATH": f"{Path(ms.__file__).parents[1]}:{ROOT}",
        "MELODYSYNTHESIS_CACHE": str(tmp_path / "cache"),
    }  # fmt: skip

    def run(lines):
        script = "\n".join(["set -euo pipefail", *lines])
        done = subprocess.run(
            ["bash", "-c", script], cwd=home, env=environment, capture_output=True, text=True, check=False, timeout=300
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return home

    return run


def test_every_line_runs_as_written_after_the_lines_before_it(shell):
    home = shell(LINES)
    assert len(list((home / "generated_melodies").glob("*.mid"))) >= 3
    assert list((home / "generated_melodies").glob("*.png"))
    assert len(list((home / "tunes").glob("*.abc"))) == 1


def test_the_shell_notices_what_is_not_installed(shell):
    with pytest.raises(AssertionError, match=r"pip install 'melodysynthesis\[corpora\]'"):
        shell([LINES[0], LINES[1], "melody inspect generated_melodies/*.mid --corpus essen-german"])
    with pytest.raises(AssertionError, match="is not installed"):
        shell(["melody studio"])


def test_the_python_example_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (example,) = blocks(README, "python")
    exec(compile(example, "README.md", "exec"), {})
    assert ms.read("tune.mid").meters[0] == ms.Meter(0, 3, 4)
    assert len(capsys.readouterr().out.splitlines()) == 3


@pytest.mark.slow
def test_every_line_runs_after_a_real_installation(tmp_path):
    """With pip, from nothing: about three minutes, most of them downloads."""
    files = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    for name in files:
        if not name.startswith(("tests/", "docs/study")):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / name)
    stopped = "timeout -s INT 30 melody studio --no-browser --port 0 || [ $? = 124 ] || [ $? = 130 ]"
    lines = [stopped if line.startswith("melody studio") else line for line in LINES]
    script = "\n".join(["set -euo pipefail", *lines, "melody bench | grep cold_start"])
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=1200
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    assert "The studio is at http://" in done.stdout


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_option_that_the_documentation_shows_exists(command, capsys):
    options = {word.split("=")[0] for word in command if word.startswith("--")}
    verb = command[:2] if command[0] in ("corpus", "listen", "study") and command[1:2] != ("--help",) else command[:1]
    assert cli.run([*verb, "--help"]) == 0
    assert options <= set(re.findall(r"--[a-z-]+", capsys.readouterr().out))


def test_links_within_the_project_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert target.startswith("https://") or (ROOT / target).exists(), target


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 120
