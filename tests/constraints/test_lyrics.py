"""Words to sing: how they are read, what bars they get, which notes they may have, and how they go through files."""

from dataclasses import replace

import pytest

from melodysynthesis import api, formats
from melodysynthesis.apps.cli import run
from melodysynthesis.constraints.rules.lyrics import lines_in, may_begin
from melodysynthesis.constraints.timeline import Timeline
from melodysynthesis.errors import RequestError
from melodysynthesis.generation.request import Request
from melodysynthesis.generation.variation import variation
from melodysynthesis.music import Key, Melody, Meter, Note
from melodysynthesis.prosody.text import MAX_SYLLABLES, divide, format_lyrics, language_of, parse_lyrics, stresses_of

STAR = "Twinkle, twinkle, little star, / How I wonder what you are."
WANDERER = """I wandered lonely as a cloud
That floats on high o'er vales and hills,
When all at once I saw a crowd,
A host, of golden daffodils;"""
HEIDE = "Sah ein Knab' ein Röslein stehn, / Röslein auf der Heiden, / War so jung und morgenschön"
WOLF = "The Assyrian came down like the wolf on the fold, / And his cohorts were gleaming in purple and gold"
TEXTS = [STAR, WANDERER, HEIDE, WOLF]


def divided(text):
    lyrics = parse_lyrics(text)
    return divide(lyrics, language_of(lyrics, None))


@pytest.mark.parametrize("text", TEXTS)
def test_a_divided_text_is_read_again_the_same(text):
    lyrics = divided(text)
    assert divided(format_lyrics(lyrics)) == parse_lyrics(format_lyrics(lyrics)) == lyrics
    letters = "".join(format_lyrics(lyrics).replace("-", "").replace(" / ", " ").split())
    assert letters == "".join(text.replace(" / ", " ").split())


def test_hyphens_of_the_text_part_syllables():
    assert format_lyrics(divided("i-dea well-known")) == "i-dea well-known"


def test_a_long_line_is_divided_where_it_has_punctuation():
    lyrics = divided("The curfew tolls the knell of parting day, the lowing herd winds slowly over the lea")
    assert [str(line[-1]) for line in lyrics.lines] == ["day,", "lea"]


@pytest.mark.parametrize(
    ("text", "meter", "pickup", "bars"),
    [(STAR, "4/4", 0, 4), (WANDERER, "4/4", 24, 8), (HEIDE, "4/4", 0, 6), (WOLF, "6/8", 24, 6)],
    ids=["trochees", "iambs", "German", "anapaests"],
)
def test_bars_fit_the_text_where_none_are_given(text, meter, pickup, bars):
    request = Request(lyrics=text)
    assert (str(request.meter), request.pickup) == (meter, pickup)
    assert request.bars <= 2 * bars
    assert request.bars % len(request.lyrics.lines) == 0
    assert Request(**request.model_dump(mode="json")) == request


def test_given_bars_meter_and_pickup_stay():
    request = Request(lyrics=STAR, meter="3/4", bars=8, pickup="1/2")
    assert (str(request.meter), request.bars, request.pickup) == ("3/4", 8, 12)
    request = Request(lyrics=WANDERER, meters="3/4 x4, 4/4 x4")
    assert (request.meter, request.bars, request.pickup) == (None, None, 24)


@pytest.mark.parametrize("meter", [(4, 4), (3, 4), (2, 4), (6, 8), (5, 4), (3, 8), (12, 8), (2, 2)])
@pytest.mark.parametrize("text", TEXTS)
def test_stressed_syllables_are_on_strong_beats_in_every_meter(text, meter):
    request = Request(lyrics=text, meter=Meter(0, *meter))
    stresses = stresses_of(request.lyrics, request.language)
    lines = lines_in(Timeline.of_bars([request.meter] * request.bars, request.pickup), stresses)
    assert sum(sum(line.on_strong) for line in lines) >= 0.8 * sum(map(sum, stresses))
    for line, flags in zip(lines, stresses, strict=True):
        assert all(stressed or not strong for stressed, strong in zip(flags, line.on_strong, strict=True))


def test_an_unstressed_syllable_leaves_the_strong_beat_to_the_stressed_one_after_it():
    on_strong = (False, True, False, False)
    assert [may_begin(True, number, on_strong) for number in range(4)] == [False, True, True, True]
    assert [may_begin(False, number, on_strong) for number in range(4)] == [True, False, True, True]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"lyrics": "la " * 10_000, "bars": 4, "meter": "4/4"}, "characters are more than|syllables are more than"),
        ({"lyrics": "la " * (MAX_SYLLABLES + 1)}, "syllables are more than"),
        ({"lyrics": "la " * 200, "bars": 4, "meter": "4/4"}, "lines need a bar each|have no room in 4 bars"),
        ({"lyrics": "la " * 64 + "/ la", "bars": 8, "meter": "2/4"}, "have no room in 8 bars of 2/4"),
        ({"lyrics": ""}, "there is no word"),
        ({"lyrics": "... / !"}, "there is no word"),
        ({"lyrics": "во поле берёза"}, "Latin letters"),
        ({"lyrics": "春眠不觉晓"}, "Latin letters"),
        ({"lyrics": "99 bottles"}, "numbers as words"),
        ({"lyrics": STAR, "language": "fr"}, "unknown language 'fr'"),
        ({"language": "de"}, "add it"),
        ({"lyrics": STAR, "bars": 1, "meter": "4/4"}, "need a bar each"),
    ],
)
def test_what_can_not_be_sung_is_refused_in_one_line(fields, message):
    with pytest.raises(RequestError, match=message) as caught:
        Request(**fields)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.fixture(scope="module")
