"""A study is carried out once, whatever stops it; and what does not belong to it is refused in one line."""

import json
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from melodysynthesis.errors import MelodyError
from melodysynthesis.study import launch, results, stages, train
from melodysynthesis.study.plan import StudyPlan
from melodysynthesis.study.run import gather, prepare, read_plan, run, study_progress
from tests.study.conftest import plan_of

ROOT = Path(__file__).parents[2]
OF_TIME = ("step", "training seconds")
"""Metrics that are another number each time."""


def rows_of(folder: Path) -> list[dict[str, Any]]:
    """All rows of a study but those of time."""
    table = results.load(folder / stages.RESULTS)
    return [row for row in table.to_pylist() if row["metric"] not in OF_TIME]


def times_of(folder: Path) -> dict[Path, int]:
    """When each file of runs and trials was written."""
    return {path: path.stat().st_mtime_ns for part in ("runs", "trials") for path in (folder / part).rglob("*.*")}


def adopting(study: Path, folder: Path, *names: str) -> Path:
    """A new study's folder with some of another's runs."""
    for name in names:
        shutil.copytree(study / "runs" / name, folder / "runs" / name)
    return folder


def test_every_trial_leaves_its_rows_and_an_ordinary_run(study: Path, plan: StudyPlan) -> None:
    rows = rows_of(study)
    assert {(row["model"], row["encoding"], row["seed"]) for row in rows} == {
        ("people", "", 0), *((trial.model, trial.encoding, trial.seed) for trial in plan.trials)
    }  # fmt: skip
    of_one = {row["metric"] for row in rows if (row["model"], row["encoding"], row["seed"]) == ("lstm", "grid", 2)}
    assert {"bits per note", "tune: bits", "auc: critic", "mean: Pitch Range", "figure: Pitch Range",
            "people's mean: Pitch Range", "frechet: all figures", "percentile: rhythm", "tokens seen",
            "history: loss"} <= of_one or "auc: critic" not in of_one  # fmt: skip
    assert (study / "runs" / "lstm-event-1" / "model.onnx").is_file()
    at = study_progress(plan.trials, study)
    assert at.done == at.total
    assert at.trials_done == len(plan.trials)


def test_bits_of_tunes_add_up_to_bits_per_note(study: Path) -> None:
    rows = [row for row in rows_of(study) if (row["model"], row["encoding"]) == ("ngram", "event")]
    bits, notes = (sum(row["value"] for row in rows if row["metric"] == f"tune: {what}") for what in ("bits", "notes"))
    (per_note,) = [row["value"] for row in rows if row["metric"] == "bits per note"]
    assert bits / notes == pytest.approx(per_note)


def test_nothing_is_done_twice(study: Path, plan: StudyPlan) -> None:
    before, told = times_of(study), []
    prepare(plan, study, plan.trials)
    run(plan, study, plan.trials, launch.Here(), told.append)
    assert times_of(study) == before
    assert told == []
    assert read_plan(study) == plan


def test_a_finished_run_is_adopted_and_judged_alike(study: Path, plan: StudyPlan, tmp_path: Path) -> None:
    folder = adopting(study, tmp_path / "other", "lstm-event-1")
    shutil.copytree(study / "trials" / "people", folder / "trials" / "people")
    (folder / "runs" / "lstm-event-1" / "model.onnx").unlink()
    trials = plan.only(("lstm-event-1",))
    prepare(plan, folder, trials)
    run(plan, folder, trials, launch.Here())
    last = Path("runs/lstm-event-1/checkpoints/last.safetensors")
    assert (folder / last).stat().st_mtime_ns == (study / last).stat().st_mtime_ns, "it was not trained again"
    mine = [row for row in rows_of(study) if row["model"] == "people" or (row["encoding"], row["seed"]) == ("event", 1)]
    assert rows_of(folder) == [row for row in mine if row["model"] in ("people", "lstm")]


def test_a_run_that_the_plan_does_not_ask_for_is_refused(study: Path, corpus: Path, tmp_path: Path) -> None:
    folder = adopting(study, tmp_path / "other", "lstm-event-1")
    other = plan_of(corpus, models={"lstm": {"set": {"embedding": 8, "units": 9}}})
    with pytest.raises(MelodyError, match=r"lstm-event-1: another run than the plan's: it has fields.units 8, not 9"):
        prepare(other, folder, other.trials)
    (folder / "runs" / "lstm-event-1" / "config.json").write_text('{"architecture": "lstm"')
    with pytest.raises(MelodyError, match=r"config.json: damaged"):
        prepare(other, folder, other.trials)


def test_a_half_written_run_is_told_in_one_line(study: Path, plan: StudyPlan, tmp_path: Path) -> None:
    folder = adopting(study, tmp_path / "other", "lstm-event-1")
    (folder / "runs" / "lstm-event-1" / "checkpoints" / "last.safetensors").write_bytes(b"half")
    (trial,) = plan.only(("lstm-event-1",))
    ended = launch.outcome(trial, folder)
    assert ended.startswith("lstm-event-1: ")
    assert "last.safetensors: damaged" in ended
    assert "\n" not in ended


