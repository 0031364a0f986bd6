"""What we write, read by the programs of others where a machine has them: the same notes, and no complaint."""

import random
import shutil
import subprocess
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
import symusic

from melodysynthesis.formats import abc, kern, midi, musicxml
from melodysynthesis.music import TICKS_PER_QUARTER, Key, Melody, Meter, Note
from melodysynthesis.theory.chords import CHORDS, Chord, parse_chord

METERS = [(4, 4), (3, 4), (2, 2), (6, 8), (9, 8), (12, 8), (5, 8), (7, 8), (5, 4), (3, 8), (2, 4), (11, 8)]
KEYS = [Key("G"), Key("Eb"), Key("A", "minor"), Key("D", "dorian"), Key("F#"), None]


def drawn(number: int) -> Melody:
    """A melody of a few bars with rests, an upbeat, phrases that end within bars, and accidentals."""
    dice = random.Random(number)
    meter = Meter(0, *METERS[number % len(METERS)])
    unit = 96 // meter.beat_unit
    pickup = dice.choice((0, unit))
    duration = pickup + 6 * meter.bar_ticks
    notes, ends, now = [], [], 0
    while now < duration:
        length, times = dice.choice(((6, 2), (12, 1), (12, 1), (24, 1), (24, 1), (36, 1), (48, 1), (8, 3), (16, 3)))
        if length * times > duration - now:
            length, times = duration - now, 1
        elif times == 3 and (now - pickup) % 24:
            continue  # a triplet begins on a beat
        for _ in range(times):
            if dice.random() < 0.85:
                notes.append(Note(now, length, dice.randint(58, 79)))
            now += length
        if dice.random() < 0.15:
            ends.append(now)
    words = tuple((note.onset, "la-" if i % 2 else "Heu") for i, note in enumerate(notes)) if number % 3 == 0 else ()
    phrases = tuple(sorted({*ends, duration}))
    key = KEYS[number % len(KEYS)]
    return Melody(tuple(notes), duration, (meter,), key, phrases, pickup, tempo=90, title=f"No. {number}", lyrics=words)


MELODIES = [drawn(number) for number in range(24)]


@pytest.mark.skipif(shutil.which("abc2midi") is None, reason="needs abc2midi, of Debian's abcmidi")
def test_abc2midi_reads_the_same_notes(tmp_path):
    book = b"\n".join(abc.write(m).replace(b"X:1\n", b"X:%d\n" % n) for n, m in enumerate(MELODIES, 1))
    (tmp_path / "book.abc").write_bytes(book)
    command = ["abc2midi", "book.abc", "-quiet"]  # it ends with 1 whatever comes
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60).stdout
    assert "Error" not in told, told
    for number, melody in enumerate(MELODIES, 1):
        score = symusic.Score(tmp_path / f"book{number}.mid")
        found = [
            (round(note.time * 24 / score.tpq), note.pitch)
            for track in score.tracks
            for note in sorted(track.notes, key=lambda note: note.time)
        ]
        assert found == [(note.onset, note.pitch) for note in melody.notes], number


@pytest.mark.skipif(find_spec("verovio") is None, reason="needs verovio")
def test_verovio_engraves_without_a_warning(capfd):
    import verovio

    toolkit = verovio.toolkit()
    verovio.enableLog(verovio.LOG_WARNING)
    for melody in MELODIES:
        assert toolkit.loadData(musicxml.write(melody).decode())
        assert toolkit.renderToSVG(1)
    told = capfd.readouterr()
    assert not [line for line in (told.out + told.err).splitlines() if line.strip()]


# Music21 adds an eleventh to thirteenths, and a major seventh where the standard has a minor one.
QUALITIES = [quality for quality in CHORDS if "13" not in quality and quality not in {"7sus4", "9sus4"}]
ROOTS = ("C", "F#", "Bb", "E", "Ab", "D", "G")
SONG = replace(
    MELODIES[0],
    title="Süß & <bitter>",
    composer="Anon.",
    chords=tuple(
        (note.onset, str(Chord(ROOTS[number % 7], quality, ROOTS[(number + 1) % 7] if number % 3 == 0 else "")))
        for number, (note, quality) in enumerate(zip(MELODIES[0].notes, QUALITIES, strict=False))
    ),
)
"""A melody with words, chords of most qualities and slash chords, a title and a composer."""


