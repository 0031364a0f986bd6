"""`melody fill`: rewrite some bars of a melody and keep the rest."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from melodysynthesis import formats
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
from melodysynthesis.apps.help import COMPOSITION, grouped
from melodysynthesis.apps.request_options import with_request_options
from melodysynthesis.errors import RequestError
from melodysynthesis.generation.filling import fill_request
from melodysynthesis.music import Melody


@with_request_options
def command(
    *,
    file: Annotated[str, typer.Argument(help="The melody, in any format that can be read.", metavar="FILE")],
    bars: Annotated[str, composition('The bars to rewrite: "3-4", or one.')],
    model: ModelName = None,
    count: Annotated[int, composition("How many alternatives: likely ones first, each unlike the others.")] = 1,
    part: Annotated[str | None, composition("Part, track or tune of the file, by name or number.")] = None,
    key: Annotated[str | None, composition("The melody's key, if the file does not say it.")] = None,
    follow_chords: Annotated[
        bool, grouped(COMPOSITION, "The rewritten bars follow the chords of the file.", "--follow-chords")
    ] = False,
    rules_for: Annotated[str, composition('What rules hold for: "all", or "new" for the rewritten bars only.')] = "all",
    fields: dict[str, Any],
    format: Formats = "mid",
    backing: Backing = False,
    out: Folder = DEFAULT_FOLDER,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Rewrite some bars of a melody, so that they fit what comes before and after.

    Rules hold for the whole melody: the bars that stay have to keep them too, unless --rules-for new is given.
    """
    target, reporter = Target.of(format, out)._replace(backing=backing), Reporter(quiet, as_json)
    fields |= {name: value for name, value in {"model": model, "key": key}.items() if value is not None}
    melody = _melody(file, part, reporter)
    request = fill_request(melody, bars, follow_chords=follow_chords, rules_for=rules_for, **fields, count=count)
    make(request, target, reporter, rank=True, exclude=melody)


def _melody(file: str, part: str | None, reporter: Reporter) -> Melody:
    reading = formats.read(file, part)
    for notice in reading.notices:
        reporter.note(notice)
    if reading.problems:
        raise reading.problems[0]
    if len(reading.melodies) > 1:
        raise RequestError(f"{file}: {len(reading.melodies)} melodies: choose one with --part")
    return reading.melodies[0]
