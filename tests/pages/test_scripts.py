"""The pages' scripts are tested by Node; `npm run check` checks their types and style too."""

import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node")
def test_the_scripts_pass_their_tests():
    command = ["node", "--test", *map(str, sorted(HERE.glob("*.test.js")))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
