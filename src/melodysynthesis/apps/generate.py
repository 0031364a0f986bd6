"""`melody generate`: a request from flags, melodies, files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from melodysynthesis.apps.asking import asks
from melodysynthesis.apps.certificate import CERTIFIED, certified
from melodysynthesis.apps.console import JSON_OPTION, note, progress, say, say_json
from melodysynthesis.apps.opening import open_model
from melodysynthesis.apps.originality import open_index, told_briefly
from melodysynthesis.errors import RequestError
from melodysynthesis.generation import output
from melodysynthesis.generation.alternatives import pool, ranked
from melodysynthesis.generation.generate import check, generate_only
from melodysynthesis.generation.generated import Generated
from melodysynthesis.generation.prompt import says_meters
from melodysynthesis.generation.request import Request
from melodysynthesis.music import Melody
from melodysynthesis.runtime.base import Engine

if TYPE_CHECKING:
    from melodysynthesis.evaluation.originality import Index

DEFAULT_FOLDER = Path("generated_melodies")
FORMAT_HELP = "Of mid, musicxml, abc, krn, wav, svg, png, json; separate with commas."
LISTED = 20
"""Melodies that get a line each; of more only the first are listed."""


@asks
def command(
    *,
    model: Annotated[str | None, typer.Option(help="Name of a model (see `melody models`) or a file.")] = None,
    count: Annotated[int | None, typer.Option(help="How many melodies; 1 if not given.")] = None,
    bars: Annotated[int | None, typer.Option(help="Number of bars; a pickup and its complement are one.")] = None,
    meter: Annotated[str | None, typer.Option(help='Such as "3/4" or "6/8".')] = None,
    key: Annotated[str | None, typer.Option(help='Such as "G major", "e minor" or "D dorian".')] = None,
    pickup: Annotated[str | None, typer.Option(help='Length of the upbeat in quarters: 0, 1, "1/2".')] = None,
    meters: Annotated[str | None, typer.Option(help='Bars of changing meters: "3/4 x4, 4/4 x4".')] = None,
    primer: Annotated[str | None, typer.Option(help='What to continue: a file, or notes "G4:1 A4:1/2 r:1".')] = None,
    part: Annotated[str | None, typer.Option(help="Part or track of the primer's file, by name or number.")] = None,
    asked: dict[str, Any],
    rank: Annotated[
        bool, typer.Option("--rank", help="Of three times as many: likely ones first, each unlike the others.")
    ] = False,
    format: Annotated[str, typer.Option(help=FORMAT_HELP)] = "mid",
    out: Annotated[Path, typer.Option(help="Folder for the files.")] = DEFAULT_FOLDER,
    originality: Annotated[
        bool,
        typer.Option("--originality", help="Judge what each melody shares with the tunes of the model's training."),
    ] = False,
    remake: Annotated[Path | None, typer.Option("--from", help="Make the melody of this JSON again.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but mistakes.")] = False,
    as_json: Annotated[bool, JSON_OPTION] = False,
) -> None:
    """Generate melodies.

    Each melody's files have a JSON beside them that says how it was made. What is not asked for is the model's choice.
    """
    frame = {
        "model": model,
        "count": count,
        "bars": bars,
        "meter": meter,
        "meters": meters,
        "key": key,
        "pickup": pickup,
    }
    asked |= {name: value for name, value in frame.items() if value is not None}
    suffixes = output.suffixes_of(format.replace(",", " ").split() or ["json"])
    to = Target(suffixes, out, originality)
    talk = Talk(people=not (quiet or as_json), notes=not quiet, as_json=as_json)
    if remake is not None:
        beside = {"primer": primer, "rank": rank or None}
        _remake(remake, asked | {name: value for name, value in beside.items() if value is not None}, to, talk)
        return
    request = _request(asked, primer, part, talk)
    if rank and len(request.primers) > 1:
        raise RequestError(f"--rank puts melodies of one beginning in order, and {primer} has {len(request.primers)}")
    make(request, to, talk, rank=rank)


class Target(NamedTuple):
    """Where files go, with which suffixes, and whether the melodies' originality is told."""

    suffixes: list[str]
    folder: Path
    originality: bool


class Talk(NamedTuple):
    """What is told to whom: `people` read lines, a program reads JSON, and notes go to standard error."""

    people: bool
    notes: bool
    as_json: bool

    def say(self, text: str) -> None:
        """A line of the answer, for people."""
        if self.people:
            say(text)

    def note(self, text: str) -> None:
        """A line beside the answer."""
        if self.notes:
            note(text)


