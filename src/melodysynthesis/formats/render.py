"""A melody as picture and sound: SVG and PNG engraved by verovio, WAV played from a SoundFont.

The score is our own MusicXML, engraved as wide as a page and as high as it needs, black on white. Its text is set
in STIX, which comes with matplotlib: a PNG looks the same on a machine without fonts.

The sound is the piano of the SoundFont that comes with pretty_midi, or of one of the user's, at the melody's tempo
or at 120 quarters a minute, with its chords softly under it, brought to `LOUDNESS`. A second after the melody's end
lets the last note fade.
"""

from __future__ import annotations

import html
import io
import math
import re
import wave
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.errors import FormatError
from melodysynthesis.formats import files, midi, musicxml_writer
from melodysynthesis.formats.base import Format
from melodysynthesis.music import DEFAULT_TEMPO, TICKS_PER_QUARTER, Melody
from melodysynthesis.theory.chords import NO_CHORD_SYMBOL

LOUDNESS = -18.0
"""Root mean square of the sound from the first note on, in dB below full scale, unless a peak would then clip."""
PEAK = -1.0
"""Highest peak, in dB below full scale."""
TAIL_SECONDS = 1.0

TITLE_HEIGHT = 50
MAX_NOTES_ENGRAVED = 20_000
MAX_SECONDS = 1800.0
_FONT_FILES = ("STIXGeneral.ttf", "STIXGeneralBol.ttf", "STIXGeneralItalic.ttf")
_FONT_FAMILY = "STIXGeneral"
_TEXT_OF_GLYPH = {
    "\uea64": "♭", "\uea65": "♮", "\uea66": "♯", "\ue260": "♭", "\ue261": "♮", "\ue262": "♯", "\ueca5": "♩",
}  # fmt: skip
"""Signs of the music font within text, and those of a text font."""
_ENGRAVING = {
    "pageWidth": 2200,
    "pageHeight": 60000,
    "adjustPageHeight": True,
    "breaks": "auto",
    "header": "none",  # resvg loses the place of the nested tspans that verovio sets a title in
    "footer": "none",
    "scale": 45,
    "xmlIdChecksum": True,  # names inside the SVG are derived from the score, not drawn at random
    **{f"pageMargin{side}": 60 for side in ("Top", "Bottom", "Left", "Right")},
}


def svg(melody: Melody, title: str = "") -> bytes:
    """An engraved score as SVG, 990 units wide.

    Raises:
        FormatError: kind ``"too large"``, for a melody that does not fit on one long page.
    """
    import verovio

    if len(melody.notes) > MAX_NOTES_ENGRAVED:
        reason = f"{len(melody.notes):,} notes; at most {MAX_NOTES_ENGRAVED:,} are engraved"
        raise FormatError(reason, melody.source, "too large")
    verovio.enableLog(verovio.LOG_OFF)  # it warns on stderr of our hidden phrase marks
    toolkit = verovio.toolkit()
    toolkit.setOptions(_ENGRAVING)
    if not toolkit.loadData(engravable(melody)):
        raise FormatError("verovio can't engrave this melody", melody.source)
    if toolkit.getPageCount() > 1:
        raise FormatError("it is too long to be engraved on one page", melody.source, "too large")
    return _page(with_text_signs(toolkit.renderToSVG(1)), title).encode()


def png(melody: Melody, title: str = "", zoom: float = 1.5) -> bytes:
    """An engraved score as PNG; at `zoom` 1 it is 990 pixels wide.

    Raises:
        FormatError: as `svg`.
    """
    import resvg_py

    fonts = _package_folder("matplotlib") / "mpl-data" / "fonts" / "ttf"
    data = resvg_py.svg_to_bytes(
        svg_string=svg(melody, title).decode(),
        zoom=zoom,
        font_files=[str(fonts / name) for name in _FONT_FILES],
        font_family=_FONT_FAMILY,
        serif_family=_FONT_FAMILY,
        skip_system_fonts=all(ord(letter) < 0x530 for letter in title),  # STIX has Latin, Greek and Cyrillic
    )
    return bytes(data)


