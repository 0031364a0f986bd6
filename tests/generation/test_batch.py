"""A request whose melodies are not all made."""

import pytest

from melodysynthesis.errors import RequestError
from melodysynthesis.generation import constrained, search
from melodysynthesis.generation.batch import Generated, Refused
from melodysynthesis.generation.generate import generate, generate_only, generate_streaming
from melodysynthesis.generation.request import Request
from melodysynthesis.music import Melody, Note
from tests.fakes import TableEngine

FRAME = {"key": "C", "meter": "2/4", "bars": 4, "form": "AABA", "seed": 2, "count": 3}


@pytest.fixture
def second_is_refused(monkeypatch):
    """The particles of the second melody come to nothing, and no search finds another."""
    original = constrained.ConstrainedBatch.accepts
    asked = []

    def accepts(self, sample):
        asked.append(sample)
        return len(asked) != 2 and original(self, sample)

    monkeypatch.setattr(constrained.ConstrainedBatch, "accepts", accepts)
    monkeypatch.setattr(search, "SECONDS", 0.0)
    search.known.cache_clear()
    yield
    search.known.cache_clear()


@pytest.mark.usefixtures("second_is_refused")
def test_a_melody_that_is_refused_does_not_lose_the_others():
    told = []
    made = generate_only(TableEngine("event"), Request(**FRAME), range(3), each=told.append)
    refused = [one for one in told if isinstance(one, Refused)]
    assert len(made) == 2
    assert {one.index for one in told} == {0, 1, 2}
    assert len(refused) == 1
    assert "there may be one" in str(refused[0].error)


@pytest.mark.usefixtures("second_is_refused")
def test_a_refused_melody_is_streamed_beside_the_others():
    events = list(generate_streaming(TableEngine("event"), Request(**FRAME)))
    assert sum(isinstance(one, Generated) for one in events) == 2
    assert sum(isinstance(one, Refused) for one in events) == 1


@pytest.mark.usefixtures("second_is_refused")
def test_who_wants_all_melodies_gets_the_refusal():
    with pytest.raises(RequestError, match="there may be one"):
        generate(TableEngine("event"), Request(**FRAME))


def test_primers_that_can_not_be_continued_do_not_lose_the_others():
    frame = {"key": "C", "meter": "2/4", "bars": 4, "range": "C4-C5", "seed": 1, "count": 2}
    low, high = (Melody((Note(0, 24, pitch),), 24) for pitch in (40, 60))
    told = []
    (made,) = generate_only(TableEngine("event"), Request(primers=[low, high], **frame), range(2), each=told.append)
    (refused,) = (one for one in told if isinstance(one, Refused))
    assert (made.index, refused.index) == (1, 0)
    assert "range" in refused.error.rules
