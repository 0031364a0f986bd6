"""What is particular to the `event` encoding: its grammar, its header and what its features say."""

import numpy as np
import pytest
from hypothesis import given

from melodysynthesis.encodings import Header, encoding_from
from melodysynthesis.encodings.event import tonic_shift
from melodysynthesis.encodings.event_context import BARS_AGO, FEATURES, EventContext
from melodysynthesis.encodings.event_tokens import EVENT_TOKENS, GRAMMAR, ID, TOKENS, Kind, Slot
from melodysynthesis.errors import EncodingError
from melodysynthesis.music import Key, Melody, Meter, Note
from tests.strategies import melodies

EVENT = encoding_from({"name": "event"})
VOCABULARY = EVENT.vocabulary
NAMES = [feature.name for feature in FEATURES]

# A pickup of a quarter, two bars of 3/4 that say the same, phrase marks after each, a last bar without its third beat.
WALTZ = Melody(
    tuple(Note(24 * i, 24, pitch) for i, pitch in enumerate((62, 67, 71, 67, 67, 71, 67, 67, 67))),
    216,
    (Meter(0, 3, 4),),
    Key("G"),
    (96, 168),
    24,
)


def walk(melody: Melody) -> tuple[list[str], np.ndarray]:
    """Token names from the second on, and the features (tokens, features) before each."""
    ids, context, rows = EVENT.encode(melody), EVENT.start(1), []
    for token in ids[1:]:
        rows.append(context.features()[0])
        context.advance(np.array([token]))
    return [VOCABULARY[i] for i in ids[1:]], np.array(rows)


def feature(rows: np.ndarray, name: str) -> list[int]:
    return rows[:, NAMES.index(name)].tolist()


def test_a_melody_reads_as_its_frame_and_then_its_notes():
    tokens, _ = walk(WALTZ)
    assert tokens[:6] == ["tonic:G", "mode:major", "beats:3", "unit:4", "duration:24", "bars:3"]
    assert tokens[6:10] == ["pitch:67", "duration:24", "pitch:72", "duration:24"]
    assert tokens.count("phrase") == 2
    assert tokens[-1] == "end"


def test_features_do_not_depend_on_how_often_they_are_read():
    often, once = EVENT.start(1), EVENT.start(1)
    for token in EVENT.encode(WALTZ)[1:-2]:
        for context in (often, once):
            context.advance(np.array([token]))
        often.features()
    np.testing.assert_array_equal(often.features(), once.features())


@given(melody=melodies(min_notes=1))
def test_transposing_with_the_key_changes_the_tonic_only(melody):
    key = Key("C", melody.key.mode if melody.key else "major")
    notes = tuple(note._replace(pitch=50 + note.pitch % 24) for note in melody.notes)
    in_c = Melody(notes, melody.duration, melody.meters, key, melody.phrase_ends, melody.pickup)
    in_e = in_c.transpose(4, Key("E", key.mode))
    assert EVENT.encode(in_c)[2:].tolist() == EVENT.encode(in_e)[2:].tolist()


@pytest.mark.parametrize(("tonic", "shift"), [("C", 0), ("F#", 6), ("G", -5), ("Bb", -2), ("B", -1)])
def test_the_tonic_is_moved_by_the_shorter_way(tonic, shift):
    assert tonic_shift(Key(tonic)) == shift


def test_place_in_the_bar_and_bars_to_go_are_those_before_the_note():
    tokens, rows = walk(WALTZ)
    pitches = [i for i, token in enumerate(tokens) if token.startswith("pitch")]
    positions, to_go = feature(rows, "position in bar"), feature(rows, "bars to go")
    assert [positions[i] for i in pitches] == [48, 0, 24, 48, 0, 24, 48, 0, 24]
    assert [to_go[i] for i in pitches] == [3, 3, 3, 3, 2, 2, 2, 1, 1]
    # A pitch and its duration are predicted from the same place: the duration is not known before it is said.
    assert [positions[i + 1] for i in pitches] == [positions[i] for i in pitches]


def test_what_stood_a_bar_ago_is_known_and_nothing_else():
    tokens, rows = walk(WALTZ)
    pitches = [i for i, token in enumerate(tokens) if token.startswith("pitch")]
    ago = feature(rows, f"pitch {BARS_AGO[0]} bars ago")
    relative = [0 if i < 3 else WALTZ.notes[i - 3].pitch + 5 - 36 + 3 for i in range(9)]
    assert [ago[i] for i in pitches] == relative


def test_the_last_like_notes_suggest_what_followed_them():
    tokens, rows = walk(WALTZ)
    last_b = [i for i, token in enumerate(tokens) if token == "pitch:76"][1]
    following = last_b + 2
    assert feature(rows, "pitch after the last like notes")[following] == 67 + 5 - 36 + 3
    assert feature(rows, "how many like notes")[following] == 2