def wav(melody: Melody, soundfont: str | Path | None = None) -> bytes:
    """The melody as sound: WAV, 16 bits, stereo, 48 kHz, as long as the melody and `TAIL_SECONDS`.

    Args:
        melody: at most half an hour long.
        soundfont: path of a SoundFont 2 file; None for the one that comes with pretty_midi.

    Raises:
        FormatError: if the SoundFont can't be read, or the melody is too long.
    """
    import midirenderer

    seconds = melody.duration / TICKS_PER_QUARTER * 60 / (melody.tempo or DEFAULT_TEMPO)
    if seconds > MAX_SECONDS:
        raise FormatError(f"{seconds:,.0f} s of sound; at most {MAX_SECONDS:,.0f}", melody.source, "too large")
    path = Path(soundfont) if soundfont else _package_folder("pretty_midi") / "TimGM6mb.sf2"
    font = files.load(path, limit=2**31)
    tail = math.ceil(TAIL_SECONDS * (melody.tempo or DEFAULT_TEMPO) / 60 * TICKS_PER_QUARTER)
    silent = ((melody.duration, NO_CHORD_SYMBOL),) if melody.chords else ()
    longer = replace(melody, duration=melody.duration + tail, chords=melody.chords + silent)
    played = midi.write(longer, backing=True)  # longer, as it stops dead at the end of track
    try:
        sound = bytes(midirenderer.render_wave_from(font, played))
    except RuntimeError as error:
        raise FormatError(f"can't be played: {str(error)[:200]}", str(path), "bad SoundFont") from None
    return _levelled(sound)


def mono(sound: bytes, slower: int = 1) -> bytes:
    """The same WAV of 16 bits with one channel, the mean of both, and so many times fewer samples a second."""
    with wave.open(io.BytesIO(sound)) as reader:
        rate, samples = reader.getframerate(), np.frombuffer(reader.readframes(reader.getnframes()), np.int16)
        each = reader.getnchannels() * slower
        mixed = samples[: len(samples) // each * each].reshape(-1, each).mean(axis=1).astype(np.int16)
    out = io.BytesIO()
    with wave.open(out, "wb") as writer:
        writer.setparams((1, 2, rate // slower, len(mixed), "NONE", "not compressed"))
        writer.writeframes(mixed.tobytes())
    return out.getvalue()


SVG = Format("svg", (".svg",), None, svg)
PNG = Format("png", (".png",), None, png)
WAV = Format("wav", (".wav",), None, wav)


def engravable(melody: Melody) -> str:
    """MusicXML whose chord symbols are all in their text: verovio would write the degrees behind them once more."""
    score = re.sub(r"<degree .*?</degree>", "", musicxml_writer.write(melody).decode())
    return re.sub(r'<kind text="[^"]+"', lambda kind: kind[0].replace("b", "♭").replace("#", "♯"), score)


def with_text_signs(score: str) -> str:
    """An SVG whose accidentals and notes within text are of the text's font: others lack the music font."""
    return re.sub(
        r'<tspan font-family="Leipzig" font-size="\d+px">(.)</tspan>',
        lambda glyph: f'<tspan font-size="405px">{_TEXT_OF_GLYPH.get(glyph[1], glyph[1])}</tspan>',
        score,
    )


def _page(score: str, title: str) -> str:
    """The engraved score on white paper, under its title."""
    size = re.match(r'<svg width="(\d+)px" height="(\d+)px"', score)
    assert size is not None
    width, height = int(size[1]), int(size[2])
    top = TITLE_HEIGHT if title else 0
    heading = (
        f'<text x="{width // 2}" y="{top - 10}" text-anchor="middle" font-family="{_FONT_FAMILY}, Times, serif" '
        f'font-size="26">{html.escape(title, quote=False)}</text>\n'
    )
    placed = score.replace("<svg ", f'<svg y="{top}" ', 1)
    return (
        f'<svg width="{width}" height="{height + top}" version="1.1" xmlns="http://www.w3.org/2000/svg">\n'
        f'<rect width="100%" height="100%" fill="white"/>\n'
        f"{heading if title else ''}{placed}</svg>\n"
    )


def _package_folder(name: str) -> Path:
    """Where a package lies, without importing it: that would take a second."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise FormatError(f"the package {name} is missing; install it with: pip install {name}")
    return Path(spec.origin).parent


def _levelled(sound: bytes) -> bytes:
    """The same WAV at the loudness and peak above."""
    with wave.open(io.BytesIO(sound)) as reader:
        parameters = reader.getparams()
        samples = np.frombuffer(reader.readframes(parameters.nframes), np.int16)
    levelled = np.round(samples * _gain(samples)).astype(np.int16)
    out = io.BytesIO()
    with wave.open(out, "wb") as writer:
        writer.setparams(parameters)
        writer.writeframes(levelled.tobytes())
    return out.getvalue()


def _gain(samples: NDArray[np.int16]) -> float:
    sounding = np.flatnonzero(samples)
    if not len(sounding):
        return 1.0
    audible = samples[sounding[0] :].astype(np.float32)
    level, peak = float(np.sqrt(np.mean(audible**2))), float(np.abs(audible).max())
    return min(32767 * 10 ** (LOUDNESS / 20) / level, 32767 * 10 ** (PEAK / 20) / peak)
