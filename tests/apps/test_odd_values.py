"""No value of any flag or argument of any verb leads to a traceback: a mistake is one line and exit code 2."""

import pytest
import typer

from melodysynthesis import formats
from melodysynthesis.apps.cli import VERBS, application, run
from melodysynthesis.errors import MelodyError
from melodysynthesis.formats.grid import melody_of
from tests.apps.test_live import FakeClock, FakePorts

ODD = (
    "", " ", "nowhere.mid", "nowhere/", ".", "folder", "binary.mid", "binary.json", "empty.abc", "list.json",
    "/dev/null", "-1", "0", "1", "7", "99999999999999999999999", "1e400", "nan", "-inf", "1/0", "{}", "null", "G4:1",
    "3/4", "C major", "♯\n☃", "a" * 5000, "%s%n", "..", "1,,2", "tune.abc", "\ud800",
)  # fmt: skip
"""Values that no flag has all reason to expect: files that are none, numbers out of range, other flags' values."""

GOOD = {
    "generate": ["--model", "{event}", "--bars", "2", "--meter", "3/4"],
    "fill": ["tune.abc", "--bars", "1", "--model", "{event}"],
    "vary": ["G4:1 A4:1 B4:1", "--meter", "3/4", "--model", "{event}"],
    "evaluate": ["{event}", "--corpus", "folder", "--split", "train"],
    "metrics": ["tune.abc"],
    "compare": ["tune.abc", "--against", "folder"],
    "inspect": ["tune.abc"],
    "export": ["tune.abc", "--format", "mid"],
    "corpus build": ["folder"],
    "corpus show": ["folder"],
    "corpus audit": ["folder"],
    "train": ["--corpus", "folder", "--updates", "1", "--out", "run"],
    "listen new": ["folder", "folder"],
    "study run": ["smoke"],
}
"""Arguments with which a verb works, or at least gets far."""

LEFT_OUT = ("bench",)
"""Runs another program."""


def leaves():
    """Each verb, and each verb of a verb: its words, and its parameters."""
    for verb in VERBS:
        command = typer.main.get_command(application(verb)).commands[verb]
        for name, leaf in getattr(command, "commands", {"": command}).items():
            yield f"{verb} {name}".strip(), leaf.params


def cases():
    """A command line for each parameter, with a place for the odd value."""
    for words, parameters in leaves():
        if words in LEFT_OUT:
            continue
        for parameter in parameters:
            if parameter.param_type_name == "argument":
                yield words, ["{odd}"]
            elif not parameter.is_flag and "--help" not in parameter.opts:
                yield words, [parameter.opts[0], "{odd}"]


CASES = list(cases())


@pytest.fixture
def files(folder, monkeypatch, tmp_path_factory):
    """Files of all kinds in the current folder."""
    monkeypatch.setenv("MELODYSYNTHESIS_CACHE", str(tmp_path_factory.mktemp("cache")))
    (folder / "folder").mkdir()
    tune = melody_of(["60", "_", "62", "_", "64", "_", "65", "_", "67", "_", "65", "_", "64", "_", "62", "_"] * 2)
    for number in range(3):
        formats.write(tune.transpose(number), folder / "folder" / f"{number}.mid")
    (folder / "tune.abc").write_text("X:1\nM:3/4\nL:1/4\nK:G\nG A B | c d e | d c A | G3 |]\n")
    for name in ("binary.mid", "binary.json"):
        (folder / name).write_bytes(bytes(range(256)) * 20)
    (folder / "empty.abc").write_bytes(b"")
    (folder / "list.json").write_text("[[], {}, null]")
    return folder


@pytest.fixture(autouse=True)
def nothing_goes_on(monkeypatch):
    """Where a server, a training, a study or live playing would begin, the verb ends."""
    monkeypatch.setattr("melodysynthesis.apps.studio.command.serve", lambda _, listening, *__, **___: listening.close())
    monkeypatch.setattr("melodysynthesis.apps.listen.command.serve", lambda _, listening, *__, **___: listening.close())
    monkeypatch.setattr("melodysynthesis.apps.mcp.transport.standard_streams", begin)
    monkeypatch.setattr("melodysynthesis.apps.session.Session.run", lambda *_, **__: None)
    monkeypatch.setattr("melodysynthesis.apps.ports.RtMidiPorts", lambda: FakePorts(FakeClock()))
    monkeypatch.setattr("melodysynthesis.training.run.fit", begin)
    monkeypatch.setattr("melodysynthesis.study.run.run", begin)
    monkeypatch.setattr("melodysynthesis.apps.train_judge._human", begin)


def begin(*_, **__):
    raise MelodyError("this would take a while")


def throw(words, arguments, odd, models, capsys):
    """Run a verb with an odd value; what it prints and its code must be those of an answer or a mistake."""
    line = [*words.split(), *(word.format(**models) for word in GOOD.get(words, []))]
    line += [word.format(odd=odd) for word in arguments]
    code = run(line)
    printed = capsys.readouterr()
    assert code in (0, 1, 2, 3), line
    assert "Traceback" not in printed.err, line
    if code == 2:
        assert printed.err.splitlines()[-1].startswith("melody"), line


@pytest.mark.parametrize(("words", "arguments"), CASES, ids=[" ".join([w, *a[:-1]]) for w, a in CASES])
def test_some_odd_values(words, arguments, files, models, capsys):
    start = CASES.index((words, arguments))
    for step in range(2):
        throw(words, arguments, ODD[(7 * start + 13 * step) % len(ODD)], models, capsys)


@pytest.mark.slow
@pytest.mark.parametrize(("words", "arguments"), CASES, ids=[" ".join([w, *a[:-1]]) for w, a in CASES])
def test_all_odd_values(words, arguments, files, models, capsys):
    for odd in ODD:
        throw(words, arguments, odd, models, capsys)
