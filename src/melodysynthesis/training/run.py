"""A run and its folder.

runs/NAME/config.json                       model, encoding, training, corpus: all that resuming needs
          history.jsonl                     a line for each validation
          checkpoints/last.safetensors      where the run is resumed
          checkpoints/best.safetensors      the weights of the best validation (the averaged ones, if there are)
          checkpoints/base.safetensors      the weights that it started from, if these are another run's
          tensorboard/                      for TensorBoard
          model.onnx                        the best weights, ready to generate with
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import torch

from melodysynthesis.corpora import SPLITS_VERSION
from melodysynthesis.encodings import Encoding, encoding_from
from melodysynthesis.errors import TrainingError
from melodysynthesis.models import MelodyModel, build, config_from, parameter_count
from melodysynthesis.models.lstm import LSTMLayer
from melodysynthesis.runtime.base import ModelCard
from melodysynthesis.training import checkpoint
from melodysynthesis.training.adversarial.config import AdversarialConfig, adversarial_config
from melodysynthesis.training.adversarial.objective import Adversarial
from melodysynthesis.training.batches import Batches, Songs, Stream
from melodysynthesis.training.checkpoint import Identity
from melodysynthesis.training.config import TrainingConfig, training_config
from melodysynthesis.training.data import Sequences
from melodysynthesis.training.loop import Trainer
from melodysynthesis.training.objective import Figures, Likelihood, Objective
from melodysynthesis.training.setup import check_lstm


@dataclass(frozen=True, slots=True)
class Run:
    """All that defines a run: written into its folder at the start, read again when it is resumed.

    Attributes:
        folder: of the run.
        architecture, preset: of the model; `preset` is only a name.
        model: the architecture's configuration.
        encoding: of the melodies.
        training: how to train.
        corpus, licence: of the data, for the card.
        command: the command line that started it, for the card.
        corpus_path: path of the data if it is the user's own files: for resuming, not for the card.
        base: checkpoint whose weights the run starts from; None for random ones.
        adversarial: how to train against a critic; None to train by likelihood.
        splits_version: of the rule by which the corpus was split; 0 for texts that are split already.
    """

    folder: Path
    architecture: str
    preset: str
    model: Any
    encoding: Encoding
    training: TrainingConfig
    corpus: str = ""
    licence: str = ""
    command: str = ""
    corpus_path: str = ""
    base: Path | None = None
    adversarial: AdversarialConfig | None = None
    splits_version: int = SPLITS_VERSION

    @property
    def identity(self) -> Identity:
        """What the run's checkpoints fit."""
        return Identity.of(self.architecture, self.preset, asdict(self.model), self.encoding)

    @property
    def exported(self) -> Path:
        """The model file that is exported at the end."""
        return self.folder / "model.onnx"

    def build(self) -> MelodyModel:
        """The model, with random weights by the seed or those of its base.

        Raises:
            ModelError: if the base is missing, damaged or of another model.
        """
        torch.manual_seed(self.training.seed)
        model = build(self.architecture, self.model, self.encoding)
        return model if self.base is None else self._loaded(model, self.base)[0]

    def objective(self) -> Objective:
        """What the run minimises.

        Raises:
            ModelError, TrainingError: where an adversarial run lacks its base, or its configuration is not possible.
        """
        if self.adversarial is None:
            return Likelihood(self.encoding)
        if self.base is None:
            raise TrainingError("adversarial training continues a model that was trained by likelihood: name its run")
        return Adversarial(self.adversarial, self.training, self.encoding, self.build())

    def check_splits(self) -> None:
        """Check that training on does not mix the splits of two versions.

        Raises:
            TrainingError: if the run was trained on splits of another version.
        """
        if self.splits_version not in (0, SPLITS_VERSION):
            raise TrainingError(
                f"{self.folder}: trained on splits of version {self.splits_version}, and this program makes version "
                f"{SPLITS_VERSION}: its training tunes are held out now; train anew"
            )

    def create(self) -> None:
        """Make the folder and write the run's description into it.

        Raises:
            TrainingError: if there already is a run, or the folder can't be made.
        """
        if (self.folder / "config.json").exists():
            raise TrainingError(f"{self.folder}: there is a run here already: resume it, or choose another name")
        try:
            (self.folder / "checkpoints").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise TrainingError(f"{self.folder}: the folder can't be made: {error.strerror or error}") from error
        if self.base is not None:  # a copy: the other run may go on, or be deleted
            tensors, meta = checkpoint.load(self.base)
            checkpoint.save(self.folder / BASE, tensors, meta)
        self.describe()

    def describe(self) -> None:
        """Write the run's description.

        Raises:
            TrainingError: where it can't be written.
        """
        values = {
            **asdict(self.identity), "training": asdict(self.training), "corpus": self.corpus,
            "licence": self.licence, "command": self.command, "corpus_path": self.corpus_path,
            "adversarial": None if self.adversarial is None else asdict(self.adversarial),
            "splits_version": self.splits_version,
        }  # fmt: skip
        checkpoint.write_text(self.folder / "config.json", json.dumps(values, indent=2) + "\n")

    def best(self) -> tuple[MelodyModel, Figures | None]:
        """The model of the best validation, and its figures.

        Raises:
            ModelError: if there is none yet, or it is damaged or of another model.
        """
        model, meta = self._loaded(self.build(), self.folder / BEST)
        figures = meta.get("figures")
        if not isinstance(figures, dict):
            return model.eval(), None
        return model.eval(), Figures(**{field.name: figures[field.name] for field in fields(Figures)})

    def _loaded(self, model: MelodyModel, path: Path) -> tuple[MelodyModel, Mapping[str, Any]]:
        """A model with the weights of a checkpoint, and the checkpoint's metadata."""
        tensors, meta = checkpoint.load(path)
        self.identity.check(meta, path)
        checkpoint.load_weights(model, tensors, path)
        return model, meta

    def card(self, model: MelodyModel, figures: Figures | None) -> ModelCard:
        """The card of a model of this run."""
        measured: dict[str, float] = {}
        if figures is not None:
            measured = {f"validation {name.replace('_', ' ')}": round(v, 4) for name, v in asdict(figures).items()}
        name, preset = self.architecture, self.preset
        if self.adversarial is not None:
            name, preset = "gan", f"{preset}, adversarial ({self.adversarial.estimator})"
        return ModelCard(
            name=name, architecture=self.architecture, preset=preset, corpus=self.corpus, licence=self.licence,
            seed=self.training.seed, parameters=parameter_count(model), command=self.command, figures=measured,
        )  # fmt: skip


