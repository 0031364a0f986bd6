"""What a build tells: one line for a kind of notice, and everything in the report."""

import shutil
from pathlib import Path

import pytest

from melodysynthesis import corpora
from melodysynthesis.corpora import corpus as building
from melodysynthesis.corpora.report import summed

SCORES = Path(__file__).parent.parent / "formats" / "scores"


@pytest.mark.parametrize(
    ("notices", "lines"),
    [
        (["a: repeats are not unfolded", "b: repeats are not unfolded"], ["repeats are not unfolded (2 files)"]),
        (["a: 3 tunes with chords; x", "b: 1 tune with chords; x"], ["4 tunes with chords; x"]),
        (
            ["a: took the top line, leaving out 3 of 60 notes", "b: took the top line, leaving out 9 of 70 notes"],
            ["took the top line, leaving out 3 of 60 notes (2 such files)"],
        ),
        (
            [f"{n}: {n} parts; took part {n}, 'Part {n}', the highest on average" for n in range(2, 1202)],
            ["2 parts; took part 2, 'Part 2', the highest on average (1200 such files)"],
        ),
        (["a: left out the time signature 0/4", "b: left out the time signature 7/64", "c: other"],
         ["left out the time signature 0/4 (2 such files)", "other (1 file)"]),
        (["a: taken as G major, by the last note", "b: taken as F# minor, by the last note"],
         ["taken as G major, by the last note (2 such files)"]),
    ],
)  # fmt: skip
def test_notices_of_one_kind_are_one_line(notices, lines):
    assert summed(notices) == lines


def test_a_folder_of_faulty_files_is_built_and_the_bad_ones_are_named(tmp_path):
    shutil.copytree(SCORES, tmp_path / "scores")
    (tmp_path / "scores" / "damaged.mid").write_bytes(b"MThd\0\0\0\6\0\1\0\1\0\x60MTrk\0\0\0\x99")
    report = corpora.load(tmp_path / "scores", rules=corpora.Rules(min_notes=1)).report
    files = len(list((tmp_path / "scores").iterdir()))
    assert (report.files, report.read) == (files, files)
    assert report.kept == files - len(report.rejects)
    assert report.rejected == {
        "too large": 2, "damaged MIDI": 1, "only drums": 1, "no notes": 1, "not MusicXML": 1,
    }  # fmt: skip
    assert {Path(reject.where.split(":")[0]).name for reject in report.rejects} == {
        "damaged.mid", "drums_only.mid", "huge8.musicxml", "huge_chord.musicxml", "nameless_entry.mxl",
        "tempo_of_zero.mid",
    }  # fmt: skip


def test_a_fault_of_a_reader_rejects_the_file_and_not_the_folder(tmp_path, monkeypatch):
    (tmp_path / "a.abc").write_text("X:1\nK:C\nCDEF GABc|\n")
    (tmp_path / "b.abc").write_text("X:1\nK:C\nCDEF GABc|\n")
    own_file = building.find_source(tmp_path).read

    def faulty(data: bytes, name: str, part: str | None):
        if name == "a.abc":
            raise OverflowError("too large")
        return own_file(data, name, part)

    monkeypatch.setattr("melodysynthesis.corpora.sources._own_file", faulty)
    report = corpora.load(tmp_path).report
    assert [str(reject) for reject in report.rejects] == [
        "Reject(where='a.abc', reason='the reader failed: OverflowError: too large', kind='reader failed')"
    ]
    assert report.kept == 1
