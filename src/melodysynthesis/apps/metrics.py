"""`melody metrics`: the 17 descriptors of the original study, one row a melody, as its CSV files have them."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from melodysynthesis.apps import console

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from melodysynthesis.errors import FormatError
    from melodysynthesis.evaluation.descriptors import Floats, Sound


class Read(NamedTuple):
    """A melody that was read: its place, and its sounds."""

    place: str
    sounds: Sequence[Sound]


def command(
    *,
    paths: Annotated[list[Path], typer.Argument(help="Score files; a grid text has one a line.", metavar="FILES...")],
    part: Annotated[str | None, typer.Option(help="Part, track or tune to read of each, by name or number.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write the CSV here instead of printing it, and print a summary.", metavar="CSV")
    ] = None,
    as_json: Annotated[bool, console.JSON_OPTION] = False,
) -> None:
    """Describe melodies by the 17 descriptors of the original study, with their summary in seven more rows."""
    from melodysynthesis.errors import FormatError
    from melodysynthesis.evaluation.descriptors import SUMMARIES, describe_sounds, summarise
    from melodysynthesis.formats import files

    found: list[Read] = []
    problems: list[FormatError] = []
    with console.progress("reading (files)", len(paths)) as advance:
        for number, path in enumerate(paths, 1):
            try:
                found.extend(_read(path, part, problems))
            except FormatError as problem:
                problems.append(problem)
            advance(number)
    if not found:
        raise problems[0] if problems else FormatError("no melody in these files")
    for left_out in problems:
        console.note(f"left out: {left_out}")
    rows = describe_sounds([melody.sounds for melody in found])
    summary = summarise(rows)
    labels = _labels(found, paths)
    text = _csv(labels, rows, summary)
    if out is not None:
        files.save(out, text.encode())
    if as_json:
        melodies = [{"name": name, **_named(row)} for name, row in zip(labels, rows, strict=True)]
        totals = {name: _named(row) for name, row in zip(SUMMARIES, summary, strict=True)}
        console.say_json({"melodies": melodies, "summary": totals})
    elif out is None:
        typer.echo(text, nl=False)
    else:
        _print(summary, len(rows))
        console.note(f"wrote {out}")


def _read(path: Path, part: str | None, problems: list[FormatError]) -> Iterator[Read]:
    """The melodies of a file. What is wrong with one of several is added to `problems`."""
    from melodysynthesis import formats
    from melodysynthesis.evaluation.descriptors import sounds_of

    if formats.format_of(path).name == "grid" and part is None:
        yield from _read_grid(path, problems)
        return
    reading = formats.read(path, part)
    problems.extend(reading.problems)
    for notice in reading.notices:
        console.note(notice)
    for melody in reading.melodies:
        yield Read(melody.source or str(path), sounds_of(melody))


def _read_grid(path: Path, problems: list[FormatError]) -> Iterator[Read]:
    """The songs of a grid text, from their tokens: a `Melody` has one rest where the study counts two neighbours."""
    from melodysynthesis.errors import FormatError
    from melodysynthesis.evaluation.descriptors import sounds_of_tokens
    from melodysynthesis.formats import files, grid

    try:
        lines = files.load(path).decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise FormatError(f"byte {error.start} is not text", str(path), "not text") from None
    for number, line in enumerate(lines, 1):
        songs = [tokens for tokens in (song.split() for song in line.split(grid.DELIMITER)) if tokens]
        for place_in_line, tokens in enumerate(songs, 1):
            place = f"{path}:{number}" + (f" song {place_in_line}" if len(songs) > 1 else "")
            try:
                grid.melody_of(tokens, place)
            except FormatError as problem:
                problems.append(problem)
            else:
                yield Read(place, sounds_of_tokens(tokens))


def _labels(found: Sequence[Read], paths: Sequence[Path]) -> list[str]:
    """Names of the rows: where each melody is from; for one text with a melody a line the study's, Melody1 ..."""
    lines = [melody.place.removeprefix(f"{paths[0]}:") for melody in found]
    if len(paths) == 1 and all(line.isdecimal() for line in lines):
        return [f"Melody{line}" for line in lines]
    return [melody.place for melody in found]


def _named(row: Floats) -> dict[str, float]:
    from melodysynthesis.evaluation.descriptors import NAMES

    return dict(zip(NAMES, row.tolist(), strict=True))


def _csv(labels: Sequence[str], rows: Floats, summary: Floats) -> str:
    from melodysynthesis.evaluation.descriptors import NAMES, SUMMARIES

    buffer = io.StringIO()
    table = csv.writer(buffer, lineterminator="\n")
    table.writerow(["Melody Number", *NAMES])
    table.writerows([label, *row] for label, row in zip(labels, rows.tolist(), strict=True))
    table.writerows([label, *row] for label, row in zip(SUMMARIES, summary.tolist(), strict=True))
    return buffer.getvalue()


def _print(summary: Floats, melodies: int) -> None:
    from melodysynthesis.evaluation.descriptors import NAMES, SUMMARIES

    shown = ("MEAN", "STD", "MIN", "MEDIAN", "MAX")
    rows = [[f"{melodies:,} melodies", *(name.lower() for name in shown)]]
    for column, name in enumerate(NAMES):
        rows.append([name, *(f"{summary[SUMMARIES.index(which), column]:.4g}" for which in shown)])
    console.say_table(rows, right=range(1, len(rows[0])))
