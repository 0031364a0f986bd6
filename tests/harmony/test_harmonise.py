"""Chords for a melody: in its bars, with cadences where phrases end, and what the options change."""

from dataclasses import replace
from time import process_time

import pytest

import melodysynthesis as ms
from melodysynthesis import formats
from melodysynthesis.apps.cli import run
from melodysynthesis.apps.harmonise import chart
from melodysynthesis.errors import RequestError
from melodysynthesis.harmony.chord_search import _phrase_ends, slots_of
from melodysynthesis.harmony.model import load
from melodysynthesis.music import Melody, Meter, Note
from melodysynthesis.notation import parse_key, parse_meter, parse_notes
from melodysynthesis.theory import is_strong
from melodysynthesis.theory.chords import parse_chord


def tune(notes, meter, key, pickup=0):
    melody = parse_notes(notes)
    return replace(melody, meters=(parse_meter(meter),), key=parse_key(key), pickup=pickup)


TWINKLE = tune("C4 C4 G4 G4 A4 A4 G4:2 F4:1 F4 E4 E4 D4 D4 C4:2", "4/4", "C major")
JIG = tune("D5:1/2 B4 G4 D4 G4 B4 C5 A4 F#4 D4 F#4 A4 B4 D5 G5 F#5 E5 D5 C5 A4 F#4 G4:3/2", "6/8", "G major")
GREENSLEEVES = tune(
    "A4:1 C5:2 D5:1 E5:3/2 F5:1/2 E5:1 D5:2 B4:1 G4:3/2 A4:1/2 B4:1 C5:2 A4:1 A4:3/2 G#4:1/2 A4:1 B4:2 G#4:1 E4:2 A4:1",
    "3/4",
    "A minor",
    24,
)
TUNES = [TWINKLE, JIG, GREENSLEEVES]


@pytest.mark.parametrize("melody", TUNES)
@pytest.mark.parametrize("rhythm", [None, "bar", "half", "beat"])
def test_every_bar_has_a_chord_and_the_end_is_the_tonic(melody, rhythm):
    (found,) = ms.harmonise(melody, harmonic_rhythm=rhythm)
    assert found == melody
    ticks = [tick for tick, _ in found.chords]
    assert ticks[0] == melody.pickup
    slots = {slot.start for slot in slots_of(melody, rhythm)}
    assert set(ticks) <= slots
    assert parse_chord(found.chords[-1][1]).root == melody.key.tonic
    assert all(a != b for (_, a), (_, b) in zip(found.chords, found.chords[1:], strict=False))


def test_a_known_tune_has_its_chords():
    assert chart(ms.harmonise(TWINKLE)[0]) == "C | F C | G7 C | G C"


@pytest.mark.parametrize("melody", TUNES)
def test_no_note_on_a_strong_beat_clashes_where_the_chords_are_plain(melody):
    found = ms.harmonise(melody, spice=0)[0]
    for note in found.notes:
        if note.onset >= melody.pickup:
            symbol = [text for tick, text in found.chords if tick <= note.onset][-1]
            position = (note.onset - melody.pickup) % melody.meters[0].bar_ticks
            if is_strong(melody.meters[0], position):
                assert note.pitch % 12 in parse_chord(symbol).tones


def test_plain_chords_are_of_the_key_and_spicy_ones_have_sevenths():
    plain = [parse_chord(text) for _, text in ms.harmonise(TWINKLE, spice=0)[0].chords]
    assert {tone for chord in plain for tone in chord.tones} <= {0, 2, 4, 5, 7, 9, 11}
    assert all(chord.quality in ("", "m", "dim", "7") for chord in plain)
    spicy = [parse_chord(text) for _, text in ms.harmonise(TWINKLE, spice=3)[0].chords]
    assert sum(len(chord.tones) > 3 for chord in spicy) > sum(len(chord.tones) > 3 for chord in plain)


def test_alternatives_differ_and_the_first_is_the_likeliest():
    found = ms.harmonise(TWINKLE, alternatives=5)
    assert len({melody.chords for melody in found}) == 5
    assert found[0].chords == ms.harmonise(TWINKLE)[0].chords


def test_the_same_melody_in_another_key_has_the_same_chords_there():
    moved = ms.harmonise(TWINKLE.transpose(2, parse_key("D major")))[0]
    assert moved.chords == ms.harmonise(TWINKLE)[0].transpose(2, parse_key("D major")).chords


def test_phrases_end_where_the_melody_says_or_every_four_bars():
    assert _phrase_ends(TWINKLE) == [384]
    assert _phrase_ends(replace(TWINKLE, phrase_ends=(192,))) == [192, 384]
    (last,) = [slot for slot in slots_of(TWINKLE, None) if slot.ends_phrase]
    assert last.start == 3 * 96 + 48


def test_the_parameters_are_probabilities():
    for mode in ("major", "minor"):
        model = load(mode)
        for table in (*model.successions.values(), model.change):
            assert abs(table - table.clip(max=0)).max() < 1e-9
        assert model.is_tonic.sum() == 1


@pytest.mark.parametrize(
    ("melody", "options", "match"),
    [
        (Melody((), 96, (Meter(0, 4, 4),)), {}, "has no notes"),
        (parse_notes("C4 D4"), {}, "has no meter"),
        (TWINKLE, {"harmonic_rhythm": "bars"}, "unknown harmonic rhythm 'bars': did you mean bar"),
        (TWINKLE, {"spice": 4}, "spice 4"),
        (TWINKLE, {"alternatives": 0}, "alternatives 0"),
        (TWINKLE, {"key": "H"}, "key 'H'"),
    ],
)
def test_what_can_not_be_harmonised(melody, options, match):
    with pytest.raises(RequestError, match=match):
        ms.harmonise(melody, **options)


def test_the_verb_writes_files_that_say_the_chords(tmp_path, capsys):
    notes = "G4:1 B4 D5 C5:3/2 A4:1/2 F#4:1 G4:3"
    command = ["harmonise", notes, "--meter", "3/4", "--key", "G major", "--out", str(tmp_path)]
    assert run([*command, "--format", "mid,abc", "--alternatives", "2"]) == 0
    assert capsys.readouterr().out.count("melody-harmonised-") == 4
    (abc,) = formats.read(tmp_path / "melody-harmonised-1.abc").melodies
    (midi,) = formats.read(tmp_path / "melody-harmonised-1.mid").melodies
    assert abc.chords == midi.chords != ()
    assert run(["harmonise", notes, "--out", str(tmp_path)]) == 2
    assert "no meter" in capsys.readouterr().err


def test_a_melody_of_many_phrases_takes_time_by_its_length():
    notes = tuple(Note(24 * number, 24, 60 + number % 8) for number in range(8_000))
    long = Melody(notes, 24 * 8_000, (Meter(0, 4, 4),), phrase_ends=tuple(range(48, 24 * 8_000 + 1, 48)))
    start = process_time()
    assert len(ms.harmonise(long)[0].chords) > 1_000
    assert process_time() - start < 10
