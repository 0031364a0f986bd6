"""`melody export`: the melodies of a file in other formats."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from melodysynthesis import formats
from melodysynthesis.apps.console import JSON_OPTION, note, progress, say, say_json
from melodysynthesis.errors import FormatError
from melodysynthesis.formats import files
from melodysynthesis.generation.output import prepare
from melodysynthesis.music import MAX_TEMPO, MIN_TEMPO


def command(
    file: Annotated[Path, typer.Argument(help="A score in any format that can be read.")],
    *,
    format: Annotated[str, typer.Option(help="Of mid, musicxml, abc, krn, wav, svg, png, json; separate with commas.")],
    out: Annotated[Path, typer.Option(help="Folder for the files.")] = Path(),
    part: Annotated[str | None, typer.Option(help="Part, track or tune, by name or number.")] = None,
    tempo: Annotated[
        float | None,
        typer.Option(help="Quarter notes per minute; else the file's own.", min=MIN_TEMPO, max=MAX_TEMPO),
    ] = None,
    backing: Annotated[
        bool, typer.Option("--backing", help="Play the chords in a second track of MIDI files.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that are there.")] = False,
    as_json: Annotated[bool, JSON_OPTION] = False,
) -> None:
    """Convert melodies to other formats. A file of several melodies gives a file for each, numbered from 001."""
    suffixes = dict.fromkeys(_suffix(name) for name in format.replace(",", " ").split())
    if not suffixes:
        raise FormatError("no format is named: expected, for example, --format mid,svg")
    reading = formats.read(file, part)
    for line in [*reading.notices, *map(str, reading.problems)]:
        note(line)
    prepare(out)
    written: list[str] = []
    with progress("writing", len(reading.melodies), not as_json) as advance:
        for number, melody in enumerate(reading.melodies, 1):
            timed = replace(melody, tempo=tempo) if tempo else melody
            stem = file.stem if len(reading.melodies) == 1 else f"{file.stem}-{number:03d}"
            for suffix in suffixes:
                path = out / f"{stem}{suffix}"
                _save(path, formats.to_bytes(timed, suffix, backing), force)
                written.append(str(path))
            advance(number)
    if as_json:
        say_json({"files": written})
        return
    for name in written:
        say(name)


def _suffix(name: str) -> str:
    format = formats.named(name)
    if format.write is None:
        raise FormatError(f"{format.name} can be read, not written")
    suffix = "." + name.lower().removeprefix(".")
    return suffix if suffix in format.suffixes else format.suffixes[0]


def _save(path: Path, data: bytes, force: bool) -> None:
    if path.exists() and not force and (not path.is_file() or path.read_bytes() != data):
        raise FormatError("there is another file of this name: --force overwrites it", str(path), "can't write")
    files.save(path, data)
