"""ONNX Runtime sends no telemetry: it is switched off before the package is imported, and leaves no file."""

import os
import subprocess
import sys

RUN = """
import sys
from melodysynthesis.runtime import pretrained
assert "onnxruntime" not in sys.modules
engine = pretrained.load("lstm")
engine.init(1)
assert "onnxruntime" in sys.modules
import os
print(os.environ["ORT_DISABLE_TELEMETRY"])
"""


def run(home, *command, **setting):
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "HOME": str(home)}
    return subprocess.run(
        [sys.executable, *command], env=environment | setting, cwd=home, check=True, capture_output=True, text=True
    ).stdout


def test_telemetry_is_off_before_onnx_runtime_is_imported(tmp_path):
    assert run(tmp_path, "-c", RUN).split() == ["1"]
    assert run(tmp_path, "-c", RUN, ORT_DISABLE_TELEMETRY="yes").split() == ["yes"]


def test_generating_leaves_no_file_in_a_fresh_home(tmp_path):
    main = "from melodysynthesis.apps.cli import main; main()"
    run(tmp_path, "-c", main, "generate", "--count", "1", "--bars", "2", "--out", str(tmp_path / "out"))
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
