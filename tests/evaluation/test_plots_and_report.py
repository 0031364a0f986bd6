"""Plots are deterministic PNGs, need no display and leave no state; a report is whole or an error in words."""

import json
import struct
from dataclasses import replace

import numpy as np
import pytest

from melodysynthesis.encodings import EventEncoding, GridEncoding
from melodysynthesis.errors import CorpusError, FormatError
from melodysynthesis.evaluation import plots, plotting, report
from melodysynthesis.evaluation.breakdown import breakdown
from melodysynthesis.evaluation.evaluate import evaluate
from melodysynthesis.evaluation.labels import note_value, pitch_name, reading_order, token_label
from melodysynthesis.evaluation.structure import mean_likeness
from melodysynthesis.music import Key, Melody, Meter, Note
from melodysynthesis.runtime.constant import train_constant
from melodysynthesis.runtime.ngram import train_ngram

LINES = [
    {"step": 10 * epoch, "epoch": epoch, "train_loss": 2 / epoch, "loss": 2.5 / epoch, "accuracy": 1 - 0.5 / epoch,
     "bits_per_note": 6 / epoch, "best": epoch < 4, "learning_rate": 0.001 / epoch}
    for epoch in range(1, 6)
]  # fmt: skip


def tunes(count=12):
    rng = np.random.default_rng(3)
    for number in range(count):
        notes = tuple(Note(24 * i, 24, int(rng.integers(60, 73))) for i in range(12))
        yield Melody(notes, 288, (Meter(0, 4, 4),), Key("C"), (288,), source=f"tune, {number}")


@pytest.fixture(scope="module", params=[EventEncoding(), GridEncoding()], ids=["event", "grid"])
def made(request):
    encoding, melodies = request.param, list(tunes())
    sequences = [encoding.encode(melody) for melody in melodies]
    engine = train_ngram(sequences, encoding, 3)
    constant = evaluate(train_constant(sequences, encoding), melodies)
    found = evaluate(engine, melodies)
    parts = breakdown(found, melodies)
    return report.Report("small", engine.card, "twelve tunes", found, {"constant rule": constant}, LINES, parts)


def size_of(data):
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", data[16:24])


def test_every_plot_is_a_png_of_readable_size_and_the_same_each_time(made):
    drawn = report.drawings(made)
    assert set(drawn) == {
        "confusion_matrix", "confusion_by_kind", "classification_counts", "reliability", "breakdown",
        "training_history",
    }  # fmt: skip
    for draw in drawn.values():
        width, height = size_of(plotting.png(draw()))
        assert 800 <= width <= 3000
        assert 700 <= height <= 3000
    draw = drawn["reliability"]
    assert plotting.png(draw()) == plotting.png(draw())


def test_plots_leave_pyplot_and_its_settings_alone(made):
    import matplotlib

    before = dict(matplotlib.rcParams)
    plotting.png(plots.confusion_matrix(made.found))
    assert dict(matplotlib.rcParams) == before
    import matplotlib.pyplot

    assert matplotlib.pyplot.get_fignums() == []


def test_a_history_marks_the_best_epoch_and_copes_with_what_is_missing():
    drawn = plots.training_history(LINES)
    assert drawn.axes[0].get_title(loc="right") == "kept: 0.8333 at epoch 3"
    assert [axes.get_ylabel() for axes in drawn.axes] == [
        "loss (nats per token)", "accuracy", "bits per note", "learning rate"
    ]  # fmt: skip
    twice_an_epoch = [{**line, "epoch": line["epoch"] // 2} for line in LINES]
    assert plots.training_history(twice_an_epoch).axes[-1].get_xlabel() == "update"
    plotting.png(plots.training_history([{"step": 1, "epoch": 1, "loss": 2.0}]))
    with pytest.raises(CorpusError, match="history is empty"):
        plots.training_history([])


def test_the_files_of_a_report(made, tmp_path):
    written = report.write(made, tmp_path / "new" / "folder")
    folder = tmp_path / "new" / "folder"
    assert set(written) == set(folder.iterdir())
    figures = json.loads((folder / "figures.json").read_text())
    assert figures["accuracy"] == made.found.accuracy
    assert figures["baselines"]["constant rule"]["tunes"] == 12
    text = (folder / "report.md").read_text()
    assert "| accuracy | " in text
    assert "![training_history](training_history.png)" in text
    rows = (folder / "tunes.csv").read_text().splitlines()
    assert len(rows) == 13
    assert rows[1].startswith('"tune, 0",12,')


def test_a_report_of_one_tune_is_json_without_nan(made, tmp_path):
    encoding = made.found.encoding
    one = evaluate(train_constant([encoding.encode(next(tunes()))], encoding), list(tunes(1)))
    figures = replace(made, found=one, baselines={}, history=()).figures()
    json.dumps(figures, allow_nan=False)
    assert figures["bits per note"]["low"] is None


def test_a_folder_that_cannot_be_made_is_one_error(made, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FormatError, match="folder can't be made"):
        report.write(made, tmp_path / "file" / "folder")


def test_a_history_that_was_cut_off_is_read_as_far_as_it_goes(tmp_path):
    path = tmp_path / "history.jsonl"
    assert report.read_history(path) == []
    path.write_text(json.dumps(LINES[0]) + "\n" + json.dumps(LINES[1])[:20])
    assert report.read_history(path) == LINES[:1]


def test_labels_are_what_musicians_say():
    assert [pitch_name(pitch) for pitch in (60, 66, 70, 48)] == ["C4", "F♯4", "B♭4", "C3"]
    assert [note_value(ticks) for ticks in (24, 36, 16, 96, 192, 30, 144)] == [
        "1/4", "1/4.", "1/4³", "1", "2", "5/16", "1."
    ]  # fmt: skip
    assert [token_label(token) for token in ("pitch:60", "duration:12", "_", "62", "phrase")] == [
        "C4", "1/8", "hold", "D4", "phrase"
    ]  # fmt: skip


def test_reading_order_goes_by_group_and_size():
    encoding = GridEncoding((62, 60, 61))
    assert [encoding.vocabulary[token] for token in reading_order(encoding)] == ["/", "_", "r", "60", "61", "62"]


def test_pictures_of_likeness_are_the_same_each_time_and_defined_for_sets_without_bars():
    found = {"one": mean_likeness(list(tunes()), 4), "none": mean_likeness([], 4)}
    draws = [plotting.png(plots.likenesses(found, "bar")) for _ in range(2)]
    assert draws[0] == draws[1]
    assert size_of(plotting.png(plots.likenesses({"none": found["none"]}, "bar")))[0] > 400
