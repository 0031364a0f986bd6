"""What was played, written down: melodies from a recording.

A recording keeps the person's notes where they were played; here they are quantised. The model's stand on their ticks
already. Together they are one line: turns follow each other, and where both sound the top line is kept.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from melodysynthesis.formats.parts import top_line
from melodysynthesis.live.quantise import quantise
from melodysynthesis.live.recording import MODEL, PERSON, Recording
from melodysynthesis.live.settings import LiveSettings
from melodysynthesis.live.tempo import seconds_per_tick
from melodysynthesis.music import Melody, Note
from melodysynthesis.theory import find_key

TOGETHER = "Together"
MAX_TRANSCRIBED_BARS, TRANSCRIBED_NOTES = 400, 2_000
"""Of a longer recording the latest bars are written down, and of each voice the latest notes."""


def transcribe(recording: Recording, setting: LiveSettings) -> dict[str, Melody]:
    """Melodies by name: `TOGETHER`, `PERSON` and `MODEL`; a voice without notes has none.

    Each begins with its first note, after which the upbeat is its pickup, and ends with a whole bar.
    """
    bar = setting.bar_ticks
    person, model = sorted(recording.person)[-TRANSCRIBED_NOTES:], sorted(recording.model)[-TRANSCRIBED_NOTES:]
    end = math.ceil(max((note.end for note in (*person, *model)), default=0) / bar) * bar
    oldest = end - MAX_TRANSCRIBED_BARS * bar
    recent = [note for note in person if note.onset >= oldest]
    yours = quantise(recent, setting.meter, seconds_per_tick(setting.tempo), end)
    played = [Note(round(on), max(1, round(off) - round(on)), pitch) for on, off, pitch, _ in model if on >= oldest]
    mine, _ = top_line(played)
    both, _ = top_line((*yours, *mine))
    voices = {TOGETHER: both if yours and mine else (), PERSON: yours, MODEL: mine}
    return {name: _melody(notes, setting) for name, notes in voices.items() if notes}


def _melody(notes: Sequence[Note], setting: LiveSettings) -> Melody:
    """Notes as a melody from the first one on. Without a given key the key is found."""
    bar, first = setting.bar_ticks, notes[0].onset
    pickup = -first % bar
    line = tuple(note._replace(onset=note.onset - first) for note in notes)
    duration = pickup + max(1, math.ceil((line[-1].end - pickup) / bar)) * bar
    melody = Melody(line, duration, (setting.meter,), setting.key, pickup=pickup)
    return melody if setting.key is not None else replace(melody, key=find_key(melody))
