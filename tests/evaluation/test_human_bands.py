"""The bands that ship are those of the corpora, and hold what a band should."""

import numpy as np
import pytest

from melodysynthesis import corpora
from melodysynthesis.evaluation import human_bands
from melodysynthesis.evaluation.descriptors import NAMES, describe
from melodysynthesis.notation import parse_notes


def test_every_named_corpus_has_a_band_for_every_descriptor():
    assert set(human_bands.known()) == set(corpora.SOURCES)
    for found in human_bands.known().values():
        assert found.tunes > 50
        assert tuple(found.bands) == NAMES
        assert all(low <= median <= high for low, median, high in found.bands.values())


def test_nineteen_melodies_in_twenty_are_within_the_band():
    random = np.random.default_rng(1)
    melodies = [
        parse_notes(" ".join(f"{random.choice(list('CDEFGAB'))}{random.integers(3, 6)}:1" for _ in range(16)))
        for _ in range(200)
    ]
    found = human_bands.measure(melodies)
    rows = np.array([describe(melody) for melody in melodies])
    for column, (low, _, high) in zip(rows.T, found.bands.values(), strict=True):
        assert np.mean((column >= low) & (column <= high)) >= 0.94
    assert found.tunes == len(melodies)


@pytest.mark.slow
def test_what_ships_is_measured_on_the_corpora():
    pytest.importorskip("music21", reason="the collections come with music21")
    corpus = corpora.load("essen-german")
    found = human_bands.measure([*corpus.split("validation"), *corpus.split("test")])
    known = human_bands.known()["essen-german"]
    assert found.tunes == known.tunes
    for name, band in known.bands.items():
        assert found.bands[name] == pytest.approx(band, rel=1e-5, abs=1e-9)
