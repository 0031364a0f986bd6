"""Building, caching and reading corpora of files in a temporary folder."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from melodysynthesis import corpora
from melodysynthesis.corpora import Rules, load, sources
from melodysynthesis.corpora.report import BuildReport
from melodysynthesis.corpora.store import cache_folder
from melodysynthesis.errors import CorpusError
from melodysynthesis.formats import abc, kern
from melodysynthesis.music import Key, Melody, Meter, Note


def tune(seed: int, length: int = 24) -> Melody:
    random = np.random.default_rng(seed)
    durations = random.choice([6, 12, 24], length).tolist()
    onsets = np.cumsum([0, *durations]).tolist()
    notes = tuple(
        Note(onset, duration, int(pitch))
        for onset, duration, pitch in zip(onsets, durations, random.integers(55, 80, length), strict=False)
    )
    return Melody(notes, onsets[-1], (Meter(0, 3, 4), Meter(72, 4, 4)), Key("G", "dorian"), (72, onsets[-1]), 12)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("MELODYSYNTHESIS_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "tunes"
    (folder / "deeper").mkdir(parents=True)
    (folder / "book.abc").write_bytes(b"\n\n".join(abc.write(tune(n)).replace(b"X:1", b"X:%d" % n) for n in range(40)))
    (folder / "deeper" / "one.krn").write_bytes(kern.write(tune(40)))
    (folder / "notes.md").write_text("not music")
    return folder


def test_a_folder_is_a_corpus(folder):
    corpus = load(folder)
    assert list(corpus) == [tune(n) for n in range(41)]
    assert corpus[-1].source == "deeper/one.krn"
    assert [corpus[3], corpus[-1]] == [tune(3), tune(40)]
    assert list(corpus[2:4]) == [tune(2), tune(3)]
    assert corpus.note_count == 41 * 24
    assert {name: len(view) for name, view in corpus.by_file().items()} == {"book.abc": 40, "deeper/one.krn": 1}


def test_splits_cover_everything_once(folder):
    corpus = load(folder)
    parts = [set(corpus.split(name).indices.tolist()) for name in corpora.SPLITS]
    assert sorted(index for part in parts for index in part) == list(range(41))
    assert all(index in parts[corpora.SPLITS.index(corpus.split_of(index))] for index in range(41))
    with pytest.raises(CorpusError, match="unknown split 'valid': did you mean validation"):
        corpus.split("valid")


def test_the_report(folder):
    (folder / "bad.abc").write_bytes(b"X:1\nK:C\nCDE\n\nX:2\nK:C\nC/0\n\nX:3\nM:none\nK:C\nCDEFGABcd\n\nX:4\nK:C\n")
    (folder / "bad.mid").write_bytes(b"MThd")
    (folder / "double.abc").write_bytes(abc.write(tune(5).transpose(2)))
    report = load(folder).report
    assert (report.files, report.read, report.kept) == (5, 47, 43)
    rejects = {(reject.where, reject.kind) for reject in report.rejects}
    assert {
        ("bad.abc no. 1", "too short"),
        ("bad.abc:7 (tune 2)", "bad duration"),
        ("bad.abc no. 4", "no notes"),
    } < rejects
    assert any(where.startswith("bad.mid") for where, _ in rejects)
    assert report.rejected["too short"] == 1
    assert report.exact_duplicates == 1
    assert report.families == 42
    assert report.family_sizes == {1: 41, 2: 1}
    assert sum(size.tunes for size in report.splits.values()) == 43
    assert report.meters == {"3/4": 42, "none": 1, "changing": 42}
    assert report.modes == {"dorian": 41, "major": 1, "unknown": 1}
    assert BuildReport.from_dict(report.as_dict()) == report


def test_rules_choose(folder):
    (folder / "free.abc").write_bytes(b"X:1\nM:none\nK:C\nCDEFGABcd\n")
    assert len(load(folder)) == 42
    assert len(load(folder, rules=Rules(demand_meter=True))) == 41
    assert load(folder, rules=Rules(demand_meter=True)).report.rejected == {"no meter": 1}
    with pytest.raises(CorpusError, match=r"none of 42 tunes can be kept; the first: book\.abc no\. 0"):
        load(folder, rules=Rules(min_notes=100))


def built(folder, **options) -> bool:
    files = []
    load(folder, progress=lambda done, total: files.append(done), **options)
    return bool(files)


def test_the_second_load_does_not_build(folder):
    assert built(folder)
    assert not built(folder)
    assert built(folder, rebuild=True)
    assert built(folder, rules=Rules(min_notes=4))
    assert not built(folder)


def test_a_changed_source_is_built_again(folder):
    assert built(folder)
    os.utime(folder / "book.abc", (1, 1))
    assert built(folder)
    (folder / "new.krn").write_bytes(kern.write(tune(77)))
    assert len(load(folder)) == 42
    (folder / "new.krn").unlink()
    assert len(load(folder)) == 41


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "garbage", "header", "folder"])
def test_a_damaged_cache_is_built_again(folder, damage):
    load(folder)
    (path,) = (cache_folder() / "corpora").iterdir()
    data = path.read_bytes()
    changed = {
        "cut": data[:-100],
        "flip": data[:-2000] + bytes(byte ^ 255 for byte in data[-2000:]),
        "empty": b"",
        "garbage": b"garbage" * 100,
        "header": data[:11] + b"\xff" * 8 + data[19:],
        "folder": data.replace(b'"onset"', b'"onse_"'),
    }[damage]
    path.write_bytes(changed)
    assert list(load(folder)) == [tune(n) for n in range(41)]
    assert not built(folder)


def test_nothing_half_built_is_left(folder, monkeypatch):
    def fails(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(corpora.corpus, "_sort_into_splits", fails)
    with pytest.raises(KeyboardInterrupt):
        load(folder)
    assert list((cache_folder() / "corpora").iterdir()) == []


KILLED = """
import os, signal, sys
from melodysynthesis.corpora import load, store

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

