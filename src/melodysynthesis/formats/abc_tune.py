"""One ABC tune from its lines to a `Melody`: the reader's inner part. What it decides is told in `abc`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal, NamedTuple

from melodysynthesis.errors import FormatError
from melodysynthesis.formats.abc_fields import (
    ACCIDENTALS,
    Signature,
    Ticks,
    both_cases,
    parse_key,
    parse_meter,
    parse_unit,
    scaled,
    voice_names,
)
from melodysynthesis.formats.abc_rhythm import MAX_DIGITS, Rhythm
from melodysynthesis.formats.abc_tokens import CHORD_NOTE, FIELD, QUOTED_PRINTABLE, TOKEN
from melodysynthesis.formats.limits import MAX_NOTES, MAX_TICKS, check_length
from melodysynthesis.formats.pieces import pickup_by
from melodysynthesis.music import STEP_PITCH_CLASS, TICKS_PER_WHOLE, Key, Melody, Meter, Note
from melodysynthesis.theory import meters_from_bar_lines

_MAX_CHARACTERS_OF_A_NOTE = 20  # so that a line of a hundred thousand notes is refused before it is read


class Dialect(NamedTuple):
    """What collections of ABC disagree about, and no field says."""

    lines_are_phrases: bool = True
    accidentals_reach: Literal["octave", "letter"] = "octave"
    """To the bar's end on the same pitch only, or on its letter in every octave (the rule of ABC 2.1)."""
    bar_lines_bind: bool = False
    """A bar that is longer or shorter than the meter says is a change of meter."""


_NATURALS = {letter: 60 + STEP_PITCH_CLASS[letter] for letter in "CDEFGAB"}
_NATURALS |= {letter.lower(): pitch + 12 for letter, pitch in _NATURALS.items()}

