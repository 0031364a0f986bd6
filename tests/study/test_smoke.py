"""The smoke plan: every kind of model, from training to the report, in about two minutes on two free cores."""

from pathlib import Path

import pytest

from melodysynthesis.apps.cli import run
from melodysynthesis.study import results, stages
from melodysynthesis.study.plan import load_plan


@pytest.mark.slow
def test_the_smoke_plan_runs_and_reports(tmp_path: Path) -> None:
    assert run(["study", "run", "smoke", "--out", str(tmp_path)]) == 0
    assert run(["study", "report", str(tmp_path)]) == 0
    rows = results.load(tmp_path / stages.RESULTS).to_pylist()
    models = {(row["model"], row["encoding"]) for row in rows if row["metric"] == "bits per note"}
    assert models == {(trial.model, trial.encoding) for trial in load_plan("smoke").trials}
    page = (tmp_path / "report.html").read_text()
    assert "Which model predicts best?" in page
    assert len(page) < 12_000_000
