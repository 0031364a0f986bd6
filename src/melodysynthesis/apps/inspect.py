"""`melody inspect`: what files are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from melodysynthesis import formats
from melodysynthesis.apps import certificate as certificates
from melodysynthesis.apps.console import JSON_OPTION, note, say, say_json
from melodysynthesis.apps.originality import told
from melodysynthesis.certificate import Certificate, Verdict, certify, worst
from melodysynthesis.errors import FormatError, MelodyError
from melodysynthesis.formats import Reading
from melodysynthesis.generation.notation import format_notes
from melodysynthesis.generation.output import statistics
from melodysynthesis.generation.request import Request
from melodysynthesis.music import Melody

Judge = Callable[[Melody], dict[str, Any]]
"""Gives the originality of a melody; JSON types only."""

EXIT = {Verdict.KEPT: 0, Verdict.BROKEN: 1, Verdict.NOT_CHECKABLE: 3}
"""Exit codes of `--request`, the worst verdict of all files deciding; a user's mistake is 2, here as everywhere."""


class Found(NamedTuple):
    """What is told of one melody, beside what stands in its file."""

    melody: Melody
    originality: dict[str, Any] | None
    certificate: Certificate | None


def command(
    files: Annotated[list[Path], typer.Argument(help="Scores in any format that can be read.", metavar="FILE...")],
    part: Annotated[str | None, typer.Option(help="Part, track or tune, by name or number.")] = None,
    corpus: Annotated[
        str | None,
        typer.Option(help="Also say what it shares with this corpus' training tunes: a name, file or folder."),
    ] = None,
    request: Annotated[
        Path | None,
        typer.Option(help="Check every rule of this request: a JSON of its fields, or that of a generated melody."),
    ] = None,
    as_json: Annotated[bool, JSON_OPTION] = False,
) -> int:
    """Say what files are: meter, key, range, bars, and what the reader had to decide or could not read.

    With --request the exit code is 0 if every rule is kept, 1 if one is broken, and 3 if none is but not all can be
    checked from these files: one without a meter has no bars.
    """
    asked = certificates.read_request(request) if request is not None else None
    judge = _judge(corpus) if corpus is not None else _judge_copies(asked)
    readings: dict[Path, Reading] = {}
    unreadable: list[FormatError] = []
    for file in files:
        try:
            readings[file] = formats.read(file, part)
        except FormatError as error:  # the others are still read
            unreadable.append(error)
    found = {file: [_found(melody, judge, asked) for melody in reading.melodies] for file, reading in readings.items()}
    for file, reading in readings.items() if not as_json else ():
        for one in found[file]:
            _tell(one, file)
        for line in [*reading.notices, *map(str, reading.problems)]:
            note(line)
    if as_json:
        say_json([_answer(file, reading, found[file]) for file, reading in readings.items()])
    for problem in unreadable[:-1]:
        note(f"melody: {problem}")
    if unreadable:
        raise unreadable[-1]
    return EXIT[worst(one.certificate.verdict for all_of in found.values() for one in all_of if one.certificate)]


def _judge(corpus: str) -> Judge:
    from melodysynthesis.apps.originality import open_index
    from melodysynthesis.evaluation.originality import evaluate

    index = open_index(corpus)
    return lambda melody: evaluate(melody, index)


def _judge_copies(request: Request | None) -> Judge | None:
    """A judge by the tunes that the request's model was trained on, where the request limits copies of them."""
    if request is None or request.max_copy is None:
        return None
    from melodysynthesis.apps.opening import open_model

    try:
        return _judge(open_model(request.model)[1].card.corpus)
    except MelodyError as error:
        note(f"max-copy can't be checked: {error}")
        return None


def _found(melody: Melody, judge: Judge | None, request: Request | None) -> Found:
    originality = judge(melody) if judge else None
    certificate = certify(melody, certificates.written(request), originality) if request else None
    return Found(melody, originality, certificate)


def _tell(found: Found, file: Path) -> None:
    say(f"{found.melody.source or file}: {described(found.melody)}")
    for line in told(found.originality) if found.originality else ():
        say(f"  {line}")
    for line in certificates.told(found.certificate) if found.certificate else ():
        say(f"  {line}")


def _answer(file: Path, reading: Reading, found: list[Found]) -> dict[str, Any]:
    return {
        "file": str(file),
        "format": formats.format_of(file).name,
        "melodies": [
            {
                "source": melody.source,
                **statistics(melody),
                "key_stated": melody.key is not None,
                "inline": format_notes(melody),
                **({"originality": originality} if originality else {}),
                **({"certificate": certificate.as_dict()} if certificate else {}),
            }
            for melody, originality, certificate in found
        ],
        "notices": reading.notices,
        "problems": [str(problem) for problem in reading.problems],
    }


def described(melody: Melody) -> str:
    """A melody in one line."""
    told = statistics(melody)
    if not melody.notes:
        return f"no notes, {told['quarters']:g} quarters"
    meters = ", ".join(dict.fromkeys(str(meter) for meter in melody.meters)) or "no meter"
    words = [
        f"{told['key']}{'' if melody.key else ' (found, not stated)'}",
        meters,
        *(
            [f"pickup of {told['pickup_quarters']:g} quarter{'s' * (told['pickup_quarters'] != 1)}"]
            if melody.pickup
            else []
        ),
        *([_counted(told["bars"], "bar")] if melody.meters else []),
        f"{_counted(told['notes'], 'note')} from {told['lowest']} to {told['highest']}",
        *([_counted(told["phrases"], "phrase")] if melody.phrase_ends else []),
        f"ends on degree {told['final_degree']}" if told["final_degree"] else "ends outside its scale",
    ]
    return "; ".join(words)


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}{'s' * (number != 1)}"
