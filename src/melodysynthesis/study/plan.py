"""A plan: what a study compares, and under which conditions. Typed, read from TOML, early to complain.

    name = "full"                                    corpus = "essen-german"
    seeds = [1, 2, 3]

    [budget]                                         # what every trained model may see, whatever its encoding
    tokens = 8_300_000
    [encodings.event]                                # how often that is: tokens of an epoch differ by encoding
    epochs = 15
    [models.lstm]                                    # a table for each model, empty where the preset is as wanted
    [models.ngram]
    order = 16
    [judging]
    melodies = 200

A table may be empty, but no name in it may be unknown: the error suggests the nearest known one.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from melodysynthesis.corpora import SPLITS_VERSION
from melodysynthesis.encodings import ENCODINGS
from melodysynthesis.errors import RequestError, unknown

SHIPPED = Path(__file__).parent / "plans"
"""Plans that come with the package, to be named without a path: ``melody study run smoke``."""

GAN = "gan"
"""The model that goes on, against a critic, from another one that has learned by likelihood."""

COUNTED = ("constant", "ngram", "ppm")
"""Baselines that count instead of training. Nothing in them is random, so they are fitted once, with the first seed."""

FREE = ("threads", "tensorboard", "log_every", "checkpoint_every", "device")
"""Training fields that change no result worth telling: a run that differs in them is still the plan's."""

Seed = Annotated[int, Field(ge=0, lt=2**31)]
Temperature = Annotated[float, Field(gt=0, le=10, allow_inf_nan=False)]


class PlanTable(BaseModel):
    """A table of a plan: frozen, and no name in it is unknown."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Budget(PlanTable):
    """What each trained model may see."""

    tokens: int = Field(ge=1)
    """Tokens to be predicted, over all epochs."""
    tolerance: float = Field(default=0.1, gt=0, lt=1)
    """Share by which a model may miss them, since epochs are whole."""


class EncodingPlan(PlanTable):
    """How an encoding is trained on."""

    epochs: int = Field(ge=1)
    """Times that the training set is seen, to meet the budget."""
    seeds: tuple[Seed, ...] = ()
    """Those that models are trained with in this encoding; the plan's if empty."""
    training: dict[str, Any] = {}
    """Fields of the training configuration, for this encoding."""


class ModelPlan(PlanTable):
    """A model of the study."""

    preset: str = "base"
    """Of the architecture and its training."""
    set: dict[str, Any] = {}
    """Fields of the preset's model to change."""
    training: dict[str, Any] = {}
    """Fields of the training configuration, for this model; they win over the encoding's."""
    encodings: tuple[str, ...] = ()
    """Those it is tried in; all of the plan's if empty."""
    after: str = ""
    """Of a GAN: the model whose trained runs it goes on from; `set` and `training` are then of its game."""
    order: int = Field(default=16, ge=0, le=64)
    """Of an n-gram: its longest context in tokens."""


class JudgingPlan(PlanTable):
    """How melodies are drawn and judged."""

    melodies: int = Field(default=200, ge=2, le=10_000)
    """Drawn from each trial at each temperature."""
    temperatures: tuple[Temperature, ...] = (0.9,)
    """The first is the one that models are compared at; all of them make the quality-diversity curve."""
    resamples: int = Field(default=200, ge=2)
    """Draws of each bootstrap of distances."""
    tunes: int = Field(default=0, ge=0)
    """Held-out tunes that are predicted; 0 for all of the test split."""
    batches: tuple[Annotated[int, Field(ge=1, le=4096)], ...] = (1, 256)
    """Sequences stepped together when a step is timed."""
    max_steps: int = Field(default=1500, ge=16)
    """Tokens after which a melody is ended at the next bar line."""


