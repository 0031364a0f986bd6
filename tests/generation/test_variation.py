"""What variations share with their motif, told without the rules that make them."""

from itertools import pairwise

import numpy as np
import pytest

from melodysynthesis.certificate import Verdict, certify
from melodysynthesis.encodings.base import count_bars
from melodysynthesis.errors import RequestError
from melodysynthesis.generation.generate import generate, ranked
from melodysynthesis.generation.variation import variation
from melodysynthesis.music import Key, Melody, Meter, Note
from melodysynthesis.notation import parse_notes
from tests.fakes import TableEngine

PICKUP = Melody(
    (Note(0, 12, 62), Note(12, 12, 64), Note(24, 24, 67), Note(48, 48, 71), Note(96, 36, 72), Note(132, 12, 71)),
    168 - 24, (Meter(0, 3, 4),), Key("G"), (), 24,
)  # fmt: skip
CHANGING = Melody(
    (Note(0, 24, 69), Note(24, 24, 72), Note(72, 48, 71), Note(120, 48, 69)), 168,
    (Meter(0, 3, 4), Meter(72, 4, 4)), Key("A", "minor"),
)  # fmt: skip
MOTIFS = {"pickup": PICKUP, "changing meters, a rest": CHANGING}


def spans(melody):
    return [(note.onset, note.end) for note in melody.notes]


def ways(melody):
    return np.sign(np.diff(melody.pitches)).tolist()


@pytest.mark.parametrize("encoding", ["event", "grid"])
@pytest.mark.parametrize("keep", [("rhythm",), ("contour",), ("strong",), ("rhythm", "contour"), ("contour", "strong")])
@pytest.mark.parametrize("motif", MOTIFS.values(), ids=MOTIFS)
def test_what_is_kept_is_kept_and_so_are_key_meter_and_length(motif, keep, encoding):
    request = variation(motif, keep, seed=1, count=3)
    made = generate(TableEngine(encoding, spread=1.0), request)
    for melody in (one.melody for one in made):
        assert certify(melody, request.model_dump(mode="json")).verdict is Verdict.KEPT
        assert (melody.key, melody.meters, melody.pickup) == (motif.key, motif.meters, motif.pickup)
        assert (melody.duration, count_bars(melody)) == (motif.duration, count_bars(motif))
        assert min(motif.pitches) - 5 <= min(melody.pitches) <= max(melody.pitches) <= max(motif.pitches) + 5
        if "rhythm" in keep:
            assert spans(melody) == spans(motif)
        if "contour" in keep:
            assert ways(melody) == ways(motif)
        if "strong" in keep:
            strong = {24, 96} if motif is PICKUP else {0, 72, 120}
            kept = {note.onset: note.pitch for note in motif.notes if note.onset in strong}
            assert kept.items() <= {note.onset: note.pitch for note in melody.notes}.items()
    assert len({one.melody.notes for one in made}) > 1


def test_a_motif_that_ends_within_a_bar_is_filled_up_with_a_rest():
    motif = parse_notes("G4:1 A4:1/2 B4:1/2")
    (made,) = generate(TableEngine("event"), variation(motif, seed=1, meter="3/4", key="G"))
    assert spans(made.melody) == spans(motif)
    assert made.melody.duration == 72
    beyond_its_pickup = Melody((Note(0, 24, 67), Note(24, 72, 69)), 96, (Meter(0, 3, 4),), Key("G"), (), 24)
    assert variation(beyond_its_pickup).bars == 2


def test_what_was_heard_is_no_alternative_to_itself():
    made = generate(TableEngine("grid"), variation(PICKUP, seed=1, count=4))
    assert made[0].melody.notes in {one.melody.notes for one in ranked(made, 4)}
    assert made[0].melody.notes not in {one.melody.notes for one in ranked(made, 4, made[0].melody)}


def test_rules_are_asked_for_beside_what_is_kept():
    request = variation(PICKUP, seed=1, scale="major-pentatonic", range="D4-D5", max_leap=7)
    (made,) = generate(TableEngine("event"), request)
    assert {pitch % 12 for pitch in made.melody.pitches} <= {7, 9, 11, 2, 4}
    assert max(abs(b - a) for a, b in pairwise(made.melody.pitches)) <= 7
    assert str(request.range) == str(request.only(0).range)


@pytest.mark.parametrize(
    ("notes", "keep", "fields", "match"),
    [
        ("G4:1", ("rhythm",), {}, "the motif says no meter: add one"),
        ("G4:1", ("contour",), {"meter": "3/4"}, "one note has no contour"),
        ("G4:1", ("rythm",), {"meter": "3/4"}, "unknown part of a motif 'rythm'.*rhythm"),
        ("G4:1", (), {"meter": "3/4"}, "nothing of the motif is kept: choose some of rhythm, contour, strong"),
        ("G4:1", ("rhythm",), {"meter": "3/4", "rhythm": "1"}, "rhythm of the motif is kept: leave out rhythm"),
        ("G4:1", ("strong",), {"meter": "3/4", "fixed": "1.1:G4"}, "strong of the motif is kept: leave out fixed"),
        ("G4:1", ("rhythm",), {"meter": "3/4", "bars": 4}, "as long as its motif: leave out bars"),
        ("G4:1", ("rhythm",), {"meter": "3/4", "pickup": "1"}, "no longer than its pickup"),
        ("G4:2 A4:1", ("rhythm",), {"meter": "3/4", "pickup": "1"}, "tied over into bar 1"),
        ("r:1 G4:1/2", ("strong",), {"meter": "3/4"}, "no note of the motif begins on a strong beat"),
    ],
)
def test_what_cannot_be_varied_is_told(notes, keep, fields, match):
    with pytest.raises(RequestError, match=match):
        variation(parse_notes(notes), keep, **fields)


def test_the_meter_of_a_motif_is_its_own():
    with pytest.raises(RequestError, match="the motif is in 3/4 already"):
        variation(PICKUP, meter="4/4")
    with pytest.raises(RequestError, match="the motif has no notes"):
        variation(Melody((), 0))
