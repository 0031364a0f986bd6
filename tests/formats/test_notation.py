"""How bars are written: values, ties, triplets and beams that a musician would choose."""

import pytest

from melodysynthesis.formats.notation import beams, events, glyphs, key_of, measures, usual_signature
from melodysynthesis.music import MODES, Key, Melody, Meter, Note
from melodysynthesis.theory import signature

SHORT = {"whole": "w", "half": "h", "quarter": "q", "eighth": "e", "16th": "s", "32nd": "t", "64th": "x", "breve": "b"}


def written(meter: str, durations: str, pickup: int = 0) -> str:
    """Bars of letters: dots as ``.``, triplets as ``3``, ties as ``~``, rests as ``-`` before the value."""
    notes, now = [], 0
    for word in durations.split():
        ticks = int(word.removeprefix("-"))
        if word[0] != "-":
            notes.append(Note(now, ticks, 60))
        now += ticks
    beats, unit = map(int, meter.split("/"))
    melody = Melody(tuple(notes), now, (Meter(0, beats, unit),), pickup=pickup)
    bars = measures(melody)
    return " | ".join(
        " ".join(
            ("-" if g.pitch is None else "")
            + ("[" if g.opens else "")
            + SHORT[g.value.name]
            + "." * g.value.dots
            + ("3" if g.value.triplet else "")
            + ("]" if g.closes else "")
            + ("~" if g.tie_to else "")
            for g in glyphs(row, bar)
        )
        for bar, row in zip(bars, events(melody, bars), strict=True)
    )


@pytest.mark.parametrize(
    ("meter", "durations", "expected"),
    [
        ("4/4", "24 48 24", "q h q"),  # the usual syncopation stays whole
        ("4/4", "36 12 36 12", "q. e q. e"),
        ("4/4", "12 24 24 24 12", "e q e~ e q e"),  # but the middle of the bar is shown
        ("4/4", "72 48 72", "h. q~ | q h."),
        ("4/4", "60 36", "h~ e q."),
        ("4/4", "84 12", "h~ q. e"),
        ("4/4", "18 24 6 48", "e. s~ e. s h"),
        ("4/4", "96 192", "w | w~ | w"),
        ("4/2", "192", "b"),
        ("3/4", "72 36 36", "h. | q. q."),
        ("3/4", "12 24 24 12", "e q q e"),
        ("6/8", "36 36 24 12 12 24", "q. q. | q e e q"),
        ("6/8", "48 24 24 24 24", "q.~ e q | q e~ e q"),
        ("6/8", "72 60 12", "h. | q.~ q e"),
        ("9/8", "108", "h.~ q."),
        ("5/4", "120", "w~ q"),
        ("4/4", "8 8 8 16 8 24 24", "[e3 e3 e3] [q3 e3] q q"),
        ("2/4", "16 16 16", "[q3 q3 q3]"),
        ("2/4", "4 4 4 12 12 4 4 4", "[s3 s3 s3] e e [s3 s3 s3]"),
        ("3/4", "32 8 8 24", "q~ [e3 e3 e3] q"),
        ("6/8", "36 8 8 8 12", "q. [e3 e3 e3] e"),
        ("4/4", "12 8 8 8 12 48", "e [e3 e3 e3] e h"),
        ("4/4", "24 -24 48", "q -q h"),
        ("4/4", "12 -36 48", "e -e -q h"),
        ("4/4", "24 -48 24", "q -q -q q"),
        ("6/8", "36 -36 12 -60", "q. -q. | e -e -e -q."),
        ("3/4", "24 -48", "q -q -q"),
        ("3/4", "-48 24", "-q -q q"),  # in triple time a rest of two beats is two
        ("6/8", "-24 12 36", "-q e q."),  # the rest that begins a beat is one, the rest that ends it two
        ("6/8", "36 -24 12", "q. -q e"),
        ("6/8", "36 12 -24", "q. e -e -e"),
        ("6/8", "-48 24", "-q. -e q"),
        ("6/8", "12 -48 12", "e -e -e -q e"),
        ("9/8", "36 -72", "q. -q. -q."),
        ("9/8", "-72 36", "-q. -q. q."),
        ("12/8", "36 -72 36", "q. -q. -q. q."),
        ("12/8", "-72 72", "-h. h."),
        ("5/8", "60", "q.~ q"),
        ("5/8", "-36 24", "-q. q"),
        ("5/8", "12 -48", "e -e -e -q"),
        ("5/8", "24 24 12", "q e~ e e"),
        ("7/8", "84", "h~ q."),
        ("7/8", "48 -36", "h -q."),
        ("7/8", "-24 60", "-q q~ q."),
        ("7/8", "12 -72", "e -e -q -q."),
        ("4/4", "-96 96", "-w | w"),
        ("4/4", "5 91", "t~ [t3 x3]~ e.~ q~ h"),
    ],
)
def test_values_show_the_beats(meter, durations, expected):
    assert written(meter, durations) == expected