class StudyPlan(PlanTable):
    """A study; see the module's docstring."""

    name: str = Field(min_length=1, max_length=60, pattern=r"^[\w.-]+$")
    corpus: str = Field(default="essen-german", min_length=1)
    seeds: tuple[Seed, ...] = Field(default=(1,), min_length=1)
    budget: Budget
    encodings: dict[str, EncodingPlan] = Field(min_length=1)
    training: dict[str, Any] = {}
    """Fields of the training configuration, for every model."""
    models: dict[str, ModelPlan] = Field(min_length=1)
    judging: JudgingPlan = JudgingPlan()

    @model_validator(mode="after")
    def _known(self) -> Self:
        for name in self.encodings:
            if name not in ENCODINGS:
                raise RequestError(unknown("encoding", name, ENCODINGS))
        for model, wanted in self.models.items():
            for name in wanted.encodings:
                if name not in self.encodings:
                    raise RequestError(f"models.{model}: {unknown('encoding of this plan', name, self.encodings)}")
        self._check_after()
        lists = [("seeds", self.seeds), ("judging.temperatures", self.judging.temperatures)]
        lists += [(f"encodings.{name}.seeds", encoding.seeds) for name, encoding in self.encodings.items()]
        for what, values in lists:
            if len(set(values)) < len(values):
                raise RequestError(f"{what}: each may stand there once, found {', '.join(map(str, values))}")
        return self

    def _check_after(self) -> None:
        for model, wanted in self.models.items():
            if bool(wanted.after) != (model == GAN):
                says = f"has after = {wanted.after!r}, which is for {GAN}" if wanted.after else "needs after"
                raise RequestError(f"models.{model} {says}: the model of this plan that a GAN goes on from")
            if wanted.after:
                bases = [name for name in self.models if name not in (GAN, *COUNTED)]
                if wanted.after not in bases:
                    raise RequestError(f"models.{model}.after: {unknown('trained model', wanted.after, bases)}")

    @cached_property
    def trials(self) -> tuple[Trial, ...]:
        """All trials, in the order of models, encodings and seeds.

        Raises:
            RequestError, ModelError, TrainingError: for an unknown model, preset or field, or values that contradict
                each other.
        """
        return tuple(self._trials())

    def _trials(self) -> Iterator[Trial]:
        for model, wanted in self.models.items():
            for encoding in wanted.encodings or self.encodings:
                for seed in self.seeds_of(model, encoding):
                    yield Trial(self, model, encoding, seed)

    def is_counted(self, model: str) -> bool:
        """Whether a model is a baseline that counts instead of training."""
        return model in COUNTED

    def seeds_of(self, model: str, encoding: str) -> tuple[int, ...]:
        """The seeds that a model is tried with in an encoding; a baseline with the first."""
        seeds = self.encodings[encoding].seeds or self.seeds
        return seeds[:1] if self.is_counted(model) else seeds

    def only(self, names: tuple[str, ...]) -> tuple[Trial, ...]:
        """The trials of these names; all for none.

        A name may leave its end open: ``lstm-event`` is that of all seeds, ``lstm`` of all encodings too.

        Raises:
            RequestError: for a name that is of no trial, with the nearest.
        """
        chosen = set()
        for name in names:
            found = [trial.name for trial in self.trials if f"{trial.name}-".startswith(f"{name}-")]
            if not found:
                raise RequestError(unknown("trial", name, [trial.name for trial in self.trials]))
            chosen.update(found)
        return tuple(trial for trial in self.trials if not names or trial.name in chosen)

    def values(self) -> dict[str, Any]:
        """As JSON values."""
        return self.model_dump(mode="json")


