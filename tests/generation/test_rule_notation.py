from fractions import Fraction

import pytest

from melodysynthesis.constraints.rules import RULES
from melodysynthesis.constraints.rules.contour import Contour, parse_contour
from melodysynthesis.constraints.rules.durations import parse_durations
from melodysynthesis.constraints.rules.fixed import FixedNote, parse_fixed
from melodysynthesis.constraints.rules.form import Section, parse_form
from melodysynthesis.constraints.rules.range import PitchRange, parse_range
from melodysynthesis.constraints.rules.rhythm import RhythmPart, parse_rhythm
from melodysynthesis.errors import RequestError
from melodysynthesis.generation.request import Request
from melodysynthesis.music import Meter
from melodysynthesis.notation import MeterSpan, parse_meters
from melodysynthesis.theory.chords import CHORDS, Chord, parse_chord, parse_chords

EVERY_RULE = {
    "scale": "natural minor", "range": "D4-G5", "max_leap": 9, "leap_recovery": True, "chords": "Em | Am B7 | Em",
    "cadence": True, "durations": "1/2 1 3/2", "max_syncopation": 2, "rests": False, "ties_over_bars": False,
    "rhythm": "1 1/2 1/2 r:1", "contour": "+ + - 0", "fixed": "2.1:G4 3.5/2:E5", "form": "AAB", "max_copy": 7,
    "lyrics": "la la / la", "max_note": "2", "max_rest": "1", "max_copy_pitches": 9, "grouping": "2+2",
    "first_degree": 5, "climax": "2:E5", "density": "1-6", "tessitura": "E4-D5", "phrases": "1 2",
    "returning_motif": "G4:1 A4:1/2",
}  # fmt: skip


def test_every_rule_can_be_asked_for_and_survives_json():
    request = Request(key="E minor", meters="3/4 x1, 4/4 x2", chromatic=1, particles=4, seed=1, **EVERY_RULE)
    assert set(request.rules) == set(RULES) == set(EVERY_RULE)
    assert Request(**request.model_dump(mode="json")) == request
    assert Request(bars=8, key="G", seed=1).rules == ()


def test_what_is_typed_is_read():
    assert parse_meters("3/4 x4, 4/4") == (MeterSpan(Meter(0, 3, 4), 4), MeterSpan(Meter(0, 4, 4), 1))
    assert parse_range("D4-G5") == parse_range("D4 to G5") == PitchRange(62, 79)
    assert parse_range("C-1-C4") == PitchRange(0, 60)
    assert parse_chords("G | C D7 | F#m7b5") == (
        (Chord("G"),), (Chord("C"), Chord("D", "7")), (Chord("F#", "m7b5"),),
    )  # fmt: skip
    assert parse_chord("Bbmaj7").tones == {10, 2, 5, 9}
    assert parse_durations("1, 1/4 1") == (6, 24)
    assert parse_rhythm("1 r:1/2") == (RhythmPart(24, True), RhythmPart(12, False))
    assert parse_contour("+ - 0") == Contour((1, -1, 0), False)
    assert parse_contour("+-0.").whole
    assert parse_fixed("4.5/2:D5 2.1:G4 1.2+1/2:A4") == (
        FixedNote(1, Fraction(5, 2), 69), FixedNote(2, Fraction(1), 67), FixedNote(4, Fraction(5, 2), 74),
    )  # fmt: skip
    assert parse_form("aABA'") == (Section("A", 0), Section("A", 0), Section("B", 0), Section("A", 1))


@pytest.mark.parametrize("quality", CHORDS)
def test_every_chord_is_read_as_it_is_written(quality):
    assert parse_chord(f"Eb{quality}") == Chord("Eb", quality)


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"chords": "G | Cmjj7"}, r"unknown chord 'Cmjj7': did you mean Cmm?aj7"),
        ({"chords": "G | Hm7"}, r"unknown chord 'Hm7': did you mean Bm7\?"),
        ({"chords": "g#"}, r"unknown chord 'g#': did you mean G# or G#m\?"),
        ({"chords": "G | X7"}, "unknown chord 'X7': expected a root A to G"),
        ({"chords": "G | | C"}, "bar 2 has none"),
        ({"chords": "G | C | G", "bars": 2}, "chords are of 3 bars"),
        ({"chords": "G C D G", "meter": "3/4"}, "more than the beats of 3/4"),
        ({"scale": "lydian-ish"}, "did you mean lydian"),
        ({"chromatic": 2}, "chromatic changes the rule scale"),
        ({"range": "G5-D4"}, "upside down: did you mean D4-G5"),
        ({"range": "D4"}, "lowest and the highest"),
        ({"meters": "3/4 x4", "meter": "3/4"}, "can't be given together"),
        ({"meters": "3/4 x4", "bars": 5}, "4 bars, but 5"),
        ({"meters": "3/4 x900"}, "more than 127"),
        ({"meters": "4/4 x2, 1/4 x1", "pickup": "1"}, "no longer than the pickup"),
        ({"durations": "1 q"}, "duration 'q'"),
        ({"rhythm": "r:1"}, "all rests"),
        ({"contour": "+ ? -"}, r"'\?' is not"),
        ({"fixed": "2:G4"}, "expected bar.beat:pitch"),
        ({"fixed": "2.0:G4"}, "first beat of a bar is 1"),
        ({"fixed": "2.1:G4 2.1:A4"}, "there is another one"),
        ({"fixed": "9.1:G4", "bars": 8}, "bar 9, but 8"),
        ({"fixed": "1.1:G3", "range": "C4-C5"}, "outside the range"),
        ({"form": "A'A"}, "comes before A"),
        ({"form": "AAB", "bars": 8}, "3 equal sections"),
        ({"scale": "major", "max_steps": 5}, "number of bars"),
        ({"particles": 0}, "particles must be a whole number from 1 to 1024, not '0'"),
        ({"rewrite": "1-2"}, "needs both"),
        ({"rewrite": "4-3"}, "did you mean 3-4"),
    ],
)
def test_what_can_not_be_is_refused_in_one_line(fields, match):
    with pytest.raises(RequestError, match=match) as refused:
        Request(**fields)
    assert "\n" not in str(refused.value)
