"""A progress bar for training: loss, tokens per second, time left, and a line for each validation."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from melodysynthesis.training.position import Position


class ProgressBar:
    """Shows a run on a terminal; elsewhere only the validations, a line each. See `Watch`."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True)
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[now]}"),
        )
        self.bar = Progress(*columns, console=self.console, disable=not self.console.is_terminal)
        self.task = self.bar.add_task("training", total=None, now="")

    def __enter__(self) -> Self:
        self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.stop()

    def updated(self, at: Position, steps: int, loss: float, speed: float, seconds_left: float) -> None:
        """See `Watch.updated`."""
        now = f"loss {loss:.4f}  {speed:,.0f} tokens/s  {clock(seconds_left)} left"
        self.bar.update(self.task, total=steps, completed=at.step, description=f"epoch {at.epoch + 1}", now=now)

    def validated(self, line: Mapping[str, Any]) -> None:
        """See `Watch.validated`."""
        mark = "*" if line["best"] else " "
        training = "-" if line["train_loss"] is None else f"{line['train_loss']:.4f}"
        game = ""
        if "critic_accuracy" in line:
            game = f"distinct {100 * line['distinct_8grams']:.1f} %  critic {100 * line['critic_accuracy']:.1f} %  "
        self.console.print(
            f"epoch {line['epoch']:3d}{mark} loss {line['loss']:.4f} (training {training})  {game}"
            f"accuracy {100 * line['accuracy']:.2f} %  {line['bits_per_note']:.3f} bits/note  "
            f"rate {line['learning_rate']:.2g}  {line['tokens_per_second']:,} tokens/s  {clock(line['seconds'])}",
            highlight=False,
            soft_wrap=True,  # a log file has no width
        )


def clock(seconds: float) -> str:
    """Hours, minutes and seconds: ``1:02:03``, ``2:03``."""
    whole = max(0, round(seconds))
    return time.strftime("%-H:%M:%S" if whole >= 3600 else "%-M:%S", time.gmtime(whole))
