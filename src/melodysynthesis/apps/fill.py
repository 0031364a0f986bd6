"""`melody fill`: some bars of a melody are rewritten, the rest is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from melodysynthesis import formats
from melodysynthesis.apps.asking import asks
from melodysynthesis.apps.console import JSON_OPTION
from melodysynthesis.apps.generate import DEFAULT_FOLDER, FORMAT_HELP, Talk, Target, make
from melodysynthesis.errors import RequestError
from melodysynthesis.generation import output
from melodysynthesis.generation.request import Request
from melodysynthesis.music import Melody

PARTICLES = 32
"""More than for a melody from nothing: what stands after the bars weighs only at their end."""


@asks
def command(
    *,
    file: Annotated[str, typer.Argument(help="The melody, in any format that can be read.", metavar="FILE")],
    bars: Annotated[str, typer.Option(help='The bars to rewrite: "3-4", or one.')],
    model: Annotated[str | None, typer.Option(help="Name of a model (see `melody models`) or a file.")] = None,
    count: Annotated[int, typer.Option(help="How many alternatives: likely ones first, each unlike the others.")] = 1,
    part: Annotated[str | None, typer.Option(help="Part, track or tune of the file, by name or number.")] = None,
    key: Annotated[str | None, typer.Option(help="The melody's key, if the file does not say it.")] = None,
    asked: dict[str, Any],
    format: Annotated[str, typer.Option(help=FORMAT_HELP)] = "mid",
    out: Annotated[Path, typer.Option(help="Folder for the files.")] = DEFAULT_FOLDER,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but mistakes.")] = False,
    as_json: Annotated[bool, JSON_OPTION] = False,
) -> None:
    """Rewrite some bars of a melody, so that what stands before and after still fits.

    Rules hold for the whole melody: what is kept has to keep them too.
    """
    to = Target(output.suffixes_of(format.replace(",", " ").split() or ["json"]), out, originality=False)
    talk = Talk(people=not (quiet or as_json), notes=not quiet, as_json=as_json)
    given = {name: value for name, value in {"model": model, "key": key}.items() if value is not None}
    asked = {"particles": PARTICLES, **asked, **given, "count": count}
    melody = _melody(file, part, talk)
    make(Request(**asked, within=melody, rewrite=bars), to, talk, rank=True, heard=melody)


def _melody(file: str, part: str | None, talk: Talk) -> Melody:
    reading = formats.read(file, part)
    for notice in reading.notices:
        talk.note(notice)
    if reading.problems:
        raise reading.problems[0]
    if len(reading.melodies) > 1:
        raise RequestError(f"{file}: {len(reading.melodies)} melodies: choose one with --part")
    return reading.melodies[0]
