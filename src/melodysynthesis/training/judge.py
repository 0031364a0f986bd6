"""Training of the judge by noise-contrastive estimation: human melodies against drafts, in two rounds.

Round 1 tells training tunes from drafts of the models. Its log odds estimate log p(x) / q(x): how much likelier a
melody is among people's than among drafts (Gutmann and Hyvärinen, AISTATS 2010; Deng et al., arXiv 2004.11714).
Round 2 draws new drafts and chooses among `of` of them by these odds, as generation will. What is chosen is a draft
weighted by about w(x) = of * odds(x) / (odds(x) + (of - 1) * mean odds), so telling people's melodies from the chosen
ones teaches log p(x) / q(x) - log w(x). The network goes on learning both; its log odds stay those against drafts.

    runs/NAME/judge.json            what resuming needs
              drafts-R-MODEL.npz    rows of the drafts of each round; each is written whole
              last.safetensors      where the run is resumed; best.safetensors the weights of the best validation
              history.jsonl         a line for each epoch
              judge.onnx            the best weights, for `runtime.judge`
"""

from __future__ import annotations

import json
import math
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from melodysynthesis.configuration import from_mapping
from melodysynthesis.encodings.judge_features import FIELDS, Rows, padded, rows_of
from melodysynthesis.errors import TrainingError
from melodysynthesis.models.judge import JudgeConfig, JudgeNetwork
from melodysynthesis.runtime.judge import (
    JUDGE_CARD,
    JUDGE_FIELDS,
    JUDGE_FORMAT,
    JUDGE_VERSION,
    MAX_JUDGE_BYTES,
    JudgeCard,
)
from melodysynthesis.training import checkpoint
from melodysynthesis.training.config import JudgeTraining
from melodysynthesis.training.export import labelled, traced
from melodysynthesis.training.reporting import History
from melodysynthesis.training.setup import decay_groups, stop_signals

ROUNDS = 2
HELD_BACK = 0.1
"""Share of the drafts that are validated with."""
MAX_BATCH_ROWS = 1 << 14
"""Rows that are run together when nothing is learned."""

Floats = NDArray[np.float64]
Draw = Callable[[str, int, int], Sequence[Rows]]
"""Draws drafts: (model, count, seed) -> the rows of each."""
Report = Callable[[str, int, int], None]
"""Called with the name of a step, how much of it is done, and how much there is."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A melody to learn from: its rows, whether it is human, and log w of the second round's task, else 0."""

    rows: Rows
    human: bool
    log_weight: float = 0.0


