"""What was played: keys that go down and up become notes, in ticks as they were played, not yet rounded."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

KEPT_NOTES = 512
"""Of a longer phrase the latest notes are kept, so that no flood of messages takes more memory or time than this."""


class PerformedNote(NamedTuple):
    """A note as it was played: `onset` and `end` in ticks and parts of ticks."""

    onset: float
    end: float
    pitch: int
    velocity: int


class NoteTracker:
    """Listens to keys. Ticks are those of the player's time line."""

    def __init__(self) -> None:
        self._down: dict[tuple[int, int], tuple[float, int]] = {}
        self._notes: deque[PerformedNote] = deque(maxlen=KEPT_NOTES)
        self._last_change = 0.0

    @property
    def keys_down(self) -> int:
        """How many keys are down."""
        return len(self._down)

    @property
    def first_onset(self) -> float | None:
        """Where what is remembered begins; None if nothing was played."""
        onsets = [onset for onset, _ in self._down.values()]
        if self._notes:
            onsets.append(min(note.onset for note in self._notes))
        return min(onsets, default=None)

    @property
    def silent_since(self) -> float | None:
        """Where the last key went up; None while one is down, or nothing was played."""
        return None if self._down or not self._notes else self._last_change

    def press(self, pitch: int, channel: int, velocity: int, tick: float) -> PerformedNote | None:
        """A key goes down. One that is down already is struck again: the note that it played before."""
        before = self.release(pitch, channel, tick)
        self._down[pitch, channel] = tick, velocity
        self._last_change = tick
        return before

    def release(self, pitch: int, channel: int, tick: float) -> PerformedNote | None:
        """A key goes up: the note that it played, None if it was not down."""
        onset, velocity = self._down.pop((pitch, channel), (tick, 0))
        if not velocity:
            return None
        note = PerformedNote(onset, max(tick, onset), pitch, velocity)
        self._notes.append(note)
        self._last_change = max(self._last_change, tick)
        return note

    def release_all(self, tick: float) -> list[PerformedNote]:
        """All keys go up, as when the keyboard is unplugged: the notes that they played."""
        notes = [self.release(pitch, channel, tick) for pitch, channel in tuple(self._down)]
        return [note for note in notes if note is not None]

    def notes(self, until: float) -> list[PerformedNote]:
        """What was played before a tick, in order of onset; keys that are down are taken to be held until then."""
        held = [PerformedNote(onset, until, pitch, velocity) for (pitch, _), (onset, velocity) in self._down.items()]
        return sorted(note for note in (*self._notes, *held) if note.onset < until)

    def forget(self, before: float) -> None:
        """Forget the notes that began before a tick. Keys that are down stay down."""
        self._notes = deque((note for note in self._notes if note.onset >= before), KEPT_NOTES)