def test_a_phrase_that_was_moved_up_and_a_rhythm_suggest_how_they_go_on():
    up = (60, 62, 64, 62, 67, 69, 71)
    melody = Melody(tuple(Note(12 * i, 12, pitch) for i, pitch in enumerate(up)), 96, (Meter(0, 4, 4),), Key("C"))
    tokens, rows = walk(melody)
    end = tokens.index("pitch:71") + 2
    assert tokens[end] == "rest"
    assert feature(rows, "pitch after the last like notes, transposed")[end] == 69 - 36 + 3
    assert feature(rows, "how many like notes, transposed")[end] == 2
    assert feature(rows, "pitch after the last like notes")[end] == 0
    assert feature(rows, "how many notes of like rhythm")[end] == 6
    assert FEATURES[-2].candidates[feature(rows, "duration after the last like rhythm")[end]] == VOCABULARY.index(
        "duration:12"
    )


def test_every_slot_allows_just_the_kinds_of_the_grammar():
    for slot, kinds in GRAMMAR.items():
        allowed = {VOCABULARY[i] for i in np.flatnonzero(EventContext.can_follow[slot])}
        assert allowed == {VOCABULARY[i] for (kind, _), i in ID.items() if kind in kinds}


def test_a_frame_forces_what_it_says_and_leaves_the_rest_open():
    context = EVENT.start(1, Header(Key("D", "dorian"), Meter(0, 6, 8), pickup=36, bars=8))
    said = []
    while not context.in_body[0]:
        (token,) = np.flatnonzero(context.allowed()[0])
        said.append(VOCABULARY[token])
        context.advance(np.array([token]))
    assert said == ["tonic:D", "mode:dorian", "beats:6", "unit:8", "duration:36", "bars:8"]
    assert EVENT.start(1, Header(bars=8)).allowed()[0].sum() > 30


def test_the_end_that_was_asked_for_leaves_the_pickup_off_the_last_bar():
    ids, context = EVENT.encode(WALTZ), EVENT.start(1)
    for token in ids[1:-1]:
        context.advance(np.array([token]))
        if context.in_body[0]:
            assert context.end_tick[0] == WALTZ.duration
    assert context.slot[0] == Slot.NEXT


def test_long_notes_are_tied_together():
    melody = Melody((Note(0, 768 + 24 + 1, 60),), 793)
    tokens = [VOCABULARY[i] for i in EVENT.body(melody)]
    assert tokens == ["pitch:60", "duration:768", "tie", "duration:24", "tie", "duration:1"]


@pytest.mark.parametrize("quarters", [43, 44, 48, 100, 1000, 10_000])
@pytest.mark.parametrize("first", [0, 1, 12])
@pytest.mark.parametrize("sounds", [False, True])
def test_one_rest_or_note_may_last_many_times_longer_than_all_before_it(quarters, first, sounds):
    before = tuple(Note(24 * i, 24, 60 + i) for i in range(first))
    long = Note(24 * first, 24 * quarters, 72)
    after = tuple(Note(long.end + 24 * i, 24, 60 + i) for i in range(5))
    notes = (*before, long, *after) if sounds else before + after
    melody = Melody(notes, after[-1].end, (Meter(0, 4, 4),), Key("C"))
    tokens, rows = walk(melody)
    assert EVENT.decode(EVENT.encode(melody)) == melody
    pitches = [i for i, token in enumerate(tokens) if token.startswith("pitch")]
    a_bar_ago = feature(rows, "pitch 1 bars ago")
    held, first_after = 1, 60 - 36 + 3
    assert [a_bar_ago[i] for i in pitches[-5:]] == [held] * 4 + [first_after]


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        (["start", "pitch:60"], "token 2: 'pitch:60' can't follow here; expected tonic"),
        (
            ["start", "tonic:C", "mode:major", "free", "end"],
            "token 5: 'end' can't follow here; expected pitch, rest",
        ),
        (
            [
                "start",
                "tonic:C",
                "mode:major",
                "beats:3",
                "unit:4",
                "duration:72",
                "bars:1",
                "rest",
                "duration:1",
            ],
            "pickup of 72",
        ),
    ],
)
def test_ungrammatical_tokens_are_named(tokens, message):
    with pytest.raises(EncodingError, match=message):
        EVENT.decode([VOCABULARY.index(token) for token in tokens])


def test_a_pitch_out_of_range_is_named():
    with pytest.raises(EncodingError, match="pitch 20 is 20 relative to the tonic, outside 36 to 103"):
        EVENT.encode(Melody((Note(0, 24, 20),), 24))


def test_no_token_has_two_meanings():
    names = [name for name, _, _ in TOKENS]
    assert len(set(names)) == len(names) == len(ID)
    assert {kind for kind, _ in ID} == set(Kind)
    assert tuple(names[: len(EVENT_TOKENS)]) == VOCABULARY
