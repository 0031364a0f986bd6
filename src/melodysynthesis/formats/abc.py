"""ABC notation: reading of tune books and folk collections, and writing that loses nothing of a `Melody`.

Monophonic ABC 2.1. What the reader decides, and tells in `Reading.notices` where it happens:

- **A line of music is a phrase**, as in the Essen collection: each line end is a phrase end, unless the line ends
  with the continuation mark ``\\``. A corpus that breaks its lines by page width drops the phrases (see `corpora`).
- **Repeats are not unfolded.** Each strain is read once, with its last ending; earlier endings are left out.
- An accidental lasts to the end of its bar, on its letter and octave. A tied note keeps it across the bar line.
- Of a chord the top note is read, of several voices the first or the one asked for; grace notes are skipped.
- ``M:none`` and free meters such as ``FREI4/4`` give a melody without meter.
- A pickup is a first bar that ends short of the meter. Later bars are not checked against it.

Onsets between ticks (a septuplet of sixteenths) are rounded to the nearest tick without drift.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction

from melodysynthesis.errors import FormatError
from melodysynthesis.formats.base import Format, Reading
from melodysynthesis.music import (
    BEAT_UNITS,
    MAX_BEATS,
    MODES,
    STEP_PITCH_CLASS,
    TICKS_PER_WHOLE,
    Key,
    Melody,
    Meter,
    Note,
)
from melodysynthesis.theory import signature, signature_alterations

MAX_NOTES = 50_000
MAX_TICKS = MAX_NOTES * 24
"""Limits of one melody; a tune beyond them is refused. The longest tune of the Essen collection has 497 notes."""
_MAX_DIGITS = 4
_MAX_DENOMINATOR = 256

_LENGTH = r"(\d*/*\d*)"
_NOTE = r"(\^{1,2}|_{1,2}|=)?([A-Ga-g])([',]*)" + _LENGTH
# Quantities within brackets and quotes are bounded, so that a line of a million brackets takes linear time.
_TOKEN = re.compile(
    rf"""\s*(?:
      {_NOTE}(-?)                                                # accidental letter octave length tie
    | ([zxZX]){_LENGTH}                                          # rest length
    | (\[\|[\]:|]*|(?:\||::)[|:\]]*|:+\|[|:\]]*) \s*(\[?\d[\d,.\-]*)?   # bar ending
    | \[(\d[\d,.\-]*)                                            # ending without a bar line
    | \(([2-9])(?::([1-9]?))?(?::(\d{{0,2}}))?                   # tuplet p q r
    | (<{{1,3}}|>{{1,3}})                                        # broken rhythm
    | \[([A-Za-z]):([^\]]{{0,200}})\]                            # inline field
    | \[([^\]\[|:\d][^\]\[|:]{{0,200}})\]{_LENGTH}(-?)           # chord length tie
    | (-)                                                        # tie after a space
    | (&)                                                        # voice overlay
    | (?: "[^"]{{0,200}}" | \{{[^}}]{{0,200}}\}} | ![^!|]{{1,40}}! | \+[^+|]{{1,40}}\+   # text grace decoration
        | y\d{{0,4}} | [~.H-Wh-wJ()`$*;?@\#!\\:] | $ )
    | (.)                                                        # anything else is a mistake
    )""",
    re.VERBOSE,
)
_CHORD_NOTE = re.compile(_NOTE + "(-?)")
_FIELD = re.compile(r"([A-Za-z+]):(?![|:])\s*(.*)")
_METER = re.compile(r"\(?(\d{1,3}(?:\s*\+\s*\d{1,3})*)\)?\s*/\s*(\d{1,3})(?!\d)")
_UNIT = re.compile(r"(\d{1,3})\s*/\s*(\d{1,3})(?!\d)|(1)\b")
_KEY = re.compile(r"([A-G])([#b]{0,2})\s*([A-Za-z]*)(.*)")
_KEY_ACCIDENTAL = re.compile(r"(?:^|\s)(\^{1,2}|_{1,2}|=)([a-gA-G])\b")
_VOICE_NAME = re.compile(r"\b(?:name|nm)\s*=\s*\"?([^\"]+?)\"?(?:\s+\w+=|$)")

_ACCIDENTALS = {"^^": 2, "^": 1, "=": 0, "_": -1, "__": -2}
_CLEF_WORDS = (
    "treble",
    "bass",
    "alto",
    "tenor",
    "clef",
    "perc",
    "octave",
    "transpose",
    "middle",
    "stafflines",
)
_NATURALS = {
    letter: 60 + STEP_PITCH_CLASS[letter.upper()] + (12 if letter.islower() else 0)
    for letter in "CDEFGABcdefgab"
}
_MODE_NAMES = {mode[:3]: mode for mode in MODES} | {"": "major", "ion": "major", "aeo": "minor", "m": "minor"}
_TUPLET_TIME = {2: 3, 3: 2, 4: 3, 6: 2, 8: 3}
_REPEATS, _CHORDS, _ROUNDED, _OVERLAYS, _VOICES, _KEYS, _FREE = range(7)
_NOTICES = {
    _REPEATS: "{n} with repeats; each strain is read once, with its last ending",
    _CHORDS: "{n} with chords; their top notes are read",
    _ROUNDED: "{n} with durations finer than a tick; onsets are rounded to 1/24 of a quarter",
    _OVERLAYS: "{n} with voice overlays (&), which are left out",
    _VOICES: "{n} with several voices; took {part}",
    _KEYS: "{n} with changes of key; the first is the melody's key",
    _FREE: "{n} with a meter and free time; the meter is kept throughout",
}

Ticks = int | Fraction


def read(data: bytes, source: str, part: str | None = None) -> Reading:
    """Read every tune of an ABC file.

    Args:
        data: the file's bytes; UTF-8, else Latin-1.
        source: the file's name, for messages.
        part: id, name or number from 1 of the voice to take; None takes the first.

    Raises:
        FormatError: if there is no tune (kind ``"no tune"``), or none that can be read (the first one's error).
    """
    if b"\0" in data:
        raise FormatError("binary data; expected ABC text that starts with X: fields", source, "no tune")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    reading, remarks = Reading(), dict.fromkeys(_NOTICES, 0)
    found = False
    for first_line, lines in _tunes(text):
        found = True
        tune = _Tune(source, part)
        try:
            reading.melodies.append(tune.read(first_line, lines))
        except FormatError as problem:
            reading.problems.append(problem)
        for remark in tune.remarks:
            remarks[remark] += 1
    if not found:
        raise FormatError("no tune; expected fields such as X:1 and K:G", source, "no tune")
    if not reading.melodies:
        raise reading.problems[0]
    took = f"voice {part}" if part else "the first"
    for remark, count in remarks.items():
        if count:
            tunes = f"{count} {'tune' if count == 1 else 'tunes'}"
            reading.notices.append(f"{source}: {_NOTICES[remark].format(n=tunes, part=took)}")
    return reading


def _tunes(text: str) -> list[tuple[int, list[str]]]:
    """Tunes as (number of the first line, lines). A tune runs from X: to a blank line after its K: field.

    Text without X: is one tune if it has a K: field, as a pasted fragment may.
    """
    tunes: list[tuple[int, list[str]]] = []
    lines: list[str] | None = None
    in_body = False
    rows = text.splitlines()
    for number, row in enumerate(rows, 1):
        if row.startswith("X:"):
            lines, in_body = [], False
            tunes.append((number, lines))
        elif in_body and not row.strip():
            lines = None
        elif row.startswith("K:"):
            in_body = True
        if lines is not None:
            lines.append(row)
    if not tunes and any(row.startswith("K:") for row in rows):
        tunes.append((1, rows))
    return tunes


@dataclass(slots=True)
class _Tune:
    """One tune while it is being read. Times are ticks; they are fractions only within odd tuplets."""

    source: str
    part: str | None
    number: str = ""
    title: str = ""
    line: int = 0
    remarks: set[int] = field(default_factory=set)
    # what has been read
    sounds: list[tuple[Ticks, Ticks, int]] = field(default_factory=list)
    now: Ticks = 0
    meters: list[tuple[Ticks, int, int]] = field(default_factory=list)
    key: Key | None = None
    key_seen: bool = False
    phrase_ends: list[Ticks] = field(default_factory=list)
    first_bar_line: Ticks | None = None
    ending: tuple[int, Ticks, int, int] | None = None
    # what governs the next note
    unit: Ticks | None = None
    lengths: dict[str, Ticks] = field(default_factory=dict)
    signature: dict[str, int] = field(default_factory=dict)
    accidentals: dict[int, int] = field(default_factory=dict)
    last: Ticks = 0
    last_sounds: bool = False
    tied: bool = False
    held: int = -1
    broken: tuple[int, int] | None = None
    tuplet: tuple[int, int, int] | None = None
    voice: str | None = None
    wanted_voice: str | None = None
    overlay: bool = False

    def read(self, first_line: int, lines: list[str]) -> Melody:
        """Read the tune's lines into a melody."""
        self._set_key("none")
        self.key_seen = False
        self._choose_voice(lines)
        verbatim = False
        for self.line, row in enumerate(lines, first_line):
            if row.startswith("%"):
                verbatim = row.startswith("%%begin") or (verbatim and not row.startswith("%%end"))
                continue
            text = row.partition("%")[0].strip() if "%" in row else row.strip()
            if verbatim or not text:
                continue
            if len(text) > 1 and text[1] == ":" and (match := _FIELD.match(text)):
                self._field(match[1], match[2])
            else:
                self._music_line(text)
        return self._melody()

    # ---- fields

    def _field(self, letter: str, value: str) -> None:
        if letter == "V":
            self.voice = value.split(maxsplit=1)[0] if value else None
        elif letter == "X":
            self.number = value[:20]
        elif letter == "T":
            self.title = self.title or value[:200]
        elif self._elsewhere():
            return
        elif letter == "M":
            self._set_meter(value)
        elif letter == "L":
            self._set_unit(value)
        elif letter == "K":
            self._set_key(value)

    def _choose_voice(self, lines: list[str]) -> None:
        names: dict[str, str] = {}
        for row in lines:
            for field_text in re.findall(r"^V:\s*(.*)|\[V:([^\]]{0,200})\]", row) if "V:" in row else ():
                text = (field_text[0] or field_text[1]).strip()
                if text:
                    label = _VOICE_NAME.search(text)
                    names.setdefault(text.split(maxsplit=1)[0], label[1] if label else "")
        if not names:
            return
        voices = list(names)
        self.wanted_voice = voices[0]
        if len(voices) > 1:
            self.remarks.add(_VOICES)
        if self.part is not None:
            by_number = {str(index): voice for index, voice in enumerate(voices, 1)}
            by_name = {name: voice for voice, name in names.items() if name}
            chosen = (by_number | by_name | {voice: voice for voice in voices}).get(self.part)
            if chosen is None:
                raise self._error(
                    f"no voice {self.part!r}; there are {', '.join(voices)[:200]}", "no such part"
                )
            self.wanted_voice = chosen

    def _elsewhere(self) -> bool:
        """Whether what follows belongs to a voice that was not asked for."""
        return self.voice is not None and self.voice != self.wanted_voice

    def _set_meter(self, value: str) -> None:
        if value[:1] == "C" and value[:2] in ("C", "C|", "C ", "C%"):
            beats, beat_unit = (2, 2) if value.startswith("C|") else (4, 4)
        elif not value or value[:4].lower() in ("none", "frei"):
            if self.meters:
                self.remarks.add(_FREE)
            return
        else:
            match = _METER.match(value)
            if not match:
                raise self._error(f"meter {value[:40]!r}; expected one such as 3/4, C or none", "bad meter")
            beats, beat_unit = sum(int(part) for part in match[1].split("+")), int(match[2])
            if not 0 < beats <= MAX_BEATS or beat_unit not in BEAT_UNITS:
                expected = f"expected 1 to {MAX_BEATS} beats of 1/1 to 1/32"
                raise self._error(f"meter {value[:40]!r}; {expected}", "bad meter")
        if self.meters and self.meters[-1][0] == self.now:
            self.meters.pop()
        if not self.meters or self.meters[-1][1:] != (beats, beat_unit):
            if not self.meters and self.now:
                self.remarks.add(_FREE)
            self.meters.append((self.now if self.meters else 0, beats, beat_unit))

    def _set_unit(self, value: str) -> None:
        match = _UNIT.match(value)
        if not match or not match[3] and not (int(match[1]) and 0 < int(match[2]) <= _MAX_DENOMINATOR):
            raise self._error(f"unit note length {value[:40]!r}; expected one such as 1/8", "bad unit length")
        self.unit = TICKS_PER_WHOLE if match[3] else _scaled(TICKS_PER_WHOLE, int(match[1]), int(match[2]))
        self.lengths.clear()

    def _default_unit(self) -> Ticks:
        """A sixteenth in meters shorter than 3/4, else an eighth."""
        if self.meters and self.meters[0][1] / self.meters[0][2] < 0.75:
            return TICKS_PER_WHOLE // 16
        return TICKS_PER_WHOLE // 8

    def _set_key(self, value: str) -> None:
        key, self.signature = self._parse_key(value, self.signature)
        if not self.key_seen:
            self.key, self.key_seen = key, True
        elif key is not None and key != self.key:
            self.remarks.add(_KEYS)
        self.accidentals.clear()

    def _parse_key(self, value: str, current: dict[str, int]) -> tuple[Key | None, dict[str, int]]:
        if value[:2] in ("HP", "Hp"):  # highland pipes: A mixolydian
            return Key("A", "mixolydian"), _with_lower_case(signature_alterations(2))
        match = _KEY.match(value)
        if not match:
            if not value or value[:4].lower() == "none":
                return None, _with_lower_case(signature_alterations(0))
            if value.split()[0].partition("=")[0] in _CLEF_WORDS:
                return self.key, current or _with_lower_case(signature_alterations(0))
            raise self._error(f"key {value[:40]!r}; expected one such as G, Em, D dorian or none", "bad key")
        tonic, name, rest = match[1] + match[2], match[3], match[4]
        if name == "exp":
            name, altered = "", dict.fromkeys("CDEFGAB", 0)
        else:
            mode = _MODE_NAMES.get(name if name in ("m", "") else name[:3].lower(), "major")
            altered = signature_alterations(signature(Key(tonic, mode)))
        for accidental, letter in _KEY_ACCIDENTAL.findall(rest):
            altered[letter.upper()] = _ACCIDENTALS[accidental]
        if match[3] == "exp":
            third = "CDEFGABCD"["CDEFGAB".index(tonic[0]) + 2]
            width = STEP_PITCH_CLASS[third] + altered[third] - Key(tonic).pitch_class
            mode = "minor" if width % 12 == 3 else "major"
        return Key(tonic, mode), _with_lower_case(altered)

    # ---- music

    def _music_line(self, text: str) -> None:
        continued = text.endswith("\\")
        before = self.now
        for token in _TOKEN.findall(text):
            self._token(*token)
        if self.now > MAX_TICKS or len(self.sounds) > MAX_NOTES:
            raise self._error(f"more than {MAX_NOTES} notes or {MAX_TICKS} ticks in one melody", "too long")
        if self.now > before and not continued:
            self.phrase_ends.append(self.now)

    def _token(
        self, accidental: str, letter: str, octave: str, length: str, tie: str, rest: str, rest_length: str,
        bar: str, bar_ending: str, ending: str, p: str, q: str, r: str, broken: str, inline: str, value: str,
        chord: str, chord_length: str, chord_tie: str, late_tie: str, overlay: str, mistake: str,
    ) -> None:  # fmt: skip
        if inline:
            self._field(inline, value.strip())
        elif self._elsewhere():
            return
        elif bar or ending:
            self._bar_line(bar, bar_ending or ending)
        elif self.overlay:
            return
        elif letter:
            self._sound(self._pitch(accidental, letter, octave), self._ticks(length))
            if tie:
                self.tied = True
        elif rest:
            self._rest(rest, rest_length)
        elif broken:
            self._break_rhythm(broken)
        elif p:
            self._tuplet(int(p), int(q or 0), int(r or 0))
        elif chord:
            self._chord(chord, chord_length, bool(chord_tie))
        elif late_tie:
            self.tied = self.last_sounds
        elif overlay:
            self.overlay = True
            self.remarks.add(_OVERLAYS)
        elif mistake:
            raise self._error(
                f"unexpected {mistake!r}; expected notes, rests, bar lines or decorations", "bad music"
            )

    def _pitch(self, accidental: str, letter: str, octave: str) -> int:
        natural = (
            _NATURALS[letter] + 12 * (octave.count("'") - octave.count(",")) if octave else _NATURALS[letter]
        )
        if accidental:
            self.accidentals[natural] = alteration = _ACCIDENTALS[accidental]
        else:
            if self.tied and natural == self.held and natural not in self.accidentals:
                return self.sounds[-1][2]  # ^f-|f stays sharp
            alteration = self.accidentals.get(natural, self.signature[letter])
        self.held = natural
        pitch = natural + alteration
        if not 0 <= pitch <= 127:
            written = accidental + letter + octave[:20]
            raise self._error(f"note {written!r} is beyond the MIDI range", "bad pitch")
        return pitch

    def _ticks(self, length: str) -> Ticks:
        ticks = self.lengths.get(length)
        if ticks is None:
            ticks = self.lengths[length] = self._parse_length(length)
        return ticks

    def _parse_length(self, length: str) -> Ticks:
        over, slashes, under = length.partition("/")
        halvings = len(length) - len(length.replace("/", ""))
        numerator = int(over or 1) if len(over) <= _MAX_DIGITS else 0
        under = under.lstrip("/")
        denominator = 2 ** min(halvings, 9) if not under else int(under) if len(under) <= _MAX_DIGITS else 0
        if not numerator or not 0 < denominator <= _MAX_DENOMINATOR or (under and halvings > 1):
            expected = f"expected one such as 2, 3/2 or /, at most {_MAX_DIGITS} digits, no finer than 1/256"
            raise self._error(f"note length {length[:40]!r}; {expected}", "bad duration")
        if self.unit is None:
            self.unit = self._default_unit()
        return _scaled(self.unit, numerator, denominator)

    def _sound(self, pitch: int, ticks: Ticks) -> None:
        ticks = self._in_rhythm(ticks)
        if self.tied and self.sounds and self.sounds[-1][2] == pitch:
            onset, before, _ = self.sounds[-1]
            self.sounds[-1] = (onset, before + ticks, pitch)
        else:
            self.sounds.append((self.now, ticks, pitch))
        self.now += ticks
        self.last, self.last_sounds, self.tied = ticks, True, False

    def _rest(self, letter: str, length: str) -> None:
        if letter in "ZX":  # counted in bars
            bar = (
                self.meters[-1][1] * TICKS_PER_WHOLE // self.meters[-1][2] if self.meters else TICKS_PER_WHOLE
            )
            if "/" in length or len(length) > _MAX_DIGITS:
                raise self._error(f"rest {letter + length[:40]!r}; expected a number of bars", "bad duration")
            ticks: Ticks = bar * int(length or 1)
        else:
            ticks = self._in_rhythm(self._ticks(length))
        self.now += ticks
        self.last, self.last_sounds, self.tied = ticks, False, False

    def _in_rhythm(self, ticks: Ticks) -> Ticks:
        """A written duration within a tuplet and after a broken-rhythm mark."""
        if self.broken:
            ticks = _scaled(ticks, *self.broken)
            self.broken = None
        if self.tuplet:
            p, q, left = self.tuplet
            ticks = _scaled(ticks, q, p)
            self.tuplet = (p, q, left - 1) if left > 1 else None
        return ticks

    def _break_rhythm(self, mark: str) -> None:
        """``a>b`` dots the first and halves the second; ``<`` the other way round; ``>>`` dots twice."""
        shorter, longer, whole = 1, 2 ** (len(mark) + 1) - 1, 2 ** len(mark)
        first, second = (longer, shorter) if mark[0] == ">" else (shorter, longer)
        longer_by = _scaled(self.last, first, whole) - self.last
        self.broken = (second, whole)
        self.now += longer_by
        self.last += longer_by
        if self.last_sounds:
            onset, ticks, pitch = self.sounds[-1]
            self.sounds[-1] = (onset, ticks + longer_by, pitch)

    def _tuplet(self, p: int, q: int, r: int) -> None:
        """``(p:q:r``: the next `r` notes take the time of `q` for `p`."""
        compound = bool(self.meters) and self.meters[-1][1] % 3 == 0 and self.meters[-1][1] > 3
        self.tuplet = (p, q or _TUPLET_TIME.get(p, 3 if compound else 2), r or p)

    def _chord(self, content: str, length: str, tie: bool) -> None:
        written = [note for note in _CHORD_NOTE.findall(content) if note[1]]
        if not written:
            return  # an annotation or an abandoned field
        self.remarks.add(_CHORDS)
        held = [(self._pitch(*note[:3]), self.held, bool(note[4])) for note in written]
        pitch, self.held, inner_tie = max(held)
        ticks = self._ticks(written[0][3])
        self._sound(pitch, _scaled(ticks, *self._ratio(length)) if length else ticks)
        self.tied = tie or inner_tie

    def _ratio(self, length: str) -> tuple[int, int]:
        """A length as numerator and denominator."""
        assert self.unit is not None
        ratio = Fraction(self._ticks(length)) / self.unit
        return ratio.numerator, ratio.denominator

    def _bar_line(self, bar: str, ending: str) -> None:
        if bar:
            self.accidentals.clear()
            self.overlay = False
            if self.first_bar_line is None and self.now:
                self.first_bar_line = self.now
            if ":" in bar:
                self.remarks.add(_REPEATS)
        if ending:
            self._ending(ending.lstrip("["))

    def _ending(self, number: str) -> None:
        """At a later ending, take back what the ending before it said."""
        if not number.startswith("1") and self.ending:
            notes, self.now, phrases, meters = self.ending
            del self.sounds[notes:], self.phrase_ends[phrases:], self.meters[meters:]
            self.tied = self.last_sounds = False
        elif number.startswith("1"):
            self.tied = False  # a tie into the first ending would hold a note that is taken back
        self.ending = (len(self.sounds), self.now, len(self.phrase_ends), len(self.meters))

    # ---- result

    def _melody(self) -> Melody:
        rounded = any(type(onset) is Fraction or type(ticks) is Fraction for onset, ticks, _ in self.sounds)
        if rounded:
            self.remarks.add(_ROUNDED)
            self.sounds = [(on, end - on, p) for on, end, p in map(_round_sound, self.sounds) if end > on]
        duration = round(self.now)
        meters = [
            Meter(round(tick), *meter) for tick, *meter in self.meters if not tick or round(tick) < duration
        ]
        name = f"{self.source} no. {self.number}" if self.number else self.source
        try:
            return Melody(
                notes=tuple(Note(*sound) for sound in self.sounds),
                duration=duration,
                meters=tuple(meters),
                key=self.key,
                phrase_ends=tuple(sorted({round(tick) for tick in self.phrase_ends} - {0})),
                pickup=self._pickup(meters, duration),
                source=f"{name}, {self.title}" if self.title else name,
            )
        except ValueError as problem:
            raise self._error(str(problem), "bad music") from problem

    def _pickup(self, meters: list[Meter], duration: int) -> int:
        first = round(self.first_bar_line or 0)
        changed = len(meters) > 1 and meters[1].tick < first
        return first if meters and first < min(duration, meters[0].bar_ticks) and not changed else 0

    def _error(self, reason: str, kind: str) -> FormatError:
        tune = f" (tune {self.number})" if self.number else ""
        return FormatError(reason, f"{self.source}:{self.line}{tune}", kind)


def _scaled(ticks: Ticks, numerator: int, denominator: int) -> Ticks:
    """Ticks times a ratio: a whole number where it is one, so that common tunes stay with fast integers."""
    product = ticks * numerator
    return product // denominator if product % denominator == 0 else Fraction(product) / denominator


def _round_sound(sound: tuple[Ticks, Ticks, int]) -> tuple[int, int, int]:
    """Onset and end on the nearest ticks, and the pitch."""
    onset, ticks, pitch = sound
    return round(onset), round(onset + ticks), pitch


def _with_lower_case(altered: dict[str, int]) -> dict[str, int]:
    return altered | {letter.lower(): alteration for letter, alteration in altered.items()}


FORMAT = Format("abc", (".abc",), read, None)
