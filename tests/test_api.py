"""The library as a developer meets it: what can be imported, its types, its examples."""

import doctest
import importlib
import os
import subprocess
import sys
import webbrowser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

import melodysynthesis as ms
from melodysynthesis import api, interchange
from melodysynthesis.apps.cli import run
from melodysynthesis.formats import json as melody_json
from melodysynthesis.generation.filling import fill_request
from tests.strategies import melodies

SOURCE = str(Path(ms.__file__).parents[1])
USER_FILE = '''
"""A file of somebody who uses the library."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

import melodysynthesis as ms

key: ms.Key = ms.Key("G", "major")
meter: ms.Meter = ms.Meter(0, 3, 4)
note: ms.Note = ms.Note(0, 24, 67)
melody: ms.Melody = ms.Melody(notes=(note,), duration=24, meters=(meter,), key=key)
request: ms.Request = ms.Request(key="G major", bars=8, chords="G | C | D7 | G")
model: ms.OpenedModel = ms.load_model("lstm")
written: list[ms.Melody] = ms.generate(key="G major", bars=8, chords="G | C | D7 | G", model=model)
details: list[ms.Generated] = ms.draw(request, model="lstm", rank=True, exclude=melody)
filled: list[ms.Melody] = ms.fill(melody, "3-4", count=2, seed=1)
varied: list[ms.Melody] = ms.vary(melody, ["rhythm", "strong"], count=2)
chords: list[ms.Melody] = ms.harmonise(melody, spice=2, alternatives=2)
certificate: ms.Certificate = ms.certify(melody, request)
corpus: ms.Corpus = ms.load_corpus("essen-german")
found: ms.Prediction = ms.evaluate(model, corpus, split="validation")
bits: float = ms.evaluate("lstm", [melody]).bits_per_note().value
figures: dict[str, float] = ms.describe(melody)
report: dict[str, Any] = ms.originality(melody, corpus)
one: ms.Melody = ms.read("tune.abc", part="1")
every: list[ms.Melody] = ms.read_all("tunes.abc")
ms.write(one, "tune.mid")
ms.show(one)
array: NDArray[np.void] = ms.to_note_array(melody)
again: ms.Melody = ms.from_note_array(array, meter="3/4", key=key, pickup=0.5, duration=12)
others: Sequence[ms.Melody] = [
    ms.from_music21(ms.to_music21(melody)),
    ms.from_symusic(ms.to_symusic(melody)),
    ms.from_pretty_midi(ms.to_pretty_midi(melody)),
]
version: str = ms.__version__
try:
    ms.read("nowhere.abc")
except (ms.FormatError, ms.CorpusError, ms.EncodingError, ms.ModelError, ms.RequestError, ms.TrainingError) as error:
    base: ms.MelodyError = error
'''


def python(code, **options):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": SOURCE}, **options,
    ).stdout  # fmt: skip


@pytest.fixture
def tune():
    """Eight bars with a pickup, a key and phrase ends."""
    return ms.generate(key="G major", meter="3/4", bars=8, pickup="1", seed=3)[0]


def test_importing_the_package_loads_nothing_else():
    code = "import sys; before = set(sys.modules); import melodysynthesis; print(*set(sys.modules) - before)"
    loaded = python(code).split()
    assert not [name for name in loaded if name.partition(".")[0] in ("numpy", "pydantic", "typer")]
    assert [name for name in loaded if name.startswith("melodysynthesis")] == ["melodysynthesis"]


def test_each_public_name_is_there_and_is_the_one_of_its_module():
    assert sorted(ms.__all__) == sorted({*ms._MODULE_OF, "__version__"})
    assert list(ms.__all__) == sorted(ms.__all__)
    for name, module in ms._MODULE_OF.items():
        assert getattr(ms, name) is getattr(importlib.import_module(f"melodysynthesis.{module}"), name)
        assert name in dir(ms)
    with pytest.raises(AttributeError, match="no attribute 'generat'"):
        ms.generat  # noqa: B018


