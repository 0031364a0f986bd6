"""`melody generate`: a request from flags, melodies, files. `melody fill` and `melody vary` share what is here."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from melodysynthesis import api
from melodysynthesis.apps.certificate import SHORT_VERDICTS, certified
from melodysynthesis.apps.console import JSON_OPTION, Reporter, progress, say_json
from melodysynthesis.apps.help import COMPOSITION, FILES, OUTPUT, SAMPLING, grouped
from melodysynthesis.apps.originality import in_brief, open_index
from melodysynthesis.apps.request_options import with_request_options
from melodysynthesis.errors import RequestError
from melodysynthesis.generation import output
from melodysynthesis.generation.batch import Generated, Refused
from melodysynthesis.generation.filling import with_metadata
from melodysynthesis.generation.generate import check, generate_only, pool
from melodysynthesis.generation.prompt import says_meters
from melodysynthesis.generation.request import Request
from melodysynthesis.music import MAX_TEMPO, MIN_TEMPO, Melody
from melodysynthesis.runtime.base import Engine
from melodysynthesis.runtime.loading import ModelSource, OpenedModel, open_model

if TYPE_CHECKING:
    from melodysynthesis.evaluation.originality import Index

LISTED = 20
"""Melodies that get a line each; of more, only the first are listed."""


composition = partial(grouped, COMPOSITION)
"""An option of the group "What to write"."""

ModelName = Annotated[str | None, composition("Name of a model (see `melody models`), or a model file.")]
Formats = Annotated[str, grouped(FILES, "Of mid, musicxml, abc, krn, wav, svg, png, json; separate with commas.")]
Tempo = Annotated[
    float | None,
    grouped(FILES, "Quarter notes per minute, written into the files.", min=MIN_TEMPO, max=MAX_TEMPO),
]
Harmonise = Annotated[bool, grouped(FILES, "Find chords for melodies without any.", "--harmonise")]
Backing = Annotated[bool, grouped(FILES, "Play the chords in a second track of MIDI files.", "--backing")]
Folder = Annotated[Path, grouped(FILES, "Folder for the files.")]
Quiet = Annotated[bool, grouped(OUTPUT, "Print nothing but errors.", "--quiet", "-q")]
AsJson = Annotated[bool, JSON_OPTION]
DEFAULT_FOLDER = Path("generated_melodies")


@with_request_options
def command(
    *,
    model: ModelName = None,
    count: Annotated[int | None, composition("How many melodies; 1 if not given.")] = None,
    bars: Annotated[int | None, composition("Number of bars; a pickup and the last, shorter bar are one.")] = None,
    meter: Annotated[str | None, composition('Such as "3/4", "6/8" or "3+2/8".')] = None,
    key: Annotated[str | None, composition('Such as "G major", "e minor" or "D dorian".')] = None,
    pickup: Annotated[
        str | None, composition('Length of the upbeat in quarter notes, which a note begins: 0, 1, "1/2".')
    ] = None,
    meters: Annotated[str | None, composition('Bars of changing meters: "3/4 x4, 4/4 x4".')] = None,
    plan: Annotated[
        str | None, composition('Phrases in quarters, for models that plan: "A:8 B:8 A\':8 last:1".')
    ] = None,
    title: Annotated[str | None, composition("Title of the melodies, for their files.")] = None,
    primer: Annotated[str | None, composition('Melody to continue: a file, or notes "G4:1 A4:1/2 r:1".')] = None,
    part: Annotated[str | None, composition("Part or track of the primer's file, by name or number.")] = None,
    fields: dict[str, Any],
    rank: Annotated[
        bool,
        grouped(SAMPLING, "Draw three times as many; keep likely ones, each unlike the others.", "--rank"),
    ] = False,
    format: Formats = "mid",
    tempo: Tempo = None,
    backing: Backing = False,
    harmonise: Harmonise = False,
    out: Folder = DEFAULT_FOLDER,
    remake: Annotated[
        Path | None,
        grouped(FILES, "Make the melody again that this JSON file describes.", "--from"),
    ] = None,
    originality: Annotated[
        bool,
        grouped(OUTPUT, "Say what each melody shares with the training tunes.", "--originality"),
    ] = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Generate melodies.

    What you do not set, the model chooses. A JSON file next to each melody's files records how it was made.
    """
    choices = {
        "model": model, "count": count, "bars": bars, "meter": meter, "meters": meters, "key": key, "pickup": pickup,
        "plan": plan, "title": title,
    }  # fmt: skip
    fields |= {name: value for name, value in choices.items() if value is not None}
    target = Target.of(format, out, originality)._replace(tempo=tempo, backing=backing, harmonise=harmonise)
    reporter = Reporter(quiet, as_json)
    if remake is not None:
        others = {"primer": primer, "rank": rank or None}
        _remake(remake, fields | {name: value for name, value in others.items() if value is not None}, target, reporter)
        return
    request = _request(fields, primer, part, reporter)
    if harmonise and request.chords:
        raise RequestError("--harmonise finds chords, and --chords gives them: leave one of them out")
    if rank and len(request.primers) > 1:
        raise RequestError(f"--rank compares continuations of one primer, and {primer} has {len(request.primers)}")
    make(request, target, reporter, rank=rank)