BASE, BEST = Path("checkpoints/base.safetensors"), Path("checkpoints/best.safetensors")
"""In the folder of a run."""

FIXED = ("mode", "batch_size", "steps", "max_length", "seed", "ema_decay")
"""Fields that decide on the sequence of updates: with other values it would be another run."""


def open_run(folder: Path, **changes: object) -> Run:
    """A run that has a folder already.

    Args:
        folder: of the run.
        changes: fields of the training configuration to change, such as ``epochs``.

    Raises:
        TrainingError: if there is no run, its description is damaged, or a change is of what a run can't change.
    """
    run = _read(folder)
    for name in FIXED:
        was = getattr(run.training, name)
        if changes.get(name, was) != was:
            raise TrainingError(
                f"{folder}: the run has {name} {was}, which can't be changed to {changes[name]} when it is resumed"
            )
    return replace(run, training=replace(run.training, **changes)) if changes else run  # type: ignore[arg-type]


def _read(folder: Path) -> Run:
    path = folder / "config.json"
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        training, adversarial = training_config(values["training"]), values.get("adversarial")
        return Run(
            folder, values["architecture"], values["preset"], config_from(values["architecture"], values["model"]),
            encoding_from(values["encoding"]), training, values["corpus"], values["licence"], values["command"],
            values["corpus_path"], folder / BASE if (folder / BASE).exists() else None,
            None if adversarial is None else adversarial_config(adversarial), int(values.get("splits_version", 1)),
        )  # fmt: skip
    except FileNotFoundError:
        raise TrainingError(f"{folder}: there is no run here: {path.name} is missing") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TrainingError(f"{path}: damaged: {error}") from error


def batches(config: TrainingConfig, sequences: Sequences, shuffled: bool) -> Batches:
    """Sequences as batches, in the mode of the configuration; a validation set is not shuffled."""
    seed = config.seed if shuffled else None
    if config.mode in ("stream", "windows"):
        lanes = min(config.batch_size, max(1, len(sequences.ids) // (2 * config.steps)))
        carries = config.mode == "stream"
        return Stream(sequences, config.batch_size if shuffled else lanes, config.steps, seed, carries=carries)
    return Songs(sequences, config.batch_size, config.max_length, seed)


def fingerprint(sequences: Sequences) -> str:
    """A checksum of the data, so that a run is not resumed on other data."""
    code = 0
    for low in range(0, len(sequences.ids), 1 << 20):
        code = zlib.crc32(sequences.ids[low : low + (1 << 20)].tobytes(), code)
    return f"{len(sequences)} sequences, {len(sequences.ids)} tokens, {code:08x}"


def fit(
    run: Run,
    training: Sequences,
    validation: Sequences,
    *,
    resume: bool = False,
    callbacks: Sequence[object] = (),
) -> str:
    """Train a run, or resume it; returns why it stopped, as `Trainer.fit` does.

    Raises:
        TrainingError, ModelError: where it can't start, resume or go on.
    """
    data = {"training": fingerprint(training), "validation": fingerprint(validation)}
    if resume:
        _check_data(run.folder / "data.json", data)
    model = run.build()
    if any(isinstance(part, LSTMLayer) for part in model.modules()):
        check_lstm(run.training)
    trainer = Trainer(
        run.training, model, run.objective(),
        training=batches(run.training, training, shuffled=True),
        validation=batches(run.training, validation, shuffled=False),
        folder=run.folder, identity=run.identity, callbacks=callbacks,
    )  # fmt: skip
    # By now the other processes of a run on several devices have started, and have seen the folder as it was.
    if trainer.fabric.is_global_zero:
        if resume:
            checkpoint.remove_unfinished(run.folder)
            run.describe()  # with its changes, so that they hold when it is resumed once more
        else:
            run.create()
            checkpoint.write_text(run.folder / "data.json", json.dumps(data, indent=2) + "\n")
    trainer.fabric.barrier()
    if resume and trainer.last.exists():
        trainer.resume()
    return trainer.fit()


def is_main_process() -> bool:
    """Whether this process writes files and messages: of a run on several devices, only the first does."""
    return os.environ.get("LOCAL_RANK", "0") == "0" and os.environ.get("NODE_RANK", "0") == "0"


def _check_data(path: Path, data: Mapping[str, str]) -> None:
    """Compare the data with those that the run started with.

    Raises:
        TrainingError: if it differs.
    """
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return  # killed before it was written: nothing was trained yet
    for name, value in data.items():
        if before.get(name) != value:
            raise TrainingError(f"the run was started with other {name} data: {before.get(name)}, now {value}")
