"""Rules for the bars that are written anew: those that stay are not judged."""

import dataclasses

import pytest

from melodysynthesis.certificate import Verdict, certify
from melodysynthesis.errors import RequestError
from melodysynthesis.generation.generate import generate
from melodysynthesis.generation.request import Request
from melodysynthesis.music import Key, Melody, Meter, Note
from tests.fakes import TableEngine

WILD = Melody(
    tuple(Note(24 * i, 24, pitch) for i, pitch in enumerate((60, 85, 61, 60, 66, 67, 60, 62, 64, 66, 84, 61))),
    288,
    (Meter(0, 3, 4),),
    Key("C"),
)
"""Bars 1 and 4 keep neither scale nor range nor the largest leap."""
RULES = {"scale": "major", "range": "C4-G4", "max_leap": 5, "chords": "C", "density": "2-4", "ties_over_bars": False}


def filled(encoding="event", bars="2-3", **fields):
    request = Request(within=WILD, rewrite=bars, rules_for="new", seed=2, count=3, **fields)
    return request, [one.melody for one in generate(TableEngine(encoding), request)]


@pytest.mark.parametrize("encoding", ["event", "grid"])
def test_only_new_notes_keep_the_rules(encoding):
    request, melodies = filled(encoding, **RULES)
    with pytest.raises(RequestError, match="the notes that are given"):
        generate(TableEngine(encoding), request.model_copy(update={"rules_for": "all"}))
    for melody in melodies:
        new = [note for note in melody.notes if 72 <= note.onset < 216]
        assert [note for note in melody.notes if note not in new] == [n for n in WILD.notes if not 72 <= n.onset < 216]
        assert all(60 <= note.pitch <= 67 and note.pitch % 12 in (0, 2, 4, 5, 7, 9, 11) for note in new)
        findings = certify(melody, request.model_dump(mode="json")).findings
        assert {one.verdict for one in findings} == {Verdict.KEPT}
        extents = {one.rule: one.reason for one in findings}
        assert extents["range"] == "bars 2 to 3, which are new; the others are not judged"
        assert "new" not in extents["rewrite"]


def test_the_certificate_finds_a_new_note_that_breaks_a_rule():
    request, (melody, *_) = filled(**RULES)
    number = next(n for n, note in enumerate(melody.notes) if note.onset >= 72)
    notes = (*melody.notes[:number], melody.notes[number]._replace(pitch=80), *melody.notes[number + 1 :])
    certificate = certify(dataclasses.replace(melody, notes=notes), request.model_dump(mode="json"))
    assert {one.rule for one in certificate.findings if one.verdict is Verdict.BROKEN} >= {"scale", "range"}


def test_a_cadence_is_kept_where_the_new_bars_are_the_last_and_else_refused():
    request, melodies = filled(bars="3-4", cadence=True, scale="major")
    for melody in melodies:
        assert melody.notes[-1].pitch % 12 == 0
        assert certify(melody, request.model_dump(mode="json")).verdict is Verdict.KEPT
    with pytest.raises(RequestError, match="no melody keeps cadence"):
        filled(bars="2", cadence=True)


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"form": "AA"}, "form can't be judged in some bars only"),
        ({"scale": "major", "chromatic": 2}, "chromatic can't be judged"),
        ({"max_syncopation": 2, "contour": "+"}, "max-syncopation, contour can't be judged"),
    ],
)
def test_rules_on_the_whole_melody_are_refused(fields, match):
    with pytest.raises(RequestError, match=match):
        Request(within=WILD, rewrite="2", rules_for="new", **fields)


def test_rules_for_new_bars_need_bars_that_are_new():
    with pytest.raises(RequestError, match="for bars that are rewritten"):
        Request(rules_for="new", bars=4, scale="major")
