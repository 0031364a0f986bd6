"""What the verbs print with: answers go to standard output, everything else goes to standard error.

Under ``--json`` standard output is one JSON document. An error is then the last line of standard error, as JSON too:
``{"error": {"type": "RequestError", "message": "..."}}``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import typer

if TYPE_CHECKING:
    from rich.progress import Progress

JSON_OPTION = typer.Option("--json", help="Print the answer as JSON, for programs.", rich_help_panel="Output")

_bars: list[Progress] = []
"""The progress bars that are on the screen, the innermost last."""


def say(text: str = "") -> None:
    """Print a line of the answer."""
    _print(text, to_stderr=False)


def note(text: str) -> None:
    """Print a line for people, which a program that reads the answer does not see."""
    _print(text, to_stderr=True)


def say_json(value: Any) -> None:
    """Print the answer as JSON."""
    say(json.dumps(value, ensure_ascii=False, indent=1))


def say_table(rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> None:
    """Print rows of equal length in columns, never cut: where a line is wider than the terminal, the terminal wraps it.

    Args:
        rows: the rows, a header among them if there is one.
        right: numbers from 0 of the columns that are aligned to the right, such as those of numbers.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            cell.rjust(width) if number in right else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        say("  ".join(cells).rstrip())


class Reporter(NamedTuple):
    """What a verb prints, by its flags --quiet and --json.

    Attributes:
        quiet: print nothing but errors.
        as_json: the answer is JSON, so that no lines for people may be among it.
    """

    quiet: bool = False
    as_json: bool = False

    @property
    def shows_progress(self) -> bool:
        """Whether there may be a progress bar."""
        return not (self.quiet or self.as_json)

    def say(self, text: str) -> None:
        """Print a line of the answer, where people read it."""
        if not (self.quiet or self.as_json):
            say(text)

    def note(self, text: str) -> None:
        """Print a line to standard error, unless quiet."""
        if not self.quiet:
            note(text)


class Advance(Protocol):
    """Moves a progress bar."""

    def __call__(self, done: int) -> None:
        """So many of the total are done."""


@contextmanager
def progress(what: str, total: int, shown: bool = True) -> Iterator[Advance]:
    """Show a progress bar on standard error, if that is a terminal and there is more than one thing to do.

    Lines that are printed meanwhile do not mix with the bar: it is taken off the screen for them.
    """
    if not shown or total < 2 or not sys.stderr.isatty():
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,  # rich would print answers to standard error, into the bar
        redirect_stderr=False,
    )
    task = bar.add_task(what, total=total)
    with bar:
        _bars.append(bar)
        try:
            yield lambda done: bar.update(task, completed=done)
        finally:
            _bars.remove(bar)


def _print(text: str, to_stderr: bool) -> None:
    for bar in _bars:
        bar.stop()
    typer.echo(text, err=to_stderr)
    for bar in _bars:
        bar.start()
