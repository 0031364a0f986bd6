"""What was played, as a MIDI file: a track for the person, one for the model, in the time of the clock they shared.

The person's notes stand where they were played, not where they were taken to be.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from melodysynthesis.formats.notation import usual_signature
from melodysynthesis.live.note_tracker import PerformedNote
from melodysynthesis.live.settings import LiveSettings
from melodysynthesis.music import TICKS_PER_QUARTER
from melodysynthesis.theory import SCALES

PULSES_PER_QUARTER = 480
PERSON, MODEL = "You", "Model"
RECORDED_NOTES = 500_000
"""A day without a rest; what comes after is not recorded."""


class Recording:
    """The notes of both voices, as they are played."""

    def __init__(self) -> None:
        self.person: list[PerformedNote] = []
        self.model: list[PerformedNote] = []
        self._moved = 0.0

    def __len__(self) -> int:
        return len(self.person) + len(self.model)

    def add(self, notes: Sequence[PerformedNote], to: list[PerformedNote]) -> None:
        """Note down what `person` or `model` has played."""
        if len(self) < RECORDED_NOTES:
            to.extend(note._replace(onset=note.onset + self._moved, end=note.end + self._moved) for note in notes)

    def part(self, tick: float, bar_ticks: int) -> None:
        """The clock goes on at another tick: what follows is appended at the next bar line."""
        end = max((note.end for note in (*self.person, *self.model)), default=tick)
        self._moved = (end // bar_ticks - tick // bar_ticks + 1) * bar_ticks if len(self) else 0.0

    def to_bytes(self, setting: LiveSettings) -> bytes:
        """A MIDI file of two tracks. Its first bar is the one that has the first note."""
        import symusic

        score: Any = symusic.Score(PULSES_PER_QUARTER)
        first = min((note.onset for note in (*self.person, *self.model)), default=0.0)
        start = first // setting.bar_ticks * setting.bar_ticks
        for name, notes in ((PERSON, self.person), (MODEL, self.model)):
            track: Any = symusic.Track(name)
            for onset, end, pitch, velocity in sorted(notes):
                at, until = (round((tick - start) * PULSES_PER_QUARTER / TICKS_PER_QUARTER) for tick in (onset, end))
                track.notes.append(symusic.Note(at, max(1, until - at), pitch, velocity))
            score.tracks.append(track)
        score.tempos.append(symusic.Tempo(0, setting.tempo))
        score.time_signatures.append(symusic.TimeSignature(0, setting.meter.beats, setting.meter.beat_unit))
        if setting.key is not None:
            is_minor = SCALES[setting.key.mode][2] == 3
            score.key_signatures.append(symusic.KeySignature(0, usual_signature(setting.key), is_minor))
        return bytes(score.dumps_midi())
