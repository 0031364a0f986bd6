"""The encodings' law over the whole default corpus."""

from dataclasses import replace

import pytest

from melodysynthesis import corpora
from melodysynthesis.encodings import encoding_from, header_of
from melodysynthesis.errors import EncodingError
from melodysynthesis.formats.grid import STEP_TICKS


@pytest.fixture(scope="module")
def tunes():
    return list(corpora.load("essen-german"))


def is_on_grid(tune):
    times = [tune.duration, *(time for note in tune.notes for time in (note.onset, note.duration))]
    return not any(time % STEP_TICKS for time in times)


@pytest.mark.slow
def test_event_says_every_tune(tunes):
    event = encoding_from({"name": "event"})
    assert len(tunes) > 6_000
    for tune in tunes:
        assert event.decode(event.encode(tune)) == tune


@pytest.mark.slow
def test_grid_says_every_tune_on_the_sixteenths_and_names_the_others(tunes):
    grid = encoding_from({"name": "grid"})
    rejected = []
    for tune in tunes:
        try:
            ids = grid.encode(tune)
        except EncodingError as error:
            rejected.append((tune, str(error)))
        else:
            assert grid.decode(ids, header_of(tune)) == replace(tune, meters=tune.meters[:1], phrase_ends=())
    assert {tune for tune, _ in rejected} >= {tune for tune in tunes if not is_on_grid(tune)}
    assert len(rejected) < 40
    for tune, message in rejected:
        assert tune.source in message
        assert not is_on_grid(tune) or "no token among" in message
