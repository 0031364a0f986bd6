"""What a run reports while it trains: its history as JSON lines, TensorBoard's files, and a progress bar.

Callbacks are objects with any of these methods, which the loop calls by `Fabric.call`:

    on_prepare(done, total)                                   before each step that precedes the first update
    on_update(state, steps, loss, speed, seconds_left)        every `log_every` updates: the state, updates in all, loss
                                                              since the last report in nats per token, tokens per second
    on_validation(line)                                       after each validation: the line of the history
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from melodysynthesis.errors import TrainingError
from melodysynthesis.training.checkpoint import TrainingState, write_text


def read_history(path: Path) -> list[dict[str, Any]]:
    """The lines of a history. A last line that was cut off while being written is left out."""
    lines: list[dict[str, Any]] = []
    if path.is_file():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                lines.append(json.loads(line))
            except ValueError:
                break
    return lines


class History:
    """The history of a run, one line of JSON for each validation, and its TensorBoard log.

    Args:
        folder: of the run.
        tensorboard: whether to write a TensorBoard log; without the package it is left out.
        step: updates made so far: what an interrupted run wrote after its checkpoint is removed.
    """

    def __init__(self, folder: Path, tensorboard: bool, step: int = 0) -> None:
        self.path, self.step = folder / "history.jsonl", step
        self.folder, self.wants_tensorboard = folder / "tensorboard", tensorboard
        self.writer: Any = None
        kept = [line for line in read_history(self.path) if line["step"] <= step]
        write_text(self.path, "".join(json.dumps(line) + "\n" for line in kept))

    def add(self, line: Mapping[str, object]) -> None:
        """Add a line.

        Raises:
            TrainingError: where it can't be written.
        """
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
        except OSError as error:
            raise TrainingError(f"{self.path}: can't be written: {error}") from error

    def add_scalars(self, group: str, step: int, **values: float) -> None:
        """Write values to TensorBoard."""
        if self.wants_tensorboard and self.writer is None:
            self.writer = self._open_tensorboard()
            self.wants_tensorboard = self.writer is not None
        if self.writer is None:
            return
        for name, value in values.items():
            self.writer.add_scalar(f"{group}/{name}", value, step)

    def close(self) -> None:
        """Finish TensorBoard's files."""
        if self.writer is not None:
            self.writer.close()

    def _open_tensorboard(self) -> Any:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            return None
        # What an interrupted run logged after its checkpoint is hidden by `purge_step`.
        return SummaryWriter(self.folder, purge_step=self.step + 1 if self.step else None, flush_secs=20)


class ProgressBar:
    """A callback that shows a run on a terminal; elsewhere it prints a line for each validation only."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True)
        columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[now]}")
        shown = self.console.is_terminal
        self.bar = Progress(*columns, console=self.console, disable=not shown, transient=True)
        self.task = self.bar.add_task("training", total=None, now="")

    def __enter__(self) -> Self:
        self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.stop()

    def on_prepare(self, done: int, total: int) -> None:
        """See the module's docstring."""
        self.bar.update(self.task, total=total, completed=done, description="critic", now=f"{done} of {total} batches")

    def on_update(self, state: TrainingState, steps: int, loss: float, speed: float, seconds_left: float) -> None:
        """See the module's docstring."""
        now = f"loss {loss:.4f}  {speed:,.0f} tokens/s  {clock(seconds_left)} left"
        description = f"epoch {state.epoch + 1}"
        self.bar.update(self.task, total=steps, completed=state.step, description=description, now=now)

    def on_validation(self, line: Mapping[str, Any]) -> None:
        """See the module's docstring."""
        mark = "*" if line["best"] else " "
        training = "-" if line["train_loss"] is None else f"{line['train_loss']:.4f}"
        adversarial = ""
        if "critic_accuracy" in line:
            distinct, critic = line["distinct_8grams"], line["critic_accuracy"]
            adversarial = f"distinct {100 * distinct:.1f} %  critic {100 * critic:.1f} %  "
        self.console.print(
            f"epoch {line['epoch']:3d}{mark} loss {line['loss']:.4f} (training {training})  {adversarial}"
            f"accuracy {100 * line['accuracy']:.2f} %  {line['bits_per_note']:.3f} bits/note  "
            f"rate {line['learning_rate']:.2g}  {line['tokens_per_second']:,} tokens/s  {clock(line['seconds'])}",
            highlight=False,
            soft_wrap=True,  # a log file has no width
        )


def clock(seconds: float) -> str:
    """Hours, minutes and seconds: ``1:02:03``, ``2:03``."""
    whole = max(0, round(seconds))
    return time.strftime("%-H:%M:%S" if whole >= 3600 else "%-M:%S", time.gmtime(whole))
