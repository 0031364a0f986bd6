"""`melody metrics`: the study's CSV for its texts, and any other score file."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest

from melodysynthesis import formats
from melodysynthesis.apps.cli import run
from melodysynthesis.evaluation.descriptors import NAMES, SUMMARIES, describe, summarise
from melodysynthesis.music import Key, Melody, Meter, Note

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "descriptors.json").read_text())["melodies"]
TUNE = Melody(tuple(Note(24 * i, 24, 60 + i % 5) for i in range(8)), 192, (Meter(0, 4, 4),), Key("C"))


def rows_of(text):
    header, *rows = csv.reader(io.StringIO(text))
    return header, [row[0] for row in rows], np.array([[float(cell) for cell in row[1:]] for row in rows])


def test_a_text_with_a_melody_a_line_gives_the_studys_file(tmp_path, capsys):
    (tmp_path / "outputs.txt").write_text("".join(melody["tokens"] + "\n" for melody in GOLDEN))
    assert run(["metrics", str(tmp_path / "outputs.txt"), "--out", str(tmp_path / "out.csv")]) == 0
    header, labels, values = rows_of((tmp_path / "out.csv").read_text())
    assert header == ["Melody Number", *NAMES]
    assert labels == [*(f"Melody{number}" for number in range(1, len(GOLDEN) + 1)), *SUMMARIES]
    published = np.array([melody["figures"] for melody in GOLDEN])
    np.testing.assert_allclose(values[: len(GOLDEN)], published, rtol=0, atol=1e-9)
    np.testing.assert_allclose(values[len(GOLDEN) :], summarise(published), atol=1e-6)
    assert "Tonal Drift" in capsys.readouterr().out


def test_any_score_file(tmp_path, capsys):
    paths = [tmp_path / "a.mid", tmp_path / "b.abc"]
    for path in paths:
        formats.write(TUNE, path)
    assert run(["metrics", *map(str, paths)]) == 0
    _, labels, values = rows_of(capsys.readouterr().out)
    assert len(labels) == 2 + 7
    assert "a.mid" in labels[0]
    np.testing.assert_array_equal(values[:2], np.tile(describe(TUNE), (2, 1)))


def test_json(tmp_path, capsys):
    formats.write(TUNE, tmp_path / "a.mid")
    assert run(["metrics", str(tmp_path / "a.mid"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["melodies"][0]["Tonal Drift"] == describe(TUNE)[-1]
    assert found["summary"]["COUNT"]["Pitch Range"] == 1


def test_a_bad_line_is_left_out_by_name_and_the_rest_is_kept(tmp_path, capsys):
    (tmp_path / "outputs.txt").write_text("60 _ 62 _\n60 x 62\n\n64 _\n")
    assert run(["metrics", str(tmp_path / "outputs.txt")]) == 0
    captured = capsys.readouterr()
    assert rows_of(captured.out)[1] == ["Melody1", "Melody4", *SUMMARIES]
    assert "outputs.txt:2" in captured.err


@pytest.mark.parametrize(
    ("content", "message"), [(b"", "no melody"), (b"\xff\xfe\x00", "not text"), (b"_ _ 60", "holds a note before")]
)
def test_nothing_to_describe_is_one_line(tmp_path, capsys, content, message):
    (tmp_path / "outputs.txt").write_bytes(content)
    assert run(["metrics", str(tmp_path / "outputs.txt")]) == 2
    assert message in capsys.readouterr().err
