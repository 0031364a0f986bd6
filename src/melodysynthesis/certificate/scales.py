"""Scales as a musician spells them: by the degrees of the major scale, raised or lowered.

They are written down a second time here, and in another way than in `theory`, so that a slip in one table shows.
"""

from __future__ import annotations

_MAJOR = {"1": 0, "2": 2, "3": 4, "4": 5, "5": 7, "6": 9, "7": 11, "9": 14, "11": 17, "13": 21}


def semitones(degree: str) -> int:
    """Semitones above the tonic of a degree such as ``"b7"`` or ``"#4"``; a ninth counts as a second, and so on."""
    name = degree.lstrip("b#")
    signs = degree[: len(degree) - len(name)]
    return (_MAJOR[name] + signs.count("#") - signs.count("b")) % 12


def _spelled(degrees: str) -> tuple[int, ...]:
    return tuple(map(semitones, degrees.split()))


SCALES: dict[str, tuple[int, ...]] = {
    name: _spelled(degrees)
    for name, degrees in {
        "major": "1 2 3 4 5 6 7",
        "natural-minor": "1 2 b3 4 5 b6 b7",
        "harmonic-minor": "1 2 b3 4 5 b6 7",
        "melodic-minor": "1 2 b3 4 5 6 7",  # the rising form, both ways
        "dorian": "1 2 b3 4 5 6 b7",
        "phrygian": "1 b2 b3 4 5 b6 b7",
        "lydian": "1 2 3 #4 5 6 7",
        "mixolydian": "1 2 3 4 5 6 b7",
        "locrian": "1 b2 b3 4 b5 b6 b7",
        "major-pentatonic": "1 2 3 5 6",
        "minor-pentatonic": "1 b3 4 5 b7",
        "blues": "1 b3 4 b5 5 b7",
        "chromatic": "1 b2 2 b3 3 4 b5 5 b6 6 b7 7",
    }.items()
}
"""Semitones above the tonic."""