class JudgeRun:
    """A run in its folder.

    Args:
        folder: of the run; exists.
        network: sizes of the network.
        training: how to train.
        models: names of the models whose drafts it learns to distinguish from human melodies.
        card: of the judge; its figures are filled in.
    """

    def __init__(
        self, folder: Path, network: JudgeConfig, training: JudgeTraining, models: Sequence[str], card: JudgeCard
    ) -> None:
        self.folder, self.config, self.training, self.models, self.card = folder, network, training, models, card
        self.last, self.best = folder / "last.safetensors", folder / "best.safetensors"
        torch.set_num_threads(training.threads)
        torch.manual_seed(training.seed)
        self.network = JudgeNetwork(network)
        self.round = self.epoch = 0
        self.lowest, self.seconds = math.inf, 0.0

    def describe(self) -> None:
        """Write what resuming needs.

        Raises:
            TrainingError: where it can't be written.
        """
        values = {
            "network": asdict(self.config), "training": asdict(self.training), "models": list(self.models),
            "card": asdict(self.card),
        }  # fmt: skip
        checkpoint.write_text(self.folder / "judge.json", json.dumps(values, indent=2) + "\n")

    def fit(self, human: Mapping[str, Sequence[Rows]], draw: Draw, report: Report) -> bool:
        """Train, or go on with what the folder holds; whether it came to the end rather than was interrupted.

        Args:
            human: rows of tunes, by "train" and "validation".
            draw: draws drafts.
            report: called with progress.

        Raises:
            TrainingError: if the loss is not a number any more, or a file can't be written.
            ModelError: if a checkpoint is damaged.
        """
        self._resume()
        history = History(self.folder, tensorboard=False, step=self.epochs(0) * self.round + self.epoch)
        with stop_signals() as stop:
            for number in range(ROUNDS):
                drafts = [self._drafts(number, model, draw, report) for model in self.models]
                if stop.is_set():
                    return False
                if number < self.round:
                    continue
                examples, validation = self._examples(number, human, drafts)
                optimizer = self._optimizer()
                if self.epoch == 0:
                    self.lowest = math.inf
                for epoch in range(self.epoch, self.epochs(number)):
                    started = time.monotonic()
                    loss = self._epoch(number, epoch, examples, optimizer, report)
                    figures = self.evaluate(validation)
                    self.seconds += time.monotonic() - started
                    if figures["loss"] < self.lowest:
                        self.lowest = figures["loss"]
                        checkpoint.save(self.best, checkpoint.weights(self.network), {"figures": figures})
                    self.epoch = epoch + 1
                    self._save(number, optimizer)
                    step, steps = number * self.epochs(0) + epoch + 1, self.epochs(0) + self.epochs(1)
                    line = {"step": step, "round": number + 1, "epoch": epoch + 1, "train_loss": loss, **figures}
                    history.add({**line, "seconds": round(self.seconds, 1)})
                    report(
                        f"round {number + 1}, epoch {epoch + 1}: loss {figures['loss']:.4f} (training {loss:.4f}), "
                        f"AUC {figures['auc']:.4f}", step, steps,
                    )  # fmt: skip
                    if stop.is_set():
                        return False
                self._load_best()
                self.round, self.epoch = number + 1, 0
                self._save(number + 1, None)
        return True

    def epochs(self, number: int) -> int:
        """Epochs of a round."""
        return self.training.epochs if number == 0 else -(-self.training.epochs // 2)

    def log_odds(self, melodies: Sequence[Rows]) -> Floats:
        """(melodies,) log odds of each that it is human."""
        self.network.eval()
        found = np.zeros(len(melodies))
        with torch.no_grad():
            for batch in _batches(melodies):
                found[batch] = self.network(*_tensors([melodies[number] for number in batch])).numpy()
        self.network.train()
        return found

    def evaluate(self, examples: Sequence[Labelled]) -> dict[str, float]:
        """Loss and area under the curve of the network on plain drafts and tunes, each side weighing a half."""
        found = self.log_odds([example.rows for example in examples])
        human = np.array([example.human for example in examples])
        losses = np.logaddexp(0, np.where(human, -found, found))
        above = (found[human][:, None] > found[~human]).mean() + (found[human][:, None] == found[~human]).mean() / 2
        return {"loss": float((losses[human].mean() + losses[~human].mean()) / 2), "auc": float(above)}

    def _drafts(self, number: int, model: str, draw: Draw, report: Report) -> list[Rows]:
        """Drafts of a model, from the folder if they were drawn before."""
        name = "".join(c if c.isalnum() else "-" for c in Path(model).stem)
        path = self.folder / f"drafts-{number + 1}-{self.models.index(model)}-{name}.npz"
        if path.is_file():
            return read_rows(path)
        report(f"round {number + 1}: drawing {self.training.drafts:,} drafts of {model}", 0, 0)
        seed = (self.training.seed + 1) * 1_000_003 + number
        drawn = list(draw(model, self.training.drafts, seed))
        write_rows(path, drawn)
        return drawn

    def _examples(
        self, number: int, human: Mapping[str, Sequence[Rows]], drafts: list[list[Rows]]
    ) -> tuple[list[Labelled], list[Labelled]]:
        """What a round learns from, and what it is validated with."""
        plain = [rows for each in drafts for rows in each[: round(len(each) * (1 - HELD_BACK))]]
        back = [rows for each in drafts for rows in each[round(len(each) * (1 - HELD_BACK)) :]]
        validation = [
            *(Labelled(rows, True) for rows in human["validation"]),
            *(Labelled(rows, False) for rows in back),
        ]
        examples = [
            *(Labelled(rows, True) for rows in human["train"]),
            *(Labelled(rows, False) for rows in plain),
        ]
        if number == 0:
            return examples, validation
        first = read_all(self.folder, 1)
        examples += [Labelled(rows, False) for rows in first]
        random = np.random.default_rng(self.training.seed)
        odds = np.exp(np.clip(self.log_odds(plain), -20, 20))
        of = self.training.of
        mean = float(odds.mean())
        for low in range(0, len(plain) - of + 1, of):
            shares = odds[low : low + of] / odds[low : low + of].sum()
            place = low + int(random.choice(of, p=shares))
            examples.append(Labelled(plain[place], False, _log_weight(float(odds[place]), of, mean)))
        train = list(human["train"])
        for rows, found in zip(train, np.exp(np.clip(self.log_odds(train), -20, 20)), strict=True):
            examples.append(Labelled(rows, True, _log_weight(float(found), of, mean)))
        return examples, validation

    def _epoch(
        self, number: int, epoch: int, examples: list[Labelled], optimizer: torch.optim.Optimizer, report: Report
    ) -> float:
        """Learn from all examples once; the mean loss."""
        random = np.random.default_rng((self.training.seed, number, epoch))
        torch.manual_seed(self.training.seed * 1000 + number * 100 + epoch)
        weights = _balanced(examples)
        order = random.permutation(len(examples))
        size = 2 * self.training.batch_size
        # Of a few hundred melodies those of similar length are put together.
        chunks = [order[low : low + 8 * size] for low in range(0, len(order), 8 * size)]
        batches = [
            sorted_chunk[low : low + size]
            for chunk in chunks
            for sorted_chunk in [sorted(chunk.tolist(), key=lambda n: len(examples[n].rows))]
            for low in range(0, len(sorted_chunk), size)
        ]
        random.shuffle(batches)
        total, steps = 0.0, self.epochs(number) * len(batches)
        self.network.train()
        for done, batch in enumerate(batches):
            progress = (epoch * len(batches) + done) / steps
            for group in optimizer.param_groups:
                group["lr"] = self.training.learning_rate * min(progress * 10, 1.0) * (1.0 - progress) + 1e-6
            chosen = [examples[place] for place in batch]
            found = self.network(*_tensors([example.rows for example in chosen]))
            found = found - torch.tensor([example.log_weight for example in chosen])
            human = torch.tensor([float(example.human) for example in chosen])
            weight = torch.tensor(weights[batch], dtype=torch.float32)
            loss = nn.functional.binary_cross_entropy_with_logits(found, human, weight)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
            optimizer.step()
            total += float(loss.detach()) * len(batch)
            report("", number * steps + epoch * len(batches) + done + 1, ROUNDS * steps)
        if not math.isfinite(total):
            raise TrainingError(
                f"the loss is not a number any more in epoch {epoch + 1} of round {number + 1}; try a learning_rate "
                f"below {self.training.learning_rate:g}"
            )
        return total / len(examples)

    def _optimizer(self) -> torch.optim.Optimizer:
        groups = decay_groups(self.network, self.training.weight_decay)
        optimizer = torch.optim.AdamW(groups, self.training.learning_rate)
        if self.epoch:
            tensors, _ = checkpoint.load(self.last)
            checkpoint.unpack_optimizer(optimizer, checkpoint.section(tensors, "optimizer"))
        return optimizer

    def _save(self, number: int, optimizer: torch.optim.Optimizer | None) -> None:
        tensors = checkpoint.sections(
            network=checkpoint.weights(self.network),
            optimizer=checkpoint.pack_optimizer(optimizer) if optimizer else {},
        )
        at = {"round": number, "epoch": self.epoch, "lowest": self.lowest, "seconds": self.seconds}
        checkpoint.save(self.last, tensors, {"at": at})

    def _resume(self) -> None:
        if not self.last.is_file():
            return
        tensors, meta = checkpoint.load(self.last)
        checkpoint.load_weights(self.network, checkpoint.section(tensors, "network"), self.last)
        at = meta["at"]
        self.round, self.epoch, self.lowest, self.seconds = at["round"], at["epoch"], at["lowest"], at["seconds"]

    def _load_best(self) -> None:
        tensors, _ = checkpoint.load(self.best)
        checkpoint.load_weights(self.network, tensors, self.best)

    def figures(self) -> dict[str, float]:
        """Loss and area under the curve of the best validation of the last round."""
        _, meta = checkpoint.load(self.best)
        return {f"validation {name}": round(value, 4) for name, value in meta["figures"].items()}


def export_judge(run: JudgeRun) -> Path:
    """Write the judge of the best validation as judge.onnx into the run's folder, whole or not at all.

    Raises:
        TrainingError: if it can't be written, or is larger than judges may be.
    """
    tensors, _ = checkpoint.load(run.best)
    checkpoint.load_weights(run.network, tensors, run.best)
    parameters = sum(each.numel() for each in run.network.parameters())
    card = replace(run.card, parameters=parameters, figures=run.figures())
    batch, time = (torch.export.Dim(name, min=1, max=1 << 20) for name in ("batch", "time"))
    rows, there = torch.zeros(2, 9, len(FIELDS), dtype=torch.long), torch.ones(2, 9)
    proto = traced(
        run.network, (rows, there), ({0: batch, 1: time}, {0: batch, 1: time}), inputs=["rows", "there"],
        outputs=["log_odds"],
    )  # fmt: skip
    data = labelled(proto, {JUDGE_FORMAT: JUDGE_VERSION, JUDGE_CARD: asdict(card), JUDGE_FIELDS: FIELDS}, half=True)
    if len(data) > MAX_JUDGE_BYTES:
        raise TrainingError(
            f"the judge has {len(data) / 2**20:.1f} MB, at most {MAX_JUDGE_BYTES >> 20} are read: shrink it"
        )
    path = run.folder / "judge.onnx"
    with checkpoint.whole_file(path, "the judge") as part:
        part.write_bytes(data)
    return path


def open_judge_run(folder: Path) -> JudgeRun:
    """A run that has a folder already.

    Raises:
        TrainingError: if there is none, or its description is damaged.
    """
    path = folder / "judge.json"
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return JudgeRun(
            folder, from_mapping(JudgeConfig, values["network"], "judge field", TrainingError),
            from_mapping(JudgeTraining, values["training"], "training field", TrainingError),
            [str(model) for model in values["models"]], JudgeCard(**values["card"]),
        )  # fmt: skip
    except FileNotFoundError:
        raise TrainingError(f"{folder}: there is no run of a judge here: {path.name} is missing") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TrainingError(f"{path}: damaged: {error}") from error


def write_rows(path: Path, melodies: Sequence[Rows]) -> None:
    """Write the rows of melodies, whole or not at all."""
    flat = np.concatenate([np.zeros((0, len(FIELDS)), np.uint8), *melodies]).astype(np.uint8)
    starts = np.cumsum([0, *map(len, melodies)])
    with checkpoint.whole_file(path) as part, part.open("wb") as file:
        np.savez_compressed(file, rows=flat, starts=starts)


def read_rows(path: Path) -> list[Rows]:
    """The inverse of `write_rows`.

    Raises:
        TrainingError: for a file that is damaged.
    """
    try:
        with path.open("rb") as handle, np.load(handle, allow_pickle=False) as file:
            flat, starts = file["rows"].astype(np.int64), file["starts"]
        return np.split(flat, starts[1:-1])
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise TrainingError(f"{path}: damaged: {error}") from error


def read_all(folder: Path, number: int) -> list[Rows]:
    """The drafts of a round, those that are validated with left out."""
    found: list[Rows] = []
    for path in sorted(folder.glob(f"drafts-{number}-*.npz")):
        rows = read_rows(path)
        found += rows[: round(len(rows) * (1 - HELD_BACK))]
    return found


def _log_weight(odds: float, of: int, mean: float) -> float:
    """Logarithm of the weight that choosing gives a melody; see the module's docstring."""
    return math.log(of * odds / (odds + (of - 1) * mean))


def _balanced(examples: Sequence[Labelled]) -> Floats:
    """(examples,) weights: of each task, people and drafts have the same sum; the mean is 1."""
    task = np.array([2 * (example.log_weight != 0.0) + example.human for example in examples])
    counts = np.bincount(task, minlength=4)
    return np.asarray(len(examples) / (np.count_nonzero(counts) * counts[task]))


def _batches(melodies: Sequence[Rows]) -> Iterator[list[int]]:
    """Numbers of melodies of similar length, as many as fit into `MAX_BATCH_ROWS`."""
    batch: list[int] = []
    for number in sorted(range(len(melodies)), key=lambda n: len(melodies[n])):
        if batch and (len(batch) + 1) * len(melodies[number]) > MAX_BATCH_ROWS:
            yield batch
            batch = []
        batch.append(number)
    if batch:
        yield batch


def _tensors(melodies: Sequence[Rows]) -> tuple[Tensor, Tensor]:
    ids, there = padded(melodies)
    return torch.from_numpy(ids), torch.from_numpy(there)


def human_rows(melodies: Sequence[Any]) -> list[Rows]:
    """The rows of tunes."""
    return [rows_of(melody) for melody in melodies]
