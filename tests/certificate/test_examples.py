"""Rules as a musician would try them: a few notes, what is asked for, and the places that are named."""

from dataclasses import replace

import pytest

from melodysynthesis.certificate import Verdict, certify
from melodysynthesis.certificate.chords import QUALITIES, chord_of
from melodysynthesis.certificate.scales import SCALES
from melodysynthesis.certificate.score import beat_ticks, strong_beats, weight
from melodysynthesis.errors import RequestError
from melodysynthesis.generation.request import Request
from melodysynthesis.music import BEAT_UNITS, Melody, Meter
from melodysynthesis.notation import parse_key, parse_meter, parse_notes
from melodysynthesis.theory import NAMED_SCALES, metric_weight
from melodysynthesis.theory import beat_ticks as theory_beat_ticks
from melodysynthesis.theory.chords import CHORDS, Chord


def tune(notes: str, meter: str | None = "4/4", pickup: int = 0, key: str | None = "C major") -> Melody:
    meters = (parse_meter(meter),) if meter else ()
    return replace(parse_notes(notes), meters=meters, pickup=pickup, key=parse_key(key) if key else None)


def breaches(melody: Melody, **fields):
    """Bar, beat and note of each breach of the last field."""
    certificate = certify(melody, Request(**fields).model_dump(mode="json"))
    (finding,) = [finding for finding in certificate.findings if finding.rule == list(fields)[-1]]
    return [(breach.place.bar, breach.place.beat, breach.place.note) for breach in finding.breaches]


EXAMPLES = [
    # Scales. C harmonic minor has B natural, and no B flat.
    ("C4 Eb4 B4 C5 Bb4:1 Ab4 G4 C4", {"key": "C minor", "scale": "harmonic-minor"}, [(2, 1, 5)]),
    ("C4 Eb4 A4 C5 B4:1 Ab4 G4 C4", {"key": "C minor", "scale": "melodic-minor"}, [(2, 2, 6)]),
    ("C4 F#4 G4 Bb4", {"key": "C major", "scale": "blues"}, []),
    ("C4 F4 A4 C5", {"key": "C major", "scale": "major-pentatonic"}, [(1, 2, 2)]),
    # Two notes are outside, one may be.
    ("C4 C#4 D4 D#4", {"key": "C major", "chromatic": 1, "scale": "major"}, [(1, 2, 2), (1, 4, 4)]),
    ("C4 C#4 D4 D#4", {"key": "C major", "chromatic": 2, "scale": "major"}, []),
    # A leap over a rest is a leap.
    ("C4:1 r:1 C5:2", {"max_leap": 11}, [(1, 3, 2)]),
    # A fifth needs no recovery, a sixth does; a leap to the last note never has one.
    ("C4 G4 A4 C5", {"leap_recovery": True}, []),
    ("C4 A4 B4 A4", {"leap_recovery": True}, [(1, 3, 3)]),
    ("C4 A4 G4 F4", {"leap_recovery": True}, []),
    ("C4 A4 A4 G4", {"leap_recovery": True}, [(1, 3, 3)]),
    ("C4 D4 E4 C5", {"leap_recovery": True}, [(1, 4, 4)]),
    # Over C: D passes on a weak beat, not on a strong one; B is a neighbour; A is leapt to.
    ("C4 D4 E4 G4", {"chords": "C"}, []),
    ("E4 E4 D4 C4", {"chords": "C"}, [(1, 3, 3)]),
    ("C5 B4 C5 G4", {"chords": "C"}, []),
    ("C5 A4 C5 G4", {"chords": "C"}, [(1, 2, 2)]),
    ("C4 E4 G4 A4", {"chords": "C"}, [(1, 4, 4)]),  # a last note passes nowhere
    # Two notes pass from G down to E flat, F over both: each is between steps.
    ("G4 F4:1/2 E4 Eb4:1 C4", {"chords": "Cm"}, []),
    # Two chords in a bar of 3/4 change on the third beat; of three each has its own.
    ("C4 E4 B4", {"meter": "3/4", "chords": "C G"}, []),
    ("C4 D4 E4", {"meter": "3/4", "chords": "C G C"}, []),
    # After the chart's last bar comes its first.
    ("C4:4 D4:4 E4:4 B4:4", {"chords": "C | G"}, []),
    # Fixed notes: half a beat after beat 2; a note that sounds on is none that begins.
    ("C4:2 D4 E4", {"fixed": "1.5/2:C4"}, [(1, 2.5, None)]),
    ("C4:3/2 D4:1/2 E4:2", {"fixed": "1.5/2:D4"}, []),
    # No rests at all: neither within nor at the end.
    ("C4:1 r:1 D4:1 r:1", {"rests": False}, [(1, 2, None), (1, 4, None)]),
    ("C4:3 D4:2 E4:3", {"ties_over_bars": False}, [(1, 4, 2)]),
    # Held from the second beat over the third of 4/4, and from the half beat over the beat.
    ("C4:1 D4:2 E4:1", {"max_syncopation": 0}, [(1, 2, 2)]),
    ("C4:1/2 D4:1 E4:1/2 F4:2", {"max_syncopation": 0}, [(1, 1.5, 2)]),
    ("C4:2 D4:2", {"max_syncopation": 0}, []),
    # A rhythm comes again; rests in a row are one.
    ("C4:1 D4:1 E4:2 C4:1 D4:1 E4:2", {"rhythm": "1 1 2"}, []),
    ("C4:1 r:2 E4:1", {"rhythm": "1 r:1 r:1 1"}, []),
    ("C4:1 D4:1 E4:2", {"rhythm": "1 1 1"}, [(1, None, None)]),
    # Sections are the same notes; a variation is not.
    ("C4 D4 E4 F4 C4 D4 E4 F4", {"form": "AA"}, []),
    ("C4 D4 E4 F4 C4 D4 E4 G4", {"form": "AA"}, [(2, 1, None)]),
    ("C4 D4 E4 F4 C4 D4 E4 G4", {"form": "AA'"}, []),
    ("C4 D4 E4 F4 C4 D4 E4 F4", {"form": "AA'"}, [(2, 1, None)]),
    ("C4:2 D4:4 E4:2", {"form": "AB"}, [(1, 3, 2)]),
    ("C4 D4 E4 F4 C4 D4 E4 G4", {"form": "AB"}, []),
    ("C4 D4 E4 F4 C4 D4 E4 F4", {"form": "AB"}, [(2, 1, None)]),
]  # fmt: skip


