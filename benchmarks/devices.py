"""Two processes against one: the speed ratio of training with DDP, and whether the losses are the same.

    python benchmarks/devices.py [--model transformer] [--rounds 2] [--minutes 1]

Both train the same model on the same batches of the default corpus, one thread each: once whole, once shared out to
two processes. They take turns, and the ratio is that of the medians of tokens a second. Dropout is off, since each
process draws its own; the losses of the first epoch are then the same up to rounding.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

QUIET = {
    "lstm": ["dropout_input=0", "dropout_between=0", "dropout_output=0"],
    "transformer": ["dropout_input=0", "dropout_attention=0", "dropout_dense=0"],
    "hybrid": ["dropout_input=0", "dropout_attention=0", "dropout_dense=0", "dropout_output=0"],
}


def train(model: str, devices: int, minutes: float, folder: Path) -> dict[str, float]:
    """The last line of the history of a short training."""
    command = [
        str(Path(sys.executable).with_name("melody")), "train", "--model", model, "--devices", str(devices),
        "--threads", "1", "--epochs", "1", "--max-length", "256", "--no-tensorboard", "--device", "cpu",
        "--minutes", str(minutes), "--out", str(folder),
    ]  # fmt: skip
    for setting in QUIET[model]:
        command += ["--set", setting]
    subprocess.run(command, check=True, capture_output=True)
    return json.loads((folder / "history.jsonl").read_text().splitlines()[-1])


def main() -> None:
    """Train in turns, and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="transformer", choices=list(QUIET))
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=1.0, help="0 for a whole epoch, whose losses are compared")
    given = parser.parse_args()
    speeds: dict[int, list[float]] = {1: [], 2: []}
    losses: dict[int, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(given.rounds):
            for devices in (1, 2):
                line = train(given.model, devices, given.minutes, Path(folder) / f"{number}-{devices}")
                speeds[devices].append(line["tokens_per_second"])
                losses[devices] = line["loss"]
    one, two = (statistics.median(speeds[devices]) for devices in (1, 2))
    print(f"{given.model}: one process {one:,.0f} tokens/s, two {two:,.0f}: {two / one:.2f}x")
    if not given.minutes:
        print(f"validation loss after an epoch: {losses[1]:.6f} and {losses[2]:.6f} nats per token")


if __name__ == "__main__":
    main()
