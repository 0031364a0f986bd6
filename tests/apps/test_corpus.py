"""`melody corpus`: what it prints, its JSON and its exit codes."""

import json

import numpy as np
import pytest

from melodysynthesis import corpora
from melodysynthesis.apps.cli import run
from melodysynthesis.formats import abc
from tests.corpora.test_families import joined, tune


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("MELODYSYNTHESIS_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "tunes"
    folder.mkdir()
    shared = tune(99, 20)
    for number in range(20):
        one = joined(shared, tune(number)) if number < 2 else tune(number)
        (folder / f"{number:02}.abc").write_bytes(abc.write(one))
    (folder / "bad.abc").write_bytes(b"X:1\nK:C\nC/0\n")
    return str(folder)


def test_list(capsys):
    assert run(["corpus", "list", "--json"]) == 0
    named = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in named] == list(corpora.SOURCES)
    assert [row["name"] for row in named if row["default"]] == ["essen-german"]
    assert run(["corpus", "list"]) == 0
    assert "(default)" in capsys.readouterr().out


def test_build(folder, capsys):
    assert run(["corpus", "build", folder]) == 0
    captured = capsys.readouterr()
    assert "read            21 tunes in 21 files" in captured.out
    assert "families        19: 18 of 1, 1 of 2" in captured.out
    assert "rejected: bad.abc:3 (tune 1): note length '/0'" in captured.err
    assert run(["corpus", "build", folder, "--rebuild", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["kept"], report["rejected"]) == (20, {"bad duration": 1})


def test_show(folder, capsys):
    assert run(["corpus", "show", folder, "--tune", "3"]) == 0
    assert abc.read(capsys.readouterr().out.encode(), "x").melodies == [tune(2)]
    assert run(["corpus", "show", folder, "--tune", "3", "--format", "krn", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["source"].startswith("02.abc no. 1")
    assert shown["krn"].startswith("!!!OTL: 02.abc")
    assert shown["split"] in corpora.SPLITS


def test_licence(folder, capsys):
    assert run(["corpus", "show", "essen-german", "--licence"]) == 0
    assert "non-commercial" in capsys.readouterr().out
    assert run(["corpus", "show", folder, "--licence"]) == 0
    assert capsys.readouterr().out == "the user's own files\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["build", "esen-german"], "unknown corpus 'esen-german': did you mean essen-german"),
        (["show", "FOLDER", "--tune", "99"], "has 20 melodies; there is no number 99"),
        (["show", "FOLDER", "--tune", "1", "--format", "mid"], "expected one of abc, krn"),
        (["build", "FOLDER", "--min-notes", "1000"], "none of 21 tunes can be kept"),
    ],
)
def test_mistakes_are_one_line_and_exit_code_2(folder, capsys, arguments, message):
    assert run(["corpus", *(folder if word == "FOLDER" else word for word in arguments)]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert len(captured.err.splitlines()) == 1
    assert captured.out == ""


def test_audit(folder, capsys, monkeypatch):
    assert run(["corpus", "audit", folder]) == 0
    told = capsys.readouterr().out
    assert "No run of 16 notes is in two splits" in told
    assert "37 pairs of tunes in different splits none is within an edit distance of 25%" in told
    load = corpora.load

    def tampered(*arguments, **options):
        corpus = load(*arguments, **options)
        corpus.columns["split"] = np.array([2, *[0] * (len(corpus) - 1)], np.uint8)
        return corpus

    monkeypatch.setattr(corpora, "load", tampered)
    assert run(["corpus", "audit", folder]) == 1
    assert "leak: 2" in capsys.readouterr().out
    assert run(["corpus", "audit", folder, "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert not answer["ok"]
    assert answer["leaks"][0]["notes"] >= 20


TWO_VOICES = b"X:1\nM:4/4\nL:1/4\nK:C\nV:1 name=High\nV:2 name=Low\n[V:1] cdef|gabc'|\n[V:2] C,D,E,F,|G,A,B,C|\n"


def test_the_part_of_a_corpus_is_chosen(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MELODYSYNTHESIS_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "voices"
    folder.mkdir()
    (folder / "a.abc").write_bytes(TWO_VOICES)
    for part, first in ((None, 72), ("Low", 48), ("2", 48)):
        flags = [] if part is None else ["--part", part]
        assert run(["corpus", "show", str(folder), "--tune", "1", "--format", "json", *flags]) == 0
        assert json.loads(capsys.readouterr().out)["notes"][0][2] == first
    assert run(["corpus", "build", str(folder), "--part", "Middle"]) == 2
    assert "no voice 'Middle'" in capsys.readouterr().err


def test_the_part_of_files_is_chosen_wherever_they_are_read(tmp_path, capsys):
    (tmp_path / "a.abc").write_bytes(TWO_VOICES)
    assert run(["metrics", str(tmp_path / "a.abc"), "--part", "Middle"]) == 2
    assert run(["compare", str(tmp_path / "a.abc"), "--part", "Middle"]) == 2
    assert run(["export", str(tmp_path / "a.abc"), "--part", "Middle", "--format", "mid"]) == 2
    assert capsys.readouterr().err.count("no voice 'Middle'; there are 1, 2") == 3
