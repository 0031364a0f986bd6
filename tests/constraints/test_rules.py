"""Each rule by itself, on contexts that were walked to a known place."""

import numpy as np
import pytest

from melodysynthesis.constraints import Continues, Finish, InHeader, NoLoop, StartsWithNote, WholeBars
from melodysynthesis.constraints.token_masks import MAX_REPEATED_NOTES, clock_of
from melodysynthesis.encodings import ENCODINGS, Header, encoding_from
from melodysynthesis.music import Key, Meter

EVENT, GRID = encoding_from({"name": "event"}), encoding_from({"name": "grid"})


def walk(encoding, tokens, header=Header()):  # noqa: B008 (a frozen value)
    context = encoding.start(1, header)
    for token in tokens.split():
        context.advance(np.array([encoding.vocabulary.index(token)]))
    return context


def allowed(encoding, rule, tokens, header=Header()):  # noqa: B008 (a frozen value)
    """Names of the tokens that grammar and rule let follow."""
    context = walk(encoding, tokens, header)
    mask = (context.allowed() & rule.mask(context))[0]
    return {name for name, good in zip(encoding.vocabulary, mask, strict=True) if good}


THREE_FOUR = "tonic:G mode:major beats:3 unit:4"


def test_every_encoding_has_a_clock():
    assert all(clock_of(encoding_from({"name": name})).step > 0 for name in ENCODINGS)
    assert (clock_of(EVENT).step, clock_of(GRID).step) == (1, 6)


def test_a_melody_of_known_bars_ends_there_and_nowhere_else():
    rule = WholeBars(EVENT)
    in_bar = allowed(EVENT, rule, f"{THREE_FOUR} bars:1 pitch:67 duration:48")
    assert "end" not in in_bar
    assert {"pitch:67", "rest", "tie", "phrase"} <= in_bar
    lengths = allowed(EVENT, rule, f"{THREE_FOUR} bars:1 pitch:67 duration:48 pitch:69")
    assert "duration:24" in lengths
    assert "duration:28" not in lengths
    assert allowed(EVENT, rule, f"{THREE_FOUR} bars:1 pitch:67 duration:72") == {"end", "phrase"}
    assert allowed(EVENT, rule, f"{THREE_FOUR} bars:1 pitch:67 duration:72 phrase") == {"end"}


def test_a_pickup_and_its_complement_are_one_bar():
    rule = WholeBars(EVENT)
    start = f"{THREE_FOUR} duration:24 bars:1 pitch:67 duration:24"
    assert "duration:54" not in allowed(EVENT, rule, f"{start} pitch:69")
    assert allowed(EVENT, rule, f"{start} pitch:69 duration:48") == {"end", "phrase"}


def test_an_open_melody_may_end_where_a_bar_is_full():
    rule = WholeBars(EVENT)
    start = f"{THREE_FOUR} duration:24 bars:128"
    assert "end" not in allowed(EVENT, rule, f"{start} pitch:67 duration:24")
    assert {"end", "pitch:67"} <= allowed(EVENT, rule, f"{start} pitch:67 duration:72")


def test_a_melody_without_meter_may_end_anywhere():
    assert "end" in allowed(EVENT, WholeBars(EVENT), "tonic:none mode:none free pitch:67 duration:5")


def test_a_melody_of_no_bars_is_not_said():
    assert "bars:0" not in allowed(EVENT, WholeBars(EVENT), THREE_FOUR)


def with_header(tokens, **header):
    return allowed(EVENT, InHeader(EVENT, [Header(**header)]), tokens)


def test_a_frame_is_said_as_it_was_asked_for():
    given = {"key": Key("G", "dorian"), "meter": Meter(0, 3, 4), "pickup": 31, "bars": 5}
    assert with_header("", **given) == {"tonic:G"}
    assert with_header("tonic:G", **given) == {"mode:dorian"}
    assert with_header("tonic:G mode:dorian", **given) == {"beats:3"}
    assert with_header("tonic:G mode:dorian beats:3", **given) == {"unit:4"}
    assert with_header(THREE_FOUR, **given) == {"duration:30"}
    assert with_header(f"{THREE_FOUR} duration:30", **given) == {"duration:1"}
    assert with_header(f"{THREE_FOUR} duration:30 duration:1", **given) == {"bars:5"}


