"""The report of a tiny study: complete in itself, and its verdict is made of its figures."""

import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from melodysynthesis.errors import MelodyError
from melodysynthesis.evaluation import plotting
from melodysynthesis.evaluation.statistics import Interval
from melodysynthesis.study import plots, report
from melodysynthesis.study.aggregate import HUMANS, StudyResults, overlapping
from melodysynthesis.study.plots import Mark
from melodysynthesis.study.summary import summary
from tests.training.songs import song


@pytest.fixture(scope="module")
def found(study: Path) -> StudyResults:
    return StudyResults(study)


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
    assert "url(" not in text.replace("url(#", "")
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


def test_the_verdict_names_the_best_with_its_figure(found: StudyResults) -> None:
    best = found.ranked[0]
    assert found.bits[best].value == min(interval.value for interval in found.bits.values())
    first, *_ = summary(found)
    assert first.question == "Which model predicts best?"
    assert f"predicts best: {found.bits[best].value:.3f} [" in first.sentences[0]


def test_every_sentence_has_a_figure_in_it_or_names_models(found: StudyResults) -> None:
    for paragraph in summary(found):
        for sentence in paragraph.sentences:
            assert re.search(r"\d|overlaps| on (event|grid)|none of the models", sentence), sentence


def test_differences_from_the_best_are_paired_and_not_below_nothing(found: StudyResults) -> None:
    for entrant, comparison in found.against_best.items():
        assert comparison.comparisons == len(found.against_best)
        if entrant.encoding == found.ranked[0].encoding:
            assert comparison.difference.value >= 0


def test_people_are_as_many_as_the_test_split_has(found: StudyResults) -> None:
    assert found.each(HUMANS, "figure: Notes").shape == (1, len(found.melodies(HUMANS)))


def test_a_study_under_way_tells_what_is_missing(study: Path, tmp_path: Path) -> None:
    folder = tmp_path / "half"
    shutil.copytree(study, folder)
    shutil.rmtree(folder / "trials" / "lstm-grid-2")
    (folder / "trials" / "lstm-event-1" / "judged.parquet").unlink()
    report.write(folder, folder)
    assert (
        "These trials are not finished and not in any figure: lstm-event-1 and lstm-grid-2."
        in (folder / "report.md").read_text()
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


def test_a_density_is_highest_where_the_values_are_and_unknown_for_one() -> None:
    at = np.linspace(0, 10, 101)
    found = plots.density(np.array([3.0, 3.1, 2.9, np.nan]), at)
    assert found is not None
    assert at[found.argmax()] == pytest.approx(3.0)
    assert found.max() == 1
    assert plots.density(np.array([1.0, np.nan]), at) is None


def test_plots_of_nothing_and_of_one_value_are_drawn() -> None:
    nothing, mark = Interval(*[float("nan")] * 4), Mark("a <b>", 1)
    drawn = [
        plots.forest([(mark, nothing, [])], "bits"),
        plots.forest([], "bits"),
        plots.lines([("event", [(mark, np.array([1.0]), np.array([2.0]), "--")])], "epoch", "loss"),
        plots.curves([(mark, [(0.5, 0.5, "1")])], "x", "y"),
        plots.profiles([("degree", ["1", "2"], [(mark, [1.0, float("nan")])])], "bits"),
        plots.densities([("Range", (float("nan"), 1.0), [(mark, np.array([np.nan]), float("nan"))])]),
        plots.matrices([(mark, np.full((2, 2), np.nan))], 4, 1.0),
        plots.matrices([(mark, np.zeros((0, 0)))], 4, 0.5, [[]]),
    ]
    for figure in drawn:
        svg = plotting.svg(figure, "plot")
        ElementTree.fromstring(svg)
        assert "<b>" not in svg
        assert "nan" not in svg


def test_a_plot_in_a_page_takes_the_colours_of_the_page_and_shows_its_figures() -> None:
    rows = [(Mark("LSTM", 2), Interval(2.65849, 2.5, 2.75, 0.1), [2.6, 2.7])]
    svg = plotting.svg(plots.forest(rows, "bits"), "forest")
    assert svg == plotting.svg(plots.forest(rows, "bits"), "forest")
    page = plots.inline(svg)
    assert "var(--c2)" in page
    assert "#2f6f9f" not in page
    assert "2.658" in page
    assert 'width="' not in page.partition(">")[0]
