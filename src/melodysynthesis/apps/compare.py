"""`melody compare`: how far sets of melodies are from human melodies, and whether a critic can tell them apart."""

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

    from melodysynthesis.errors import FormatError
    from melodysynthesis.evaluation.comparison import HumanReference, ScoreRow, SetComparison
    from melodysynthesis.evaluation.originality import Index
    from melodysynthesis.music import Melody

DEFAULT = "essen-german"
SCORES = {
    "critic's AUC (0.5 is guessing)": ("critic", "", "auc"),
    "Frechet distance, 17 descriptors": ("all", "17 descriptors", "frechet"),
    "Frechet distance, all figures": ("all", "all figures", "frechet"),
    "longest run shared with training, notes": ("originality", "rhythm", "longest run"),
    "percentile of that among human melodies": ("originality", "rhythm", "percentile"),
}
"""Rows of the first table: label -> group, name and metric of the score."""
DISTANCES = {"figures": "wasserstein", "profiles": "jensen_shannon"}


def command(
    *,
    paths: Annotated[
        list[Path],
        typer.Argument(help="Sets of melodies: a folder, a file of several, or files of one each.", metavar="A B..."),
    ],
    against: Annotated[
        str | None,
        typer.Option(help=f"Human melodies: a corpus (its held-out tunes), or a file or folder. [default: {DEFAULT}]"),
    ] = None,
    part: Annotated[str | None, typer.Option(help="Part to read of each file of the sets, by name or number.")] = None,
    critic: Annotated[
        bool, typer.Option("--critic/--no-critic", help="Train a critic to tell the sets from human melodies.")
    ] = True,
    seed: Annotated[int, typer.Option(help="Seed of the split of human melodies and of the intervals.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Write all scores here as CSV.", metavar="CSV")] = None,
    plots: Annotated[Path | None, typer.Option(help="Write plots into this folder.", metavar="FOLDER")] = None,
    as_json: Annotated[bool, console.JSON_OPTION] = False,
) -> None:
    """Compare sets of melodies with human melodies.

    Each folder, and each file of several melodies, is a set; files of one melody form a set together. The last argument
    may be the name of a corpus, in place of --against. The table shows for each feature its mean and its distance from
    human melodies (Wasserstein distance, or Jensen-Shannon divergence of a distribution), and the distance of other
    human melodies. "-" marks a mean outside the human 95 % band; "*" a distance significantly larger than the human
    one. Example: melody compare generated_melodies essen-german
    """
    from melodysynthesis.evaluation.comparison import HumanReference
    from melodysynthesis.formats import files

    paths, against = _corpus_last(paths, against)
    sets = _sets(paths, part)
    human, index = _human(against)
    panel = HumanReference(human, index, seed=seed)
    judged = [_compared(panel, name, melodies, critic) for name, melodies in sets.items()]
    written = [out] if out is not None else []
    if out is not None:
        files.save(out, _csv(judged).encode())
    if plots is not None:
        written += _draw(plots, judged, {"human": human, **sets})
    if as_json:
        console.say_json({"against": against, "people": len(human), "sets": [one.as_dict() for one in judged]})
        return
    _print(judged, len(human), against)
    for file in written:
        console.note(f"wrote {file}")


def _compared(panel: HumanReference, name: str, melodies: Sequence[Melody], critic: bool) -> SetComparison:
    from melodysynthesis.evaluation.comparison import STEPS

    with console.progress(f"comparing {name}", STEPS) as advance:
        return panel.compare(melodies, name, critic=critic, progress=lambda done, total: advance(done))


def _corpus_last(paths: list[Path], against: str | None) -> tuple[list[Path], str]:
    """The sets, and the human melodies: a corpus as last argument, or `against`."""
    from melodysynthesis.corpora import SOURCES

    if against is None and len(paths) > 1 and str(paths[-1]) in SOURCES and not paths[-1].exists():
        return paths[:-1], str(paths[-1])
    return paths, against or DEFAULT


def _sets(paths: Sequence[Path], part: str | None) -> dict[str, list[Melody]]:
    """The sets by their names."""
    sets: dict[str, list[Melody]] = {}
    single: list[Melody] = []
    problems: list[FormatError] = []
    for path in paths:
        files = sorted(each for each in path.iterdir() if each.is_file()) if path.is_dir() else [path]
        melodies = _read(files, problems, part, of_folder=path.is_dir())
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