def test_results_and_runs_on_older_splits_are_refused_by_name(
    study: Path, corpus: Path, plan: StudyPlan, tmp_path: Path
) -> None:
    folder = tmp_path / "results"
    shutil.copytree(study / "trials" / "ngram-event-1", folder / "trials" / "ngram-event-1")
    asked = folder / "trials" / "ngram-event-1" / "asked.json"
    asked.write_text(asked.read_text().replace('"splits_version"', '"unknown"'))
    with pytest.raises(MelodyError, match=r"ngram-event-1: results on splits of version 1, and this program makes"):
        prepare(plan, folder, plan.only(("ngram-event-1",)))
    other = adopting(study, tmp_path / "runs", "lstm-event-1")
    config = other / "runs" / "lstm-event-1" / "config.json"
    config.write_text(config.read_text().replace('"splits_version"', '"unknown"'))
    with pytest.raises(MelodyError, match=r"lstm-event-1: trained on splits of version 1, and this program makes"):
        prepare(plan, other, plan.only(("lstm-event-1",)))


def test_results_of_another_plan_are_refused(study: Path, corpus: Path, plan: StudyPlan, tmp_path: Path) -> None:
    folder = tmp_path / "other"
    shutil.copytree(study / "trials" / "ngram-event-1", folder / "trials" / "ngram-event-1")
    other = plan_of(corpus, judging={**plan.values()["judging"], "melodies": 13})
    with pytest.raises(MelodyError, match=r"ngram-event-1: results of another plan: .* judging.melodies 12, not 13"):
        prepare(other, folder, other.trials)
    (folder / "plan.json").write_text(json.dumps(plan_of(corpus, name="elsewhere").values()))
    with pytest.raises(MelodyError, match=r'a study of another plan: it has name "elsewhere", not "tiny"'):
        prepare(plan, folder, plan.trials)
    (folder / "plan.json").write_text("{")
    with pytest.raises(MelodyError, match=r"plan.json: damaged"):
        read_plan(folder)
    with pytest.raises(MelodyError, match=r"there is no study here: plan.json is missing"):
        read_plan(tmp_path)


def test_budgets_that_differ_are_refused_with_what_would_meet_them(corpus: Path, tmp_path: Path) -> None:
    plan = plan_of(corpus, budget={"tokens": 20000, "tolerance": 0.2})
    with pytest.raises(
        MelodyError,
        match=r"lstm-event-1: 2 epochs of [\d,]+ tokens are .* every model 20,000 within 20%: nearest is 4",
    ):
        prepare(plan, tmp_path, plan.trials)


def test_a_trial_that_fails_does_not_stop_the_others(
    study: Path, plan: StudyPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, told = tmp_path / "other", []
    shutil.copytree(study, folder)
    shutil.rmtree(folder / "trials" / "lstm-event-1")
    (folder / "trials" / "constant-event-1" / "timed.parquet").unlink()
    monkeypatch.setattr(train, "train", lambda *_: (_ for _ in ()).throw(MelodyError("no")))
    with pytest.raises(MelodyError, match=r"^lstm-event-1: no$"):
        run(plan, folder, plan.trials, launch.Here(), told.append)
    assert told == ["lstm-event-1: no", "constant-event-1 is done"]


def test_a_damaged_file_of_rows_is_told(study: Path, plan: StudyPlan, tmp_path: Path) -> None:
    folder = tmp_path / "other"
    shutil.copytree(study, folder)
    (folder / "trials" / "ngram-grid-1" / "predicted.parquet").write_bytes(b"PAR1")
    with pytest.raises(MelodyError, match=r"predicted.parquet: no Parquet file, or damaged"):
        gather(plan, folder)


CODE = """
import sys
from pathlib import Path
from melodysynthesis.study import launch
from melodysynthesis.study.run import prepare, run
from tests.study.conftest import plan_of
if __name__ == "__main__":
    corpus, folder, way = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    plan = plan_of(corpus)
    prepare(plan, folder, plan.trials)
    ways = {"here": launch.Here, "processes": lambda: launch.Processes(2), "ray": lambda: launch.OnRay("", 2)}
    run(plan, folder, plan.trials, ways[way]())
"""


def begin(corpus: Path, folder: Path, way: str) -> subprocess.Popen[bytes]:
    """A study in a process of its own."""
    file = folder.with_suffix(".py")
    file.write_text(CODE)
    command = [sys.executable, str(file), str(corpus), str(folder), way]
    return subprocess.Popen(command, cwd=ROOT, env=_environment(), stderr=subprocess.PIPE)


def _environment() -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": str(ROOT)}


@pytest.mark.slow
@pytest.mark.parametrize("way", ["processes", "ray"])
def test_two_workers_find_what_one_finds(way: str, study: Path, corpus: Path, tmp_path: Path) -> None:
    if way == "ray":
        pytest.importorskip("ray")
    process = begin(corpus, tmp_path / "other", way)
    _, said = process.communicate()
    assert process.returncode == 0, said.decode()[-2000:]
    assert rows_of(tmp_path / "other") == rows_of(study)


@pytest.mark.slow
def test_killed_at_any_moment_a_study_goes_on(study: Path, corpus: Path, tmp_path: Path) -> None:
    folder, rng, kills, wait = tmp_path / "killed", random.Random(0), 0, 8.0
    while True:
        process = begin(corpus, folder, "here")
        before = times_of(folder) if folder.exists() else {}
        try:
            process.wait(rng.uniform(wait / 2, wait))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            kills += 1
        _, said = process.communicate()
        after = times_of(folder)
        over = [path for path in before if path.suffix == ".parquet" and path.name != stages.RESULTS]
        assert all(after[path] == before[path] for path in over), "what is over is not done again"
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL, said.decode()[-2000:]
        wait *= 1.3
    assert kills >= 2
    assert rows_of(folder) == rows_of(study)
