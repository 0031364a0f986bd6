"""What is particular to the `planned` encoding: a plan before the notes, and notes that obey it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from melodysynthesis.constraints import InHeader, KeepsPlan, NoLoop, StartsWithNote, WholeBars
from melodysynthesis.encodings import Header, encoding_from
from melodysynthesis.encodings.plan import PlanSection, plan_of
from melodysynthesis.encodings.planned_context import PLANNED_FEATURES
from melodysynthesis.errors import EncodingError
from melodysynthesis.music import Key, Melody, Meter, Note

PLANNED = encoding_from({"name": "planned"})
NAMES = [feature.name for feature in PLANNED_FEATURES]
A, B, VARIED = (67, 69, 71, 67), (74, 72, 71, 69), (67, 69, 71, 74)
"""Phrases of a bar of 4/4 in G major."""


def tune(*phrases: tuple[int, ...], pickup: int = 0) -> Melody:
    """Phrases of quarters in G major; a phrase mark behind each."""
    notes = tuple(Note(24 * n, 24, pitch) for n, pitch in enumerate(pitch for phrase in phrases for pitch in phrase))
    ends = tuple(np.cumsum([24 * len(phrase) for phrase in phrases]).tolist())
    return Melody(notes, ends[-1], (Meter(0, 4, 4),), Key("G"), ends, pickup)


SONG = tune(A, B, VARIED, A)


def names(ids) -> list[str]:
    return [PLANNED.vocabulary[token] for token in ids]


def test_a_plan_names_phrases_their_lengths_and_the_last_degree():
    plan = plan_of(SONG)
    assert plan is not None
    assert str(plan) == "A:4 B:4 A':4 A:4 last:1"
    assert plan.ticks == SONG.duration
    found = names(PLANNED.encode(SONG))
    assert found[found.index("bars:4") : found.index("notes") + 1] == [
        "bars:4", "last:0", "section:A", "duration:96", "section:B", "duration:96", "section:A'", "duration:96",
        "section:A", "duration:96", "notes",
    ]  # fmt: skip
    assert PLANNED.read_plan(PLANNED.encode(SONG)) == plan
    assert PLANNED.read_header(PLANNED.encode(SONG)) == Header(SONG.key, SONG.meters[0], 0, 4)


@pytest.mark.parametrize(
    "melody",
    [
        replace(SONG, phrase_ends=()),
        replace(SONG, phrase_ends=SONG.phrase_ends[:-1]),
        replace(SONG, meters=()),
        replace(tune(A), phrase_ends=(24, 30, 36, 96)),  # a phrase without an onset
        tune(*((60 + n, 62 + n, 59 + n, 61 + n) for n in range(13))),  # more letters than there are
    ],
    ids=["no marks", "no last mark", "no meter", "an empty phrase", "thirteen letters"],
)
def test_a_melody_whose_phrases_say_no_plan_is_written_without(melody):
    assert plan_of(melody) is None
    ids = PLANNED.encode(melody)
    assert not any(name.startswith(("last", "section")) for name in names(ids))
    assert PLANNED.decode(ids) == melody
    assert PLANNED.read_plan(ids) is None


def test_without_plans_the_notes_follow_the_bars():
    found = names(PLANNED.unplanned().encode(SONG))
    assert found[found.index("bars:4") + 1] == "notes"
    assert PLANNED.decode(PLANNED.unplanned().encode(SONG)) == SONG


def walked(melody: Melody) -> list[tuple[str, dict[str, int], set[str]]]:
    """For each token: its name, the features before it and what was allowed instead."""
    ids, context, rows = PLANNED.encode(melody), PLANNED.start(1), []
    for token in ids[1:]:
        features = dict(zip(NAMES, context.features()[0].tolist(), strict=True))
        rows.append((PLANNED.vocabulary[token], features, set(names(np.flatnonzero(context.allowed()[0])))))
        context.advance(np.array([token]))
    return rows


def test_features_say_the_phrase_its_time_left_and_what_stood_in_the_earlier_one():
    rows = walked(SONG)
    body = [row for row in rows[[name for name, _, _ in rows].index("notes") + 1 :] if row[0].startswith("pitch")]
    phrases = [features["phrase of the plan"] for _, features, _ in body]
    assert phrases == [1] * 4 + [3] * 4 + [2] * 4 + [1] * 4
    assert [features["time left in the phrase, or to plan"] for _, features, _ in body[:4]] == [17, 13, 9, 5]
    assert [features["phrases to go"] for _, features, _ in body[::4]] == [4, 3, 2, 1]
    assert {features["degree of the last note"] for _, features, _ in body} == {1}
    copied = "pitch at the same place of the earlier phrase"
    (feature,) = (feature for feature in PLANNED_FEATURES if feature.name == copied)
    copies = [feature.candidates[features[copied]] for _, features, _ in body]
    assert copies[:8] == [-1] * 8
    pitches = PLANNED.body(tune(A, VARIED))[::2]
    assert names(copies[8:12]) == names(pitches[:4])
    assert names(copies[12:]) == names(np.delete(PLANNED.body(tune(VARIED)), -1)[::2])


def test_features_propose_the_end_of_the_phrase_and_the_last_note():
    rows = walked(SONG)
    body = [row for row in rows[[name for name, _, _ in rows].index("notes") + 1 :] if row[0].startswith("pitch")]
    by_name = {feature.name: feature for feature in PLANNED_FEATURES}

    def proposed(name: str) -> list[str]:
        candidates = [by_name[name].candidates[features[name]] for _, features, _ in body]
        return ["" if token < 0 else PLANNED.vocabulary[token] for token in candidates]

    assert proposed("duration to the end of the phrase")[:4] == [f"duration:{ticks}" for ticks in (96, 72, 48, 24)]
    assert proposed("nearest pitch of the last degree") == [""] * 12 + ["pitch:84", "pitch:72", "pitch:72", "pitch:72"]
    left = [features["time left in the melody"] for _, features, _ in body]
    assert left == [min(64 - 4 * n, 64) + 1 for n in range(16)]


def test_the_grammar_ends_phrases_where_the_plan_does_and_the_melody_with_the_last():
    rows = walked(SONG)
    marks = [allowed for name, _, allowed in rows if name == "phrase"]
    assert marks == [{"phrase"}] * 4
    assert rows[-1][2] == {"end"}
    for name, _, allowed in rows:
        if name.startswith("pitch"):
            assert not allowed & {"phrase", "end"}
    lengths = [allowed for name, _, allowed in rows if name.startswith("duration")][4:]  # behind the plan's
    assert [max(int(one.split(":")[1]) for one in allowed) for allowed in lengths[:4]] == [96, 72, 48, 24]
    plan = [allowed for name, _, allowed in rows if name.startswith("section")]
    assert [one & {"section:A", "section:A'", "section:B", "section:C"} for one in plan] == [
        {"section:A"},
        {"section:A", "section:A'", "section:B"},
        {"section:A", "section:A'", "section:B", "section:C"},
        {"section:A", "section:A'", "section:B", "section:C"},
    ]


def test_a_note_of_another_degree_does_not_reach_the_end():
    context, ids = PLANNED.start(1), PLANNED.encode(tune(A, (71, 69, 67)))
    for token in ids[1:-4]:  # up to the last note
        context.advance(np.array([token]))
    for pitch, reaches in (("pitch:62", False), ("pitch:60", True), ("pitch:72", True), ("rest", False)):
        fork = context.select(np.zeros(1, np.int64))
        fork.advance(np.array([PLANNED.vocabulary.index(pitch)]))
        assert fork.allowed()[0, PLANNED.vocabulary.index("duration:24")] == reaches
        assert fork.allowed()[0, PLANNED.vocabulary.index("duration:21")]


HEADERS = st.builds(
    lambda meter, bars, share: Header(
        Key("D", "minor"), Meter(0, *meter), share * Meter(0, *meter).bar_ticks // 2, bars
    ),
    st.sampled_from([(2, 4), (3, 4), (4, 4), (6, 8), (5, 4), (7, 8), (9, 16), (1, 16)]),
    st.integers(1, 24),
    st.booleans(),
)


@given(header=HEADERS, seed=st.integers(0, 10_000), early=st.booleans())
def test_whatever_is_drawn_obeys_its_plan_and_the_plan_fills_the_bars(header, seed, early):
    random, unplanned = np.random.default_rng(seed), np.array([early])
    context, ids = PLANNED.start(1), [PLANNED.start_id]
    masks = [InHeader(PLANNED, [header]), StartsWithNote(PLANNED), WholeBars(PLANNED), NoLoop(PLANNED)]
    masks.append(KeepsPlan(PLANNED, unplanned))
    while not context.done[0]:
        allowed = context.allowed()
        for mask in masks:
            allowed &= mask.mask(context)
        choices = np.flatnonzero(allowed[0])
        assert len(choices), names(ids)
        ids.append(int(random.choice(choices)))
        context.advance(np.array(ids[-1:]))
    melody, plan = PLANNED.decode(ids), PLANNED.read_plan(ids)
    assert melody.duration == header.meter.bar_ticks * header.bars
    assert (plan is None) == early
    if plan is not None:
        ends = np.cumsum([section.ticks for section in plan.sections]).tolist()
        assert list(melody.phrase_ends) == ends
        assert (melody.notes[-1].pitch - 2) % 12 == plan.last
        assert all(isinstance(section, PlanSection) for section in plan.sections)
        least = min(header.meter.bar_ticks // 2, 24)  # not every length is one duration
        assert min(section.ticks for section in plan.sections) >= least
        assert melody.duration - melody.notes[-1].onset >= min(24, header.meter.bar_ticks // 3)


def test_a_plan_that_skips_a_letter_or_varies_a_new_one_is_not_allowed():
    context = PLANNED.start(1, Header(Key("C"), Meter(0, 4, 4), 0, 8))
    for token in ("tonic:C", "mode:major", "beats:4", "unit:4", "bars:8", "last:0"):
        context.advance(np.array([PLANNED.vocabulary.index(token)]))
    assert names(np.flatnonzero(context.allowed()[0])) == ["section:A"]
    with pytest.raises(EncodingError, match="'notes' can't follow in slot FIRST_SECTION"):
        context.advance(np.array([PLANNED.vocabulary.index("notes")]))
