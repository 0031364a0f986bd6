"""What is particular to the `grid` encoding."""

import pytest

from melodysynthesis.encodings import Frame, encoding_from, frame_of
from melodysynthesis.encodings.grid import shift_to_c
from melodysynthesis.errors import EncodingError
from melodysynthesis.music import Key, Melody, Meter, Note

GRID = encoding_from({"name": "grid"})


def said(melody: Melody) -> str:
    return " ".join(GRID.vocabulary[i] for i in GRID.encode(melody))


def test_the_vocabulary_is_the_studys_45_symbols():
    assert len(GRID.vocabulary) == 45


def test_tunes_are_moved_to_c_major_or_a_minor():
    tune = (Note(0, 12, 67), Note(12, 12, 71), Note(36, 12, 74))
    assert said(Melody(tune, 48, key=Key("G"))) == "/ 72 _ 76 _ r _ 79 _ /"
    assert said(Melody(tune, 48, key=Key("E", "minor"))) == "/ 72 _ 76 _ r _ 79 _ /"
    assert said(Melody(tune, 48)) == "/ 67 _ 71 _ r _ 74 _ /"


@pytest.mark.parametrize(("key", "shift"), [(Key("C"), 0), (Key("G"), 5), (Key("F#"), -6), (Key("D", "dorian"), -5)])
def test_the_shift_is_the_shorter_way(key, shift):
    assert shift_to_c(key) == shift


@pytest.mark.parametrize(
    ("note", "message"),
    [
        (Note(0, 8, 60), r"tune 7: note 1 \(MIDI 60\) lasts 8, not a whole number of sixteenths"),
        (Note(0, 12, 90), "tune 7: note 1: pitch 90 is 90 when moved"),
        (Note(0, 12, 44), "no token among 43 to 86"),
    ],
)
def test_what_it_cannot_say_is_rejected_by_name(note, message):
    with pytest.raises(EncodingError, match=message):
        GRID.encode(Melody((note,), 96, source="tune 7"))


def test_the_frame_gives_back_key_meter_and_pickup():
    melody = Melody((Note(0, 24, 62), Note(24, 72, 67)), 96, (Meter(0, 3, 4),), Key("G"), (), 24)
    assert GRID.decode(GRID.encode(melody), frame_of(melody)) == melody
    assert GRID.decode(GRID.encode(melody)).meters == ()


def test_bars_are_counted_from_the_frame():
    context = GRID.start(1, Frame(meter=Meter(0, 3, 4), pickup=24, bars=2))
    ends = []
    for token in GRID.ids_of(["60", *"_" * 15]):
        ends.append(int(context.bar_end[0]))
        context.advance(token[None])
    assert ends == [24] * 4 + [96] * 12
    assert context.end_tick[0] == 144


def test_a_token_from_elsewhere_is_named():
    with pytest.raises(EncodingError, match="'99' is not one of"):
        GRID.ids_of(["60", "99"])