REPEATS, CHORDS, ROUNDED, OVERLAYS, VOICES, KEYS, FREE = range(7)
NOTICES = {
    REPEATS: "{tunes} with repeats; each strain is read once, with its last ending",
    CHORDS: "{tunes} with chords; their top notes are read",
    ROUNDED: "{tunes} with durations finer than a tick; onsets are rounded to 1/24 of a quarter",
    OVERLAYS: "{tunes} with voice overlays (&), which are left out",
    VOICES: "{tunes} with several voices; took {part}",
    KEYS: "{tunes} with changes of key; the first is the melody's key",
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
    rhythm: Rhythm = field(default_factory=Rhythm)
    signature: Signature = field(default_factory=lambda: both_cases(dict.fromkeys("CDEFGAB", 0)))
    accidentals: dict[int | str, int] = field(default_factory=dict)
    last: Ticks = 0
    last_sounds: bool = False
    tied: bool = False
    held: int = -1
    voice: str | None = None
    wanted_voice: str | None = None
    silent: bool = False
    """In a voice that was not asked for, or an overlay."""

    def read(self, first_line: int, lines: list[str]) -> Melody:
        """Read the tune's lines, of which the first is line `first_line` of the file.

        Raises:
            FormatError: at the first thing that is no ABC, or beyond the limits.
        """
        self._choose_voice(lines)
        verbatim = False
        for self.line, row in enumerate(lines, first_line):
            if row.startswith("%"):
                verbatim = row.startswith("%%begin") or (verbatim and not row.startswith("%%end"))
                self._directive(row)
                continue
            text = row.partition("%")[0].strip()
            if verbatim or not text:
                continue
            if text[1:2] == ":" and (match := FIELD.match(text)):
                self._field(match[1], match[2])
            else:
                self._music_line(text)
        return self._melody()

    def _directive(self, row: str) -> None:
        if row.startswith("%%propagate-accidentals"):
            reach: Literal["octave", "letter"] = "octave" if "octave" in row else "letter"
            self.dialect = self.dialect._replace(accidentals_reach=reach)
        elif match := re.match(r"%%pickup (\d{1,6})(?:/(\d{1,2}))?\s*$", row):
            self.pickup = int(match[1]) * TICKS_PER_WHOLE // max(1, int(match[2] or 1))

    # ---- fields

    def _field(self, letter: str, value: str) -> None:
        if letter == "V":
            self.voice = value.split(maxsplit=1)[0] if value else None
            self.silent = self._elsewhere()
        elif letter == "X":
            self.number = value[:20]
        elif letter == "T":
            self.title = self.title or value[:200]
        elif letter in "MLK" and not self._elsewhere():
            try:
                {"M": self._set_meter, "L": self._set_unit, "K": self._set_key}[letter](value)
            except ValueError as problem:
                kind = {"M": "bad meter", "L": "bad unit length", "K": "bad key"}[letter]
                raise self._error(str(problem), kind) from None

    def _choose_voice(self, lines: list[str]) -> None:
        names = voice_names(lines)
        voices = list(names)
        self.wanted_voice = voices[0] if voices else None
        if len(voices) > 1:
            self.remarks.add(VOICES)
            if self.part is not None:
                by_number = {str(index): voice for index, voice in enumerate(voices, 1)}
                by_name = {name: voice for voice, name in names.items() if name}
                chosen = by_number | by_name | {voice: voice for voice in voices}
                if self.part not in chosen:
                    known = ", ".join(voices)[:200]
                    raise self._error(f"no voice {self.part!r}; there are {known}", "no such part")
                self.wanted_voice = chosen[self.part]

    def _elsewhere(self) -> bool:
        """Whether what follows belongs to a voice that was not asked for."""
        return self.voice is not None and self.voice != self.wanted_voice

    def _set_meter(self, value: str) -> None:
        meter = parse_meter(value)
        if meter is None:
            if self.meters:
                self.remarks.add(FREE)
            return
        if not self.meters:
            if self.now:
                self.remarks.add(FREE)
            self.meters.append((0, *meter))
        elif self.meters[-1][0] == self.now:
            self.meters[-1] = (self.now, *meter)
        else:
            self.meters.append((self.now, *meter))

    def _set_unit(self, value: str) -> None:
        self.rhythm.set_unit(parse_unit(value))

    def _set_key(self, value: str) -> None:
        parsed = parse_key(value)
        if parsed is None:
            return
        key, self.signature = parsed
        self.accidentals.clear()
        if not self.key_seen:
            self.key, self.key_seen = key, True
        elif key != self.key:
            self.remarks.add(KEYS)

    # ---- music

    def _music_line(self, text: str) -> None:
        # Ryan's Mammoth went through mail: "=" at a line's end continues it, "=20" is a space.
        mail = QUOTED_PRINTABLE.search(text)
        text = text[: mail.start()] if mail else text
        continued = text.endswith("\\") or (mail is not None and not mail[1])
        before = self.now
        check_length(len(text) // _MAX_CHARACTERS_OF_A_NOTE, 0, self._where())
        for match in TOKEN.finditer(text):
            kind = match.lastgroup
            if kind is None or (self.silent and kind not in ("inline", "bar")):
                continue
            _HANDLERS[kind](self, match)
        if self.now > MAX_TICKS or len(self.sounds) > MAX_NOTES:
            check_length(len(self.sounds), int(self.now), self._where())
        if self.dialect.lines_are_phrases and self.now > before and not continued:
            self.phrase_ends.append(self.now)

    def _note(self, match: re.Match[str]) -> None:
        _, accidental, letter, octave, length, tie = match.group(1, 2, 3, 4, 5, 6)
        pitch = self._pitch(accidental, letter, octave)
        ticks = self.rhythm.lengths.get(length)
        self._sound(pitch, self._ticks(length) if ticks is None else ticks)
        if tie:
            self.tied = True

    def _pitch(self, accidental: str | None, letter: str, octave: str) -> int:
        natural = _NATURALS[letter]
        if octave:
            natural += 12 * (octave.count("'") - octave.count(","))
        reach = natural if self.dialect.accidentals_reach == "octave" else letter.upper()
        if accidental:
            self.accidentals[reach] = alteration = ACCIDENTALS[accidental]
        elif self.accidentals and reach in self.accidentals:
            alteration = self.accidentals[reach]
        elif self.tied and natural == self.held:
            return self.sounds[-1][2]  # ^f-|f stays sharp
        else:
            alteration = self.signature[letter]
        self.held = natural
        pitch = natural + alteration
        if not 0 <= pitch <= 127:
            written = (accidental or "") + letter + octave[:20]
            raise self._error(f"note {written!r} is beyond the MIDI range", "bad pitch")
        return pitch

    def _ticks(self, length: str) -> Ticks:
        if not self.rhythm.unit:
            self.rhythm.set_default_unit(*(self.meters[0][1:] if self.meters else (4, 4)))
        try:
            return self.rhythm.ticks(length)
        except ValueError as problem:
            raise self._error(str(problem), "bad duration") from None

    def _sound(self, pitch: int, ticks: Ticks) -> None:
        rhythm = self.rhythm
        if rhythm.broken or rhythm.tuplet:
            ticks = rhythm.sounding(ticks)
        if self.tied and self.sounds[-1][2] == pitch:
            onset, before, _ = self.sounds[-1]
            self.sounds[-1] = (onset, before + ticks, pitch)
        else:
            self.sounds.append((self.now, ticks, pitch))
        self.now += ticks
        self.last, self.last_sounds, self.tied = ticks, True, False

    def _rest(self, match: re.Match[str]) -> None:
        letter, length = match["rest"][0], match["rest"][1:]
        if letter in "ZX":  # counted in bars
            beats, unit = self.meters[-1][1:] if self.meters else (1, 1)
            if "/" in length or len(length) > MAX_DIGITS or length == "0":
                raise self._error(f"rest {letter + length[:40]!r}; expected a number of bars", "bad duration")
            ticks: Ticks = beats * TICKS_PER_WHOLE // unit * int(length or 1)
        else:
            ticks = self.rhythm.sounding(self._ticks(length))
        self.now += ticks
        self.last, self.last_sounds, self.tied = ticks, False, False

    def _break_rhythm(self, match: re.Match[str]) -> None:
        longer_by = self.rhythm.break_after(self.last, match["broken"])
        self.now += longer_by
        self.last += longer_by
        if self.last_sounds:
            onset, ticks, pitch = self.sounds[-1]
            self.sounds[-1] = (onset, ticks + longer_by, pitch)

    def _start_tuplet(self, match: re.Match[str]) -> None:
        self.rhythm.start_tuplet(match["tuplet"], self.meters[-1][1] if self.meters else 0)

    def _chord(self, match: re.Match[str]) -> None:
        text = match[0].strip()
        content, _, length = text[1:].partition("]" if text[0] == "[" else "+")
        written = [note for note in CHORD_NOTE.findall(content) if note[1]]
        if not written:
            return  # an annotation or an unknown bracket, no notes
        self.remarks.add(CHORDS)
        held = [(self._pitch(*note[:3]), self.held, bool(note[4])) for note in written]
        pitch, self.held, inner_tie = max(held)
        inner, outer = self._ticks(written[0][3]), self._ticks(length.rstrip("-"))
        self._sound(pitch, scaled(inner, *(Fraction(outer) / self.rhythm.unit).as_integer_ratio()))
        self.tied = inner_tie or length.endswith("-")

    def _late_tie(self, match: re.Match[str]) -> None:
        self.tied = self.last_sounds

    def _start_overlay(self, match: re.Match[str]) -> None:
        self.silent = True
        self.remarks.add(OVERLAYS)

    def _bar_line(self, match: re.Match[str]) -> None:
        bar = match["bar"].strip()
        if self.silent:
            self.silent = self._elsewhere()
            if self.silent:
                return
        self.accidentals.clear()
        if self.now and (not self.bar_lines or self.bar_lines[-1] != self.now):
            self.bar_lines.append(self.now)
        if ":" in bar:
            self.remarks.add(REPEATS)
        ending = bar.lstrip("[|:]")
        if ending:
            self._start_ending(ending)

    def _inline_ending(self, match: re.Match[str]) -> None:
        self._start_ending(match["ending"].lstrip("["))

    def _start_ending(self, number: str) -> None:
        """At a later ending, take back what the ending before it said."""
        self.remarks.add(REPEATS)
        if not number.startswith("1") and self.ending:
            self.now, notes, phrases, meters, bars = self.ending
            del self.sounds[notes:], self.phrase_ends[phrases:], self.meters[meters:], self.bar_lines[bars:]
        # a tie into an ending would hold a note that may be taken back
        self.tied = self.last_sounds = False
        self.ending = (
            self.now, len(self.sounds), len(self.phrase_ends), len(self.meters), len(self.bar_lines)
        )  # fmt: skip

    def _inline_field(self, match: re.Match[str]) -> None:
        self._field(match["inline"][1], match["inline"][3:-1].strip())

    def _mistake(self, match: re.Match[str]) -> None:
        found = match["mistake"]
        raise self._error(f"unexpected {found!r}; expected notes, rests, bar lines or decorations", "bad music")

    # ---- result

    def _melody(self) -> Melody:
        if type(self.now) is Fraction:  # as it stays once a fraction has been added
            if any(time != int(time) for sound in self.sounds for time in sound[:2]):
                self.remarks.add(ROUNDED)
            ends = [(round(onset), round(onset + ticks), pitch) for onset, ticks, pitch in self.sounds]
            self.sounds = [(onset, end - onset, pitch) for onset, end, pitch in ends if end > onset]
        duration = round(self.now)
        bar_lines = [round(tick) for tick in self.bar_lines]
        meters = self._rounded_meters(bar_lines, duration)
        name = f"{self.source} no. {self.number}" if self.number else self.source
        try:
            return Melody(
                notes=tuple(map(Note._make, self.sounds)),
                duration=duration,
                meters=meters,
                key=self.key,
                phrase_ends=tuple(sorted({round(tick) for tick in self.phrase_ends} - {0})),
                pickup=pickup_by(bar_lines, meters, duration) if self.pickup is None else self.pickup,
                source=f"{name}, {self.title}" if self.title else name,
            )
        except ValueError as problem:
            raise self._error(str(problem), "bad music") from problem

    def _rounded_meters(self, bar_lines: list[int], duration: int) -> tuple[Meter, ...]:
        by_tick = {round(tick): (beats, unit) for tick, beats, unit in self.meters if not tick or tick < duration}
        meters = tuple(Meter(tick, *meter) for tick, meter in by_tick.items() if not tick or tick < duration)
        if self.dialect.bar_lines_bind and len(meters) == 1:
            return meters_from_bar_lines(meters[0], bar_lines, duration)
        return meters

    def _error(self, reason: str, kind: str) -> FormatError:
        return FormatError(reason, self._where(), kind)

    def _where(self) -> str:
        return f"{self.source}:{self.line}" + (f" (tune {self.number})" if self.number else "")


_HANDLERS: dict[str, Callable[[Tune, re.Match[str]], None]] = {
    "note": Tune._note,
    "rest": Tune._rest,
    "bar": Tune._bar_line,
    "ending": Tune._inline_ending,
    "tuplet": Tune._start_tuplet,
    "broken": Tune._break_rhythm,
    "inline": Tune._inline_field,
    "chord": Tune._chord,
    "old_chord": Tune._chord,
    "late_tie": Tune._late_tie,
    "overlay": Tune._start_overlay,
    "mistake": Tune._mistake,
}
