"""Score files: bytes to melodies and back. `FORMATS` is the table of what is read and written.

    from melodysynthesis import formats

    melody = formats.read("tune.musicxml").melodies[0]
    formats.write(melody, "tune.mid")

A format is one module with `read`, `write` and `FORMAT`, and one line in the table here. The libraries behind
them are imported when they are first used.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from melodysynthesis.errors import FormatError, unknown
from melodysynthesis.formats import abc, files, grid, json, kern, midi, musicxml, render
from melodysynthesis.formats.base import Format, Reading
from melodysynthesis.formats.limits import check_file_size
from melodysynthesis.music import Melody

__all__ = [
    "FORMATS", "Format", "Reading", "format_of", "named", "read", "read_bytes", "sniff", "to_bytes", "write",
]  # fmt: skip

FORMATS: dict[str, Format] = {
    format.name: format
    for format in (
        midi.FORMAT,
        musicxml.FORMAT,
        musicxml.ZIPPED,
        abc.FORMAT,
        kern.FORMAT,
        grid.FORMAT,
        json.FORMAT,
        render.SVG,
        render.PNG,
        render.WAV,
    )
}
"""The formats by name."""

_BY_SUFFIX = {suffix: format for format in FORMATS.values() for suffix in format.suffixes}

_SIGNATURES = (
    (rb"MThd|RIFF....RMID", "midi"),
    (rb"\s*<(\?xml|!DOCTYPE\s+score|score-)", "musicxml"),
    (rb"PK\x03\x04.*META-INF/container.xml", "mxl"),
    (rb"(\s*%[^\n]*\n)*\s*X:\s*\d", "abc"),
    (rb"(\s*![^\n]*\n)*\s*\*\*", "kern"),
    (rb"\s*[{\[]\s*[\"{]", "json"),
    (rb"\s*(\d{1,3}|r)(\s+(\d{1,3}|r|_))+\s", "grid"),
    (rb"RIFF....WAVE|ID3|fLaC|OggS|\xff\xfb", "audio"),
    (rb"%PDF|\x89PNG|GIF8|\xff\xd8\xff|\s*<svg", "a picture"),
)
"""How the first bytes tell what a file is. The last two can't be read, but their names help in a message."""

PathLike = str | os.PathLike[str]


def read(path: PathLike, part: str | None = None) -> Reading:
    """The melodies of a file; its suffix says the format.

    Args:
        path: the file.
        part: the part to take, by name or by number from 1; None for the rule in `parts`.

    Raises:
        FormatError: if the file can't be read, its suffix is unknown, or nothing in it is a melody.
    """
    data = files.load(path)
    try:
        reading = read_bytes(data, format_of(path).name, files.shown(path), part)
        if reading.problems and _looks_otherwise(path, data):  # what could be read of it came about by chance
            raise reading.problems[0]
    except FormatError as error:
        raise _with_sniffed(error, path, data) from None
    return reading


def read_bytes(data: bytes, format_name: str, source: str, part: str | None = None) -> Reading:
    """The melodies of a file's bytes. `source` names the file in messages and in `Melody.source`.

    Raises:
        FormatError: if the format is unknown or can't be read, or nothing in the bytes is a melody.
    """
    format = named(format_name)
    if format.read is None:
        readable = ", ".join(other.name for other in FORMATS.values() if other.read)
        raise FormatError(f"{format.name} can be written, not read; readable are {readable}", source)
    check_file_size(len(data), source)
    if not data:
        raise FormatError("the file is empty", source, "empty")
    return format.read(data, source, part)


def write(melody: Melody, path: PathLike) -> None:
    """Write a melody to a file, whole or not at all; the suffix says the format.

    Raises:
        FormatError: if the suffix is unknown, the format can't say this melody, or the file can't be written.
    """
    files.save(path, to_bytes(melody, format_of(path).name))


def to_bytes(melody: Melody, format_name: str, backing: bool = False) -> bytes:
    """The file of a melody. The same melody gives the same bytes. MIDI plays the chords, too, with `backing`.

    Raises:
        FormatError: if the format is unknown, or can't say this melody.
    """
    format = named(format_name)
    if format.write is None:
        writable = ", ".join(other.name for other in FORMATS.values() if other.write)
        raise FormatError(f"{format.name} can be read, not written; writable are {writable}")
    return midi.write(melody, backing) if format is midi.FORMAT else format.write(melody)


def named(name: str) -> Format:
    """The format of a name or suffix: ``"midi"``, ``"mid"`` and ``".mid"`` are one.

    Raises:
        FormatError: if there is none, suggesting near ones.
    """
    key = name.lower()
    format = FORMATS.get(key) or _BY_SUFFIX.get("." + key.removeprefix("."))
    if format is None:
        raise FormatError(unknown("format", name[:40].removeprefix("."), FORMATS), kind="unknown format")
    return format


def format_of(path: PathLike) -> Format:
    """The format that a file's suffix says.

    Raises:
        FormatError: if it says none, suggesting near ones.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in _BY_SUFFIX:
        reason = unknown("suffix", suffix[:40], _BY_SUFFIX) if suffix else "its name has no suffix such as .mid"
        raise FormatError(reason, files.shown(path), "unknown format")
    return _BY_SUFFIX[suffix]


def sniff(data: bytes) -> str | None:
    """What the first bytes look like: the name of a format, ``"audio"``, ``"a picture"`` or None."""
    head = data[:4096].removeprefix(b"\xef\xbb\xbf")
    return next((name for sign, name in _SIGNATURES if re.match(sign, head, re.DOTALL)), None)


def _looks_otherwise(path: PathLike, data: bytes) -> str | None:
    """What a file looks like, where that is not what its suffix says."""
    looks, by_suffix = sniff(data), _BY_SUFFIX.get(Path(path).suffix.lower())
    return None if by_suffix and by_suffix.name == looks else looks


def _with_sniffed(error: FormatError, path: PathLike, data: bytes) -> FormatError:
    """The error, saying what the file looks like where that is not what its suffix says."""
    looks = _looks_otherwise(path, data)
    if looks is None:
        return error
    hint = f"rename it to {FORMATS[looks].suffixes[0]}" if looks in FORMATS else "which can't be read"
    return FormatError(f"{error.reason}; it looks like {looks} ({hint})", error.where, error.kind)
