"""`melody inspect`: what a file is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from melodysynthesis import formats
from melodysynthesis.apps.console import JSON_OPTION, note, say, say_json
from melodysynthesis.formats import Reading
from melodysynthesis.generation.notation import format_notes
from melodysynthesis.generation.output import statistics
from melodysynthesis.music import Melody

SHOWN_NOTES = 16


def command(
    file: Annotated[Path, typer.Argument(help="A score in any format that can be read.")],
    part: Annotated[str | None, typer.Option(help="Part, track or tune, by name or number.")] = None,
    as_json: Annotated[bool, JSON_OPTION] = False,
) -> None:
    """Read a file and say what it is: meter, key, range, bars, and what the reader had to decide or could not read."""
    reading = formats.read(file, part)
    if as_json:
        say_json(_answer(file, reading))
        return
    for melody in reading.melodies:
        say(f"{melody.source or file}: {described(melody)}")
    for line in [*reading.notices, *map(str, reading.problems)]:
        note(line)


def _answer(file: Path, reading: Reading) -> dict[str, Any]:
    return {
        "file": str(file),
        "format": formats.format_of(file).name,
        "melodies": [
            {
                "source": melody.source,
                **statistics(melody),
                "key_stated": melody.key is not None,
                "inline": format_notes(melody),
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
        *([f"pickup of {told['pickup_quarters']:g} quarters"] if melody.pickup else []),
        *([f"{told['bars']} bars"] if melody.meters else []),
        f"{told['notes']} notes from {told['lowest']} to {told['highest']}",
        *([f"{told['phrases']} phrases"] if melody.phrase_ends else []),
        f"ends on degree {told['final_degree']}" if told["final_degree"] else "ends outside its scale",
    ]
    return "; ".join(words)
