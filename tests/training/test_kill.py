"""A training process that is killed with SIGKILL again and again ends as one that was left alone."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.training.test_loop import assert_same, new_run, open_run, train

ROOT = Path(__file__).parents[2]
CODE = """
import sys
from pathlib import Path
from tests.training.test_loop import new_run, open_run, train
folder = Path(sys.argv[1])
begun = (folder / "config.json").exists()

class Count:
    step, losses = 0, []
    def on_update(self, state, *_):
        print(state.step, flush=True)

train(open_run(folder) if begun else new_run(folder, epochs=40, checkpoint_every=1), resume=begun, callback=Count())
"""


@pytest.mark.slow
def test_killed_at_any_moment_a_run_goes_on(tmp_path: Path) -> None:
    whole = new_run(tmp_path / "whole", epochs=40, checkpoint_every=1)
    train(whole)
    folder, rng, kills = tmp_path / "killed", random.Random(0), 0
    while True:
        command = [sys.executable, "-c", CODE, str(folder)]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert process.stdout is not None
        # Killed after a number of updates, and a moment later: within an update or while a checkpoint is written.
        updates = rng.randint(5, 25) if kills < 4 else 10_000
        for _ in zip(range(updates), process.stdout, strict=False):
            pass
        if kills < 4:
            time.sleep(rng.uniform(0, 0.02))
            process.send_signal(signal.SIGKILL)
            kills += 1
        _, errors = process.communicate()
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL, errors[-2000:]
    assert kills == 4
    assert_same(whole, open_run(folder))