def test_a_users_own_file_passes_the_strictest_type_check(tmp_path):
    pytest.importorskip("mypy")
    (tmp_path / "user.py").write_text(USER_FILE)
    unused = [name for name in ms.__all__ if f"ms.{name}" not in USER_FILE]
    assert unused == []
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "--ignore-missing-imports",
         "--cache-dir", str(tmp_path / "cache"), "user.py"],
        capture_output=True, text=True, check=False, cwd=tmp_path, env={**os.environ, "MYPYPATH": SOURCE},
    )  # fmt: skip
    assert done.stdout.startswith("Success"), done.stdout


@pytest.mark.parametrize("module", [api, interchange], ids=lambda module: module.__name__)
def test_the_examples_in_docstrings_are_true(module, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MELODYSYNTHESIS_CACHE", str(tmp_path / "cache"))
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


def test_most_functions_have_an_example():
    without = [name for name in ms._MODULES["api"].split() if ">>>" not in getattr(api, name).__doc__]
    assert without == ["read_all", "show"]


def test_the_command_line_writes_what_the_library_generates(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    asked = {"key": "G major", "meter": "3/4", "bars": 8, "chords": "G | C | D7 | G", "seed": 5, "count": 2}
    flags = [word for name, value in asked.items() for word in (f"--{name}", str(value))]
    assert run(["generate", *flags, "--quiet"]) == 0
    paths = sorted(Path("generated_melodies").glob("*.json"))
    assert [ms.read(path) for path in paths] == ms.generate(**asked)
    assert run(["fill", str(paths[0]), "--bars", "3-4", "--seed", "2", "--out", "filled", "--quiet"]) == 0
    (filled,) = Path("filled").glob("*.json")
    assert [ms.read(filled)] == ms.fill(ms.read(paths[0]), "3-4", seed=2)
    assert run(["vary", str(paths[0]), "--keep", "contour", "--seed", "2", "--out", "varied", "--quiet"]) == 0
    (varied,) = Path("varied").glob("*.json")
    assert [ms.read(varied)] == ms.vary(ms.read(paths[0]), "contour", seed=2)


def test_fill_takes_more_particles_than_a_whole_melody_unless_told_otherwise(tune):
    assert fill_request(tune, "3").particles == 32
    assert fill_request(tune, "3", particles=5).particles == 5


def test_a_model_is_opened_once_and_used_again():
    model = ms.load_model("lstm")
    by_name = ms.generate(model="lstm", bars=2, meter="3/4", seed=1)
    assert ms.generate(model=model, bars=2, meter="3/4", seed=1) == by_name
    assert ms.generate(ms.Request(bars=2, meter="3/4", seed=1), model="lstm") == by_name
    assert ms.generate(bars=2, meter="3/4", seed=1) != by_name


def test_a_request_and_fields_of_one_contradict_each_other():
    with pytest.raises(ms.RequestError, match="can't be given together: bars"):
        ms.generate(ms.Request(), bars=3)


def test_a_file_of_several_melodies_asks_for_one(tmp_path):
    path = tmp_path / "tunes.abc"
    path.write_text("X:1\nT:one\nM:4/4\nL:1/4\nK:C\nCDEF|]\n\nX:2\nT:two\nM:4/4\nL:1/4\nK:C\nGABc|]\n")
    with pytest.raises(ms.FormatError, match="2 melodies: choose one with part"):
        ms.read(path)
    assert [melody.pitches[0] for melody in ms.read_all(path)] == [60, 67]


def test_what_a_reader_decides_is_a_warning(tmp_path):
    path = tmp_path / "tunes.abc"
    path.write_text("X:1\nM:4/4\nL:1/4\nK:C\nCDEF|]\n\nX:2\nM:4/4\nL:1/4\nK:C\nC/7 D|\n")
    with pytest.warns(UserWarning, match="rounded"):
        assert len(ms.read_all(path)) == 2


def test_a_note_array_counts_from_the_first_full_bar(tune):
    array = ms.to_note_array(tune)
    assert array["onset_quarter"][0] == -1
    assert array["onset_div"][0] == 0
    assert array["pitch"].tolist() == list(tune.pitches)
    again = ms.from_note_array(array, meter="3/4", key="G major", duration=tune.duration / 24)
    assert (again.notes, again.meters, again.key, again.pickup) == (tune.notes, tune.meters, tune.key, 24)


@given(melodies())
def test_a_note_array_keeps_every_note(melody):
    array = ms.to_note_array(melody)
    assert len(array) == len(melody.notes)
    again = ms.from_note_array(array, pickup=0, duration=melody.duration / 24) if not melody.pickup else None
    if again is not None:
        assert again.notes == melody.notes
        assert again.duration == melody.duration


def test_notes_come_in_any_order_and_as_plain_rows():
    assert ms.from_note_array([(1, 1, 62), (0, 1, 60)]).pitches == (60, 62)
    assert ms.from_note_array(np.zeros((0, 3))).notes == ()


@pytest.mark.parametrize(
    ("array", "match"),
    [
        ([(0, 1)], "an array of shape"),
        ([(0, 0.013, 60)], "whole number of ticks"),
        ([(float("nan"), 1, 60)], "whole number of ticks"),
        ([(0, 2, 60), (1, 1, 62)], "note 2: onset"),
        ([(0, 1, 200)], "pitch 200"),
        (np.zeros(1, [("pitch", "i4"), ("onset_sec", "f8")]), "duration_quarter, onset_quarter"),
    ],
)
def test_notes_that_are_no_melody_are_refused(array, match):
    with pytest.raises(ms.FormatError, match=match):
        ms.from_note_array(array)


@pytest.mark.parametrize("library", ["music21", "symusic", "pretty_midi"])
def test_a_melody_goes_to_another_library_and_back(library, tune):
    pytest.importorskip(library)
    other = getattr(ms, f"to_{library}")(tune)
    assert type(other).__module__.partition(".")[0] == library
    again = getattr(ms, f"from_{library}")(other)
    assert (again.notes, again.meters, again.key, again.pickup) == (tune.notes, tune.meters, tune.key, tune.pickup)
    if library == "symusic":
        assert again == tune


def test_objects_that_other_libraries_made_are_melodies():
    music21 = pytest.importorskip("music21")
    stream = music21.converter.parse("tinynotation: 3/4 c4 d8 f g16 a g f# g4")
    assert ms.from_music21(stream).pitches == (60, 62, 65, 67, 69, 67, 66, 67)
    pretty_midi = pytest.importorskip("pretty_midi")
    midi = pretty_midi.PrettyMIDI(initial_tempo=90)
    midi.instruments.append(pretty_midi.Instrument(0))
    for number, pitch in enumerate((60, 62, 64)):
        start = number * 60 / 90
        midi.instruments[0].notes.append(pretty_midi.Note(80, pitch, start, start + 60 / 90))
    assert [(note.onset, note.duration) for note in ms.from_pretty_midi(midi).notes] == [(0, 24), (24, 24), (48, 24)]


def test_outside_of_a_notebook_a_melody_is_shown_in_the_browser(tune, monkeypatch, tmp_path):
    opened = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    ms.show(tune)
    (page,) = tmp_path.glob("*.html")
    assert opened == [page.as_uri()]
    assert "data:image/svg+xml" in page.read_text()


def test_evaluate_and_originality_take_a_corpus(tmp_path, monkeypatch, tune):
    monkeypatch.setenv("MELODYSYNTHESIS_CACHE", str(tmp_path / "cache"))
    for number, melody in enumerate(ms.generate(meter="3/4", bars=8, count=20, seed=9)):
        (tmp_path / "mine").mkdir(exist_ok=True)
        (tmp_path / "mine" / f"{number}.json").write_bytes(melody_json.write(melody))
    corpus = ms.load_corpus(str(tmp_path / "mine"))
    found = ms.evaluate("lstm", corpus, split="train")
    assert len(found.sources) == len(corpus.split("train"))
    assert ms.evaluate("lstm", str(tmp_path / "mine"), split="train").figures() == found.figures()
    copied = corpus.split("train")[0]
    assert ms.originality(copied, corpus)["rhythm"]["longest_run"] == len(copied)
