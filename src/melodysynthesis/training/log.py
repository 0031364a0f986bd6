"""What a run writes down while it trains: one JSON line each validation, and TensorBoard's files where wanted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from melodysynthesis.errors import TrainingError
from melodysynthesis.training.checkpoint import write_text


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


class Log:
    """The history of a run, with TensorBoard beside it.

    Args:
        folder: of the run.
        tensorboard: whether to write a TensorBoard log; without the package it is left out.
        step: updates made so far: what an interrupted run wrote after its checkpoint is taken back.
    """

    def __init__(self, folder: Path, tensorboard: bool, step: int = 0) -> None:
        self.path, self.step = folder / "history.jsonl", step
        self.folder, self.wants_tensorboard = folder / "tensorboard", tensorboard
        self.writer: Any = None
        kept = [line for line in read_history(self.path) if line["step"] <= step]
        write_text(self.path, "".join(json.dumps(line) + "\n" for line in kept))

    def line(self, values: dict[str, object]) -> None:
        """Add a line to the history.

        Raises:
            TrainingError: where it can't be written.
        """
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(values) + "\n")
        except OSError as error:
            raise TrainingError(f"{self.path}: can't be written: {error}") from error

    def scalars(self, step: int, **values: float) -> None:
        """Show values in TensorBoard."""
        if self.wants_tensorboard and self.writer is None:
            self.writer = _writer(self.folder, self.step)
            self.wants_tensorboard = self.writer is not None
        if self.writer is None:
            return
        for name, value in values.items():
            self.writer.add_scalar(name.replace("__", "/"), value, step)

    def close(self) -> None:
        """Finish TensorBoard's files."""
        if self.writer is not None:
            self.writer.close()


def _writer(folder: Path, step: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    # What an interrupted run logged after its checkpoint is struck out by `purge_step`.
    return SummaryWriter(folder, purge_step=step + 1 if step else None, flush_secs=20)
