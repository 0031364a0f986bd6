"""`melody compare`: how far a set of melodies is from human ones, feature by feature."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from melodysynthesis.apps import console

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from melodysynthesis.music import Melody

METRICS = ("wasserstein", "jensen_shannon", "overlap", "divergence", "frechet")
COLUMNS = ("value", "low", "high", "standard error")


def command(
    *,
    paths: Annotated[list[Path], typer.Argument(help="Score files with the melodies.", metavar="FILES...")],
    against: Annotated[
        str, typer.Option(help="People's melodies: a corpus' held-out tunes by its name, or all of a file or folder.")
    ] = "essen-german",
    seed: Annotated[int, typer.Option(help="Of the split of people's melodies and of the intervals.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Write all scores here as CSV.", metavar="CSV")] = None,
    as_json: Annotated[bool, console.JSON_OPTION] = False,
) -> None:
    """Compare melodies with people's, beside how far other people's are from them.

    For each feature: Wasserstein distance (of a profile Jensen-Shannon divergence), and overlap and Kullback-Leibler
    divergence of distances within and between the sets (Yang and Lerch 2018), with 95 % intervals. A * marks what is
    further from people than other people are, intervals and all.
    """
    from melodysynthesis.evaluation.distribution import evaluate
    from melodysynthesis.formats import files

    melodies = _read(paths)
    found = evaluate(melodies, _people(against), seed=seed)
    if out is not None:
        files.save(out, _csv(found).encode())
    if as_json:
        console.say_json({"against": against, **found})
        return
    _print(found, against)
    if out is not None:
        console.note(f"wrote {out}")


def _read(paths: Sequence[Path]) -> list[Melody]:
    from melodysynthesis import formats
    from melodysynthesis.errors import FormatError

    melodies: list[Melody] = []
    problems: list[FormatError] = []
    with console.progress("reading (files)", len(paths)) as advance:
        for number, path in enumerate(paths, 1):
            try:
                reading = formats.read(path)
            except FormatError as problem:
                problems.append(problem)
            else:
                melodies += reading.melodies
                problems += reading.problems
            advance(number)
    if not melodies and problems:
        raise problems[0]
    for left_out in problems:
        console.note(f"left out: {left_out}")
    return melodies


def _people(against: str) -> list[Melody]:
    """The held-out tunes of a named corpus, whose training tunes a model may have learnt; all of a file or folder."""
    from melodysynthesis import corpora

    if against not in corpora.SOURCES and Path(against).is_file():
        return _read([Path(against)])
    corpus = corpora.load(against)
    if against in corpora.SOURCES:
        return [*corpus.split("validation"), *corpus.split("test")]
    return list(corpus)


def _rows(found: dict[str, Any]) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    for name, score in found["frechet"].items():
        yield "all", name, "frechet", score
    for group in ("figures", "profiles"):
        for name, scores in found[group].items():
            for metric, score in scores.items():
                yield group, name, metric, score


def _csv(found: dict[str, Any]) -> str:
    buffer = io.StringIO()
    table = csv.writer(buffer, lineterminator="\n")
    sets = [f"{whose} {column}" for whose in ("melodies", "people") for column in COLUMNS]
    table.writerow(["group", "feature", "metric", *sets, "further than people"])
    for group, name, metric, score in _rows(found):
        figures = [score[whose][column] for whose in ("melodies", "people") for column in COLUMNS]
        table.writerow([group, name, metric, *figures, int(further(metric, score))])
    return buffer.getvalue()


def further(metric: str, score: dict[str, Any]) -> bool:
    """Whether melodies are further from people than other people are, by intervals that do not touch."""
    mine, people = score["melodies"], score["people"]
    if None in (mine["low"], people["high"]):
        return False
    return bool(mine["high"] < people["low"] if metric == "overlap" else mine["low"] > people["high"])


def _print(found: dict[str, Any], against: str) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("feature", no_wrap=True)
    for heading in (
        "mean",
        "people's",
        "distance",
        "people's distance",
        "overlap",
        "people's",
        "divergence",
        "people's",
    ):
        table.add_column(heading, justify="right")
    marks = 0
    for group in ("figures", "profiles"):
        for name, scores in found[group].items():
            means = found["means"].get(name, {"melodies": None, "people": None})
            cells = [_number(means["melodies"]), _number(means["people"])]
            for metric, score in scores.items():
                mark = "*" if further(metric, score) else ""
                marks += bool(mark)
                people = score["people"]
                cells.append(_number(score["melodies"]["value"]) + mark)
                cells.append(_number(people["value"]) if metric in ("overlap", "divergence") else _said(people))
            table.add_row(name, *cells)
    console.say(f"{found['compared']:,} melodies beside {found['reference']:,} of people's, {Path(against).name}")
    Console(highlight=False).print(table)
    for name, score in found["frechet"].items():
        console.say(f"Frechet distance of {name}: {_said(score['melodies'])}, people's {_said(score['people'])}")
    total = sum(1 for _ in _rows(found)) - len(found["frechet"])
    console.say(f"{marks} of {total} scores are further from people than other people's are (*)")
    console.note("--out and --json have all intervals")


def _said(score: dict[str, float | None]) -> str:
    known = score["low"] is not None
    return _number(score["value"]) + (f" [{_number(score['low'])}, {_number(score['high'])}]" if known else "")


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}" if abs(value) >= 0.01 else f"{value:.4f}"