@pytest.mark.parametrize(("notes", "fields", "places"), EXAMPLES, ids=lambda value: str(value)[:60])
def test_examples(notes, fields, places):
    found = breaches(tune(notes, fields.get("meter", "4/4")), **fields)
    if list(fields)[-1] == "rhythm" and places:
        assert found
    else:
        assert found == places


def test_a_cadence():
    good = "E4:2 F4:1 D4:1 C4:4"
    assert breaches(tune(good), key="C major", cadence=True) == []
    assert breaches(tune("E4:2 F4:1 B3:1 C4:4"), key="C major", cadence=True) == []
    assert breaches(tune("E4:2 F4:1 E4:1 C4:4"), key="C major", cadence=True) == [(1, 4, 3)]
    assert breaches(tune("E4:2 F4:1 D4:1 C4:1/2 r:7/2"), key="C major", cadence=True) == [(2, 1, 4)]
    assert breaches(tune("E4:2 F4:1 D4:2 C4:3"), key="C major", cadence=True) == [(2, 2, 4)]  # a weak beat
    assert breaches(tune(good), key="G major", cadence=True)[0] == (2, 1, 4)


def test_a_leading_note_will_do_where_the_scale_has_another_seventh():
    notes = "E4:2 F4:1 B3:1 C4:4"
    assert breaches(tune(notes, key="C minor"), key="C minor", cadence=True) == []
    assert breaches(tune(notes.replace("B3", "Bb3"), key="C minor"), key="C minor", cadence=True) == []
    assert breaches(tune(notes.replace("B3", "Bb3"), key="C major"), key="C major", cadence=True) == [(1, 4, 3)]


def test_a_pickup_is_the_end_of_a_bar():
    melody = tune("D4:1 E4:2 G4:1 B4:2", "3/4", pickup=24)
    assert breaches(melody, fixed="0.3:D4 1.1:E4 2.1:B4") == []
    assert breaches(melody, bars=2) == []
    assert breaches(melody, chords="C | G") == []  # the pickup's D is free
    assert breaches(melody, chords="G | G") == [(1, 1, 2)]
    assert breaches(melody, rhythm="2 1") == []


def test_an_incomplete_last_bar_is_not_whole():
    assert breaches(tune("C4:4 D4:2"), bars=2) == [(2, None, None)]
    assert breaches(tune("C4:4 D4:2", pickup=24), bars=2) == [(2, None, None)]
    assert breaches(tune("C4:4 D4:4", pickup=24), bars=2) == []


def test_nothing_asked_for_is_kept():
    certificate = certify(tune("C4"), Request().model_dump(mode="json"))
    assert (certificate.verdict, certificate.findings) == (Verdict.KEPT, ())


def test_a_melody_without_notes():
    empty = Melody((), 96, (Meter(0, 4, 4),), parse_key("C major"))
    asked = {"key": "C major", "cadence": True, "contour": "+", "fixed": "1.1:C4", "rests": False, "rhythm": "4"}
    certificate = certify(empty, Request(**asked).model_dump(mode="json"))
    verdicts = {finding.rule: finding.verdict for finding in certificate.findings}
    assert verdicts.pop("key") is Verdict.KEPT
    assert set(verdicts.values()) == {Verdict.BROKEN}


def test_the_tables_are_those_of_theory_though_they_are_written_otherwise():
    assert {name: set(scale) for name, scale in SCALES.items()} == {
        name: set(scale) for name, scale in NAMED_SCALES.items()
    }
    assert set(QUALITIES) == set(CHORDS)
    for root in ("C", "F#", "Bb"):
        for quality in QUALITIES:
            assert chord_of(root + quality).notes == Chord(root, quality).tones


def test_weights_are_those_of_theory():
    for beats in range(1, 17):
        for unit in BEAT_UNITS[:-1]:  # half of a thirty-second is no tick
            meter = Meter(0, beats, unit)
            assert beat_ticks(meter) == theory_beat_ticks(meter)
            places = range(meter.bar_ticks)
            assert [weight(meter, place) for place in places] == [metric_weight(meter, place) for place in places]
            assert list(strong_beats(meter)) == [place for place in places if metric_weight(meter, place) >= 3]


def test_a_chord_that_is_none():
    with pytest.raises(RequestError, match="unknown chord 'G15'"):
        chord_of("G15")
