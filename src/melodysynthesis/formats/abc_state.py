"""An ABC tune while it is being read: what has been read so far, and what governs the next note."""

from __future__ import annotations

from dataclasses import dataclass, field

from melodysynthesis.errors import FormatError
from melodysynthesis.formats.abc_fields import Dialect, Signature, Ticks, both_cases
from melodysynthesis.formats.abc_rhythm import AbcRhythm
from melodysynthesis.formats.chord_symbols import LEFT_OUT
from melodysynthesis.music import Key

REPEATS, CHORDS, ROUNDED, OVERLAYS, VOICES, KEYS, FREE, SHIFTED, SYMBOLS, MACROS = range(10)
NOTICES = {
    REPEATS: "{tunes} with repeats; each strain is read once, with its last ending",
    CHORDS: "{tunes} with chords; their top notes are read",
    ROUNDED: "{tunes} with durations finer than a tick; onsets are rounded to 1/24 of a quarter",
    OVERLAYS: "{tunes} with voice overlays (&), which are left out",
    VOICES: "{tunes} with several voices; took {part}",
    KEYS: "{tunes} with changes of key; the first is the melody's key",
    SHIFTED: "{tunes} with octave=, transpose=, %%MIDI transpose or a clef with 8; read as they sound",
    MACROS: "{tunes} with macros (m:), which are not expanded",
    SYMBOLS: "{tunes} with " + LEFT_OUT,
    FREE: "{tunes} partly in free time; read as if in the meter throughout",
}
"""What may have to be told of a tune: `Tune.remarks` holds these numbers."""


@dataclass(slots=True)
class Tune:
    """One tune while it is being read."""

    source: str
    part: str | None
    dialect: Dialect
    number: str = ""
    title: str = ""
    line: int = 0
    remarks: set[int] = field(default_factory=set)
    # what has been read; all times in ticks
    sounds: list[tuple[Ticks, Ticks, int]] = field(default_factory=list)
    now: Ticks = 0
    meters: list[tuple[Ticks, int, int]] = field(default_factory=list)
    key: Key | None = None
    key_seen: bool = False
    phrase_ends: list[Ticks] = field(default_factory=list)
    bar_lines: list[Ticks] = field(default_factory=list)
    pickup: int | None = None
    ending: tuple[Ticks, int, int, int, int] | None = None
    # what governs the next note
    rhythm: AbcRhythm = field(default_factory=AbcRhythm)
    signature: Signature = field(default_factory=lambda: both_cases(dict.fromkeys("CDEFGAB", 0)))
    accidentals: dict[int | str, int] = field(default_factory=dict)
    last: Ticks = 0
    last_sounds: bool = False
    tied: bool = False
    held: int = -1
    shifts: dict[str, int] = field(default_factory=dict)
    shift: int = 0
    """The sum of `shifts`; `key_shift` is that of the first note."""
    key_shift: int = 0
    in_header: bool = True
    voice: str | None = None
    wanted_voice: str | None = None
    breaks_at_line_ends: bool = True
    breaks_at: str = ""
    """Signs within a line that end a phrase, by `I:linebreak`."""
    has_words: bool = False
    line_notes: list[tuple[Ticks, int]] = field(default_factory=list)
    """Onset and bar of the notes of the latest line of music, for the words below it, if the tune has any."""
    composer: str = ""
    tempo: str = ""
    lyrics: dict[Ticks, str] = field(default_factory=dict)
    chords: dict[Ticks, str] = field(default_factory=dict)
    is_continued: bool = False
    """The latest line of music of the voice that is read goes on in the next."""
    breathes: bool = False
    """Phrases end with breath signs."""
    breath: bool = False
    """A phrase ends with the next note or rest."""
    silent: bool = False
    """In a voice that was not asked for, or an overlay."""
    overlaid_bars: int = 0
    """So many bars the overlay lasts; `layered`: it lasts to its closing sign."""
    layered: bool = False

    def elsewhere(self) -> bool:
        """Whether what follows belongs to a voice that was not asked for."""
        return self.voice is not None and self.voice != self.wanted_voice

    def set_shifts(self, shifts: dict[str, int]) -> None:
        """Read what follows so much higher; what `V:` says of the voice comes before the header's `K:`."""
        self.shifts, self.shift = shifts, sum(shifts.values())
        if self.shift:
            self.remarks.add(SHIFTED)
        if not self.now:
            self.key_shift = self.shift

    def error(self, reason: str, kind: str) -> FormatError:
        """The error, with its place."""
        return FormatError(reason, self.where(), kind)

    def where(self) -> str:
        """File, line and number of the tune."""
        return f"{self.source}:{self.line}" + (f" (tune {self.number})" if self.number else "")
