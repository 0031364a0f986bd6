"""What is particular to the `grid` encoding."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from melodysynthesis.encodings import Header, encoding_from, header_of, token_ids
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
    assert GRID.decode(GRID.encode(melody), header_of(melody)) == melody
    assert GRID.decode(GRID.encode(melody)).meters == ()


def test_bars_are_counted_from_the_frame():
    context = GRID.start(1, Header(meter=Meter(0, 3, 4), pickup=24, bars=2))
    ends = []
    for token in token_ids(GRID, ["60", *"_" * 15]):
        ends.append(int(context.bar_end[0]))
        context.advance(token[None])
    assert ends == [24] * 4 + [96] * 12
    assert context.end_tick[0] == 144


def test_a_token_from_elsewhere_is_named():
    with pytest.raises(EncodingError, match="'99' is not one of"):
        token_ids(GRID, ["60", "99"])


def longest_like(tokens: list[int]) -> tuple[int, int]:
    """By trying all: how long a stretch before is like the latest tokens, and the id after the last such one."""
    found, after = 0, -1
    for end in range(len(tokens) - 1):
        length = 0
        while length <= end and tokens[end - length] == tokens[-1 - length]:
            length += 1
        if length and length >= found:
            found, after = length, tokens[end + 1]
    return found, after


@given(st.lists(st.integers(0, 5), min_size=1, max_size=60))
def test_features_say_what_they_say(ids: list[int]) -> None:
    context = GRID.start(2)
    names = [feature.name for feature in GRID.features]
    heard: list[int] = []
    delimiters = 1
    for number, token in enumerate(ids):
        context.advance(np.array([token, ids[-1 - number]]))
        delimiters = delimiters + 1 if token == GRID.start_id else 0
        heard = [] if token == GRID.start_id else [*heard, token]
        row = dict(zip(names, context.features()[0].tolist(), strict=True))
        length, after = longest_like(heard)
        assert row["how many like tokens"] == length
        assert row["token after the last like stretch"] == after + 1
        assert row["delimiters in a row"] == delimiters
        assert row["token 8 steps ago"] == (heard[-8] + 1 if len(heard) >= 8 else 0)
        assert row["step of 48"] == len(heard) % 48
        onsets = [i for i, one in enumerate(heard) if one != GRID.ids["_"]] or [0]
        assert row["steps since the onset"] == len(heard) - onsets[-1]


def test_features_can_be_asked_for_late() -> None:
    ids = np.random.default_rng(0).integers(0, 6, (300, 3))
    often, once = GRID.start(3), GRID.start(3)
    for row in ids:
        often.advance(row)
        often.features()
        once.advance(row)
    np.testing.assert_array_equal(often.features(), once.features())
