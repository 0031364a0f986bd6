"""Every tune of the Essen collection through every format and back, and a second opinion by music21."""

from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path

import pytest

from melodysynthesis import formats
from melodysynthesis.errors import FormatError
from melodysynthesis.formats import FORMATS
from melodysynthesis.music import Melody

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("music21") is None, reason="the Essen collection comes with music21"),
]


@pytest.fixture(scope="module")
def tunes() -> list[Melody]:
    folder = Path(find_spec("music21").origin).parent / "corpus" / "essenFolksong"
    return [melody for path in sorted(folder.glob("*.abc")) for melody in formats.read(path).melodies]


@pytest.mark.parametrize("name", [f.name for f in FORMATS.values() if f.read and f.write and f.name != "grid"])
def test_every_tune_comes_back_whole(name, tunes):
    assert len(tunes) > 8000
    for melody in tunes:
        reading = formats.read_bytes(formats.to_bytes(melody, name), name, "x")
        assert reading.melodies == [melody], melody.source
        assert not reading.notices + reading.problems, melody.source


def test_every_tune_on_sixteenths_comes_back_from_grid_text(tunes):
    refused = 0
    for melody in tunes:
        try:
            [again] = formats.read_bytes(formats.to_bytes(melody, "grid"), "grid", "x").melodies
        except FormatError as error:
            assert error.kind == "off the grid"  # noqa: PT017
            refused += 1
        else:
            assert (again.notes, again.duration) == (melody.notes, melody.duration), melody.source
    assert 0 < refused < len(tunes) / 20


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["musicxml", "midi"])
def test_music21_reads_the_same_notes_and_key(name, tunes):
    from music21 import converter

    def ticks(quarters: Fraction | float) -> Fraction:
        return Fraction(quarters).limit_denominator(24) * 24

    for melody in tunes[::100]:
        data = formats.to_bytes(melody, name)
        # quantizePost would round MIDI's thirty-second notes
        options = {"quantizePost": False} if name == "midi" else {}
        score = converter.parseData(data.decode() if name == "musicxml" else data, format=name, **options).flatten()
        heard = [(ticks(n.offset), ticks(n.quarterLength), n.pitch.midi) for n in score.stripTies().notes]
        assert heard == list(melody.notes), melody.source
        key = score.getElementsByClass("Key").first()
        if melody.key is not None and melody.key.mode in ("major", "minor"):
            assert (key.tonic.name.replace("-", "b"), key.mode) == (melody.key.tonic, melody.key.mode), melody.source