if sys.argv[2] == "while it is written":
    store.Path.replace = die  # the new file is complete, and has not got its name
load(sys.argv[1], progress=die if sys.argv[2] == "while it reads" else None)
"""


@pytest.mark.parametrize("moment", ["while it reads", "while it is written"])
def test_a_killed_build_leaves_the_old_cache_whole(folder, moment):
    load(folder)
    (path,) = (cache_folder() / "corpora").iterdir()
    old = path.read_bytes()
    (folder / "new.krn").write_bytes(kern.write(tune(77)))
    assert subprocess.run([sys.executable, "-c", KILLED, folder, moment], check=False).returncode == -signal.SIGKILL
    assert path.read_bytes() == old
    (folder / "new.krn").unlink()
    assert not built(folder)
    assert list(load(folder)) == [tune(n) for n in range(41)]


def test_a_cache_that_cannot_be_written_says_so(folder, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MELODYSYNTHESIS_CACHE", str(tmp_path / "file"))
    with pytest.raises(CorpusError, match=r"cache can't be written in .*MELODYSYNTHESIS_CACHE names another"):
        load(folder)


def test_the_original_studys_text_files(tmp_path, monkeypatch):
    monkeypatch.setenv("MELODYSYNTHESIS_CACHE", str(tmp_path / "cache"))
    song = "60 _ 62 _ 64 65 67 _ r _ 69 71 72 _ _ _"
    (tmp_path / "test.txt").write_text(f"{song} {'/ ' * 64}{song.replace('60', '59')} {'/ ' * 64}")
    corpus = load(tmp_path / "test.txt")
    assert len(corpus) == 2
    assert corpus[0].pitches == (60, 62, 64, 65, 67, 69, 71, 72)
    assert corpus.report.meters["none"] == 2


def test_unknown_names_and_empty_folders(tmp_path):
    with pytest.raises(CorpusError, match=r"unknown corpus 'essen-germn': did you mean essen-german or essen-all\?"):
        load("essen-germn")
    with pytest.raises(CorpusError, match="no readable file in"):
        load(tmp_path)


def test_without_music21_the_message_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(sources.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        CorpusError, match=r"corpus 'airds' is part of music21.*pip install 'melodysynthesis\[corpora\]'"
    ):
        load("airds")


def test_music21_is_found_but_not_imported(tmp_path, monkeypatch):
    monkeypatch.setenv("MELODYSYNTHESIS_CACHE", str(tmp_path))
    code = "import sys; from melodysynthesis import corpora as c; c.load('airds'); print('music21' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_licences_are_read_from_where_the_music_is():
    assert "non-commercial" in corpora.find_source("essen-german").licence_text()
    assert "music21" in corpora.find_source("oneills").licence_text()


def test_essen_minor_is_inferred():
    (melody,) = sources.SOURCES["essen-all"].read(b"X:1\nM:4/4\nL:1/4\nK:G\nG_BdG\n", "x", None).melodies
    assert melody.key == Key("G")
    assert sources.SOURCES["essen-all"].adapt(melody).key == Key("G", "minor")


def test_a_real_file_of_the_collection():
    source = corpora.find_source("essen-german")
    path = next(path for _, path in source.files() if path.name == "kinder0.abc")
    reading = source.read(path.read_bytes(), path.name, None)
    assert not reading.problems
    assert len(reading.melodies) > 100
    assert all(melody.phrase_ends for melody in reading.melodies)


def test_a_name_that_is_no_utf8_is_escaped(folder):
    with open(os.fsencode(folder) + b"/bad\xff.abc", "wb") as file:
        file.write(abc.write(tune(50)))
    corpus = load(folder)
    assert tune(50) in list(corpus)
    assert "bad\\udcff.abc" in corpus.file_names


def test_a_folder_that_cannot_be_listed_is_in_the_report(folder, monkeypatch):
    walk = os.walk

    def guarded(root, onerror):
        onerror(PermissionError(13, "Permission denied", str(folder / "closed")))
        return walk(root)

    (folder / "closed").mkdir()
    monkeypatch.setattr(sources.os, "walk", guarded)
    corpus = load(folder)
    assert len(corpus) == 41
    assert [reject.where for reject in corpus.report.rejects] == ["closed"]


def test_a_loop_of_links_is_walked_once(folder):
    (folder / "loop").symlink_to(folder)
    (folder / "self.abc").symlink_to("self.abc")
    (folder / "gone.abc").symlink_to("nowhere.abc")
    assert len(load(folder)) == 41
