"""What the verbs print with: answers to standard output, everything else to standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import typer

JSON_OPTION = typer.Option("--json", help="Print the answer as JSON, for programs.")


def say(text: str = "") -> None:
    """A line of the answer."""
    typer.echo(text)


def note(text: str) -> None:
    """A line for people, which a program that reads the answer does not see."""
    typer.echo(text, err=True)


def say_json(value: Any) -> None:
    """The answer as JSON."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=1))


def say_table(rows: Sequence[Sequence[str]]) -> None:
    """Rows of equal length in columns; the last column is not padded."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)]
        say("  ".join([*cells, row[-1]]).rstrip())


class Advance(Protocol):
    """Tells a progress bar how far the work is."""

    def __call__(self, done: int) -> None:
        """`done` of the total."""


@contextmanager
def progress(what: str, total: int, shown: bool = True) -> Iterator[Advance]:
    """A progress bar on standard error, where a person looks at it and there is enough work for one."""
    if not shown or total < 2 or not sys.stderr.isatty():
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)