def test_a_pickup_is_counted_from_the_bar_line_after_it():
    assert written("3/4", "12 24 24 72", pickup=12) == "e | q q q~ | h"
    assert written("6/8", "24 36 36", pickup=24) == "q | q. q."


@pytest.mark.parametrize(
    ("meter", "durations", "expected"),
    [
        ("4/4", "12 12 12 12 12 6 6 24", "be be bce -"),
        ("6/8", "12 12 12 12 12 12", "bce bce"),
        ("3/8", "12 12 12", "bce"),
        ("2/4", "12 24 12", "---"),
        ("2/2", "12 12 12 12 48", "bcce -"),
        ("7/8", "12 12 12 12 12 12 12", "be be bce"),
        ("5/8", "12 12 12 12 12", "bce be"),
        ("8/8", "12 12 12 12 12 12 12 12", "bce bce be"),
        ("11/8", "12 12 12 12 12 12 12 12 12 12 12", "be be be be bce"),
        ("9/8", "12 12 12 12 12 12 12 12 12", "bce bce bce"),
        ("6/16", "6 6 6 6 6 6", "bce bce"),
        ("4/8", "12 12 12 12", "be be"),
        ("3/4", "12 -12 12 12 24", "--be -"),
    ],
)
def test_beams_join_the_notes_of_a_beat(meter, durations, expected):
    beats, unit = map(int, meter.split("/"))
    ticks = [int(word) for word in durations.replace("-", "").split()]
    sounding = [word[0] != "-" for word in durations.split()]
    notes = tuple(Note(sum(ticks[:i]), t, 60) for i, t in enumerate(ticks) if sounding[i])
    melody = Melody(notes, sum(ticks), (Meter(0, beats, unit),))
    [bar] = measures(melody)
    [row] = events(melody, [bar])
    eighths = [state[0][0] if state else "-" for state in beams(glyphs(row, bar), bar)]
    assert "".join(eighths) == expected.replace(" ", "")


def test_no_beam_crosses_the_end_of_a_phrase():
    melody = Melody(tuple(Note(12 * i, 12, 60) for i in range(6)), 72, (Meter(0, 6, 8),), phrase_ends=(24,))
    [bar] = measures(melody)
    [row] = events(melody, [bar])
    states = beams(glyphs(row, bar), bar, melody.phrase_ends)
    assert [state[0][0] if state else "-" for state in states] == ["b", "e", "-", "b", "c", "e"]


def test_a_dotted_figure_has_a_hook():
    melody = Melody((Note(0, 18, 60), Note(18, 6, 62)), 24, (Meter(0, 1, 4),))
    [bar] = measures(melody)
    [row] = events(melody, [bar])
    assert beams(glyphs(row, bar), bar) == [("begin",), ("end", "backward hook")]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("fifths", range(-7, 8))
def test_a_signature_and_a_mode_are_a_key(fifths, mode):
    assert signature(key_of(fifths, mode)) == fifths


def test_theoretical_signatures_become_usual_ones():
    assert usual_signature(Key("G#")) == -4
    assert usual_signature(Key("Fb", "minor")) == 1
    assert usual_signature(None) == 0
