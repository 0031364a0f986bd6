"""What score notations share: the key of a signature, and bars cut into note values that can be written."""

from __future__ import annotations

from melodysynthesis.music import Key
from melodysynthesis.theory import STEPS_BY_FIFTHS, signature

MAX_SIGNATURE = 7
"""Sharps or flats that a key signature can show."""


def key_of(fifths: int, mode: str) -> Key:
    """The key that has this signature, the inverse of `theory.signature`: (1, "minor") is E minor.

    Raises:
        ValueError: for an unknown mode, or a tonic beyond double accidentals.
    """
    position = fifths - signature(Key("C", mode))  # of the tonic on the line of fifths, C = 0
    alteration, step = divmod(position + 1, 7)
    return Key(STEPS_BY_FIFTHS[step] + ("#" * alteration if alteration > 0 else "b" * -alteration), mode)


def usual_signature(key: Key | None) -> int:
    """Signature of a key, one beyond 7 sharps or flats replaced by its enharmonic."""
    fifths = signature(key)
    return fifths if abs(fifths) <= MAX_SIGNATURE else fifths - 12 * round(fifths / 12)
