"""`melody vary`: variations of a motif."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from melodysynthesis.apps.asking import asks
from melodysynthesis.apps.console import JSON_OPTION
from melodysynthesis.apps.generate import DEFAULT_FOLDER, FORMAT_HELP, Talk, Target, make
from melodysynthesis.errors import RequestError
from melodysynthesis.generation import output
from melodysynthesis.generation.primer import primers_from
from melodysynthesis.generation.variation import variation
from melodysynthesis.music import Melody

KEEP_HELP = "What stays: rhythm, contour, strong (the notes on strong beats); separate with commas."


@asks
def command(
    *,
    motif: Annotated[str, typer.Argument(help='A file, or notes "G4:1 A4:1/2 B4:1/2 D5:1".', metavar="MOTIF")],
    keep: Annotated[str, typer.Option(help=KEEP_HELP)] = "rhythm",
    model: Annotated[str | None, typer.Option(help="Name of a model (see `melody models`) or a file.")] = None,
    count: Annotated[int, typer.Option(help="How many variations: likely ones first, each unlike the others.")] = 1,
    part: Annotated[str | None, typer.Option(help="Part, track or tune of the file, by name or number.")] = None,
    key: Annotated[str | None, typer.Option(help="The motif's key, if it does not say it.")] = None,
    meter: Annotated[str | None, typer.Option(help="The motif's meter, if it says none.")] = None,
    pickup: Annotated[str | None, typer.Option(help="The motif's upbeat in quarters, if it says no meter.")] = None,
    asked: dict[str, Any],
    format: Annotated[str, typer.Option(help=FORMAT_HELP)] = "mid",
    out: Annotated[Path, typer.Option(help="Folder for the files.")] = DEFAULT_FOLDER,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but mistakes.")] = False,
    as_json: Annotated[bool, JSON_OPTION] = False,
) -> None:
    """Vary a motif: some of it stays, the rest is new, in the same key, meter and length.

    The range is the motif's and a fourth more on either side, unless --range says another.
    """
    to = Target(output.suffixes_of(format.replace(",", " ").split() or ["json"]), out, originality=False)
    talk = Talk(people=not (quiet or as_json), notes=not quiet, as_json=as_json)
    frame = {"model": model, "key": key, "meter": meter, "pickup": pickup}
    asked |= {"count": count, **{name: value for name, value in frame.items() if value is not None}}
    melody = _motif(motif, part, talk)
    request = variation(melody, keep.replace(",", " ").split(), **asked)
    make(request, to, talk, rank=True, heard=melody)


def _motif(text: str, part: str | None, talk: Talk) -> Melody:
    given = primers_from(text, part, called="motif")
    for notice in given.notices:
        talk.note(notice)
    if len(given.melodies) > 1:
        raise RequestError(f"{text}: {len(given.melodies)} melodies: choose one with --part")
    return given.melodies[0]