@pytest.mark.skipif(find_spec("musicxml") is None, reason="needs the schema, which comes with the package musicxml")
def test_musicxml_is_valid_by_its_schema():
    import xmlschema

    schema = Path(find_spec("musicxml").origin).parent / "generate_classes" / "musicxml_4_0.xsd"
    valid = xmlschema.XMLSchema(schema, allow="local")
    for melody in (*MELODIES, SONG, Melody((), 0), Melody((Note(5, 7, 12), Note(12, 90, 127)), 200)):
        assert [error.reason for error in valid.iter_errors(musicxml.write(melody).decode())] == []


@pytest.mark.skipif(find_spec("partitura") is None, reason="needs partitura")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("suffix", "write"), [("musicxml", musicxml.write), ("mid", midi.write)])
def test_partitura_reads_the_same_notes_and_meters(tmp_path, suffix, write):
    import partitura

    for number, melody in enumerate((*MELODIES, SONG)):
        path = tmp_path / f"{number}.{suffix}"
        path.write_bytes(write(melody))
        [part] = partitura.load_score(str(path)).parts
        rows = part.note_array(include_divs_per_quarter=True)
        times = [rows[name] * TICKS_PER_QUARTER / rows["divs_pq"] for name in ("onset_div", "duration_div")]
        found = zip(*(column.round().astype(int).tolist() for column in times), rows["pitch"].tolist(), strict=True)
        assert sorted(found) == [tuple(note) for note in melody.notes], number
        if suffix == "musicxml":
            signatures = [(one.beats, one.beat_type) for one in part.iter_all(partitura.score.TimeSignature)]
            assert signatures == [meter[1:] for meter in melody.meters], number


@pytest.mark.skipif(find_spec("music21") is None, reason="needs music21")
@pytest.mark.filterwarnings("ignore")
def test_music21_reads_words_chords_title_and_tempo_in_musicxml():
    from music21 import converter, harmony

    score = converter.parseData(musicxml.write(SONG).decode(), format="musicxml")
    found = score.flatten()
    notes = [note for note in found.notes if not isinstance(note, harmony.Harmony)]
    sung = tuple((round(24 * note.offset), lyric) for note in notes for lyric in note.lyrics)
    assert [(at, lyric.text + "-" * (lyric.syllabic in {"begin", "middle"})) for at, lyric in sung] == list(SONG.lyrics)
    symbols = found.getElementsByClass(harmony.ChordSymbol)
    chords = [(round(24 * one.offset), {pitch.pitchClass for pitch in one.pitches}) for one in symbols]
    assert chords == [(tick, parse_chord(symbol).tones) for tick, symbol in SONG.chords]
    assert (score.metadata.movementName, score.metadata.composer) == (SONG.title, SONG.composer)
    assert [mark.number for mark in found.getElementsByClass("MetronomeMark")] == [SONG.tempo]


@pytest.mark.skipif(find_spec("music21") is None, reason="needs music21")
@pytest.mark.filterwarnings("ignore")
def test_music21_reads_title_and_tempo_and_chords_in_abc():
    from music21 import converter, harmony

    plain = replace(SONG, chords=((0, "G"), (72, "D7"), (96, "Em")))
    score = converter.parseData(abc.write(plain).decode(), format="abc")
    symbols = score.flatten().getElementsByClass(harmony.ChordSymbol)
    assert [(round(24 * one.offset), one.figure) for one in symbols] == list(plain.chords)
    assert (score.metadata.title, score.metadata.composer) == (SONG.title, SONG.composer)


@pytest.mark.skipif(find_spec("music21") is None, reason="needs music21")
@pytest.mark.filterwarnings("ignore")
def test_music21_reads_words_in_kern():
    from music21 import converter

    score = converter.parseData(kern.write(replace(SONG, chords=())).decode(), format="humdrum")
    sung = [(round(24 * note.offset), note.lyric.strip("-")) for note in score.flatten().notes if note.lyric]
    assert sung == [(tick, syllable.strip("-")) for tick, syllable in SONG.lyrics]


def test_the_midi_library_reads_words_and_tempo():
    score = symusic.Score.from_midi(midi.write(SONG))
    assert [(lyric.time // 20, lyric.text) for track in score.tracks for lyric in track.lyrics] == list(SONG.lyrics)
    assert [round(tempo.qpm, 3) for tempo in score.tempos] == [SONG.tempo]
