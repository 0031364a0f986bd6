"""Pictures and sound of a melody."""

import io
import re
import struct
import subprocess
import sys
import wave
import zlib

import numpy as np
import pytest

from melodysynthesis.errors import FormatError
from melodysynthesis.formats import render
from melodysynthesis.music import Key, Melody, Meter, Note

TUNE = Melody(
    (Note(0, 12, 62), Note(12, 24, 67), Note(36, 12, 69), Note(48, 48, 71), Note(96, 12, 66), Note(108, 48, 67)),
    156,
    (Meter(0, 4, 4),),
    Key("G"),
    (96,),
    12,
)


def pixels(png: bytes) -> np.ndarray:
    """Grey levels of an 8-bit RGBA picture, 0 to 255, shape (height, width). Rows are filtered as PNG 1.2, 6."""
    width, height = struct.unpack(">II", png[16:24])
    assert png[24:26] == b"\x08\x06"
    data, at = b"", 8
    while at < len(png):
        (size,) = struct.unpack(">I", png[at : at + 4])
        data += png[at + 8 : at + 8 + size] if png[at + 4 : at + 8] == b"IDAT" else b""
        at += 12 + size
    rows = np.frombuffer(zlib.decompress(data), np.uint8).reshape(height, 1 + 4 * width)
    out = np.zeros((height, 4 * width), np.uint8)
    for y in range(height):
        kind, row, above = rows[y, 0], rows[y, 1:], out[y - 1] if y else np.zeros(4 * width, np.uint8)
        out[y] = _unfiltered(int(kind), row, above)
    return out.reshape(height, width, 4)[..., :3].mean(axis=2)


def _unfiltered(kind: int, row: np.ndarray, above: np.ndarray) -> np.ndarray:
    if kind in (0, 2):
        return row + (above if kind else 0)
    line, up, result = row.tolist(), above.tolist(), [0] * len(row)
    for x, value in enumerate(line):
        left, corner = (result[x - 4], up[x - 4]) if x >= 4 else (0, 0)
        guess = left + up[x] - corner
        nearest = min((abs(guess - left), 0, left), (abs(guess - up[x]), 1, up[x]), (abs(guess - corner), 2, corner))
        result[x] = (value + (left, 0, (left + up[x]) // 2, nearest[2])[kind - 1]) % 256
    return np.array(result, np.uint8)


def test_a_score_is_drawn_on_white_and_always_alike():
    svg = render.svg(TUNE)
    assert svg == render.svg(TUNE)
    assert svg.startswith(b'<svg width="990" height="')
    assert b'fill="white"' in svg
    assert len(re.findall(rb'class="[^"]*\bnote\b', svg)) >= len(TUNE.notes)
    assert len(re.findall(rb'class="[^"]*\bbreath\b', svg)) == 1


def test_the_bytes_do_not_depend_on_the_process():
    code = (
        "import sys, hashlib; from melodysynthesis import formats; from melodysynthesis.music import *\n"
        "m = Melody((Note(0, 24, 60),), 24, (Meter(0, 4, 4),))\n"
        "print([hashlib.sha256(formats.to_bytes(m, n)).hexdigest() for n in ('midi', 'musicxml', 'mxl', 'svg', 'png')])"
    )
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(2)]
    assert runs[0].stdout == runs[1].stdout
    assert runs[0].stderr == ""


def test_a_title_shows_and_is_escaped():
    without, titled = (pixels(render.png(TUNE, title, zoom=0.5)) for title in ("", "A Tune <with> ä & Ж"))
    top = render.TITLE_HEIGHT // 2
    assert titled.shape == (without.shape[0] + top, without.shape[1])
    assert without.min() < 100
    heading = titled[:top]
    assert (heading < 128).sum() > 200
    middle = np.flatnonzero((heading < 128).any(axis=0)).mean()
    assert abs(middle - titled.shape[1] / 2) < 20
    assert titled[0].min() == titled[-1].min() == 255


def test_bar_numbers_show():
    """They are the only text that verovio sets: where no font is found it is left out without a word."""
    long = Melody(tuple(Note(24 * i, 24, 60 + i % 12) for i in range(64)), 64 * 24, (Meter(0, 4, 4),))
    svg = render.svg(long).decode()
    without = re.sub(r"<text.*?</text>", "", svg, flags=re.DOTALL)
    assert without != svg
    import resvg_py

    blank = pixels(bytes(resvg_py.svg_to_bytes(svg_string=without)))
    assert (pixels(render.png(long, zoom=1)) != blank).sum() > 20


def test_what_can_not_be_engraved_is_refused():
    with pytest.raises(FormatError, match="30,000 notes; at most 20,000 are engraved"):
        render.svg(Melody(tuple(Note(i, 1, 60) for i in range(30_000)), 30_000))


@pytest.mark.parametrize("melody", [Melody((), 0), Melody((), 48), Melody((Note(0, 7, 60),), 7)], ids=range(3))
def test_the_emptiest_melodies_are_drawn_and_played(melody):
    assert render.png(melody).startswith(b"\x89PNG")
    assert render.wav(melody).startswith(b"RIFF")


def test_sound_has_the_right_length_and_loudness():
    with wave.open(io.BytesIO(render.wav(TUNE))) as sound:
        samples = np.frombuffer(sound.readframes(sound.getnframes()), np.int16) / 32768
        seconds = sound.getnframes() / sound.getframerate()
        assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (2, 2, 48000)
    assert seconds == pytest.approx(156 / 48 + render.TAIL_SECONDS, abs=0.02)
    peak, level = 20 * np.log10(np.abs(samples).max()), 20 * np.log10(np.sqrt((samples**2).mean()))
    assert peak <= render.PEAK + 0.01
    assert level == pytest.approx(render.LOUDNESS, abs=1)
    assert np.abs(samples[-200:]).max() < 0.01  # it has faded


def test_a_wrong_soundfont_is_one_clear_line(tmp_path):
    path = tmp_path / "piano.sf2"
    path.write_bytes(b"RIFF no")
    with pytest.raises(FormatError, match=r"piano\.sf2: can't be played: SoundFont error"):
        render.wav(TUNE, path)
    with pytest.raises(FormatError, match=r"no such file; did you mean 'piano\.sf2'\?"):
        render.wav(TUNE, tmp_path / "pian.sf2")


def test_an_hour_of_sound_is_refused():
    with pytest.raises(FormatError, match="3,600 s of sound; at most 1,800"):
        render.wav(Melody((), 3600 * 48))