def _request(asked: dict[str, Any], primer: str | None, part: str | None, talk: Talk) -> Request:
    if part is not None and primer is None:
        raise RequestError("--part chooses a part of the primer's file: give --primer too")
    if primer is None:
        return Request(**asked)
    from melodysynthesis.generation.primer import primers_from

    given = primers_from(primer, part)
    for notice in given.notices:
        talk.note(notice)
    request = Request(**asked, primers=given.melodies, held=given.held)
    if len(request.primers) > request.count:
        used, there = request.count, len(request.primers)
        which = "the first" if used == 1 else f"the first {used}"
        talk.note(f"{primer}: {there} melodies; continuing {which} (--count {there} for all)")
    return request


def _warnings(engine: Engine, request: Request) -> list[str]:
    """What a model can't be asked for, though its output can be written as if it had."""
    if says_meters(engine.encoding):
        return []
    warnings = []
    if request.key is not None and not request.primers:
        warnings.append("this model does not know keys: it writes in C major or A minor, moved to where you asked for")
    if request.meter is not None:
        warnings.append("this model does not know meters: bars are counted and the end is whole, but it hears no beat")
    return warnings


def make(request: Request, to: Target, talk: Talk, *, rank: bool, heard: Melody | None = None) -> None:
    """Generate the melodies of a request and write their files.

    Args:
        request: what is asked for.
        to: where files go.
        talk: whom to tell.
        rank: whether they are chosen among more, and put in order.
        heard: with `rank`, a melody that is known already, and left out.
    """
    engine, source = open_model(request.model)
    for warning in _warnings(engine, request):
        talk.note(warning)
    drawn = pool(request) if rank else request
    check(engine, drawn)  # complains before a folder is made
    index = open_index(source.card.corpus) if to.originality or request.max_copy is not None else None
    output.prepare(to.folder)
    with progress("generating", drawn.count, talk.people) as advance:
        made = generate_only(engine, drawn, range(drawn.count), advance=advance)
    if rank:
        made = ranked(made, request.count, heard)
    write_all(made, source, to, talk, index)
    if len(made) < request.count:
        talk.note(
            f"{len(made)} of {request.count} asked for: nothing else came out; other rules or a temperature may help"
        )
    if "seed" not in request.model_fields_set:
        talk.note(f"seed {request.seed}: --seed {request.seed} makes the same again")


def write_all(made: list[Generated], model: output.Model, to: Target, talk: Talk, index: Index | None) -> None:
    """Write the files of melodies, and tell of them."""
    answer = []
    with progress("writing", len(made), talk.people) as advance:
        for number, one in enumerate(made, 1):
            originality = _originality(one, index) if index else None
            certificate = certified(one.melody, one.request, to.suffixes, originality)
            told = originality if to.originality else None
            paths = output.write(one, model, to.suffixes, to.folder, told, certificate=certificate)
            about = output.provenance(one, model, told, certificate=certificate)
            answer.append({"files": [str(path) for path in paths], **about})
            if number <= LISTED:
                talk.say(f"{', '.join(map(str, paths[:-1] or paths))}: {summary(about)}")
            advance(number)
    if len(made) > LISTED:
        talk.say(f"... {len(made)} melodies in {to.folder}")
    if talk.as_json:
        say_json(answer)


def _originality(made: Generated, index: Index) -> dict[str, Any]:
    from melodysynthesis.evaluation.originality import evaluate

    return evaluate(made.melody, index)


def summary(about: dict[str, Any]) -> str:
    """A melody in one line: key, meter, bars, notes, and what it shares where that was judged."""
    told = about["statistics"]
    words = [told["key"] or "no key", told["meter"] or "no meter"]
    if told["pickup_quarters"]:
        words.append(f"pickup {told['pickup_quarters']:g}")
    if told["bars"]:
        words.append(f"{told['bars']} bar{'s' * (told['bars'] != 1)}")
    words.append(f"{told['notes']} notes")
    if not about.get("ended", "by the model").startswith("by the model"):
        words.append("stopped at the step limit")
    if about.get("certificate", {}).get("rules"):
        words.append(CERTIFIED[about["certificate"]["verdict"]])
    if "originality" in about:
        words.append(told_briefly(about["originality"]))
    return ", ".join(words)


def _remake(path: Path, asked: dict[str, Any], to: Target, talk: Talk) -> None:
    beside = sorted(f"--{name.replace('_', '-')}" for name in asked if name != "model")
    if beside:
        names = ", ".join(beside)
        raise RequestError(f"--from makes a melody again as it was asked for: leave out {names}")
    was = output.read_provenance(path)
    engine, model = open_model(asked.get("model", was.request.model))
    if model.sha256 == was.model_sha256:
        model = replace(model, name=was.request.model)  # the same file, wherever it lies now
    else:
        talk.note(f"{path}: it was made by another model file than this {model.name}")
    index = open_index(model.card.corpus) if to.originality or was.request.max_copy is not None else None
    output.prepare(to.folder)
    made = generate_only(engine, was.request, [was.index])
    write_all(made, model, to, talk, index)
    if made[0].melody != was.melody:
        raise RequestError(f"the melody is not the one in {path}: it was made with {was.program} or another model file")
