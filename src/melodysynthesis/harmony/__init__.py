"""Chords for a melody, by a small model of harmony that was learnt from Bach's chorales.

`model` holds the parameters, `chord_search` finds the chords of a melody, and `learn` learns the parameters and
measures them on chorales that were held out.
"""

from melodysynthesis.harmony.chord_search import HARMONIC_RHYTHMS, MAX_ALTERNATIVES, SPICE, harmonise

__all__ = ["HARMONIC_RHYTHMS", "MAX_ALTERNATIVES", "SPICE", "harmonise"]
