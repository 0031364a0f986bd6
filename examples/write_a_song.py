"""Write a melody over chords, with a form, and save it for a sequencer, a notation program and the eye."""

from pathlib import Path

import melodysynthesis as ms

FOLDER = Path("song")


def main() -> None:
    """Write three files into `FOLDER`."""
    FOLDER.mkdir(exist_ok=True)
    (melody,) = ms.generate(
        key="G major", meter="4/4", bars=8, chords="G | C | D7 | G", scale="major", range="D4-G5", cadence=True, seed=3
    )
    for suffix in (".mid", ".musicxml", ".svg"):
        ms.write(melody, FOLDER / f"song{suffix}")
    print(f"{len(melody.notes)} notes, {melody.duration / 24:g} quarters, in {FOLDER}/")

    (other,) = ms.fill(melody, "3-4", seed=1)
    kept = sum(note in melody.notes for note in other.notes)
    print(f"bars 3-4 written anew: {kept} of {len(other.notes)} notes are as before")


if __name__ == "__main__":
    main()
