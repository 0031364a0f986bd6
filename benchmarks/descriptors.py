"""The 17 descriptors against the study's published figures: largest deviation, time a melody, and the ratio.

    python benchmarks/descriptors.py FOLDER

FOLDER holds pairs NAME_outputs.txt (one melody of grid tokens a line) and NAME_eval.csv (their figures, then seven
summary rows). The study's own program, on music21, took 0.28 s a melody.
"""

import argparse
import csv
import time
from pathlib import Path

import numpy as np

from melodysynthesis.evaluation.descriptors import NAMES, SUMMARIES, describe_sounds, sounds_of_tokens, summarise

STUDY_SECONDS = 0.28
ROUNDS = 3
"""The quickest counts: a machine that does other things too makes the others slower."""


def main() -> None:
    """Print one row a pair of files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    print(f"{'file':>24} {'melodies':>9} {'deviation':>10} {'summary':>10} {'ms/melody':>10} {'faster':>8}")
    for texts in sorted(folder.glob("*_outputs.txt")):
        melodies = [line.split() for line in texts.read_text().splitlines()]
        seconds = float("inf")
        for _ in range(ROUNDS):
            start = time.perf_counter()
            found = describe_sounds([sounds_of_tokens(tokens) for tokens in melodies])
            seconds = min(seconds, (time.perf_counter() - start) / len(melodies))
        with (folder / texts.name.replace("_outputs.txt", "_eval.csv")).open() as file:
            header, *rows = csv.reader(file)
        assert tuple(header[1:]) == NAMES
        published = np.array([[float(cell) for cell in row[1:]] for row in rows])
        deviation = np.abs(found - published[: len(found)]).max()
        summary = np.abs(summarise(found) - published[-len(SUMMARIES) :]).max()
        print(
            f"{texts.name:>24} {len(melodies):>9,} {deviation:>10.1e} {summary:>10.1e} {1000 * seconds:>10.3f} "
            f"{STUDY_SECONDS / seconds:>7,.0f}x"
        )


if __name__ == "__main__":
    main()
