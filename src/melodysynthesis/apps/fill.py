"""`melody fill`: some bars of a melody are rewritten, the rest is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from melodysynthesis import formats
from melodysynthesis.apps.console import JSON_OPTION, progress
from melodysynthesis.apps.generate import DEFAULT_FOLDER, FORMAT_HELP, Talk, Target, write_all
from melodysynthesis.apps.opening import open_model
from melodysynthesis.errors import RequestError
from melodysynthesis.generation import output
from melodysynthesis.generation.alternatives import POOL, ranked
from melodysynthesis.generation.request import Request
from melodysynthesis.generation.sampler import check, generate_only
from melodysynthesis.music import Melody

PARTICLES = 32
"""More than for a melody from nothing: what stands after the bars weighs only at their end."""


def command(
    *,
    file: Annotated[str, typer.Argument(help="The melody, in any format that can be read.", metavar="FILE")],
    bars: Annotated[str, typer.Option(help='The bars to rewrite: "3-4", or one.')],
    model: Annotated[str | None, typer.Option(help="Name of a model (see `melody models`) or a file.")] = None,
    count: Annotated[int, typer.Option(help="How many alternatives: likely ones first, each unlike the others.")] = 1,
    part: Annotated[str | None, typer.Option(help="Part, track or tune of the file, by name or number.")] = None,
    key: Annotated[str | None, typer.Option(help="The melody's key, if the file does not say it.")] = None,
    scale: Annotated[str | None, typer.Option(help="Notes of a scale only: major, dorian, blues ...")] = None,
    span: Annotated[str | None, typer.Option("--range", help='Lowest and highest pitch: "D4-G5".')] = None,
    max_leap: Annotated[int | None, typer.Option(help="Semitones of the largest leap.")] = None,
    chords: Annotated[str | None, typer.Option(help='What the melody must fit: "G | C | D7 G | G".')] = None,
    cadence: Annotated[bool | None, typer.Option(help="End on the tonic, as a melody closes.")] = None,
    durations: Annotated[str | None, typer.Option(help='The only durations, in quarters: "1/2 1 3/2".')] = None,
    rests: Annotated[bool | None, typer.Option(help="Whether there may be rests.")] = None,
    ties_over_bars: Annotated[bool | None, typer.Option(help="Whether notes may be tied over bar lines.")] = None,
    max_copy: Annotated[int | None, typer.Option(help="No more notes in a row from a tune of the training.")] = None,
    temperature: Annotated[float | None, typer.Option(help="0 takes the likeliest token; 0.9 if not given.")] = None,
    top_k: Annotated[int | None, typer.Option(help="Draw from the K likeliest tokens only.")] = None,
    top_p: Annotated[float | None, typer.Option(help="Draw from the fewest tokens of probability P together.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same alternatives.")] = None,
    particles: Annotated[int, typer.Option(help="Tries side by side for each alternative.")] = PARTICLES,
    format: Annotated[str, typer.Option(help=FORMAT_HELP)] = "mid",
    out: Annotated[Path, typer.Option(help="Folder for the files.")] = DEFAULT_FOLDER,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but mistakes.")] = False,
    as_json: Annotated[bool, JSON_OPTION] = False,
) -> None:
    """Rewrite some bars of a melody, so that what stands before and after still fits.

    Rules hold for the whole melody: what is kept has to keep them too.
    """
    suffixes = output.suffixes_of(format.replace(",", " ").split() or ["json"])
    talk = Talk(people=not (quiet or as_json), notes=not quiet, as_json=as_json)
    asked = {
        "model": model, "key": key, "scale": scale, "range": span, "max_leap": max_leap, "chords": chords,
        "cadence": cadence, "durations": durations, "rests": rests, "ties_over_bars": ties_over_bars,
        "max_copy": max_copy, "temperature": temperature, "top_k": top_k, "top_p": top_p, "seed": seed,
    }  # fmt: skip
    given = {name: value for name, value in asked.items() if value is not None}
    if count < 1:
        raise RequestError(f"count {count}: expected 1 or more")
    pool = count if temperature == 0 else POOL * count
    request = Request(**given, within=_melody(file, part, talk), rewrite=bars, count=pool, particles=particles)
    engine, source = open_model(request.model)
    check(engine, request)
    output.prepare(out)
    with progress("rewriting", request.count, talk.people) as advance:
        made = ranked(generate_only(engine, request, range(request.count), advance=advance), count)
    write_all(made, source, Target(suffixes, out, False), talk, None)
    if seed is None:
        talk.note(f"seed {request.seed}: --seed {request.seed} makes the same again")


def _melody(file: str, part: str | None, talk: Talk) -> Melody:
    reading = formats.read(file, part)
    for notice in reading.notices:
        talk.note(notice)
    if reading.problems:
        raise reading.problems[0]
    if len(reading.melodies) > 1:
        raise RequestError(f"{file}: {len(reading.melodies)} melodies: choose one with --part")
    return reading.melodies[0]
