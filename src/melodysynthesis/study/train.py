"""From a trial to its engine: a run that is trained, gone on with or adopted, or a baseline that is counted.

A trained trial's run is an ordinary run folder, ``runs/lstm-event-1``: one that `melody train --out` put there is
adopted if it is what the plan asks for, and refused if it is not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from melodysynthesis import corpora
from melodysynthesis.encodings import Encoding, Ids, encoding_from
from melodysynthesis.errors import RequestError, TrainingError
from melodysynthesis.runtime.base import Engine
from melodysynthesis.runtime.constant import train_constant
from melodysynthesis.runtime.ngram import train_ngram
from melodysynthesis.runtime.onnx import OnnxEngine
from melodysynthesis.runtime.ppm import train_ppm
from melodysynthesis.study.plan import FREE, StudyPlan, Trial, difference
from melodysynthesis.study.results import Measurement
from melodysynthesis.training import checkpoint, data
from melodysynthesis.training.export import export
from melodysynthesis.training.reporting import read_history
from melodysynthesis.training.run import BEST, Run, fit, open_run

INTERRUPTED = "interrupted"
"""Why a run stops that has something left to do; every other reason is an end."""

HISTORY = {"train_loss": "nats", "loss": "nats", "bits_per_note": "bits"}
"""Figures of a run's history that are kept, with their units."""


def check_budget(plan: StudyPlan, trials: Sequence[Trial]) -> dict[str, int]:
    """How many tokens each trained trial is to predict, by its name: equal for all, up to the plan's tolerance.

    A GAN goes on from a model that has seen its tokens: the tokens of its adversarial training are reported, not
    limited.

    Raises:
        RequestError: for the first that misses the budget, with the number of epochs that would meet it.
    """
    seen = {}
    for trial in trials:
        if trial.is_counted or trial.after is not None:
            continue
        epoch = sum(len(ids) - 1 for ids in _training_ids(plan.corpus, trial.encoding))
        seen[trial.name] = trial.training.epochs * epoch
        budget = plan.budget
        if abs(seen[trial.name] - budget.tokens) > budget.tolerance * budget.tokens:
            fitting = max(1, round(budget.tokens / epoch))
            raise RequestError(
                f"{trial.name}: {trial.training.epochs} epochs of {epoch:,} tokens are {seen[trial.name]:,}, and the "
                f"plan gives every model {budget.tokens:,} within {budget.tolerance:.0%}: nearest is {fitting}"
            )
    return seen


def run_of(trial: Trial, folder: Path) -> Run:
    """The run of a trained trial, as the plan has it, in the study's folder."""
    source = corpora.find_source(trial.plan.corpus)
    command = (
        f"melody train --model {trial.model} --preset {trial.wanted.preset} --corpus {source.public_name} "
        f"--encoding {trial.encoding} --seed {trial.seed} --epochs {trial.training.epochs}"
    )
    base = trial.after
    if base is not None:
        began = run_of(base, folder)
        command = f"melody train --model {trial.model} --from {base.name} --seed {trial.seed}"
        return replace(
            began, folder=folder / "runs" / trial.name, training=trial.training, command=command,
            base=began.folder / BEST, adversarial=trial.game,
        )  # fmt: skip
    return Run(
        folder / "runs" / trial.name, trial.model, trial.wanted.preset, trial.architecture,
        encoding_from({"name": trial.encoding}), trial.training, source.name,
        data.licence_of(trial.plan.corpus), command, _own_path(trial.plan.corpus),
    )  # fmt: skip


def check_run(trial: Trial, folder: Path) -> bool:
    """Whether the trial's run exists already; it must be the run of the plan.

    Raises:
        TrainingError: if it is damaged, or is another run, naming the difference.
    """
    wanted = run_of(trial, folder)
    if not (wanted.folder / "config.json").exists():
        return False
    found = open_run(wanted.folder)
    found.check_splits()
    if differs := difference(_identity(found), _identity(wanted)):
        raise TrainingError(
            f"{wanted.folder}: another run than the plan's: it has {differs}: move it away, or change the plan"
        )
    return True