def _read(
    files: Sequence[Path], problems: list[FormatError], part: str | None = None, *, of_folder: bool = False
) -> list[Melody]:
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
                reading = formats.read(path, part)
            except FormatError as problem:
                problems.append(problem)
            else:
                melodies += reading.melodies
                problems += reading.problems
                stems.add(path.stem)
    return melodies


def _human(against: str) -> tuple[list[Melody], Index | None]:
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


def _csv(judged: Sequence[SetComparison]) -> str:
    from melodysynthesis.evaluation.comparison import ScoreRow

    buffer = io.StringIO()
    table = csv.writer(buffer, lineterminator="\n")
    table.writerow(["set", *ScoreRow._fields])
    table.writerows([one.name, *row] for one in judged for row in one.rows)
    return buffer.getvalue()


def _draw(folder: Path, judged: Sequence[SetComparison], sets: dict[str, list[Melody]]) -> list[Path]:
    from melodysynthesis.errors import FormatError
    from melodysynthesis.evaluation import plots, plotting
    from melodysynthesis.evaluation.structure import mean_likeness

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FormatError(f"the folder can't be made: {error.strerror}", str(folder), "can't write") from None
    drawn = {
        "descriptors": plots.descriptor_means(judged),
        "bars": plots.likenesses({name: mean_likeness(melodies, 16) for name, melodies in sets.items()}, "bar"),
        "phrases": plots.likenesses(
            {name: mean_likeness(melodies, 8, phrases=True) for name, melodies in sets.items()}, "phrase"
        ),
    }
    for name, figure in drawn.items():
        plotting.save(figure, folder / f"{name}.png")
    return [folder / f"{name}.png" for name in drawn]


def _print(judged: Sequence[SetComparison], human: int, against: str) -> None:
    sizes = ", ".join(f"{one.name}: {one.melodies:,}" for one in judged)
    console.say(f"{sizes} melodies, compared with {human:,} human ones: {Path(against).name}\n")
    _table(["", "human", *(one.name for one in judged)], _scores(judged))
    console.say()
    heading = ["feature", "human"]
    for one in judged:
        heading += [one.name, "distance"]
    _table([*heading, "human distance"], _features(judged))
    for one in judged:
        clues = ", ".join(clue.name for clue in (one.critic.clues if one.critic else ())[:5])
        console.say(f"\n{one.name} differs most in: {clues}" if clues else "")
        kinds = (*DISTANCES.values(), "overlap", "divergence")
        distances = [row for row in one.rows if row.metric in kinds and not isnan(row.value)]
        marks = sum(row.further for row in distances)
        larger = f"{marks} of {len(distances)} distances are significantly larger than human ones"
        console.say(f"{larger} (not corrected for their number)")
    console.note("--out and --json give all scores with their intervals, and overlap and divergence")


def _table(heading: list[str], rows: Iterator[list[str]]) -> None:
    console.say_table([heading, *rows], right=range(1, len(heading)))


def _scores(judged: Sequence[SetComparison]) -> Iterator[list[str]]:
    for what, place in SCORES.items():
        try:
            rows = [one.find(*place) for one in judged]
        except KeyError:
            continue
        yield [what, _with_interval(*rows[0][6:9]), *(_with_interval(*row[3:6]) for row in rows)]
    yield ["descriptors' means outside the human band", "", *(f"{len(one.outside())} of 17" for one in judged)]


def _features(judged: Sequence[SetComparison]) -> Iterator[list[str]]:
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
        yield [*cells, _with_interval(*rows[0][6:9])]


def _mean_of(one: SetComparison, row: ScoreRow) -> ScoreRow | None:
    return one.find("figures", row.name, "mean") if row.group == "figures" else None


def _with_interval(value: float, low: float, high: float) -> str:
    return _number(value) + ("" if isnan(low) else f" [{_number(low)}, {_number(high)}]")


def _number(value: float) -> str:
    return "?" if isnan(value) else f"{value:.3g}" if abs(value) >= 0.01 else f"{value:.4f}"
