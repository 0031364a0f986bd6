"""The same seed over different chord progressions: which notes change?"""

import melodysynthesis as ms

PROGRESSIONS = ("C | F | G7 | C", "C | Am | Dm | G7", "Am | Dm | E7 | Am")


def main() -> None:
    """Print the melody of each progression, a bar a column."""
    for chords in PROGRESSIONS:
        (melody,) = ms.generate(key="C major", meter="4/4", bars=4, pickup=0, chords=chords, seed=11)
        bars = [[] for _ in range(4)]
        for note in melody.notes:
            bars[note.onset // 96].append(str(note.pitch))
        print(f"{chords:20s} {' | '.join(' '.join(bar) for bar in bars)}")


if __name__ == "__main__":
    main()
