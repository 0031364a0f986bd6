"""A study under way: every trial of its plan, each once, in whatever order and on whatever machines."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from pathlib import Path
from typing import NamedTuple

from melodysynthesis.errors import FormatError, RequestError, TrainingError
from melodysynthesis.formats import files
from melodysynthesis.study import results, stages, train
from melodysynthesis.study.launch import INTERRUPTED, Launcher
from melodysynthesis.study.plan import StudyPlan, Trial, difference, plan_from
from melodysynthesis.study.results import PEOPLE
from melodysynthesis.training.reporting import read_history

Tell = Callable[[str], None]


def prepare(plan: StudyPlan, folder: Path, trials: Sequence[Trial]) -> dict[str, int]:
    """See that a study can be run in a folder, before time is spent; tokens that each trained trial will see.

    Raises:
        RequestError, TrainingError, CorpusError: if not, in one line: another study's folder, a run that is another
            than the plan's, results of another plan, unequal budgets.
    """
    try:
        (folder / "trials").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RequestError(f"{folder}: the folder can't be made: {error.strerror}") from None
    if (folder / stages.PLAN).exists():
        before = read_plan(folder)
        if (before.name, before.corpus) != (plan.name, plan.corpus):
            differs = difference(before.values(), plan.values())
            raise RequestError(f"{folder}: a study of another plan: it has {differs}: choose another folder with --out")
    seen = train.check_budget(plan, trials)
    for trial in trials:
        stages.check_dependencies(trial, folder)
        if not trial.is_counted:
            train.check_run(trial, folder)
    files.save(folder / stages.PLAN, (json.dumps(plan.values(), indent=1) + "\n").encode())
    return seen


def run(
    plan: StudyPlan, folder: Path, trials: Sequence[Trial], launcher: Launcher, tell: Tell = lambda line: None
) -> None:
    """Carry out what is left of some trials of a plan, and gather all rows that there are.

    Args:
        plan: whose folder was prepared.
        folder: of the study.
        trials: of the plan.
        launcher: where they are carried out.
        tell: receives a message about each trial that ends.

    Raises:
        TrainingError: when all is done that could be done, if something could not.
        KeyboardInterrupt: after a clean stop.
    """
    stages.describe_people(plan, folder)
    left = [trial for trial in trials if not stages.is_over(trial, folder)]
    problems: list[str] = []
    try:
        # Those that go on from another trial's run come when all of these are trained.
        for wave in ([t for t in left if t.after is None], [t for t in left if t.after is not None]):
            problems += _carry_out(wave, folder, launcher, tell)
    finally:
        launcher.stop()
        gather(plan, folder)
    if problems:
        raise TrainingError("; ".join(problems))


def _carry_out(trials: Sequence[Trial], folder: Path, launcher: Launcher, tell: Tell) -> list[str]:
    """Carry out some trials; what was wrong with those that could not be."""
    under_way: dict[Future[str], Trial] = {}
    problems: list[str] = []
    for trial in trials:
        under_way[launcher.submit(trial, folder)] = trial
        problems += _ended(under_way, tell, timeout=0)
    while under_way:
        problems += _ended(under_way, tell, timeout=None)
    return problems


def _ended(under_way: dict[Future[str], Trial], tell: Tell, timeout: float | None) -> list[str]:
    """Take out what has ended; what was wrong with it."""
    problems = []
    done, _ = wait(under_way, timeout, return_when=FIRST_COMPLETED)
    for future in done:
        trial, ended = under_way.pop(future), future.result()
        if ended == INTERRUPTED:
            raise KeyboardInterrupt
        if ended:
            problems.append(ended)
        tell(ended or f"{trial.name} is done")
    return problems


def gather(plan: StudyPlan, folder: Path) -> None:
    """Write all rows of the plan's trials into one file.

    Raises:
        FormatError: if a file of rows is damaged, or it can't be written.
    """
    names = [PEOPLE, *(trial.name for trial in plan.trials)]
    found = [path for name in names for path in sorted((folder / "trials" / name).glob("*.parquet"))]
    results.save(results.joined({str(path): results.load(path) for path in found}), folder / stages.RESULTS)


def read_plan(folder: Path) -> StudyPlan:
    """The plan of a study's folder.

    Raises:
        RequestError: if there is no study, or its plan is damaged.
    """
    path = folder / stages.PLAN
    if not path.is_file():
        raise RequestError(f"{folder}: there is no study here: {path.name} is missing")
    try:
        return plan_from(stages.read_json(path))
    except (FormatError, RequestError) as error:
        raise RequestError(f"{path}: damaged: {error}") from None


class StudyProgress(NamedTuple):
    """How far a study is: epochs and stages done and in all, trials done and in all."""

    done: int
    total: int
    trials_done: int
    trials: int


def study_progress(trials: Sequence[Trial], folder: Path) -> StudyProgress:
    """How far some trials are, read from the study's folder: so it is known on whatever machine they run."""
    done, total, over = 0, 0, 0
    for trial in trials:
        parts = len(stages.STAGES) + (0 if trial.is_counted else trial.training.epochs)
        if stages.is_over(trial, folder):
            mine, over = parts, over + 1
        else:
            place = folder / "trials" / trial.name
            mine = sum((place / stage.file).exists() for stage in stages.STAGES)
            mine += 0 if trial.is_counted else len(read_history(folder / "runs" / trial.name / "history.jsonl"))
        done, total = done + min(mine, parts), total + parts
    return StudyProgress(done, total, over, len(trials))