@dataclass(frozen=True)
class Trial:
    """One model in one encoding with one seed."""

    plan: StudyPlan
    model: str
    encoding: str
    seed: int

    def __post_init__(self) -> None:
        """Complains at once where the plan asks for what is not there."""
        if not self.is_counted:
            _ = self.architecture, self.training, self.game

    @property
    def name(self) -> str:
        """Such as ``"lstm-event-1"``; also of its folders."""
        return f"{self.model}-{self.encoding}-{self.seed}"

    @property
    def wanted(self) -> ModelPlan:
        """The plan's table for the model."""
        return self.plan.models[self.model]

    @property
    def is_counted(self) -> bool:
        """Whether it is a baseline that counts instead of training."""
        return self.plan.is_counted(self.model)

    @property
    def after(self) -> Trial | None:
        """The trial whose run it goes on from; None for one that starts afresh."""
        return Trial(self.plan, self.wanted.after, self.encoding, self.seed) if self.wanted.after else None

    @property
    def game(self) -> Any:
        """How a GAN plays, an `AdversarialConfig`; None for every other model.

        Raises:
            TrainingError: for an unknown field, or a value out of range.
        """
        if self.after is None:
            return None
        from melodysynthesis.training.adversarial.config import adversarial_config

        return adversarial_config(self.wanted.set)

    @property
    def architecture(self) -> Any:
        """The configuration of the model.

        Raises:
            RequestError, ModelError: for an unknown architecture, preset or field.
        """
        from melodysynthesis.models import ARCHITECTURES, config_from

        if self.after is not None:
            return self.after.architecture
        if self.model not in ARCHITECTURES:
            raise RequestError(unknown("model", self.model, [*ARCHITECTURES, *COUNTED]))
        preset = config_from(self.model, self.wanted.preset)
        if not self.wanted.set:
            return preset
        return config_from(self.model, {**asdict(preset), **self.wanted.set})

    @property
    def training(self) -> Any:
        """The configuration of the training, a `TrainingConfig`.

        Raises:
            TrainingError: for an unknown field, or values that contradict each other.
        """
        from melodysynthesis.training.config import PRESETS, training_config

        if self.after is not None:
            from melodysynthesis.training.adversarial.config import TRAINING

            changes = {**self.plan.training, **self.wanted.training}
            return replace(training_config({**asdict(TRAINING), **changes}), seed=self.seed)
        encoding = self.plan.encodings[self.encoding]
        preset = PRESETS.get(self.wanted.preset, PRESETS["base"])
        changes = {**self.plan.training, "epochs": encoding.epochs, **encoding.training, **self.wanted.training}
        return replace(training_config({**asdict(preset), **changes}), seed=self.seed)

    def dependencies(self) -> dict[str, Any]:
        """Everything that the results depend on, as JSON values: another value makes another trial."""
        values: dict[str, Any] = {"splits_version": SPLITS_VERSION, "corpus": self.plan.corpus, "model": self.model}
        values["encoding"] = self.encoding
        values |= {"seed": self.seed, "judging": self.plan.judging.model_dump(mode="json")}
        if self.is_counted:
            return values | {"order": self.wanted.order}

        training = {name: value for name, value in asdict(self.training).items() if name not in FREE}
        if self.after is not None:
            values |= {"after": self.after.dependencies(), "game": asdict(self.game)}
        whole = values | {"config": asdict(self.architecture), "training": training}
        plain: dict[str, Any] = json.loads(json.dumps(whole))  # lists for tuples, as they come back from a file
        return plain


def difference(one: Mapping[str, Any], other: Mapping[str, Any], within: str = "") -> str:
    """The first thing in which two tables differ, in words; "" for equal ones."""
    for name in [*one, *(name for name in other if name not in one)]:
        here, there = one.get(name), other.get(name)
        place = f"{within}{name}"
        if isinstance(here, Mapping) and isinstance(there, Mapping):
            if inner := difference(here, there, f"{place}."):
                return inner
        elif here != there:
            return f"{place} {json.dumps(here)[:60]}, not {json.dumps(there)[:60]}"
    return ""


def load_plan(name_or_path: str | Path) -> StudyPlan:
    """A plan that ships, by name, or of a TOML file.

    Raises:
        RequestError: if there is none, it is no TOML, or it says what no plan may: in one line.
    """
    name, path = str(name_or_path), Path(name_or_path)
    if (SHIPPED / f"{name}.toml").is_file() and Path(name).name == name:
        path = SHIPPED / f"{name}.toml"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        known = unknown("plan", name, [shipped.stem for shipped in SHIPPED.glob("*.toml")])
        raise RequestError(f"{known} (or give a path to a .toml file)") from None
    except (OSError, ValueError) as error:
        raise RequestError(f"{path}: can't be read: {getattr(error, 'strerror', None) or error}") from None
    try:
        return plan_from(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise RequestError(f"{path}: no TOML: {error}") from None
    except RequestError as error:
        raise RequestError(f"{path}: {error}") from None


def plan_from(values: Mapping[str, Any]) -> StudyPlan:
    """A plan of its values.

    Raises:
        RequestError: in one line, naming the field and what it may be.
    """
    try:
        return StudyPlan(**values)
    except ValidationError as error:
        raise RequestError(_one_line(error)) from None


def _one_line(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    place = [str(part) for part in first["loc"]]
    if first["type"] == "extra_forbidden":
        where = ".".join(place[:-1])
        return f"{where}: {unknown('field', place[-1], _fields(place))}" if where else _unknown_field(place[0])
    if first["type"] == "missing":
        return f"{'.'.join(place)} is missing"
    message = first["msg"][:1].lower() + first["msg"][1:]
    return f"{'.'.join(place)} {str(first.get('input'))[:40]!r}: {message}"


def _unknown_field(name: str) -> str:
    return unknown("field", name, StudyPlan.model_fields)


def _fields(place: list[str]) -> list[str]:
    """Names that may stand in the table of a place."""
    tables: dict[str, type[PlanTable]] = {
        "budget": Budget, "encodings": EncodingPlan, "models": ModelPlan, "judging": JudgingPlan,
    }  # fmt: skip
    return list(tables[place[0]].model_fields)
