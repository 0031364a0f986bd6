"""The chords of a melody as notes to be played under it: a bass, and the tones in the octave below middle C.

A chord is struck where it enters and at each bar line. Where the melody itself goes lower, so do the chords.
"""

from __future__ import annotations

from itertools import pairwise

from melodysynthesis.formats.chord_symbols import spans
from melodysynthesis.music import Key, Melody, Note
from melodysynthesis.theory.chords import Chord

BACKING_VELOCITY = 34
"""Of 127; the melody's is 80, so that it is in front."""
_LOWEST_BASS, _LOWEST_TONE = 36, 48


def backing(melody: Melody) -> list[Note]:
    """The notes of the chords, in order of onset; those of one chord begin together."""
    bar_lines = [bar.start for bar in melody.bars()]
    below = 12 if min(melody.pitches, default=127) < _LOWEST_TONE + 7 else 0
    found = []
    for start, end, chord in spans(melody.chords, melody.duration):
        strikes = [start, *(line for line in bar_lines if start < line < end), end]
        pitches = [pitch - below for pitch in voiced(chord)]
        found += [Note(a, b - a, pitch) for a, b in pairwise(strikes) for pitch in pitches]
    return found


def voiced(chord: Chord) -> list[int]:
    """MIDI numbers of a chord: its bass from C2 to B2, and its tones from C3 to B3."""
    lowest = Key(chord.bass or chord.root).pitch_class
    tones = Chord(chord.root, chord.quality).tones
    return [_LOWEST_BASS + lowest, *sorted(_LOWEST_TONE + tone for tone in tones)]
