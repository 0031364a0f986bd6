"""`melody harmonise`: chords for a melody."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from melodysynthesis import api, formats
from melodysynthesis.apps.console import JSON_OPTION, note, say, say_json
from melodysynthesis.errors import FormatError, RequestError
from melodysynthesis.formats import files
from melodysynthesis.generation.output import prepare, suffixes_of
from melodysynthesis.generation.prompt import primers_from
from melodysynthesis.harmony import HARMONIC_RHYTHMS, MAX_ALTERNATIVES, SPICE
from melodysynthesis.music import Melody
from melodysynthesis.notation import parse_key, parse_meter

FORMATS_HELP = "Of mid, musicxml, abc, krn, wav, svg, png, json; separate with commas."


def command(
    file: Annotated[str, typer.Argument(help='A file, or notes "G4:1 A4:1/2 B4:1/2 D5:1".', metavar="FILE")],
    *,
    alternatives: Annotated[
        int, typer.Option(help="How many: the likeliest first, each unlike the others.", min=1, max=MAX_ALTERNATIVES)
    ] = 1,
    spice: Annotated[
        int,
        typer.Option(
            help="0: triads and V7; 1: as in chorales; 2: more sevenths and secondary dominants; 3: ninths, too.",
            min=SPICE[0],
            max=SPICE[-1],
        ),
    ] = 1,
    harmonic_rhythm: Annotated[
        str | None, typer.Option(help=f"How often chords may change: {', '.join(HARMONIC_RHYTHMS)}.")
    ] = None,
    part: Annotated[str | None, typer.Option(help="Part, track or tune of the file, by name or number.")] = None,
    key: Annotated[str | None, typer.Option(help="The melody's key, if the file does not say it.")] = None,
    meter: Annotated[str | None, typer.Option(help="The melody's meter, if it has none.")] = None,
    format: Annotated[str, typer.Option(help=FORMATS_HELP)] = "musicxml",
    backing: Annotated[
        bool, typer.Option("--backing/--no-backing", help="Play the chords in a second track of MIDI files.")
    ] = True,
    out: Annotated[Path, typer.Option(help="Folder for the files.")] = Path(),
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that are there.")] = False,
    as_json: Annotated[bool, JSON_OPTION] = False,
) -> None:
    """Find chords for a melody, and write it with them.

    The chords come from a model of harmony that was learnt from Bach's chorales. Phrases end with cadences: those of
    the file, or every four bars.
    """
    suffixes = suffixes_of([*format.replace(",", " ").split()]) or [".json"]
    melody, stem = _melody(file, part, key, meter)
    found = api.harmonise(melody, harmonic_rhythm=harmonic_rhythm, spice=spice, alternatives=alternatives)
    prepare(out)
    answer = []
    for number, one in enumerate(found, 1):
        name = f"{stem}-harmonised" + (f"-{number}" if len(found) > 1 else "")
        contents = {out / f"{name}{suffix}": formats.to_bytes(one, suffix, backing) for suffix in suffixes}
        for path, data in contents.items():
            if path.exists() and not force and path.read_bytes() != data:
                raise FormatError("there is another file of this name: --force overwrites it", str(path), "can't write")
        for path, data in contents.items():
            files.save(path, data)
        paths = [str(path) for path in contents]
        answer.append({"files": paths, "chords": [list(chord) for chord in one.chords], "chart": chart(one)})
        if not as_json:
            say(f"{', '.join(paths)}: {chart(one)}")
    if as_json:
        say_json(answer)


def chart(melody: Melody) -> str:
    """The chords of each bar as text: "G | C D7 | %"."""
    bars = []
    for bar in melody.bars():
        symbols = [symbol for tick, symbol in melody.chords if bar.start <= tick < bar.end]
        bars += [" ".join(symbols) or "%"] if bar.number or symbols else []
    return " | ".join(bars)


def _melody(file: str, part: str | None, key: str | None, meter: str | None) -> tuple[Melody, str]:
    """The melody, and the name of its files."""
    given = primers_from(file, part, called="melody")
    for notice in given.notices:
        note(notice)
    if len(given.melodies) > 1:
        raise RequestError(f"{file}: {len(given.melodies)} melodies: choose one with --part")
    melody = given.melodies[0]
    if key is not None:
        melody = replace(melody, key=parse_key(key))
    if meter is not None:
        if melody.meters:
            raise RequestError(f"the melody is in {melody.meters[0]} already: leave out --meter")
        melody = replace(melody, meters=(parse_meter(meter),))
    return melody, Path(file).stem if Path(file).suffix else "melody"
