"""Chord symbols, numerals and charts as text: many spellings are read, one is written, and the certificate agrees."""

from itertools import combinations
from pathlib import Path

import pytest

from melodysynthesis.apps.help import vocabulary
from melodysynthesis.certificate.chords import chord_of
from melodysynthesis.errors import RequestError
from melodysynthesis.generation.request import Request
from melodysynthesis.generation.variation import variation
from melodysynthesis.music import Key, Melody
from melodysynthesis.notation import parse_key, parse_meter, parse_notes
from melodysynthesis.theory.chords import ALTERATIONS, CHORDS, Chord, format_chords, in_key, parse_chord, parse_chords

C, D, E, F, G, A, B = 0, 2, 4, 5, 7, 9, 11


@pytest.mark.parametrize(
    ("text", "written", "tones"),
    [
        ("G/B", "G/B", {G, B, D}),
        ("Am/G", "Am/G", {A, C, E, G}),
        ("C/C", "C", {C, E, G}),
        ("nc", "N.C.", set(range(12))),
        ("D13", "D13", {D, 6, A, C, E, B}),
        ("D7(b9)", "D7b9", {D, 6, A, C, 3}),
        ("D7-9", "D7b9", {D, 6, A, C, 3}),
        ("G69", "G6/9", {G, B, D, E, A}),
        ("G6/9/B", "G6/9/B", {G, B, D, E, A}),
        ("Bø7", "Bm7b5", {B, D, F, A}),
        ("B-7b5", "Bm7b5", {B, D, F, A}),
        ("B°7", "Bdim7", {B, D, F, 8}),
        ("C+7", "C7#5", {C, E, 8, 10}),
        ("C△7".replace("△", "Δ"), "Cmaj7", {C, E, G, B}),
        ("CM7(#11)", "Cmaj7#11", {C, E, 6, G, B}),
        ("C7#11b9", "C7b9#11", {C, E, G, 10, 1, 6}),
        ("C(b5)", "C(b5)", {C, E, 6}),
        ("Cb5", "Cb5", {B, 6}),  # the power chord of C flat
        ("Gsus", "Gsus4", {G, C, D}),
        ("B♭m", "Bbm", {10, 1, F}),
        ("C7alt", "C7alt", {C, E, 10, 1, 3, 6, 8}),
        ("Cno3", "C5", {C, G}),
    ],
)
def test_a_symbol_has_its_tones_and_one_spelling(text, written, tones):
    chord = parse_chord(text)
    assert str(chord) == written
    assert chord.tones == tones
    assert parse_chord(written) == chord


def test_whatever_is_read_is_read_equal_from_what_is_written_and_the_certificate_hears_the_same():
    count = 0
    for base in CHORDS:
        for altered in [(), *combinations(ALTERATIONS, 1), *combinations(ALTERATIONS, 2)]:
            try:
                chord = parse_chord(f"Bb({base}{''.join(altered)})/A")
            except RequestError:
                continue
            assert parse_chord(str(chord)) == chord
            assert chord_of(str(chord)).notes == chord.tones, str(chord)
            count += 1
    assert count > 1_000


@pytest.mark.parametrize(
    ("key", "text", "symbols"),
    [
        ("C major", "I IV V7 vi", "C F G7 Am"),
        ("G major", "ii7 viio7 viiø7 bVII", "Am7 F#dim7 F#m7b5 F"),
        ("Eb major", "V7/V viio/V V/vi", "F7 Adim G"),
        ("A minor", "i iv V7 VI bVI VII viio", "Am Dm E7 F F G G#dim"),
        ("D dorian", "i IV bVI", "Dm G Bb"),
        ("G major", "1 4 57 2m7 6- b7 1/3", "G C D7 Am7 Em F G/B"),
        ("F major", "I6/9 I/3 #ivo7 Isus4", "F6/9 F/A Bdim7 Fsus4"),
        ("C major", "I | % | Dm7 / V7", "C | % | Dm7 / G7"),
    ],
)
def test_numerals_are_those_of_the_key(key, text, symbols):
    assert in_key(text, parse_key(key)) == symbols


def test_a_chart_repeats_bars_and_beats():
    assert format_chords(parse_chords("G | % | C / / D7 || /")) == "G | G | C C C D7 | D7"


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("G | Gmaj8", "unknown chord 'Gmaj8': did you mean Gmaj"),
        ("G | IV", "'IV': it is relative to a key"),
        ("% | G", "'%' in bar 1 repeats nothing"),
        ("G | | C", "bar 2 has none; % repeats"),
        ("C" * 10_000, "unknown chord"),
        ("C7" + "b9" * 5_000, "unknown chord"),
        ("G " * 5_000, "bar 1 has 5000"),
        ("G |" * 5_000, "bars of chords: expected 1 to"),
        ("C7b5no5", "unknown chord"),
    ],
)
def test_what_is_no_chart(text, match):
    with pytest.raises(RequestError, match=match):
        parse_chords(text)


def test_a_request_says_the_chords_of_its_key():
    request = Request(key="E minor", meter="4/4", bars=2, chords="i | V7 i", seed=1)
    assert request.chords == ((Chord("E", "m"),), (Chord("B", "7"), Chord("E", "m")))
    assert request.model_dump(mode="json")["chords"] == "Em | B7 Em"
    primer = Melody(parse_notes("G4 A4 B4 G4").notes, 96, (parse_meter("4/4"),), Key("G"))
    assert Request(primer=primer, bars=2, chords="I | V").chords == ((Chord("G"),), (Chord("D"),))
    assert variation(primer, ("contour",), chords="IV").chords == ((Chord("C"),),)
    with pytest.raises(RequestError, match="'I' is relative to a key"):
        Request(meter="4/4", bars=2, chords="I | V")


def test_the_documentation_and_the_help_list_every_chord():
    page = (Path(__file__).parents[1] / "docs" / "rules.md").read_text()
    shown = next(text for name, text in vocabulary() if name == "chords").split(",")[0].split()
    assert shown == [f"G{quality}" for quality in CHORDS]
    assert all(f"`C{quality}`" in page for quality in CHORDS)
    assert all(f"`{altered}`" in page for altered in ALTERATIONS)
