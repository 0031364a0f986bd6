"""Does a melody of your own keep some rules, and does it repeat one of yours?"""

import tempfile
from pathlib import Path

import melodysynthesis as ms

NOTES = [(0, 1, 67), (1, 1, 69), (2, 1, 71), (3, 2, 72), (5, 1, 74), (6, 1, 71), (7, 1, 69), (8, 1, 66), (9, 3, 67)]
"""Onset and duration in quarters, MIDI number."""


def main() -> None:
    """Print the verdict on each rule, and the longest run shared with a collection of one tune."""
    melody = ms.from_note_array(NOTES, meter="3/4", key="G major")
    request = ms.Request(key="G major", meter="3/4", bars=4, scale="major", cadence=True, max_leap=4)
    certificate = ms.certify(melody, request)
    print("all rules:", certificate.verdict)

    with tempfile.TemporaryDirectory() as folder:
        collection = Path(folder) / "collection.abc"
        ms.write(melody, collection)
        report = ms.originality(melody, str(collection))
    print("longest run shared, in notes:", report["interval"]["longest_run"])


if __name__ == "__main__":
    main()
