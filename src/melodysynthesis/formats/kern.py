"""Humdrum `**kern`: reading of one part, with phrase marks, and writing that loses nothing of a `Melody`.

What the reader decides, and tells in `Reading.notices` where it happens:

- Of several `**kern` spines one is read, by the rule in `parts`; of a spine that splits or holds chords, the top line.
- ``}`` ends a phrase with its note or rest. Grace notes (``q``) are skipped.
- Repeats and expansion lists are not unfolded: the music is read as it is written.
- ``*MX`` and no meter at all give a melody without meter. The first bar, if it is short, is a pickup.

Onsets between ticks are rounded to the nearest tick, without drift. `!!!pickup:` is ours, for a pickup that bar
lines can't tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise

from melodysynthesis.errors import FormatError
from melodysynthesis.formats.base import Format, Reading
from melodysynthesis.formats.limits import check_length
from melodysynthesis.formats.parts import Part, choose, top_line
from melodysynthesis.formats.pieces import bar_lines, cut, pickup_by
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
from melodysynthesis.theory import SCALES, STEPS_BY_FIFTHS, signature, signature_alterations, spell

_RECIPROCAL = re.compile(r"(\d+)(?:%(\d+))?(\.*)")
_PITCH = re.compile(r"([a-gA-G])\1*(#{1,3}|-{1,3}|n)?")
_METER = re.compile(r"\*M(\d{1,3}(?:\+\d{1,3})*)/(\d{1,3})(?!\d)")
_KEY = re.compile(r"\*([a-gA-G])(##?|--?)?:([a-z]{3})?$")
_MODES = {mode[:3]: mode for mode in MODES} | {"ion": "major", "aeo": "minor"}
_LONG = {"0": 2, "00": 4, "000": 8}
"""Breve, longa and maxima in whole notes."""
_MAX_DIGITS, _MAX_RECIPROCAL, _MAX_DOTS = 4, 2048, 4

Ticks = int | Fraction


@dataclass(slots=True)
class _Spine:
    """One part while it is being read; times in ticks."""

    name: str = ""
    notes: list[tuple[Ticks, Ticks, int]] = field(default_factory=list)
    held: dict[int, int] = field(default_factory=dict)  # pitch of an open tie -> number of its note
    end: Ticks = 0
    phrase_ends: set[Ticks] = field(default_factory=set)
    bar_lines: list[Ticks] = field(default_factory=list)
    meters: dict[Ticks, tuple[int, int]] = field(default_factory=dict)
    key: Key | None = None


@dataclass(slots=True)
class _Column:
    """A column of the file: the part it belongs to, if that is `**kern`, and how far it has come."""

    spine: _Spine | None
    now: Ticks = 0


def read(data: bytes, source: str, part: str | None = None) -> Reading:
    """Read a kern file; one melody for each run of spines in it.

    Raises:
        FormatError: if it holds no `**kern` spine, or none that can be read.
    """
    if b"\0" in data:
        raise FormatError("binary data; expected a **kern spine", source, "no spine")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    reading = Reading()
    rows = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    starts = [number for number, row in enumerate(rows) if row.startswith("**")]
    sections = [0, *starts[1:]]
    for count, (start, end) in enumerate(zip(sections, [*sections[1:], len(rows)], strict=True), 1):
        score = _Score(source, f"{source} no. {count}" if len(sections) > 1 else source)
        try:
            score.read(rows[start:end], start + 1)
            reading.melodies.append(score.melody(part, reading.notices))
        except FormatError as problem:
            reading.problems.append(problem)
    if not reading.melodies:
        raise reading.problems[0]
    return reading


class _Score:
    """The spines of one run of `**` to `*-`."""

    def __init__(self, source: str, name: str) -> None:
        self.source, self.name = source, name
        self.line = 0
        self.columns: list[_Column] = []
        self.spines: list[_Spine] = []
        self.title = ""
        self.pickup: int | None = None
        self.repeats = False

    def read(self, rows: list[str], first_line: int) -> None:
        for self.line, row in enumerate(rows, first_line):
            if not row or row.startswith("!"):
                self._reference(row)
            elif row.startswith("**"):
                self._start(row.split("\t"))
            else:
                self._row(row.split("\t"))
        if not self.spines:
            raise FormatError("no **kern spine; expected a line that starts with **kern", self.source, "no spine")

    def _reference(self, row: str) -> None:
        if row.startswith("!!!OTL") and not self.title:
            self.title = row.partition(":")[2].strip()[:200]
        elif match := re.match(r"!!!pickup: (\d{1,6})(?:/(\d{1,2}))?\s*$", row):
            self.pickup = int(match[1]) * TICKS_PER_WHOLE // max(1, int(match[2] or 1))

    def _start(self, tokens: list[str]) -> None:
        self.columns = [_Column(_Spine() if token == "**kern" else None) for token in tokens]
        self.spines = [column.spine for column in self.columns if column.spine]

    def _row(self, tokens: list[str]) -> None:
        if len(tokens) != len(self.columns):
            reason = f"{len(tokens)} columns; expected {len(self.columns)}"
            raise self._error(reason if self.spines else "no spine; expected **kern first", "bad spines")
        if tokens[0].startswith("*"):
            self._interpret(tokens)
            return
        bar = tokens[0].startswith("=")
        for column, token in zip(self.columns, tokens, strict=True):
            if column.spine is None or token == "." or token.startswith("!"):
                continue
            if bar:
                self._bar_line(column, token)
            else:
                self._data(column, column.spine, token)

    def _interpret(self, tokens: list[str]) -> None:
        for column, token in zip(self.columns, tokens, strict=True):
            if column.spine and len(token) > 1:
                self._interpret_one(column.now, column.spine, token)
        if any(token in ("*^", "*v", "*x", "*+", "*-") for token in tokens):
            self.columns = list(self._rearranged(tokens))

    def _interpret_one(self, now: Ticks, spine: _Spine, token: str) -> None:
        if match := _METER.match(token):
            beats, unit = sum(map(int, match[1].split("+"))), int(match[2])
            if not 0 < beats <= MAX_BEATS or unit not in BEAT_UNITS:
                expected = f"expected 1 to {MAX_BEATS} beats of 1/1 to 1/32"
                raise self._error(f"meter {token[:40]!r}; {expected}", "bad meter")
            spine.meters[now] = (beats, unit)
        elif match := _KEY.match(token):
            if spine.key is None:
                tonic = match[1].upper() + (match[2] or "").replace("-", "b")
                plain = "minor" if match[1].islower() else "major"
                spine.key = Key(tonic, _MODES.get(match[3] or "", plain))
        elif token.startswith('*I"') or (token.startswith("*I") and not spine.name):
            spine.name = token[2:].strip("\":[]'")[:80]
        elif token.startswith("*>["):
            self.repeats = True

    def _rearranged(self, tokens: list[str]) -> Iterator[_Column]:
        """The columns after a row of spine paths: split, joined, exchanged, new and ended ones."""
        place = 0
        while place < len(tokens):
            column, token = self.columns[place], tokens[place]
            if token == "*v":
                while place + 1 < len(tokens) and tokens[place + 1] == "*v":
                    place += 1
                    column.now = max(column.now, self.columns[place].now)
                yield column
            elif token == "*x" and tokens[place + 1 : place + 2] == ["*x"]:
                yield self.columns[place + 1]
                yield column
                place += 1
            elif token != "*-":
                yield column
                if token == "*^":
                    yield _Column(column.spine, column.now)
                elif token == "*+":
                    yield _Column(None)
            place += 1

    def _bar_line(self, column: _Column, token: str) -> None:
        assert column.spine is not None
        lines = column.spine.bar_lines
        if column.now and (not lines or lines[-1] < column.now):
            lines.append(column.now)
        self.repeats = self.repeats or ":|" in token

    def _data(self, column: _Column, spine: _Spine, token: str) -> None:
        ticks: Ticks = 0
        for number, sub in enumerate(token.split(" ")):
            if "q" in sub or "Q" in sub:
                continue
            value = self._duration(sub, ticks if number else None)
            if "r" not in sub:
                self._note(column.now, value, spine, sub)
            ticks = max(ticks, value)
        column.now += ticks
        spine.end = max(spine.end, column.now)
        if "}" in token:
            spine.phrase_ends.add(column.now)
        check_length(len(spine.notes), int(spine.end), f"{self.source}:{self.line}")

    def _duration(self, token: str, chord: Ticks | None) -> Ticks:
        """Ticks of a token; a later note of a chord may leave its duration to the first."""
        match = _RECIPROCAL.search(token)
        if match is None and chord:
            return chord
        digits, of, dots = match.groups() if match else ("", None, "")
        if not digits or max(len(digits), len(of or ""), len(dots)) > _MAX_DIGITS:
            raise self._bad_duration(token)
        reciprocal, count = int(digits), int(of or 1)
        whole = (
            Fraction(_LONG[digits]) if digits in _LONG else Fraction(count, reciprocal) if reciprocal else Fraction(0)
        )
        if not whole or reciprocal > _MAX_RECIPROCAL:
            raise self._bad_duration(token)
        ticks = whole * TICKS_PER_WHOLE * (2 - Fraction(1, 2 ** len(dots)))
        return ticks.numerator if ticks.denominator == 1 else ticks

    def _bad_duration(self, token: str) -> FormatError:
        expected = f"expected a reciprocal such as 4, 8. or 3%2, up to {_MAX_RECIPROCAL}"
        return self._error(f"duration of {token[:40]!r}; {expected}", "bad duration")

    def _note(self, now: Ticks, ticks: Ticks, spine: _Spine, token: str) -> None:
        match = _PITCH.search(token)
        letters = match[0].rstrip("#-n") if match else ""
        if not match or len(letters) > 8:
            raise self._error(f"token {token[:40]!r}; expected a pitch such as 4cc# or a rest 4r", "bad pitch")
        octave = 4 + len(letters) - 1 if letters[0].islower() else 4 - len(letters)
        sign = match[2] or ""
        pitch = 12 * (octave + 1) + STEP_PITCH_CLASS[letters[0].upper()] + sign.count("#") - sign.count("-")
        if not 0 <= pitch <= 127:
            raise self._error(f"note {token[:40]!r} is beyond the MIDI range", "bad pitch")
        before = spine.held.pop(pitch, None) if "_" in token or "]" in token else None
        if before is not None and sum(spine.notes[before][:2]) == now:
            onset, length, _ = spine.notes[before]
            spine.notes[before] = (onset, length + ticks, pitch)
        else:
            before = len(spine.notes)
            spine.notes.append((now, ticks, pitch))
        if "[" in token or "_" in token:
            spine.held[pitch] = before

    def melody(self, part: str | None, notices: list[str]) -> Melody:
        """The melody of the part that is taken."""
        spine, why = self._choose(part)
        ends = sorted((round(onset), round(onset + ticks), pitch) for onset, ticks, pitch in spine.notes)
        notes = [Note(onset, end - onset, pitch) for onset, end, pitch in ends if end > onset]
        rounded = any(type(time) is Fraction for note in spine.notes for time in note[:2])
        line, left_out = top_line(notes)
        if left_out or any(a.end > b.onset for a, b in pairwise(notes)):
            why.append(f"it is not of one voice; took the top line, without {left_out} notes")
        if rounded:
            why.append("durations finer than a tick; onsets are rounded to 1/24 of a quarter")
        if self.repeats:
            why.append("repeats are not unfolded")
        notices += [f"{self.name}: {reason}" for reason in why]
        duration = round(spine.end)
        at_start = sorted((round(tick), meter) for tick, meter in spine.meters.items())
        meters = tuple(
            Meter(0 if not index else tick, *meter)
            for index, (tick, meter) in enumerate(at_start)
            if not index or tick < duration
        )
        bars = [round(tick) for tick in spine.bar_lines]
        try:
            return Melody(
                line, duration, meters, spine.key,
                tuple(sorted({round(tick) for tick in spine.phrase_ends} - {0})),
                pickup_by(bars, meters, duration) if self.pickup is None else self.pickup,
                f"{self.name}, {self.title}" if self.title else self.name,
            )  # fmt: skip
        except ValueError as problem:
            raise FormatError(str(problem), self.name, "bad music") from problem

    def _choose(self, part: str | None) -> tuple[_Spine, list[str]]:
        sounding = [spine for spine in self.spines if spine.notes] or self.spines
        means = [sum(note[2] for note in spine.notes) / max(1, len(spine.notes)) for spine in sounding]
        parts = [Part(spine.name, mean) for spine, mean in zip(sounding, means, strict=True)]
        index, why = choose(parts, part, self.name)
        return sounding[index], why

    def _error(self, reason: str, kind: str) -> FormatError:
        return FormatError(reason, f"{self.source}:{self.line}", kind)


# ---- writing

_LONGEST = 100 * TICKS_PER_WHOLE


def write(melody: Melody) -> bytes:
    """Write a melody as one `**kern` spine. Reading it gives an equal melody.

    A note that sounds across a bar line or a phrase end is written as tied notes.
    """
    title = "".join(c for c in melody.source if c.isprintable())
    head = [*([f"!!!OTL: {title}"] if title else []), "**kern", *_key_rows(melody.key)]
    head.append(f"*M{melody.meters[0]}" if melody.meters else "*MX")
    bars = bar_lines(melody)
    if melody.pickup != pickup_by(bars, melody.meters, melody.duration):
        head.insert(0, f"!!!pickup: {Fraction(melody.pickup, TICKS_PER_WHOLE)}")
    return "\n".join([*head, *_rows(melody, bars), "==", "*-", ""]).encode()


def _key_rows(key: Key | None) -> Iterator[str]:
    if key is None:
        return
    fifths = signature(key)
    altered = signature_alterations(fifths)
    order = STEPS_BY_FIFTHS if fifths > 0 else STEPS_BY_FIFTHS[::-1]
    yield f"*k[{''.join(step.lower() + _sign(altered[step]) for step in order if altered[step])}]"
    tonic = key.tonic.lower() if SCALES[key.mode][2] == 3 else key.tonic
    yield f"*{tonic[0] + key.tonic[1:].replace('b', '-')}:{'' if key.mode in ('major', 'minor') else key.mode[:3]}"


def _rows(melody: Melody, bars: list[int]) -> Iterator[str]:
    """Rows of notes, bar lines and meters."""
    changes = {meter.tick: meter for meter in melody.meters[1:]}
    bar_numbers = {tick: number for number, tick in enumerate(bars, 1 if melody.pickup else 2)}
    phrase_starts = {0, *melody.phrase_ends[:-1]} if melody.phrase_ends else set()
    ends = set(melody.phrase_ends)
    for start, end, pitch, tie_from, tie_to in cut(melody, bars, _LONGEST):
        if start in changes:
            yield f"*M{changes[start]}"
        name = "r" if pitch is None else _name(pitch, melody.key)
        tie = ("_" if tie_from else "[") if tie_to else "]" if tie_from else ""
        token = _reciprocal(end - start) + name
        token = tie + token if tie == "[" else token + tie
        yield ("{" if start in phrase_starts else "") + token + ("}" if end in ends else "")
        if end in bar_numbers:
            yield f"={bar_numbers[end]}"


def _reciprocal(ticks: int) -> str:
    """A duration as kern writes it: ``4`` for a quarter, ``8.`` dotted, ``0`` for a breve, ``96%5`` for 5/96."""
    if ticks == 2 * TICKS_PER_WHOLE:
        return "0"
    if TICKS_PER_WHOLE % ticks == 0:
        return str(TICKS_PER_WHOLE // ticks)
    if 2 * ticks % 3 == 0 and TICKS_PER_WHOLE % (2 * ticks // 3) == 0:
        return f"{TICKS_PER_WHOLE // (2 * ticks // 3)}."
    value = Fraction(ticks, TICKS_PER_WHOLE)
    return f"{value.denominator}%{value.numerator}"


def _name(pitch: int, key: Key | None) -> str:
    step, alteration, octave = spell(pitch, key)
    letters = step.lower() * (octave - 3) if octave >= 4 else step * (4 - octave)
    return letters + _sign(alteration)


def _sign(alteration: int) -> str:
    return "#" * alteration if alteration > 0 else "-" * -alteration


FORMAT = Format(
    "kern", (".krn", ".kern"), read, write, frozenset({"duration", "meters", "key", "phrase_ends", "pickup"})
)