def train(trial: Trial, folder: Path) -> Run:
    """The finished run of a trial: trained, gone on with where it was left, or found.

    Raises:
        TrainingError, ModelError, CorpusError: where that can't be done.
        KeyboardInterrupt: after a clean stop; the run can be gone on with.
    """
    if trial.after is not None and not is_over(run_of(trial.after, folder)):
        raise TrainingError(f"it goes on from {trial.after.name}, which is not trained yet: carry that out first")
    exists = check_run(trial, folder)
    run = open_run(run_of(trial, folder).folder) if exists else run_of(trial, folder)
    if not (exists and is_over(run)):
        dataset = data.load(run.corpus_path or run.corpus, run.encoding)
        reason = fit(run, dataset.training, dataset.validation, resume=exists)
        if reason == INTERRUPTED:
            raise KeyboardInterrupt
    if not run.exported.is_file():
        model, figures = run.best()
        export(model, run.encoding, run.card(model, figures), run.exported)
    return run


def is_over(run: Run) -> bool:
    """Whether a run is complete, by its last checkpoint."""
    path = run.folder / "checkpoints" / "last.safetensors"
    try:
        with safe_open(path, framework="pt") as file:
            state = json.loads((file.metadata() or {}).get(checkpoint.META, "{}"))
    except (OSError, SafetensorError, ValueError):
        return False  # resuming it raises what is wrong
    return bool(state.get("at", {}).get("stopped"))


def engine_of(trial: Trial, folder: Path) -> Engine:
    """The engine of a trial that is fitted, or of a baseline, which is quicker counted than kept."""
    if not trial.is_counted:
        return OnnxEngine(folder / "runs" / trial.name / "model.onnx", threads=1)
    encoding = _encoding(trial.encoding)
    sequences = _training_ids(trial.plan.corpus, trial.encoding)
    if trial.model == "constant":
        return train_constant(sequences, encoding)
    if trial.model == "ppm":
        return train_ppm(sequences, encoding)
    return train_ngram(sequences, encoding, trial.wanted.order)


def facts(trial: Trial, folder: Path) -> Iterator[Measurement]:
    """What fitting a trial took: parameters, tokens, seconds, and the course of its validation."""
    if trial.is_counted:
        return
    run = open_run(folder / "runs" / trial.name)
    lines = read_history(run.folder / "history.jsonl")
    if not lines:
        raise TrainingError(f"{run.folder}: its history.jsonl is missing or empty: what the run took is not known")
    base = {row.metric: row.value for row in facts(trial.after, folder) if row.at is None} if trial.after else {}
    if trial.after is None:
        epoch = sum(len(ids) - 1 for ids in _training_ids(trial.plan.corpus, trial.encoding))
        yield Measurement("tokens seen", float(lines[-1]["epoch"] * epoch), unit="tokens")
    else:
        yield Measurement("tokens seen", base["tokens seen"], unit="tokens")
        yield Measurement("seconds beyond the base", float(lines[-1]["seconds"]), unit="s")
    yield Measurement("training seconds", base.get("training seconds", 0.0) + float(lines[-1]["seconds"]), unit="s")
    for line in lines if trial.after is None else ():
        for name, unit in HISTORY.items():
            if line.get(name) is not None:
                yield Measurement(
                    f"history: {name.replace('_', ' ')}", float(line[name]), unit=unit, at=float(line["epoch"])
                )


def _identity(run: Run) -> dict[str, Any]:
    """Fields that identify a run, as JSON values."""
    training = {name: value for name, value in asdict(run.training).items() if name not in FREE}
    fields: dict[str, Any] = {
        "model": run.architecture, "corpus": run.corpus, "fields": asdict(run.model), "training": training,
        "encoding": run.encoding.description(), "game": None if run.adversarial is None else asdict(run.adversarial),
    }  # fmt: skip
    plain: dict[str, Any] = json.loads(json.dumps(fields))  # lists for tuples, as they come back from a file
    return plain


def _own_path(corpus: str) -> str:
    """Where the user's own files lie; empty for a named corpus."""
    return "" if corpus in corpora.SOURCES else corpora.find_source(corpus).locator


@cache
def _training_ids(corpus: str, encoding: str) -> tuple[Ids, ...]:
    """Ids of the training tunes that an encoding can represent."""
    encoded, _ = data.encode_all(_encoding(encoding), corpora.load(corpus).split("train"))
    return tuple(encoded)


def _encoding(name: str) -> Encoding:
    return encoding_from({"name": name})
