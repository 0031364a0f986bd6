"""A study of a folder of songs, small enough to be run once for all tests of the reports."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from melodysynthesis.formats import write
from melodysynthesis.study.launch import Here
from melodysynthesis.study.plan import StudyPlan, plan_from
from melodysynthesis.study.run import prepare, run
from tests.training.songs import songs


def plan_of(corpus: Path, **changes: object) -> StudyPlan:
    """A tiny LSTM in both encodings with two seeds, and two baselines."""
    values = {
        "name": "tiny", "corpus": str(corpus), "seeds": [1, 2], "budget": {"tokens": 8000, "tolerance": 0.5},
        "encodings": {"event": {"epochs": 2}, "grid": {"epochs": 1}},
        "training": {"threads": 1, "tensorboard": False, "precision": "32-true"},
        "models": {"lstm": {"set": {"embedding": 8, "units": 8}}, "ngram": {"order": 3},
                   "constant": {"encodings": ["event"]}},
        "judging": {"melodies": 12, "temperatures": [0.9, 1.3], "resamples": 10, "batches": [1, 4], "max_steps": 64},
    }  # fmt: skip
    return plan_from({**values, **changes})


def made_once(name: str, make: Callable[[Path], None], factory: pytest.TempPathFactory) -> Path:
    """A folder that one of the processes of pytest-xdist makes for all of them."""
    base = factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    with FileLock(f"{folder}.lock"):
        if not (done := Path(f"{folder}.done")).exists():
            make(folder)
            done.touch()
    return folder


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of songs of many families, so that every split gets some."""

    def make(folder: Path) -> None:
        folder.mkdir()
        for number, song in enumerate(songs(150)):
            write(song, folder / f"{number}.abc")

    return made_once("songs", make, tmp_path_factory)


@pytest.fixture(scope="session")
def plan(corpus: Path) -> StudyPlan:
    return plan_of(corpus)


@pytest.fixture(scope="session")
def study(plan: StudyPlan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a study that is over; not to be changed."""

    def make(folder: Path) -> None:
        prepare(plan, folder, plan.trials)
        run(plan, folder, plan.trials, Here())

    return made_once("tiny", make, tmp_path_factory)
