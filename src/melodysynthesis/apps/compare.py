"""`melody compare`: how far sets of melodies are from people's, and whether a critic can tell them apart."""

from __future__ import annotations

import csv
import io
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from melodysynthesis.apps import console

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.table import Table

    from melodysynthesis.errors import FormatError
    from melodysynthesis.evaluation.originality import Index
    from melodysynthesis.evaluation.suite import Judged, Panel, Row
    from melodysynthesis.music import Melody

DEFAULT = "essen-german"
SCORES = {
    "critic's AUC (0.5: can't tell)": ("critic", "", "auc"),
    "Frechet distance, 17 descriptors": ("all", "17 descriptors", "frechet"),
    "Frechet distance, all figures": ("all", "all figures", "frechet"),
    "longest run shared with training, notes": ("originality", "rhythm", "longest run"),
    "percentile of that among people's": ("originality", "rhythm", "percentile"),
}
"""What stands above the table of features, where it is known."""
DISTANCES = {"figures": "wasserstein", "profiles": "jensen_shannon"}


def command(
    *,
    paths: Annotated[
        list[Path],
        typer.Argument(help="Sets of melodies: a folder, a file of several, or files of one each.", metavar="A B..."),
    ],
    against: Annotated[
        str | None,
        typer.Option(help=f"People's: a corpus' held-out tunes, or all of a file or folder. [default: {DEFAULT}]"),
    ] = None,
    critic: Annotated[bool, typer.Option("--critic/--no-critic", help="Ask a critic to tell the sets apart.")] = True,
    seed: Annotated[int, typer.Option(help="Of the split of people's melodies and of the intervals.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Write all scores here as CSV.", metavar="CSV")] = None,
    plots: Annotated[Path | None, typer.Option(help="Write plots into this folder.", metavar="FOLDER")] = None,
    as_json: Annotated[bool, console.JSON_OPTION] = False,
) -> None:
    """Compare sets of melodies with people's, beside how far other people's are from them.

    Each folder, and each file of several melodies, is a set; files of one melody are a set together. A name of a corpus
    may stand last in place of --against. Of each feature: the mean, and the distance from people (Wasserstein; of a
    profile Jensen-Shannon); - marks a mean outside people's 95 % band, * a distance larger than people's, intervals and
    all. Example: melody compare generated_melodies essen-german
    """
    from melodysynthesis.evaluation.suite import Panel
    from melodysynthesis.formats import files

    paths, against = _people_last(paths, against)
    sets = _sets(paths)
    people, index = _people(against)
    panel = Panel(people, index, seed=seed)
    judged = [_judged(panel, name, melodies, critic) for name, melodies in sets.items()]
    written = [out] if out is not None else []
    if out is not None:
        files.save(out, _csv(judged).encode())
    if plots is not None:
        written += _draw(plots, judged, {"people": people, **sets})
    if as_json:
        console.say_json({"against": against, "people": len(people), "sets": [one.as_dict() for one in judged]})
        return
    _print(judged, len(people), against)
    for file in written:
        console.note(f"wrote {file}")


def _judged(panel: Panel, name: str, melodies: Sequence[Melody], critic: bool) -> Judged:
    from melodysynthesis.evaluation.suite import STEPS

    with console.progress(f"judging {name}", STEPS) as advance:
        return panel.judge(melodies, name, critic=critic, progress=lambda done, total: advance(done))


def _people_last(paths: list[Path], against: str | None) -> tuple[list[Path], str]:
    """The sets, and people's: a corpus that stands last, or `against`."""
    from melodysynthesis.corpora import SOURCES

    if against is None and len(paths) > 1 and str(paths[-1]) in SOURCES and not paths[-1].exists():
        return paths[:-1], str(paths[-1])
    return paths, against or DEFAULT


def _sets(paths: Sequence[Path]) -> dict[str, list[Melody]]:
    """The sets by their names."""
    sets: dict[str, list[Melody]] = {}
    single: list[Melody] = []
    problems: list[FormatError] = []
    for path in paths:
        files = sorted(each for each in path.iterdir() if each.is_file()) if path.is_dir() else [path]
        melodies = _read(files, problems, of_folder=path.is_dir())
        if path.is_dir() or len(melodies) > 1:
            sets[path.resolve().name if path.resolve().name not in sets else str(path)] = melodies
        else:
            single += melodies
    if single:
        sets["files" if sets else "melodies"] = single
    sets = {name: melodies for name, melodies in sets.items() if melodies}
    if not sets and problems:
        raise problems[0]
    for left_out in problems:
        console.note(f"left out: {left_out}")
    return sets


def _read(files: Sequence[Path], problems: list[FormatError], *, of_folder: bool = False) -> list[Melody]:
    """The melodies of files. Of a folder what is no score is passed over, and a score in several formats read once."""
    from melodysynthesis import formats
    from melodysynthesis.errors import FormatError

    readable = {suffix for each in formats.FORMATS.values() if each.read for suffix in each.suffixes}
    melodies: list[Melody] = []
    stems: set[str] = set()
    with console.progress("reading (files)", len(files)) as advance:
        for number, path in enumerate(files, 1):
            advance(number)
            if of_folder and (path.stem in stems or path.suffix.lower() not in readable):
                continue
            try:
                reading = formats.read(path)
            except FormatError as problem:
                problems.append(problem)
            else:
                melodies += reading.melodies
                problems += reading.problems
                stems.add(path.stem)
    return melodies