class Target(NamedTuple):
    """Where files go, with which suffixes, whether each melody's originality is reported, a tempo to set, whether MIDI
    files play the chords, too, and whether chords are found for melodies without any."""

    suffixes: list[str]
    folder: Path
    originality: bool
    tempo: float | None = None
    backing: bool = False
    harmonise: bool = False

    @classmethod
    def of(cls, format: str, folder: Path, originality: bool = False) -> Target:
        """The target of the flags --format and --out."""
        return cls(output.suffixes_of(format.replace(",", " ").split() or ["json"]), folder, originality)


def _request(fields: dict[str, Any], primer: str | None, part: str | None, reporter: Reporter) -> Request:
    if part is not None and primer is None:
        raise RequestError("--part chooses a part of the primer's file: give --primer too")
    if primer is None:
        return Request(**fields)
    from melodysynthesis.generation.prompt import primers_from

    given = primers_from(primer, part)
    for notice in given.notices:
        reporter.note(notice)
    request = Request(**fields, primers=given.melodies, held=given.held)
    if len(request.primers) > request.count:
        used, there = request.count, len(request.primers)
        which = "the first" if used == 1 else f"the first {used}"
        reporter.note(f"{primer}: {there} melodies; continuing {which} (--count {there} for all)")
    return request


def _warnings(engine: Engine, request: Request) -> list[str]:
    """What the model is not conditioned on, though its melodies can be written as if it were."""
    if says_meters(engine.encoding):
        return []
    warnings = []
    if request.key is not None and not request.primers:
        warnings.append("this model is not conditioned on key: it writes in C major or A minor, and is transposed")
    if request.meter is not None:
        warnings.append("this model is not conditioned on meter: the bars are counted, but accents may not fit")
    return warnings


def make(request: Request, target: Target, reporter: Reporter, *, rank: bool, exclude: Melody | None = None) -> None:
    """Generate the melodies of a request and write their files.

    Args:
        request: the melodies to draw.
        target: where files go.
        reporter: what is printed.
        rank: whether they are chosen among more, and put in order.
        exclude: with `rank`, a melody that is known already, and left out.
    """
    model = open_model(request.model)
    for warning in _warnings(model.engine, request):
        reporter.note(warning)
    check(model.engine, request)  # complains before a folder is made
    index = _index(model, request, target)
    output.prepare(target.folder)
    drawn = pool(request).count if rank else request.count
    writer, refused = MelodyWriter(model.source, target, reporter, index), list[Refused]()

    def each(one: Generated | Refused) -> None:
        if isinstance(one, Refused):
            refused.append(one)
        elif at_once:
            writer.write(one)

    at_once = not rank and bool(request.rules)  # without rules all are drawn side by side, and end together
    with progress("generating", drawn, reporter.shows_progress) as advance:
        made = api.draw(request, model=model, rank=rank, exclude=exclude, advance=advance, each=each)
    if exclude is not None:  # the melody that is varied: its title, tempo and lyrics stay
        made = [replace(one, melody=with_metadata(one.melody, exclude, request)) for one in made]
    if not at_once:
        writer.write_all(made)
    writer.close(by_number=at_once)
    if refused and (not made or not rank):
        raise _refusal(refused, len(made), request.count)
    if len(made) < request.count:
        reporter.note(
            f"{len(made)} of {request.count} melodies: the model found no more different ones; "
            "other rules or a higher temperature may help"
        )
    if "seed" not in request.model_fields_set:
        reporter.note(f"seed {request.seed}: --seed {request.seed} makes the same again")


def _refusal(refused: list[Refused], made: int, count: int) -> RequestError:
    """One line for the melodies that are refused, once the others are written."""
    first = min(refused, key=lambda one: one.index)
    if count == 1:
        return first.error
    others = f"melody {first.index + 1} of {count}" + (f" and {len(refused) - 1} more" if len(refused) > 1 else "")
    written = f" ({made} of {count} are written)" if made else ""
    return RequestError(f"{others}: {first.error}{written}", first.error.rules)


