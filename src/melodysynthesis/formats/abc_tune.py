"""One ABC tune from its lines to a `Melody`: the reader's inner part. What it decides is told in `abc`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain, repeat
from typing import Literal

from melodysynthesis.errors import FormatError
from melodysynthesis.formats.abc_fields import (
    ACCIDENTALS,
    Dialect,
    Signature,
    Ticks,
    after_tonic,
    both_cases,
    parse_key,
    parse_meter,
    parse_shifts,
    parse_tempo,
    parse_unit,
    scaled,
    voice_names,
)
from melodysynthesis.formats.abc_rhythm import MAX_DIGITS, AbcRhythm
from melodysynthesis.formats.abc_tokens import CHORD_NOTE, FIELD, QUOTED_PRINTABLE, TOKEN
from melodysynthesis.formats.chord_symbols import LEFT_OUT, sorted_chords, symbol_of
from melodysynthesis.formats.limits import MAX_NOTES, MAX_TICKS, check_length
from melodysynthesis.formats.notation import key_that_sounds
from melodysynthesis.formats.pieces import pickup_by
from melodysynthesis.music import STEP_PITCH_CLASS, TICKS_PER_WHOLE, Key, Melody, Meter, Note, transpose_symbol
from melodysynthesis.theory import meters_from_bar_lines

_MAX_CHARACTERS_OF_A_NOTE = 20
_MAX_CHARACTERS = (
    _MAX_CHARACTERS_OF_A_NOTE * MAX_NOTES
)  # so that a line of a hundred thousand notes is refused before it is read


_NATURALS = {letter: 60 + STEP_PITCH_CLASS[letter] for letter in "CDEFGAB"}
_NATURALS |= {letter.lower(): pitch + 12 for letter, pitch in _NATURALS.items()}

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
_COMMENT = re.compile(r"(?<!\\)%.*")
_REACHES: dict[str, Literal["octave", "letter", "note"]] = {"not": "note", "octave": "octave", "pitch": "letter"}


def _joined(lines: list[str]) -> list[str]:
    """The lines, with what stands behind ``+:`` joined to the field that it goes on with."""
    if not any(row.startswith("+:") for row in lines):
        return lines
    rows, latest = list(lines), 0
    for number, row in enumerate(rows):
        if row.startswith("+:"):
            rows[latest] = _COMMENT.sub("", rows[latest]).rstrip() + " " + row[2:].strip()
            rows[number] = ""
        elif row[1:2] == ":":
            latest = number
    return rows


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

    def read(self, first_line: int, lines: list[str], file_header: Sequence[str] = ()) -> Melody:
        """Read the tune's lines, of which the first is line `first_line` of the file.

        Args:
            first_line: counted from 1.
            lines: from X: on.
            file_header: lines that hold for all tunes of the file.

        Raises:
            FormatError: at the first thing that is no ABC, or beyond the limits.
        """
        self._choose_voice(lines)
        self.has_words = any("w:" in row for row in lines)
        has_key = any(row.startswith("K:") for row in lines)
        verbatim = False
        for self.line, row in chain(zip(repeat(1), file_header), enumerate(_joined(lines), first_line)):
            if row.startswith("%"):
                verbatim = row.startswith("%%begin") or (verbatim and not row.startswith("%%end"))
                self._directive(row)
                continue
            text = _COMMENT.sub("", row).strip() if "%" in row else row.strip()
            if verbatim or not text:
                continue
            if text[1:2] == ":" and (match := FIELD.match(text)):
                self._field(match[1], match[2])
            elif not (self.in_header and has_key):  # else it goes on with the text of a field, such as H:
                self._music_line(text)
        return self._melody()

    def _directive(self, row: str) -> None:
        if row.startswith("%%"):
            self._instruction(row[2:])
        elif re.match(r"%abc-2\.[1-9]", row):
            self.dialect = self.dialect._replace(accidentals_reach="letter")

    def _instruction(self, text: str) -> None:
        """What ``%%`` and `I:` say."""
        words = text.split()
        if words[:1] == ["propagate-accidentals"]:
            reach = _REACHES.get(words[-1], "letter")
            self.dialect = self.dialect._replace(accidentals_reach=reach)
        elif words[:1] == ["linebreak"]:
            self.breaks_at = "".join(word for word in words[1:] if word in {"$", "!"})
            self.breaks_at_line_ends = "<EOL>" in words
        elif words[:2] == ["MIDI", "transpose"] and re.fullmatch(r"[+-]?\d{1,2}", words[-1]) and not self._elsewhere():
            self._set_shifts(self.shifts | {"playback": int(words[-1])})
        elif match := re.match(r"pickup (\d{1,6})(?:/(\d{1,2}))?\s*$", text):
            self.pickup = int(match[1]) * TICKS_PER_WHOLE // max(1, int(match[2] or 1))

    # ---- fields

    def _field(self, letter: str, value: str) -> None:
        if letter == "V":
            self._set_voice(value)
        elif letter == "X":
            self.number = value[:20]
        elif letter == "T":
            self.title = self.title or value[:200]
        elif letter == "C":
            self.composer = self.composer or value[:200]
        elif letter == "Q":
            self.tempo = self.tempo or value[:200]
        elif letter == "I":
            self._instruction(value)
        elif letter == "m":
            self.remarks.add(MACROS)
        elif letter == "P" and self.in_header:  # in which order the parts are played
            self.remarks.add(REPEATS)
        elif letter == "w":
            self._words(value)
        elif letter in "MLK" and (self.in_header or not self._elsewhere()):
            try:
                {"M": self._set_meter, "L": self._set_unit, "K": self._set_key}[letter](value)
            except ValueError as problem:
                kind = {"M": "bad meter", "L": "bad unit length", "K": "bad key"}[letter]
                raise self._error(str(problem), kind) from None
            self.in_header = self.in_header and letter != "K"

    def _set_voice(self, value: str) -> None:
        """In the header a voice is only described; in the body its music follows."""
        voice, properties = (*value.split(maxsplit=1), "", "")[:2]
        if voice == "*":
            self._set_shifts(self.shifts | parse_shifts(properties))
            return
        if not self.in_header:
            self.voice = voice or None
            self.silent = self._elsewhere()
        if voice == self.wanted_voice:
            self._set_shifts(self.shifts | parse_shifts(properties))

    def _set_shifts(self, shifts: dict[str, int]) -> None:
        """Read what follows so much higher; what `V:` says of the voice comes before the header's `K:`."""
        self.shifts, self.shift = shifts, sum(shifts.values())
        if self.shift:
            self.remarks.add(SHIFTED)
        if not self.now:
            self.key_shift = self.shift

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
            if not self.now:
                self.meters.clear()
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
        parsed, shifts = parse_key(value), parse_shifts(after_tonic(value))
        self._set_shifts(shifts | self.shifts if self.in_header else self.shifts | shifts)
        if parsed is None:
            return
        key, self.signature = parsed
        self.accidentals.clear()
        if not self.key_seen or not self.now:
            self.key, self.key_seen = key, True
        elif key != self.key:
            self.remarks.add(KEYS)

    # ---- music

    def _music_line(self, text: str) -> None:
        # Ryan's Mammoth went through mail: "=" at a line's end continues it, "=20" is a space.
        mail = QUOTED_PRINTABLE.search(text)
        text = text[: mail.start()] if mail else text
        continued = text.endswith("\\") or (mail is not None and not mail[1])
        self.is_continued = self.is_continued if self.silent else continued
        before = self.now
        if not self.silent:
            self.line_notes = []
        if "!" in self.breaks_at:
            text = text.replace("!", "$")
        if len(text) > _MAX_CHARACTERS:
            check_length(len(text) // _MAX_CHARACTERS_OF_A_NOTE, 0, self._where())
        handlers = _HANDLERS
        for match in TOKEN.finditer(text):
            kind = match.lastgroup
            if kind is not None and (not self.silent or kind in {"inline", "bar", "overlay"}):
                handlers[kind](self, match)
        if self.now > MAX_TICKS or len(self.sounds) > MAX_NOTES:
            check_length(len(self.sounds), int(self.now), self._where())
        ends_phrase = self.breaks_at_line_ends and not continued
        if self.dialect.lines_are_phrases and self.now > before and ends_phrase:
            self.phrase_ends.append(self.now)

    def _line_break(self, match: re.Match[str]) -> None:
        """A sign that ends a line of the printed score, whatever the lines of the text."""
        is_new = self.now and (not self.phrase_ends or self.phrase_ends[-1] < self.now)
        if self.breaks_at and self.dialect.lines_are_phrases and is_new:
            self.phrase_ends.append(self.now)

    def _quoted(self, match: re.Match[str]) -> None:
        """A chord symbol, or an annotation, which begins with the sign of its place."""
        text = match["quoted"].strip()
        if not text or text[0] in "^_<>@":
            return
        symbol = symbol_of(text) or symbol_of(text.strip("()").partition("(")[0])  # "G(Em)": one chord or the other
        if symbol:
            self.chords[self.now] = transpose_symbol(symbol, self.shift)
        else:
            self.remarks.add(SYMBOLS)

    def _words(self, text: str) -> None:
        """Words below a line of music: a syllable for each note, by the rules of `w:`. Later verses are left out."""
        if self._elsewhere() or not self.line_notes:
            return
        notes, self.line_notes = self.line_notes, []
        index = 0
        for syllable in re.findall(r"[_*|]|(?:\\-|[^\s_*|-])+-?|-", text[:10_000]):
            if index >= len(notes):
                break
            onset, bar = notes[index]
            if syllable == "|":
                while index < len(notes) and notes[index][1] == bar:
                    index += 1
                continue
            if syllable not in {"_", "*", "-"}:
                self.lyrics[onset] = syllable.replace("~", " ").replace("\\-", "-")[:80]
            index += 1

    def _note(self, match: re.Match[str]) -> None:
        _, accidental, letter, octave, length, tie = match.group(1, 2, 3, 4, 5, 6)
        pitch = self._pitch(accidental, letter, octave)
        ticks = self.rhythm.lengths.get(length)
        self._sound(pitch, self._ticks(length) if ticks is None else ticks)
        if tie:
            self.tied = True

    def _pitch(self, accidental: str | None, letter: str, octave: str) -> int:
        natural = _NATURALS[letter] + self.shift
        if octave:
            natural += 12 * (octave.count("'") - octave.count(","))
        reach = natural if self.dialect.accidentals_reach == "octave" else letter.upper()
        if accidental:
            alteration = ACCIDENTALS[accidental]
            if self.dialect.accidentals_reach != "note":
                self.accidentals[reach] = alteration
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

    def _grace(self, match: re.Match[str]) -> None:
        """Grace notes do not sound, but their accidentals hold to the end of the bar."""
        if any(sign in match["grace"] for sign in "^_="):
            held = self.held
            for accidental, letter, octave, *_ in CHORD_NOTE.findall(match["grace"][1:-1]):
                if accidental:
                    self._pitch(accidental, letter, octave)
            self.held = held

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
        if self.has_words:
            self.line_notes.append((self.now, len(self.bar_lines)))
        self.now += ticks
        self.last, self.last_sounds, self.tied = ticks, True, False
        if self.breath:
            self._take_breath()

    def _take_breath(self) -> None:
        self.phrase_ends.append(self.now)
        self.breath = False

    def _breath(self, match: re.Match[str]) -> None:
        """A sign before a note that breath is taken after it."""
        self.breath = self.breathes = True

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
        if self.breath:
            self._take_breath()

    def _break_rhythm(self, match: re.Match[str]) -> None:
        longer_by = self.rhythm.break_after(self.last, match["broken"])
        if self.phrase_ends and self.phrase_ends[-1] == self.now and self.last:
            self.phrase_ends[-1] += longer_by
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

    def _overlay(self, match: re.Match[str]) -> None:
        """Another layer of as many bars as there are signs; of all bars from ``(&`` on, up to ``&)``."""
        if self._elsewhere():
            return
        sign = match["overlay"]
        self.remarks.add(OVERLAYS)
        if sign in {"(&", "&)"}:
            self.layered, self.silent = sign == "(&", False
        else:
            self.silent, self.overlaid_bars = True, len(sign)

    def _bar_line(self, match: re.Match[str]) -> None:
        bar = match["bar"].strip()
        if self.silent:
            self.overlaid_bars -= 1
            self.silent = self._elsewhere() or self.layered or self.overlaid_bars > 0
            if self.silent:
                return
        self.accidentals.clear()
        if self.now and (not self.bar_lines or self.bar_lines[-1] != self.now):
            self.bar_lines.append(self.now)
        if ":" in bar:
            self.remarks.add(REPEATS)
        ending = bar.lstrip("[|:] \t")
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
            while self.line_notes and self.line_notes[-1][0] >= self.now:
                self.line_notes.pop()
            for texts in (self.lyrics, self.chords):
                while texts and next(reversed(texts)) >= self.now:
                    texts.popitem()
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
        if (self.breaks_at or self.breathes) and not self.is_continued and self.dialect.lines_are_phrases:
            self.phrase_ends.append(self.now)
        onsets = {onset for onset, _, _ in self.sounds} if self.lyrics else set()
        lyrics = {round(onset): syllable for onset, syllable in self.lyrics.items()}
        bar_lines = [round(tick) for tick in self.bar_lines]
        meters = self._rounded_meters(bar_lines, duration)
        name = f"{self.source} no. {self.number}" if self.number else self.source
        try:
            return Melody(
                notes=tuple(map(Note._make, self.sounds)),
                duration=duration,
                meters=meters,
                key=key_that_sounds(self.key, self.key_shift) if self.key else None,
                phrase_ends=tuple(sorted({round(tick) for tick in self.phrase_ends} - {0})),
                pickup=pickup_by(bar_lines, meters, duration) if self.pickup is None else self.pickup,
                source=f"{name}, {self.title}" if self.title else name,
                title=self.title,
                composer=self.composer,
                tempo=parse_tempo(self.tempo, self.rhythm.unit or TICKS_PER_WHOLE // 8) if self.tempo else None,
                lyrics=tuple(sorted((tick, text) for tick, text in lyrics.items() if tick in onsets)),
                chords=sorted_chords({round(tick): symbol for tick, symbol in self.chords.items()}, duration),
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
    "overlay": Tune._overlay,
    "line_break": Tune._line_break,
    "quoted": Tune._quoted,
    "breath": Tune._breath,
    "grace": Tune._grace,
    "mistake": Tune._mistake,
}
