"""The report of a tiny study: complete in itself, and its verdict is made of its figures."""

import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from melodysynthesis.errors import MelodyError
from melodysynthesis.evaluation.statistics import Interval
from melodysynthesis.study import charts, report
from melodysynthesis.study.charts import Axis, Mark
from melodysynthesis.study.findings import HUMANS, Findings, overlapping
from melodysynthesis.study.verdict import verdict
from tests.training.songs import song


@pytest.fixture(scope="module")
def found(study: Path) -> Findings:
    return Findings(study)


@pytest.fixture(scope="module")
def written(study: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("report")
    assert [path.name for path in report.write(study, out)] == ["report.html", "report.md"]
    return out


def test_the_page_needs_nothing_else_and_is_well_formed(written: Path) -> None:
    text = (written / "report.html").read_text()
    sources = re.findall(r'(?:src|href)="([^"]*)"', text)
    assert sources
    assert all(source.startswith(("data:", "#")) for source in sources)
    assert "url(" not in text
    assert "<script" not in text
    opened: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: object) -> None:
            if tag not in ("meta", "img", "br", "path", "rect", "circle", "polyline"):
                opened.append(tag)

        def handle_endtag(self, tag: str) -> None:
            if tag not in ("path", "rect", "circle", "polyline"):
                assert opened.pop() == tag

    Reader().feed(text)
    assert opened == []


def test_markdown_shows_every_picture_that_was_written_and_no_other(written: Path) -> None:
    text = (written / "report.md").read_text()
    shown = set(re.findall(r"\]\((images/[^)]+)\)", text))
    there = {f"images/{path.name}" for path in (written / "images").iterdir()}
    assert shown == there
    for path in (written / "images").iterdir():
        ElementTree.fromstring(path.read_text())


def test_the_verdict_names_the_best_with_its_figure(found: Findings) -> None:
    best = found.ranked[0]
    assert found.bits[best].value == min(interval.value for interval in found.bits.values())
    first, *_ = verdict(found)
    assert first.question == "Which predicts best?"
    assert f"predicts best, at {found.bits[best].value:.3f} bits per note" in first.sentences[0]


def test_every_sentence_has_a_figure_in_it_or_names_models(found: Findings) -> None:
    for paragraph in verdict(found):
        for sentence in paragraph.sentences:
            assert re.search(r"\d|overlaps| on (event|grid)|none of the models", sentence), sentence


def test_differences_from_the_best_are_paired_and_not_below_nothing(found: Findings) -> None:
    for entrant, comparison in found.against_best.items():
        assert comparison.comparisons == len(found.against_best)
        if entrant.encoding == found.ranked[0].encoding:
            assert comparison.difference.value >= 0


def test_people_are_as_many_as_the_test_split_has(found: Findings) -> None:
    assert found.each(HUMANS, "figure: Notes").shape == (1, len(found.melodies(HUMANS)))


def test_a_study_under_way_tells_what_is_missing(study: Path, tmp_path: Path) -> None:
    folder = tmp_path / "half"
    shutil.copytree(study, folder)
    shutil.rmtree(folder / "trials" / "lstm-grid-2")
    (folder / "trials" / "lstm-event-1" / "judged.parquet").unlink()
    report.write(folder, folder)
    assert (
        "Not done yet, and not in any figure here: lstm-event-1 and lstm-grid-2." in (folder / "report.md").read_text()
    )
    for path in (folder / "trials").glob("*/timed.parquet"):
        path.unlink()
    with pytest.raises(MelodyError, match=r"no trial is done yet: go on with melody study resume"):
        report.write(folder, folder)


def test_sound_is_a_tenth_of_what_it_was() -> None:
    from melodysynthesis.formats import render

    melody = song(1)
    sound = report.mp3(melody)
    assert sound[:3] == b"ID3" or sound[0] == 0xFF
    assert len(sound) < len(render.wav(melody)) / 8


def test_intervals_that_touch_overlap() -> None:
    one, other = Interval(1, 0, 2, 0.5), Interval(3, 2, 4, 0.5)
    assert overlapping(one, other)
    assert not overlapping(one, Interval(3, 2.1, 4, 0.5))
    assert not overlapping(one, Interval(3, float("nan"), float("nan"), 0.5))


def test_an_axis_goes_from_start_to_end_with_round_ticks() -> None:
    axis = Axis(2.0, 4.0, 100.0, 300.0)
    assert [axis(value) for value in (2, 3, 4)] == [100, 200, 300]
    assert axis.ticks(4) == [2.0, 2.5, 3.0, 3.5, 4.0]
    assert Axis(5.0, 5.0, 0.0, 1.0)(5.0) == 0.0


def test_charts_of_nothing_and_of_one_value_are_drawn() -> None:
    nothing, mark = Interval(*[float("nan")] * 4), Mark("a <b>", 1)
    drawn = [
        charts.forest([(mark, nothing, [])], "bits"),
        charts.forest([], "bits"),
        charts.lines([("event", [(mark, np.array([1.0]), np.array([2.0]), True)])], "epoch", "loss"),
        charts.curves([(mark, [(0.5, 0.5, "1")])], "x", "y"),
        charts.ridges([("Range", (float("nan"), 1.0), [(mark, np.array([np.nan]), float("nan"))])]),
        charts.matrices([(mark, np.full((2, 2), np.nan))]),
        charts.sparse_matrices([(mark, 0, [], [])]),
    ]
    for svg in drawn:
        ElementTree.fromstring(charts.alone(svg))
        assert "<b>" not in svg
        assert "nan" not in svg
