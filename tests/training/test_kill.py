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
train(open_run(folder) if begun else new_run(folder, epochs=40, checkpoint_every=1), resume=begun)
"""


@pytest.mark.slow
def test_killed_at_any_moment_a_run_goes_on(tmp_path: Path) -> None:
    whole = new_run(tmp_path / "whole", epochs=40, checkpoint_every=1)
    train(whole)
    folder, rng, kills, waits = tmp_path / "killed", random.Random(0), 0, 2.0
    while True:
        command = [sys.executable, "-c", CODE, str(folder)]
        process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE)
        try:
            # Counted from the moment that it trains, so that a kill falls into updates and saves, not into imports.
            mark = folder / "checkpoints" / "last.safetensors"
            before = mark.stat().st_mtime_ns if mark.exists() else 0
            while process.poll() is None and (not mark.exists() or mark.stat().st_mtime_ns == before):
                time.sleep(0.005)
            process.wait(rng.uniform(0, waits))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            kills += 1
        _, said = process.communicate()
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL, said.decode()[-2000:]
        waits *= 1.3
    assert kills >= 2
    assert_same(whole, open_run(folder))
