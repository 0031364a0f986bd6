"""`melody vary`: variations of a motif."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from melodysynthesis.apps.console import Reporter
from melodysynthesis.apps.generate import (
    DEFAULT_FOLDER,
    AsJson,
    Backing,
    Folder,
    Formats,
    ModelName,
    Quiet,
    Target,
    composition,
    make,
)
from melodysynthesis.apps.request_options import with_request_options
from melodysynthesis.errors import RequestError
from melodysynthesis.generation.prompt import primers_from
from melodysynthesis.generation.variation import variation
from melodysynthesis.music import Melody

KEEP_HELP = "What stays: rhythm, contour, strong (the notes on strong beats); separate with commas."


@with_request_options
def command(
    *,
    motif: Annotated[str, typer.Argument(help='A file, or notes "G4:1 A4:1/2 B4:1/2 D5:1".', metavar="MOTIF")],
    keep: Annotated[str, composition(KEEP_HELP)] = "rhythm",
    model: ModelName = None,
    count: Annotated[int, composition("How many variations: likely ones first, each unlike the others.")] = 1,
    part: Annotated[str | None, composition("Part, track or tune of the file, by name or number.")] = None,
    key: Annotated[str | None, composition("The motif's key, if the file does not say it.")] = None,
    meter: Annotated[str | None, composition("The motif's meter, if it has none.")] = None,
    pickup: Annotated[str | None, composition("The motif's upbeat in quarter notes, if it has no meter.")] = None,
    fields: dict[str, Any],
    format: Formats = "mid",
    backing: Backing = False,
    out: Folder = DEFAULT_FOLDER,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Vary a motif: some of it stays, the rest is new, in the same key, meter and length.

    The range is the motif's and a fourth more on either side, unless --range gives another.
    """
    target, reporter = Target.of(format, out)._replace(backing=backing), Reporter(quiet, as_json)
    choices = {"model": model, "key": key, "meter": meter, "pickup": pickup}
    fields |= {"count": count, **{name: value for name, value in choices.items() if value is not None}}
    melody = _motif(motif, part, reporter)
    make(variation(melody, keep.replace(",", " ").split(), **fields), target, reporter, rank=True, exclude=melody)


def _motif(text: str, part: str | None, reporter: Reporter) -> Melody:
    given = primers_from(text, part, called="motif")
    for notice in given.notices:
        reporter.note(notice)
    if len(given.melodies) > 1:
        raise RequestError(f"{text}: {len(given.melodies)} melodies: choose one with --part")
    return given.melodies[0]