def test_what_was_not_asked_for_is_left_to_the_model():
    for tokens in ("", "tonic:G", "tonic:G mode:major", "tonic:G mode:major beats:3", THREE_FOUR):
        context = walk(EVENT, tokens)
        assert InHeader(EVENT, [Header()]).mask(context).all()


def test_no_pickup_is_said_by_leaving_it_out():
    assert {name.split(":")[0] for name in with_header(THREE_FOUR, pickup=0)} == {"bars"}


def test_bars_that_are_asked_for_need_a_meter():
    assert "free" not in with_header("tonic:none mode:none", bars=3)
    assert "free" in with_header("tonic:none mode:none")


def test_a_meter_that_was_asked_for_does_not_change():
    tokens = f"{THREE_FOUR} bars:4 pitch:67 duration:72"
    assert "beats:4" in with_header(tokens)
    assert "beats:4" not in with_header(tokens, meter=Meter(0, 3, 4))


def test_each_sequence_has_its_own_frame():
    rule = InHeader(EVENT, [Header(), Header(key=Key("D")), Header(key=Key("E"))]).select(np.array([2, 1]))
    mask = rule.mask(EVENT.start(2, Header()))
    assert [EVENT.vocabulary[row.argmax()] for row in mask] == ["tonic:E", "tonic:D"]


@pytest.mark.parametrize(("played", "can_change"), [(24, False), (72, True), (48, False)])
def test_a_meter_changes_on_a_bar_line_only(played, can_change):
    tokens = f"{THREE_FOUR} bars:4 pitch:67 duration:{played}"
    assert ("beats:4" in allowed(EVENT, WholeBars(EVENT), tokens)) == can_change


def test_a_new_bar_is_longer_than_the_pickup():
    tokens = f"{THREE_FOUR} duration:48 bars:4 pitch:67 duration:48"
    assert "beats:1" in allowed(EVENT, WholeBars(EVENT), tokens)
    assert allowed(EVENT, WholeBars(EVENT), f"{tokens} beats:1") == {"unit:1"}


def test_grid_counts_the_bars_of_its_frame():
    header = Header(meter=Meter(0, 2, 8), pickup=12, bars=2)
    assert allowed(GRID, WholeBars(GRID), "60 _ 62 _ 64 _ 65 _", header) == {"/"}
    assert "/" not in allowed(GRID, WholeBars(GRID), "60 _ 62 _", header)
    open_header = Header(meter=Meter(0, 2, 8), pickup=12)
    assert {"/", "60"} <= allowed(GRID, WholeBars(GRID), "60 _ 62 _", open_header)
    assert "/" not in allowed(GRID, WholeBars(GRID), "60 _ 62", open_header)


def test_finishing_takes_the_longest_note_to_the_bar_line():
    rule = Finish(EVENT)
    start = f"{THREE_FOUR} bars:9 pitch:67 duration:24"
    assert "end" not in allowed(EVENT, rule, start)
    assert allowed(EVENT, rule, f"{start} tie") == {"duration:48"}
    assert allowed(EVENT, rule, f"{start} tie duration:48") == {"end", "phrase"}
    assert allowed(EVENT, rule, f"{start} tie duration:48 pitch:60") == {"duration:72"}
    assert allowed(EVENT, rule, "tonic:none mode:none free pitch:67 duration:5") == {"end"}
    assert allowed(GRID, Finish(GRID), "60 _") == {"/"}


@pytest.mark.parametrize("encoding", [EVENT, GRID], ids=lambda encoding: encoding.name)
def test_a_note_comes_first(encoding):
    header = "tonic:none mode:none free" if encoding is EVENT else ""
    first = allowed(encoding, StartsWithNote(encoding), header)
    assert not {"rest", "r"} & first
    assert any(name[-2:] == "60" for name in first)


