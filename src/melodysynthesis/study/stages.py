"""Carrying out a trial, stage by stage; what a stage finds is written whole before the next begins.

FOLDER/plan.json                       the plan
       runs/lstm-event-1/              the run, as `melody train` leaves one
       trials/lstm-event-1/asked.json  what the results depend on
                           STAGE.parquet, melodies.json, confusion.json
       trials/people/                  figures of the test tunes
       results.parquet                 all rows
       report.html, report.md          what `melody study report` makes of them

A stage whose file is there is over: so a study that was killed at any moment goes on without doing anything twice.
While a trial is carried out its folder is locked; who comes second waits, and then finds everything done.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from melodysynthesis import corpora
from melodysynthesis.errors import FormatError, RequestError
from melodysynthesis.formats import files
from melodysynthesis.formats import json as melody_json
from melodysynthesis.music import Melody
from melodysynthesis.runtime.base import Engine
from melodysynthesis.study import results, train
from melodysynthesis.study.evaluate import (
    draw,
    figures_of_people,
    held_out,
    judge_melodies,
    panel_of,
    predict,
    time_steps,
)
from melodysynthesis.study.plan import StudyPlan, Trial, difference
from melodysynthesis.study.results import PEOPLE, Measurement

DEPENDENCIES, MELODIES, CONFUSION = "asked.json", "melodies.json", "confusion.json"
PLAN, RESULTS = "plan.json", "results.parquet"


class TrialContext:
    """What the stages of a trial share, made when it is first needed."""

    def __init__(self, trial: Trial, folder: Path) -> None:
        self.trial, self.folder = trial, folder
        self.place = folder / "trials" / trial.name

    @cached_property
    def engine(self) -> Engine:
        """The fitted model."""
        return train.engine_of(self.trial, self.folder)

    @cached_property
    def tunes(self) -> Sequence[Melody]:
        """The held-out tunes that are predicted."""
        plan = self.trial.plan
        return list(corpora.load(plan.corpus).split("test"))[: plan.judging.tunes or None]

    def keep(self, stage: str, rows: Sequence[Measurement]) -> None:
        """Write the rows of a stage, which is then over."""
        trial = self.trial
        results.save(results.table_of(rows, trial.model, trial.encoding, trial.seed), self.place / f"{stage}.parquet")


def _fit(bench: TrialContext) -> None:
    if not bench.trial.is_counted:
        train.train(bench.trial, bench.folder)
    bench.keep("fitted", list(train.facts(bench.trial, bench.folder)))


def _predict(bench: TrialContext) -> None:
    rows, confusion = predict(bench.engine, bench.tunes)
    _save_json(bench.place / CONFUSION, confusion)
    bench.keep("predicted", rows)


def _draw(bench: TrialContext) -> None:
    trial = bench.trial
    drawn = draw(bench.engine, trial.plan.judging, trial.seed, held_out(trial.plan.corpus))
    melodies_at = {f"{at:g}": [melody_json.to_dict(one) for one in melodies] for at, melodies in drawn.items()}
    _save_json(bench.place / MELODIES, melodies_at)


def _judge(bench: TrialContext) -> None:
    plan = bench.trial.plan
    panel = panel_of(plan.corpus, plan.judging.resamples)
    drawn = read_melodies(bench.place)
    first = plan.judging.temperatures[0]
    rows = [row for at, melodies in drawn.items() for row in judge_melodies(melodies, panel, at, each=at == first)]
    bench.keep("judged", rows)


def _time(bench: TrialContext) -> None:
    bench.keep("timed", list(time_steps(bench.engine, bench.tunes, bench.trial.plan.judging.batches)))


class TrialStage(NamedTuple):
    """A part of a trial: its name in words, the file that says it is over, and how it is done."""

    name: str
    file: str
    run_stages: Callable[[TrialContext], None]


STAGES = (
    TrialStage("fitting", "fitted.parquet", _fit),
    TrialStage("predicting", "predicted.parquet", _predict),
    TrialStage("writing melodies", MELODIES, _draw),
    TrialStage("judging melodies", "judged.parquet", _judge),
    TrialStage("timing", "timed.parquet", _time),
)


def run_stages(trial: Trial, folder: Path) -> None:
    """Do what is left of a trial.

    Raises:
        MelodyError: where it can't be done.
        KeyboardInterrupt: after a clean stop.
    """
    bench = TrialContext(trial, folder)
    with _locked(bench.place):
        check_dependencies(trial, folder)
        _save_json(bench.place / DEPENDENCIES, trial.dependencies())
        for stage in STAGES:
            if not (bench.place / stage.file).exists():
                stage.run_stages(bench)


def describe_people(plan: StudyPlan, folder: Path) -> None:
    """Save the figures of the test tunes, for comparison with those of a trial's melodies."""
    place = folder / "trials" / PEOPLE
    with _locked(place):
        dependencies = {"splits_version": corpora.SPLITS_VERSION, "corpus": plan.corpus}
        _check(place, dependencies)
        if (place / "judged.parquet").exists():
            return
        _save_json(place / DEPENDENCIES, dependencies)
        tunes = list(corpora.load(plan.corpus).split("test"))
        table = results.table_of(figures_of_people(tunes), PEOPLE, "", 0)
        results.save(table, place / "judged.parquet")


def check_dependencies(trial: Trial, folder: Path) -> None:
    """Check that the results in a trial's folder are of this plan.

    Raises:
        RequestError: if not, naming the first difference.
    """
    _check(folder / "trials" / trial.name, trial.dependencies())


def _check(place: Path, dependencies: dict[str, Any]) -> None:
    path = place / DEPENDENCIES
    if not path.exists():
        return
    found = read_json(path)
    if (version := found.get("splits_version", 1)) != corpora.SPLITS_VERSION:
        raise RequestError(
            f"{place}: results on splits of version {version}, and this program makes version "
            f"{corpora.SPLITS_VERSION}: choose another folder with --out"
        )
    if differs := difference(found, dependencies):
        raise RequestError(f"{place}: results of another plan: they are of {differs}: choose another folder with --out")


def is_over(trial: Trial, folder: Path) -> bool:
    """Whether all stages of a trial are complete."""
    return all((folder / "trials" / trial.name / stage.file).exists() for stage in STAGES)


def read_melodies(place: Path) -> dict[float, list[Melody]]:
    """The melodies of a trial by temperature, the plan's first one first."""
    melodies_at, where = read_json(place / MELODIES), str(place / MELODIES)
    return {float(at): [melody_json.from_dict(one, where) for one in melodies] for at, melodies in melodies_at.items()}


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object that a study wrote.

    Raises:
        FormatError: if it is missing or damaged.
    """
    try:
        found = json.loads(files.load(path, results.MAX_BYTES))
    except ValueError as error:
        raise FormatError(f"damaged: {error}", str(path)) from None
    if not isinstance(found, dict):
        raise FormatError("damaged: expected an object", str(path))
    return found


def _save_json(path: Path, value: Any) -> None:
    files.save(path, (json.dumps(value, ensure_ascii=False) + "\n").encode())


@contextmanager
def _locked(place: Path) -> Iterator[None]:
    """Alone with a folder, which is made. The lock ends with the process, however that ends."""
    try:
        place.mkdir(parents=True, exist_ok=True)
        lock = (place / ".lock").open("a")
    except OSError as error:
        raise RequestError(f"{place}: the folder can't be made: {error.strerror}") from None
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
