"""Power before a test, and the page and codebook after it."""

import csv
import io
import re
from xml.etree import ElementTree

from melodysynthesis.apps.listen.codebook import codebook
from melodysynthesis.apps.listen.forest import forest, page
from melodysynthesis.apps.listen.power import needed, power
from melodysynthesis.apps.listen.results import COLUMNS, evaluate
from melodysynthesis.evaluation.statistics import Interval

from .test_results import careful, participant

DESIGN = {"sets": 2, "pairs": 12, "ratings": 8, "share": 0.6, "points": 0.5}


def test_more_participants_find_more_and_without_a_difference_little_is_found():
    found = [power(count, **DESIGN) for count in (5, 20, 80)]
    for by in ("choices", "ratings"):
        values = [getattr(one, by) for one in found]
        assert values == sorted(values)
        assert values[-1] > 0.95
    nothing = power(80, **DESIGN | {"share": 0.5000001, "points": 0.0})
    assert nothing.choices < 0.05
    assert nothing.ratings < 0.05


def test_the_needed_number_reaches_the_goal_and_one_less_does_not():
    for by in ("choices", "ratings"):
        count = needed(0.8, by=by, **DESIGN)
        assert getattr(power(count, **DESIGN), by) >= 0.8 > getattr(power(count - 1, **DESIGN), by) - 0.03
    assert needed(0.8, by="choices", **DESIGN | {"share": 0.5000001}) is None


def test_the_page_shows_each_set_and_untrusted_names_are_text():
    crowd = [participant(number, careful) for number in range(6)]
    text = page("<b>Test</b>", evaluate(crowd))
    assert "<b>" not in text
    plots = re.findall(r"<svg.*?</svg>", text)
    assert len(plots) == 3
    for plot in plots:
        assert len(ElementTree.fromstring(plot).findall("rect")) == 3


def test_a_set_without_known_ends_has_a_point_only():
    unknown = float("nan")
    plot = ElementTree.fromstring(forest({"a & b": Interval(4.0, unknown, unknown, unknown)}, None))
    assert (len(plot.findall("line")), len(plot.findall("rect"))) == (0, 1)


def test_the_codebook_explains_each_column():
    rows = list(csv.DictReader(io.StringIO(codebook())))
    assert [row["column"] for row in rows] == list(COLUMNS)
    assert all(row["meaning"] and row["values"] for row in rows)
