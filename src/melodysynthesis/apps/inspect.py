"""`melody inspect`: what files are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from melodysynthesis import formats
from melodysynthesis.apps.console import JSON_OPTION, note, say, say_json
from melodysynthesis.apps.originality import told
from melodysynthesis.errors import FormatError
from melodysynthesis.formats import Reading
from melodysynthesis.generation.notation import format_notes
from melodysynthesis.generation.output import statistics
from melodysynthesis.music import Melody

Judge = Callable[[Melody], dict[str, Any]]
"""Gives the originality of a melody; JSON types only."""


def command(
    files: Annotated[list[Path], typer.Argument(help="Scores in any format that can be read.", metavar="FILE...")],
    part: Annotated[str | None, typer.Option(help="Part, track or tune, by name or number.")] = None,
    corpus: Annotated[
        str | None,
        typer.Option(help="Also say what it shares with this corpus' training tunes: a name, file or folder."),
    ] = None,
    as_json: Annotated[bool, JSON_OPTION] = False,
) -> None:
    """Say what files are: meter, key, range, bars, and what the reader had to decide or could not read."""
    judge = _judge(corpus) if corpus is not None else None
    readings: dict[Path, Reading] = {}
    unreadable: list[FormatError] = []
    for file in files:
        try:
            readings[file] = formats.read(file, part)
        except FormatError as error:  # the others are still read
            unreadable.append(error)
    for file, reading in readings.items() if not as_json else ():
        for melody in reading.melodies:
            say(f"{melody.source or file}: {described(melody)}")
            for line in told(judge(melody)) if judge else ():
                say(f"  {line}")
        for line in [*reading.notices, *map(str, reading.problems)]:
            note(line)
    if as_json:
        say_json([_answer(file, reading, judge) for file, reading in readings.items()])
    for problem in unreadable[:-1]:
        note(f"melody: {problem}")
    if unreadable:
        raise unreadable[-1]


def _judge(corpus: str) -> Judge:
    from melodysynthesis.apps.originality import open_index
    from melodysynthesis.evaluation.originality import evaluate

    index = open_index(corpus)
    return lambda melody: evaluate(melody, index)


def _answer(file: Path, reading: Reading, judge: Judge | None) -> dict[str, Any]:
    return {
        "file": str(file),
        "format": formats.format_of(file).name,
        "melodies": [
            {
                "source": melody.source,
                **statistics(melody),
                "key_stated": melody.key is not None,
                "inline": format_notes(melody),
                **({"originality": judge(melody)} if judge else {}),
            }
            for melody in reading.melodies
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