class MelodyWriter:
    """Writes the files of melodies, with a line for each, and in the end the JSON of all.

    Args:
        source: of the model.
        target: where files go.
        reporter: what is printed.
        index: of the training tunes, if the certificate or the user needs it.
    """

    def __init__(self, source: ModelSource, target: Target, reporter: Reporter, index: Index | None) -> None:
        self._source, self._target, self._reporter, self._index = source, target, reporter, index
        self._answer: list[dict[str, Any]] = []
        self._strained: list[dict[str, Any]] = []

    def write(self, one: Generated) -> None:
        """Write the files of one melody."""
        target, source = self._target, self._source
        one = replace(one, melody=replace(one.melody, tempo=target.tempo)) if target.tempo else one
        if target.harmonise and not one.melody.chords and not one.melody.meters:
            self._reporter.note("--harmonise needs a meter: give one with --meter")
        elif target.harmonise and not one.melody.chords:
            one = replace(one, melody=api.harmonise(one.melody)[0])
        originality = _originality(one, self._index) if self._index else None
        certificate = certified(one.melody, one.request, target.suffixes, originality)
        reported = originality if target.originality else None
        paths = output.write(
            one, source, target.suffixes, target.folder, reported, certificate=certificate, backing=target.backing
        )
        about = output.provenance(one, source, reported, certificate=certificate)
        if output.strained(about):
            self._strained.append(about)
        self._answer.append({"files": [str(path) for path in paths], **about})
        if len(self._answer) <= LISTED:
            self._reporter.say(f"{', '.join(map(str, paths[:-1] or paths))}: {summary(about)}")

    def write_all(self, made: list[Generated]) -> None:
        """Write the files of melodies."""
        with progress("writing", len(made), self._reporter.shows_progress) as advance:
            for number, one in enumerate(made, 1):
                self.write(one)
                advance(number)

    def close(self, by_number: bool = False) -> None:
        """Print the lines about all melodies, in the order in which they were written or by their numbers."""
        if self._strained:
            worst = max(self._strained, key=lambda about: about["bits_per_note"])
            self._reporter.note(
                f"far from what the model writes by itself: {len(self._strained)} of {len(self._answer)}, with up to "
                f"{worst['bits_per_note']:.1f} bits a note (number {worst['index'] + 1}), where people's tunes "
                f"have {worst['usual_bits_per_note']:.1f}; fewer or looser rules give more natural ones"
            )
        if len(self._answer) > LISTED:
            self._reporter.say(f"... {len(self._answer)} melodies in {self._target.folder}")
        if self._reporter.as_json:
            say_json(sorted(self._answer, key=lambda about: about["index"]) if by_number else self._answer)


def _index(model: OpenedModel, request: Request, target: Target) -> Index | None:
    """The index of the model's training tunes, if the certificate or the user needs it."""
    needed = target.originality or request.needs_tunes
    return open_index(model.source.card.corpus) if needed else None


def _originality(made: Generated, index: Index) -> dict[str, Any]:
    from melodysynthesis.evaluation.originality import evaluate

    return evaluate(made.melody, index)


def summary(about: dict[str, Any]) -> str:
    """A melody in one line: key, meter, bars, notes, and what it shares if that was measured."""
    statistics = about["statistics"]
    words = [statistics["key"] or "no key", statistics["meter"] or "no meter"]
    if statistics["pickup_quarters"]:
        words.append(f"pickup {statistics['pickup_quarters']:g}")
    if statistics["bars"]:
        words.append(f"{statistics['bars']} bar{'s' * (statistics['bars'] != 1)}")
    words.append(f"{statistics['notes']} note{'s' * (statistics['notes'] != 1)}")
    if not about.get("ended", "by the model").startswith("by the model"):
        words.append("stopped at the step limit")
    if about.get("certificate", {}).get("rules"):
        words.append(SHORT_VERDICTS[about["certificate"]["verdict"]])
    if "originality" in about:
        words.append(in_brief(about["originality"]))
    return ", ".join(words)


def _remake(path: Path, fields: dict[str, Any], target: Target, reporter: Reporter) -> None:
    others = sorted(f"--{name.replace('_', '-')}" for name in fields if name != "model")
    if others:
        names = ", ".join(others)
        raise RequestError(f"--from repeats the request in {path}: leave out {names}")
    before = output.read_provenance(path)
    model = open_model(fields.get("model", before.request.model))
    source = model.source
    if source.sha256 == before.model_sha256:
        source = replace(source, name=before.request.model)  # the same file, wherever it lies now
    else:
        reporter.note(f"{path}: it was made by another model file than this {source.name}")
    index = _index(model, before.request, target)
    output.prepare(target.folder)
    made = generate_only(model.engine, before.request, [before.index])
    writer = MelodyWriter(source, target, reporter, index)
    writer.write_all(made)
    writer.close()
    if made[0].melody != before.melody:
        raise RequestError(
            f"the melody is not the one in {path}: it was made with {before.program}, or another model or judge"
        )
