"""`melody inspect`: what files hold, whether they keep rules, and what they share with known tunes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from melodysynthesis import formats
from melodysynthesis.apps import certificate as certificates
from melodysynthesis.apps.console import JSON_OPTION, note, say, say_json
from melodysynthesis.apps.originality import lines_about
from melodysynthesis.certificate import Certificate, Verdict, certify, worst
from melodysynthesis.errors import FormatError, MelodyError
from melodysynthesis.formats import Reading
from melodysynthesis.generation.output import statistics
from melodysynthesis.generation.request import Request
from melodysynthesis.music import Melody
from melodysynthesis.notation import format_notes

Judge = Callable[[Melody], dict[str, Any]]
"""Gives the originality of a melody; JSON types only."""

EXIT = {Verdict.KEPT: 0, Verdict.BROKEN: 1, Verdict.NOT_CHECKABLE: 3}
"""Exit codes of `--request`, by the worst verdict of all files; a user's mistake is 2, as everywhere."""


class Found(NamedTuple):
    """A melody of a file, with what was found out about it."""

    melody: Melody
    originality: dict[str, Any] | None
    certificate: Certificate | None


def command(
    files: Annotated[list[Path], typer.Argument(help="Scores in any format that can be read.", metavar="FILE...")],
    part: Annotated[str | None, typer.Option(help="Part, track or tune, by name or number.")] = None,
    corpus: Annotated[
        str | None,
        typer.Option(help="Also say what it shares with the training tunes of this corpus: a name, file or folder."),
    ] = None,
    request: Annotated[
        Path | None,
        typer.Option(help="Check every rule of a request: a JSON file of its fields, or a generated melody's."),
    ] = None,
    as_json: Annotated[bool, JSON_OPTION] = False,
) -> int:
    """Say what files hold: meter, key, range, bars, and what the reader had to decide or could not read.

    With --request the exit code is 0 if every rule is kept, 1 if one is broken, and 3 if none is broken but some can't
    be checked, for example because a file without a meter has no bars.
    """
    wanted = certificates.read_request(request) if request is not None else None
    judge = _judge(corpus) if corpus is not None else _judge_copies(wanted)
    readings: dict[Path, Reading] = {}
    unreadable: list[FormatError] = []
    for file in files:
        try:
            readings[file] = formats.read(file, part)
        except FormatError as error:  # the others are still read
            unreadable.append(error)
    found = {file: [_found(melody, judge, wanted) for melody in reading.melodies] for file, reading in readings.items()}
    for file, reading in readings.items() if not as_json else ():
        for one in found[file]:
            _print(one, file)
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
    """A judge by the training tunes of the request's model, if the request limits copies of them."""
    if request is None or not request.needs_tunes:
        return None
    from melodysynthesis.runtime.loading import open_model

    try:
        return _judge(open_model(request.model)[1].card.corpus)
    except MelodyError as error:
        note(f"copies can't be checked: {error}")
        return None


def _found(melody: Melody, judge: Judge | None, request: Request | None) -> Found:
    originality = judge(melody) if judge else None
    certificate = certify(melody, certificates.written(request), originality) if request else None
    return Found(melody, originality, certificate)


def _print(found: Found, file: Path) -> None:
    say(f"{found.melody.source or file}: {described(found.melody)}")
    for line in lines_about(found.originality) if found.originality else ():
        say(f"  {line}")
    for line in certificates.lines_about(found.certificate) if found.certificate else ():
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
    found = statistics(melody)
    if not melody.notes:
        return f"no notes, {found['quarters']:g} quarters"
    meters = ", ".join(dict.fromkeys(str(meter) for meter in melody.meters)) or "no meter"
    words = [
        f"{found['key']}{'' if melody.key else ' (found, not stated)'}",
        meters,
        *(
            [f"pickup of {found['pickup_quarters']:g} quarter{'s' * (found['pickup_quarters'] != 1)}"]
            if melody.pickup
            else []
        ),
        *([_counted(found["bars"], "bar")] if melody.meters else []),
        f"{_counted(found['notes'], 'note')} from {found['lowest']} to {found['highest']}",
        *([_counted(found["phrases"], "phrase")] if melody.phrase_ends else []),
        f"ends on degree {found['final_degree']}" if found["final_degree"] else "ends outside its scale",
    ]
    return "; ".join(words)


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}{'s' * (number != 1)}"