def songs():
    """A melody for each of some texts, with its request."""
    model = api.load_model("lstm")
    requests = [Request(lyrics=text, key="G major", scale="major", seed=2, particles=2) for text in (STAR, WOLF)]
    return [(api.draw(request, model=model)[0].melody, request) for request in requests]


def test_every_syllable_has_a_note_and_lines_end_with_phrases(songs):
    for melody, request in songs:
        texts = [str(word) for line in request.lyrics.lines for word in line]
        assert "".join(text for _, text in melody.lyrics) == "".join(texts)
        onsets = {note.onset for note in melody.notes}
        assert all(tick in onsets for tick, _ in melody.lyrics)
        assert len(melody.phrase_ends) == len(request.lyrics.lines)
        assert str(api.certify(melody, request).verdict) == "kept"


def test_the_certificate_finds_missing_wrong_and_misplaced_words(songs):
    melody, request = songs[0]
    (tick, first), *others = melody.lyrics
    for lyrics in (
        ((tick, "Win-"), *others),
        tuple(others),
        (*melody.lyrics, (melody.notes[-1].onset + 1, "more")),
        ((tick + 1, first), *others),
    ):
        assert str(api.certify(replace(melody, lyrics=lyrics), request).verdict) == "broken"
    assert str(api.certify(replace(melody, phrase_ends=(melody.duration,)), request).verdict) == "broken"
    assert str(api.certify(replace(melody, lyrics=()), request).verdict) == "not checkable"


@pytest.mark.parametrize("format", ["abc", "musicxml", "krn", "mid", "json"])
def test_words_are_read_back_the_same(songs, format):
    for melody, _ in songs:
        read = formats.read_bytes(formats.to_bytes(melody, format), format, "x").melodies[0]
        assert read.lyrics == melody.lyrics
        assert read.notes == melody.notes


def test_slurs_and_hyphens_are_written_as_engravers_do():
    notes = tuple(Note(24 * n, 24, 60 + n) for n in range(4))
    melody = Melody(notes, 96, (Meter(0, 4, 4),), Key("C"), lyrics=((0, "Hal-"), (24, "lo"), (72, "du")))
    xml = formats.to_bytes(melody, "musicxml").decode()
    assert "<syllabic>begin</syllabic><text>Hal</text></lyric>" in xml
    assert "<syllabic>end</syllabic><text>lo</text><extend/></lyric>" in xml
    assert "<syllabic>single</syllabic><text>du</text></lyric>" in xml
    kern = formats.to_bytes(melody, "krn").decode().splitlines()
    rows = [row.split("\t") for row in kern if row.lstrip("(")[:1].isdigit()]
    assert rows == [["4c", "Hal-"], ["(4c#", "-lo"], ["4d)", "."], ["4e-", "du"]]


def test_a_file_of_words_is_read(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "star.txt").write_text("\ufefftwinkle twinkle\nlittle star\n", "utf-8")
    (tmp_path / "bytes.txt").write_bytes(b"\xff\xfe\x00")
    assert run(["generate", "--lyrics-file", "bytes.txt"]) == 2
    assert run(["generate", "--lyrics-file", "star.txt", "--lyrics", "la"]) == 2
    assert run(["generate", "--lyrics-file", "nothing.txt"]) == 2
    assert capsys.readouterr().err.count("\n") == 3
    assert run(["generate", "--lyrics-file", "star.txt", "--model", "lstm", "--format", "abc", "--seed", "1"]) == 0
    (file,) = (tmp_path / "generated_melodies").glob("*.abc")
    assert "w:lit-tle star" in file.read_text().replace("*", "").replace("  ", " ")


def test_a_variation_is_sung_to_the_bars_of_its_motif():
    notes = [(0, 1, 67), (1, 1, 67), (2, 1, 74), (3, 1, 74), (4, 1, 76), (5, 1, 76), (6, 2, 74)]
    tune = Melody(tuple(Note(24 * a, 24 * b, c) for a, b, c in notes), 192, (Meter(0, 4, 4),), Key("G"))
    request = variation(tune, ["rhythm"], lyrics="Twinkle, twinkle, little star", seed=1)
    assert (request.bars, str(request.meter), request.pickup) == (2, "4/4", 0)
    assert format_lyrics(request.lyrics) == "Twin-kle, twin-kle, lit-tle star"