@pytest.mark.parametrize("encoding", [EVENT, GRID], ids=lambda encoding: encoding.name)
def test_one_pitch_is_not_repeated_for_ever(encoding):
    note, other, rest, start = (
        ("pitch:60 duration:12", "pitch:62", "rest duration:12", "tonic:none mode:none free ")
        if encoding is EVENT
        else ("60 _", "62", "r _", "")
    )
    pitch, rule = note.split()[0], NoLoop(encoding)
    assert pitch in allowed(encoding, rule, start + " ".join([note] * (MAX_REPEATED_NOTES - 1)))
    stuck = allowed(encoding, rule, start + " ".join([note, rest, *[note] * (MAX_REPEATED_NOTES - 1)]))
    assert pitch not in stuck
    assert other in stuck
    moved = f"{other} duration:12" if encoding is EVENT else other
    assert pitch in allowed(encoding, rule, start + " ".join([*[note] * MAX_REPEATED_NOTES, moved]))


def test_after_the_primer_comes_something_else():
    one = np.ones(1, np.int64)
    tokens = f"{THREE_FOUR} bars:9 pitch:67 duration:72"
    closed = allowed(EVENT, Continues(EVENT, 72 * one, one * 2, one < 0), tokens)
    assert not {"end", "tie"} & closed
    assert {"pitch:60", "rest"} <= closed
    assert "end" not in allowed(EVENT, Continues(EVENT, 72 * one, one * 2, one < 0), f"{tokens} phrase")
    assert "_" in allowed(GRID, Continues(GRID, 12 * one, one * 0, one > 0), "60 _")
    assert not {"/", "_"} & allowed(GRID, Continues(GRID, 12 * one, one * 0, one < 0), "60 _")
    assert {"/", "_"} <= allowed(GRID, Continues(GRID, 12 * one, one * 0, one < 0), "60 _ 62")


def test_a_said_number_of_bars_leaves_room_after_the_primer():
    one = np.ones(1, np.int64)
    by_bars = allowed(EVENT, Continues(EVENT, 72 * one, 5 * one, one < 0), THREE_FOUR)
    assert {name for name in ("bars:4", "bars:5", "bars:128") if name in by_bars} == {"bars:5", "bars:128"}
    by_ticks = allowed(EVENT, Continues(EVENT, 144 * one, 0 * one, one < 0), THREE_FOUR)
    assert {name for name in ("bars:2", "bars:3") if name in by_ticks} == {"bars:3"}


def test_rules_follow_the_sequences_that_stay():
    ticks = np.array([0, 12, 24])
    rule = Continues(GRID, ticks, 0 * ticks, ticks < 0).select(np.array([2, 0]))
    context = GRID.start(2, Header())
    context.tick[:] = 24
    assert rule.mask(context)[:, GRID.start_id].tolist() == [False, True]
    for stateless in (WholeBars(GRID), Finish(GRID), StartsWithNote(GRID), NoLoop(GRID)):
        assert stateless.select(np.array([0])) is stateless


def test_bars_that_the_model_finds_unlikely_do_not_lengthen_the_pickup():
    """One more part of the pickup is as likely beside the 64 bars asked for as it was beside any number."""
    context = walk(EVENT, THREE_FOUR)
    logits = np.random.default_rng(0).normal(0, 3, (1, len(EVENT.vocabulary))).astype(np.float32)
    part, asked = EVENT.vocabulary.index("duration:24"), EVENT.vocabulary.index("bars:64")
    bars = [number for number, name in enumerate(EVENT.vocabulary) if name.startswith("bars:")]
    logits[0, asked] = -50
    pooled = InHeader(EVENT, [Header(bars=64)]).pooled(logits, context)
    share = np.exp(logits[0, part]) / (np.exp(logits[0, part]) + np.exp(logits[0, bars]).sum())
    assert np.exp(pooled[0, part]) / (np.exp(pooled[0, part]) + np.exp(pooled[0, asked])) == pytest.approx(share, 1e-5)
    assert np.exp(pooled).sum() == pytest.approx(np.exp(logits).sum(), 1e-5)
    assert InHeader(EVENT, [Header()]).pooled(logits, context) is logits
    assert InHeader(EVENT, [Header(bars=64)]).pooled(logits, walk(EVENT, f"{THREE_FOUR} bars:64")) is logits
