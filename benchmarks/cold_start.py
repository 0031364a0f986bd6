"""From process start to the first MIDI file on disk, and to the end of `melody --help`; medians over several runs.

The file is timed with the default number of drafts and with one; the ratio is of processor time.

    python benchmarks/cold_start.py [--model NAME|FILE] [--runs N]

Wall time is what a person waits for; processor time is what it would be on a machine with nothing else to do.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

GOALS = {"melody --help": 0.3, "first MIDI file, one draft": 1.0, "first MIDI file": 1.0}
SOURCE = Path(__file__).parents[1] / "src"
MELODY = [sys.executable, "-c", "from melodysynthesis.apps.cli import main; main()"]


def timed(arguments: list[str], folder: Path, waits_for: str = "") -> tuple[float, float]:
    """Wall seconds until the process ends, or a file of this suffix lies in the folder; processor seconds of it all."""
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    before = os.times()
    start = time.perf_counter()
    process = subprocess.Popen([*MELODY, *arguments], env=environment, cwd=folder, stdout=subprocess.DEVNULL)
    seconds = None
    while waits_for and process.poll() is None and seconds is None:
        if any(path.suffix == waits_for for path in folder.rglob("*")):
            seconds = time.perf_counter() - start
        time.sleep(0.002)
    process.wait()
    seconds = seconds or time.perf_counter() - start
    after = os.times()
    if process.returncode:
        sys.exit(f"melody {' '.join(arguments)}: exit code {process.returncode}")
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return seconds, used


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", default="transformer")
    parser.add_argument("--runs", type=int, default=7)
    chosen = parser.parse_args()
    model = str(Path(chosen.model).resolve()) if Path(chosen.model).exists() else chosen.model
    generate = ["--model", model, "--seed", "1", "--quiet", "--out", "here"]
    verbs = {
        "melody --help": (["--help"], ""),
        "first MIDI file, one draft": (["generate", "--drafts", "1", *generate], ".mid"),
        "first MIDI file": (["generate", *generate], ".mid"),
    }
    processor = {}
    for name, (arguments, waits_for) in verbs.items():
        runs = []
        for _ in range(chosen.runs + 1):  # the first one warms the file cache
            with tempfile.TemporaryDirectory() as folder:
                runs.append(timed(arguments, Path(folder), waits_for))
        wall, used = (statistics.median(column) for column in zip(*runs[1:], strict=True))
        processor[name] = used
        spread = f"{min(wall for wall, _ in runs[1:]):.2f} to {max(wall for wall, _ in runs[1:]):.2f}"
        print(
            f"{name}: {wall:.2f} s ({spread}), {used:.2f} s of processor; "
            f"goal {GOALS[name]} s, {'met' if wall <= GOALS[name] else 'missed'}; load {os.getloadavg()[0]:.1f}"
        )
    ratio = processor["first MIDI file"] / processor["first MIDI file, one draft"]
    print(f"default drafts: {ratio:.2f} times one draft's processor time")


if __name__ == "__main__":
    main()
