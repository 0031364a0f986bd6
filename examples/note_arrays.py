"""Melodies as NumPy arrays: how often is each pitch class, and each duration?"""

import numpy as np

import melodysynthesis as ms

NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


def main() -> None:
    """Print two histograms over twenty melodies."""
    melodies = ms.generate(key="D dorian", meter="6/8", bars=8, count=20, seed=5)
    notes = np.concatenate([ms.to_note_array(melody) for melody in melodies])
    counts = np.bincount(notes["pitch"] % 12, minlength=12)
    for name, count in zip(NAMES, counts, strict=True):
        print(f"{name:2s} {count:4d} {'#' * round(40 * count / counts.max())}")
    durations, counts = np.unique(notes["duration_quarter"], return_counts=True)
    for duration, count in zip(durations, counts, strict=True):
        print(f"{duration:5.2f} quarters {count:4d}")


if __name__ == "__main__":
    main()
