"""The parts of a MIDI file that may be the melody, with their notes and the words that go with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from melodysynthesis.formats.midi_words import Words, fit_onsets, in_ticks, may_have_words, words_in
from melodysynthesis.formats.parts import Part, monophony
from melodysynthesis.music import TICKS_PER_QUARTER

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from symusic.core import ScoreTick

Tracks = list[tuple[Part, "NDArray[np.int64]"]]
"""The parts that have notes; of each note its onset and end in pulses and its pitch, shape (notes, 3)."""


def tracks_of(score: ScoreTick, data: bytes) -> tuple[Tracks, list[Words]]:
    """The parts that have notes, and the words of the file in ticks.

    symusic parts a track where its program changes, so tracks of one name are joined; but not in a file of
    type 0, whose single name covers every channel.
    """
    pieces: dict[tuple[str, bool, int], list[NDArray[np.int64]]] = {}
    with_words: set[tuple[str, bool, int]] = set()
    is_type_0 = data[8:10] == b"\0\0"
    for number, track in enumerate(score.tracks):
        if not track.note_num():
            continue
        columns = track.notes.numpy()
        notes = np.array((columns["time"], columns["duration"], columns["pitch"]), np.int64).T
        is_long = notes[:, 1] > 0
        notes = notes if np.count_nonzero(is_long) == len(notes) else notes[is_long]
        notes[:, 1] += notes[:, 0]
        if len(notes):
            name = track.name.strip()
            part = (name, track.is_drum, number if is_type_0 or not name else -1)
            pieces.setdefault(part, []).append(notes)
            with_words |= {part} if track.lyrics else set()
    rows = {part: np.concatenate(arrays) if len(arrays) > 1 else arrays[0] for part, arrays in pieces.items()}
    words: list[Words] = []
    if may_have_words(data):
        words = in_ticks(words_in(data, score, [notes[:, 0] for notes in rows.values()]), score.tpq)
        for part, notes in rows.items() if words and len(rows) > 1 else ():
            ticks = [pulse * TICKS_PER_QUARTER / score.tpq for pulse in sorted(set(notes[:, 0].tolist()))]
            with_words |= {part} if any(fit_onsets(of, ticks) for of in words) else set()
    return [_part(part, notes, part in with_words, len(rows) > 1) for part, notes in rows.items()], words


def _part(
    part: tuple[str, bool, int], notes: NDArray[np.int64], has_lyrics: bool, is_one_of_many: bool
) -> tuple[Part, NDArray[np.int64]]:
    """What the choice of the melody needs to know of a part, and its notes."""
    (name, is_drum, _), mean = part, float(notes[:, 2].sum()) / len(notes)
    return Part(name, mean, is_drum, len(notes), monophony(notes[:, :2]) if is_one_of_many else 1.0, has_lyrics), notes