def _people(against: str) -> tuple[list[Melody], Index | None]:
    """A named corpus' held-out tunes and the index of its training tunes; or all of a file or folder."""
    from melodysynthesis import corpora
    from melodysynthesis.evaluation.originality import index_of

    if against not in corpora.SOURCES and Path(against).is_file():
        problems: list[FormatError] = []
        melodies = _read([Path(against)], problems)
        if problems and not melodies:
            raise problems[0]
        return melodies, None
    corpus = corpora.load(against)
    if against in corpora.SOURCES:
        return [*corpus.split("validation"), *corpus.split("test")], index_of(corpus)
    return list(corpus), None


def _csv(judged: Sequence[Judged]) -> str:
    from melodysynthesis.evaluation.suite import Row

    buffer = io.StringIO()
    table = csv.writer(buffer, lineterminator="\n")
    table.writerow(["set", *Row._fields])
    table.writerows([one.name, *row] for one in judged for row in one.rows)
    return buffer.getvalue()


def _draw(folder: Path, judged: Sequence[Judged], sets: dict[str, list[Melody]]) -> list[Path]:
    from melodysynthesis.errors import FormatError
    from melodysynthesis.evaluation import plots_of_sets, theme
    from melodysynthesis.evaluation.structure import mean_likeness

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FormatError(f"the folder can't be made: {error.strerror}", str(folder), "can't write") from None
    drawn = {
        "descriptors": plots_of_sets.beside_people(judged),
        "bars": plots_of_sets.likenesses({name: mean_likeness(melodies, 16) for name, melodies in sets.items()}, "bar"),
        "phrases": plots_of_sets.likenesses(
            {name: mean_likeness(melodies, 8, phrases=True) for name, melodies in sets.items()}, "phrase"
        ),
    }
    for name, figure in drawn.items():
        theme.save(figure, folder / f"{name}.png")
    return [folder / f"{name}.png" for name in drawn]


def _print(judged: Sequence[Judged], people: int, against: str) -> None:
    from rich.console import Console

    sizes = ", ".join(f"{one.name}: {one.melodies:,}" for one in judged)
    console.say(f"{sizes} melodies, beside {people:,} of people's, {Path(against).name}\n")
    printer = Console(highlight=False)
    printer.print(_grid(["", "people", *(one.name for one in judged)], _scores(judged)))
    console.say()
    heading = ["feature", "people"]
    for one in judged:
        heading += [one.name, "distance"]
    printer.print(_grid([*heading, "people's distance"], _features(judged)))
    for one in judged:
        clues = ", ".join(clue.name for clue in (one.told.clues if one.told else ())[:5])
        console.say(f"\n{one.name} is best known by: {clues}" if clues else "")
        kinds = (*DISTANCES.values(), "overlap", "divergence")
        distances = [row for row in one.rows if row.metric in kinds and not isnan(row.value)]
        marks = sum(row.further for row in distances)
        console.say(f"{marks} of {len(distances)} distances are larger than people's; not corrected for their number")
    console.note("--out and --json have all scores with their intervals, overlap and divergence too")


def _scores(judged: Sequence[Judged]) -> Iterator[list[str]]:
    for what, place in SCORES.items():
        try:
            rows = [one.find(*place) for one in judged]
        except KeyError:
            continue
        yield [what, _said(*rows[0][6:9]), *(_said(*row[3:6]) for row in rows)]
    yield ["descriptors' means outside people's band", "", *(f"{len(one.outside())} of 17" for one in judged)]


def _features(judged: Sequence[Judged]) -> Iterator[list[str]]:
    for first in judged[0].rows:
        if first.metric not in DISTANCES.values():
            continue
        rows = [one.find(*first[:3]) for one in judged]
        if all(isnan(row.value) for row in rows):
            continue  # of grid text, for one, nothing is known of bars
        cells = [first.name, ""]
        for one, row in zip(judged, rows, strict=True):
            mean = _mean_of(one, row)
            cells[1] = _number(mean.people) if mean else ""
            outside = mean is not None and mean.outside
            cells += [_number(mean.value) + "-" * outside if mean else "", _number(row.value) + "*" * row.further]
        yield [*cells, _said(*rows[0][6:9])]


def _mean_of(one: Judged, row: Row) -> Row | None:
    return one.find("figures", row.name, "mean") if row.group == "figures" else None


def _grid(heading: Sequence[str], rows: Iterator[list[str]]) -> Table:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for number, name in enumerate(heading):
        table.add_column(name, justify="right" if number else "left", no_wrap=not number)
    for row in rows:
        table.add_row(*row)
    return table


def _said(value: float, low: float, high: float) -> str:
    return _number(value) + ("" if isnan(low) else f" [{_number(low)}, {_number(high)}]")


def _number(value: float) -> str:
    return "?" if isnan(value) else f"{value:.3g}" if abs(value) >= 0.01 else f"{value:.4f}"
