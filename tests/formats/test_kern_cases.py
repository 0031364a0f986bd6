"""kern as real files have it: spine paths, layers, durations and signs, by the Humdrum guide."""

import pytest

from melodysynthesis.errors import FormatError
from melodysynthesis.formats import kern
from melodysynthesis.formats.base import Reading
from melodysynthesis.music import Key


def reading(*rows: str) -> Reading:
    """Columns are parted by spaces here, notes of a chord by commas."""
    text = "\n".join(row.replace(" ", "\t").replace(",", " ") for row in rows) + "\n"
    found = kern.read(text.encode(), "x.krn")
    assert not found.problems
    return found


def notes(*rows: str) -> list[tuple[float, float, int]]:
    """Onset and duration in quarters, and pitch."""
    return [(n.onset / 24, n.duration / 24, n.pitch) for n in reading(*rows).melodies[0].notes]


@pytest.mark.parametrize(
    "rows",
    [
        ["**kern", "4c", "*^", "4d 4A", "4e 4B", "*v *v", "4f", "*-"],
        ["**kern", "4c", "*^", "4d 2A", "4e .", "*v *v", "4f", "*-"],
        ["**kern **kern", "4C 4c", "* *^", "4C 4d 4A", "4C 4e .", "* *v *v", "4C 4f", "*- *-"],
        ["**kern **kern", "4C 4c", "*^ *", "4C 4E 4d", "4C . 4e", "*v *v *", "4C 4f", "*- *-"],
        ["**kern **kern", "4C 4c", "*x *x", "4d 4C", "4e 4C", "*x *x", "4C 4f", "*- *-"],
        ["**kern **kern", "4C 4c", "*- *", "4d", "4e", "4f", "*-"],
        ["**kern **dynam", "4c p", "* *+", "* * **text", "4d . ha", "4e f ho", "4f . he", "*- *- *-"],
        ["**kern", "4c", "*+", "* **kern", "4d 8gg", "4e 4gg", "4f 8gg", "*- *-"],
        ["**dynam **kern", "p 4c", ". 4d", "f 4e", ". 4f", "*- *-"],
        ["!!!COM: Anon", "!! all", "**kern", "! one", "4c", "4d", "!! two", "4e", "4f", "*-"],
    ],
)
def test_spine_paths(rows):
    assert notes(*rows) == [(0, 1, 60), (1, 1, 62), (2, 1, 64), (3, 1, 65)]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (["4c", "*^", "4d .", "4e 4g", "*v *v"], [(0, 1, 60), (1, 1, 62), (2, 1, 67)]),
        (["*^", "4d .", "4e .", "4f 4b", "*v *v", "4c"], [(0, 1, 62), (1, 1, 64), (2, 1, 71), (3, 1, 60)]),
        (["*^", "2d .", "4e 4g", "*^ *", "4c 4d 4e", "*v *v *", "*v *v"], [(0, 2, 62), (2, 1, 67), (3, 1, 64)]),
    ],
)
def test_a_layer_without_rests_begins_with_its_row(rows, expected):
    assert notes("**kern", *rows, "*-") == expected


def test_a_spine_that_is_added_may_be_taken_and_has_the_meter():
    text = "**kern\n*M3/4\n*G:\n4c\n4d\n4e\n=\n*+\n*\t**kern\n4c\t4g\n4d\t4a\n4e\t4b\n=\t=\n*-\t*-\n"
    melody = kern.read(text.encode(), "x", "2").melodies[0]
    assert [(n.onset, n.pitch) for n in melody.notes] == [(72, 67), (96, 69), (120, 71)]
    assert (str(melody.meters[0]), melody.key, melody.pickup) == ("3/4", Key("G"), 0)


@pytest.mark.parametrize(
    ("token", "quarters"),
    [
        ("0c", 8),
        ("00c", 16),
        ("000c", 32),
        ("0.c", 12),
        ("1..c", 7),
        ("3%2c", 8 / 3),
        ("2%3c", 6),
        ("6c", 2 / 3),
        ("12.c", 0.5),
        ("2.5c", 1.6),
        ("(4.c/L)", 1.5),
        ("4cTt", 1),
        ("4c#X;", 1),
        ("4.cc-yy", 1.5),
    ],
)
def test_durations(token, quarters):
    assert notes("**kern", token, "4d", "*-")[0][1] == pytest.approx(quarters, abs=1 / 48)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (["[4c", "4c]", "4d"], [(0, 2, 60), (2, 1, 62)]),
        (["[4c", "4c_", "=", "4c]"], [(0, 3, 60)]),
        (["[4c#", "4d-]"], [(0, 2, 61)]),
        (["[4c,[4e", "4c],4e]"], [(0, 2, 64)]),
        (["[4c", "4d]"], [(0, 1, 60), (1, 1, 62)]),
        (["[4c", "4r", "4c]"], [(0, 1, 60), (2, 1, 60)]),
        (["4c", "8qd", "4e"], [(0, 1, 60), (1, 1, 64)]),
        (["4c", "16qd,16qf", "4e"], [(0, 1, 60), (1, 1, 64)]),
        (["4c", "qqd", "8Qf", "4e"], [(0, 1, 60), (1, 1, 64)]),
        (["4c,4e,4g", "2d,4f"], [(0, 1, 67), (1, 1, 65)]),
        (["4r", "4ryy", "4c"], [(2, 1, 60)]),
    ],
)
def test_ties_grace_notes_chords_and_rests(rows, expected):
    assert notes("**kern", *rows, "*-") == expected


@pytest.mark.parametrize(
    "row", ["*ITrd1c2", "*ITrd-4c-7", "*Trd1c2", "*clefGv2", "*clefF4", "*rscale:2", "*8va", "*tb8"]
)
def test_data_sound_as_they_are_whatever_is_printed(row):
    assert notes("**kern", row, "*k[f#]", "4c", "2d", "*-") == [(0, 1, 60), (1, 2, 62)]


@pytest.mark.parametrize("clef", ["*clefX", "*clefX2"])
def test_percussion_is_no_melody(clef):
    assert notes("**kern **kern", f"* {clef}", "4c 4gg", "*- *-") == [(0, 1, 60)]
    with pytest.raises(FormatError, match="only drums"):
        reading("**kern", clef, "4e", "*-")


@pytest.mark.parametrize(
    "rows", [["*k[f#]", "4c", "*k[b-]", "4d"], ["*G:", "4c", "*d:", "4d"], ["*G:", "4c", "*G:mix", "4d"]]
)
def test_a_later_key_is_told(rows):
    assert any("the key changes" in notice for notice in reading("**kern", *rows, "*-").notices)
    assert not any("the key changes" in n for n in reading("**kern", rows[0], "4c", rows[0], "4d", "*-").notices)


@pytest.mark.parametrize("sign", ["=:|!", "=:|!|:", "*>[A,A,B]"])
def test_repeats_are_told(sign):
    assert any("repeats" in notice for notice in reading("**kern", "4c", sign.replace(",", ";"), "4d", "*-").notices)


@pytest.mark.parametrize(
    ("meter", "expected"),
    [("*M3+2/8", "5/8"), ("*M2+2+3/16", "7/16"), ("*M2/1", "2/1"), ("*M3/0", "6/1"), ("*M2/4.", "6/8")],
)
def test_meters(meter, expected):
    assert str(reading("**kern", meter, "*met(C)", "1c", "*-").melodies[0].meters[0]) == expected
