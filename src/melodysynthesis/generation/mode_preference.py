"""Prefer the notes of a mode or scale that the model may not know: what it would write in major or minor is moved.

Models learn from songs that are nearly all in major or minor. Requested to write D dorian, they write D major. So
before a note is drawn, the probability of each pitch outside the scale goes to the pitch that has its degree in the
scale: F# to F, C# to C. Scales without seven degrees have no degrees in common with major: there it goes to the nearest
pitch.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from melodysynthesis.encodings.base import Encoding
from melodysynthesis.encodings.event_tokens import ID, Kind
from melodysynthesis.encodings.grid import GridEncoding
from melodysynthesis.generation.sampling import Logits
from melodysynthesis.music import Key
from melodysynthesis.theory import NAMED_SCALES, SCALES

Ints = NDArray[np.int64]

KNOWN_MODES = ("major", "minor")
"""Modes that models follow by themselves."""
FOREIGN = 6.0
"""Taken from the logits of pitches outside the scale: they are left a four-hundredth of their probability, or less."""
BLUE, BLUE_SHARE = 6, 0.3
"""The blue note, in semitones above the tonic, and what it gets of the probability of its neighbours."""


class ModePreference(NamedTuple):
    """Tokens of pitches.

    Attributes:
        foreign: outside the scale.
        sources: foreign tokens that a pitch of the scale replaces.
        targets: the token that replaces each source.
        blue: blue notes.
        neighbours: (blue notes, 2) their neighbours.
        penalty: what is taken from the logits of the foreign.
    """

    foreign: Ints
    sources: Ints
    targets: Ints
    blue: Ints
    neighbours: Ints
    penalty: float

    def applied(self, logits: Logits) -> Logits:
        """(rows, vocabulary) logits with the preference."""
        new = logits.copy()
        np.logaddexp.at(new.T, self.targets, logits.T[self.sources])
        new[:, self.foreign] -= self.penalty
        if len(self.blue):
            around = np.logaddexp(new[:, self.neighbours[:, 0]], new[:, self.neighbours[:, 1]])
            new[:, self.blue] = np.logaddexp(new[:, self.blue], around + np.log(BLUE_SHARE))
        return new


def mode_preference(
    encoding: Encoding, key: Key | None, scale: str | None = None, chromatic: int = 0
) -> ModePreference | None:
    """The preference of a key's mode, or of a scale on its tonic; None for major and minor in their own keys.

    Args:
        encoding: of the model.
        key: of the melody.
        scale: that is guaranteed, one of `NAMED_SCALES`.
        chromatic: how many notes may be outside it.
    """
    if key is None:
        return None
    degrees = NAMED_SCALES[scale] if scale else SCALES[key.mode]
    if key.mode in KNOWN_MODES and degrees == SCALES[key.mode]:
        return None
    shift, moved = encoding.transposition(key), _moves(degrees)
    pitches = encoding.pitches_in(key)
    if isinstance(encoding, GridEncoding):
        token = {pitch: encoding.ids[str(pitch + shift)] for pitch in pitches}
    else:
        token = {pitch: ID[Kind.PITCH, pitch + shift] for pitch in pitches}
    above = {pitch: (pitch - key.pitch_class) % 12 for pitch in pitches}
    pairs = [
        (pitch, pitch + moved[above[pitch]])
        for pitch in pitches
        if above[pitch] in moved and pitch + moved[above[pitch]] in token
    ]
    blues = [one for one in pitches if above[one] == BLUE and {one - 1, one + 1} <= token.keys()]
    blues = blues if degrees == NAMED_SCALES["blues"] else []
    return ModePreference(
        foreign=np.array([token[pitch] for pitch in pitches if above[pitch] not in degrees], np.int64),
        sources=np.array([token[source] for source, _ in pairs], np.int64),
        targets=np.array([token[target] for _, target in pairs], np.int64),
        blue=np.array([token[one] for one in blues], np.int64),
        neighbours=np.array([(token[one - 1], token[one + 1]) for one in blues], np.int64).reshape(-1, 2),
        penalty=0.0 if chromatic else FOREIGN,
    )


def _moves(degrees: tuple[int, ...]) -> dict[int, int]:
    """By semitones above the tonic, for pitches outside a scale: semitones to the pitch that replaces them."""
    moves = {}
    for foreign in set(range(12)) - set(degrees):
        if len(degrees) == len(SCALES["major"]):
            numbers = [SCALES[mode].index(foreign) for mode in KNOWN_MODES if foreign in SCALES[mode]]
            if numbers:
                moves[foreign] = degrees[numbers[0]] - foreign
        else:
            near = [step for step in (-1, 1) if (foreign + step) % 12 in degrees]
            if near:
                moves[foreign] = near[0]
    return moves
