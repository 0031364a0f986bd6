"""Reading of Humdrum `**kern`: one part, with phrase marks.

What the reader decides, and tells in `Reading.notices` where it happens:

- Of several `**kern` spines one is read, by the rule in `parts`; of a spine that splits or holds chords, the top line.
- Spines go from low to high: without names and words the last one is the melody. `**text` belongs to the spine before.
- Chords are those of the first spine of `**mxhm`, written as symbols (``D7/F#``) or as root and kind (``D dominant``).
- A signature without a key is minor if the melody ends on that tonic, else major.
- ``}`` ends a phrase with its note or rest. Grace notes (``q``) are skipped.
- Repeats and expansion lists are not unfolded: the music is read as it is written.
- ``*MX`` and no meter at all give a melody without meter. The first bar, if it is short, is a pickup.

Onsets between ticks are rounded to the nearest tick, without drift.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise

from melodysynthesis.errors import FormatError
from melodysynthesis.formats.base import Reading
from melodysynthesis.formats.chord_symbols import LEFT_OUT, quality_of, sorted_chords, symbol_of
from melodysynthesis.formats.kern_tokens import (
    LONG,
    MAX_RECIPROCAL,
    RECIPROCAL,
    Column,
    Spine,
    Ticks,
    pitch_of,
    ticks_of,
)
from melodysynthesis.formats.limits import MAX_PARTS, check_file_size, check_length, check_melodies, check_rows
from melodysynthesis.formats.notation import MAX_SIGNATURE, key_by_last_pitch
from melodysynthesis.formats.parts import Part, choose, monophony, top_line
from melodysynthesis.formats.pieces import pickup_by, text_of
from melodysynthesis.music import (
    BEAT_UNITS,
    MAX_BEATS,
    MAX_TEMPO,
    MIN_TEMPO,
    MODES,
    TICKS_PER_WHOLE,
    Key,
    Melody,
    Meter,
    Note,
)

_METER = re.compile(r"\*M(\d{1,3}(?:\+\d{1,3})*)/(\d{1,3})(\.?)(?!\d)([%.].*)?")
_SIGNATURE = re.compile(r"\*k\[((?:[a-g](?:#|-))*)\]$")
_TEMPO = re.compile(r"\*MM(\d{1,4}(?:\.\d{1,3})?)$")
_KEY = re.compile(r"\*([a-gA-G])(##?|--?)?:([a-z]{3})?$")
_MODES = {mode[:3]: mode for mode in MODES} | {"ion": "major", "aeo": "minor"}


MAX_KERN_BYTES = 16 * 2**20
MAX_NOTES_OF_SPINES = 200_000
"""Notes in all spines of a run together."""
MAX_TOKENS = 5_000_000
"""Tokens of a run, those of no meaning too."""


def read(data: bytes, source: str, part: str | None = None) -> Reading:
    """Read a kern file; one melody for each run of spines in it.

    Raises:
        FormatError: if it holds no `**kern` spine, or none that can be read.
    """
    check_file_size(len(data), source, MAX_KERN_BYTES)
    check_rows(data, source)
    reading = Reading()
    rows = text_of(data, source, "a **kern spine", "no spine").split("\n")
    starts = [number for number, row in enumerate(rows) if row.startswith("**")]
    sections = [0, *starts[1:]]
    check_melodies(len(sections), source)
    for count, (start, end) in enumerate(zip(sections, [*sections[1:], len(rows)], strict=True), 1):
        score = _KernScore(source, f"{source} no. {count}" if len(sections) > 1 else source)
        try:
            score.read(rows[start:end], start + 1)
            reading.melodies.append(score.melody(part, reading.notices))
        except FormatError as problem:
            reading.problems.append(problem)
    if not reading.melodies:
        raise reading.problems[0]
    return reading


class _KernScore:
    """The spines of one run of `**` to `*-`."""

    def __init__(self, source: str, name: str) -> None:
        self.source, self.name = source, name
        self.line = 0
        self.columns: list[Column] = []
        self.spines: list[Spine] = []
        self.title = self.composer = ""
        self.chords: dict[Ticks, str] = {}
        self.pickup: int | None = None
        self.notices: dict[str, None] = {}
        self.notes = self.tokens = 0
        self.has_layers = False  # whether a spine has several columns now

    def read(self, rows: list[str], first_line: int) -> None:
        for self.line, row in enumerate(rows, first_line):
            if not row or row.startswith("!"):
                self._reference(row)
                continue
            columns = row.count("\t") + 1
            if columns > MAX_PARTS:
                raise self._error(f"{columns:,} columns; at most {MAX_PARTS:,} are read", "too large")
            if row.startswith("**"):
                self._start(row.split("\t"))
            else:
                self._row(row.split("\t"))
        if not self.spines:
            raise FormatError("no **kern spine; expected a line that starts with **kern", self.source, "no spine")

    def _reference(self, row: str) -> None:
        if row.startswith("!!!OTL") and not self.title:
            self.title = row.partition(":")[2].strip()[:200]
        elif row.startswith("!!!COM:") and not self.composer:
            self.composer = row[7:].strip()[:200]
        elif match := re.match(r"!!!pickup: (\d{1,6})(?:/(\d{1,2}))?\s*$", row):
            self.pickup = int(match[1]) * TICKS_PER_WHOLE // max(1, int(match[2] or 1))

    def _start(self, tokens: list[str]) -> None:
        self.columns = [Column(None) for _ in tokens]
        self.spines = []
        self._designate(tokens)

    def _designate(self, tokens: list[str]) -> None:
        """Make columns what exclusive interpretations such as ``**kern`` say; those that were added (``*+``), too."""
        now = max(column.now for column in self.columns)
        spine: Spine | None = None
        for column, token in zip(self.columns, tokens, strict=True):
            if token.startswith("**"):
                column.spine = self._new_spine() if token == "**kern" else None
                column.now = now
            spine = column.spine or spine
            if token.startswith("**"):
                column.words_of = spine if token in {"**text", "**silbe"} else None
                column.chords_of = spine if token == "**mxhm" else None

    def _new_spine(self) -> Spine:
        """A part; one that is added within the music, such as an ossia, has the meters of those before."""
        first = self.spines[0] if self.spines else Spine()
        is_added = any(spine.end for spine in self.spines)
        spine = Spine(is_added=is_added)
        if is_added:
            spine.key, spine.fifths = first.key, first.fifths
            spine.meters, spine.bar_lines = dict(first.meters), list(first.bar_lines)
        self.spines.append(spine)
        return spine

    def _row(self, tokens: list[str]) -> None:
        if len(tokens) != len(self.columns):
            reason = f"{len(tokens)} columns; expected {len(self.columns)}"
            raise self._error(reason if self.spines else "no spine; expected **kern first", "bad spines")
        if tokens[0].startswith("*"):
            self._interpret(tokens)
            return
        bar = tokens[0].startswith("=")
        if self.has_layers and not bar:
            self._align(tokens)
        self.tokens += len(tokens)
        if self.tokens > MAX_TOKENS or self.notes > MAX_NOTES_OF_SPINES:
            raise self._error(f"more than {MAX_NOTES_OF_SPINES:,} notes, or {MAX_TOKENS:,} tokens", "too large")
        for column, token in zip(self.columns, tokens, strict=True):
            if column.words_of and not bar and token not in {".", ""}:
                column.words_of.lyrics.setdefault(column.words_of.onset, token.lstrip("-|")[:80])
            if column.chords_of and not bar and token not in {".", ""} and not token.startswith("!"):
                self._chord(column.chords_of.onset, token)
            if column.spine is None or token == "." or token.startswith("!"):
                continue
            if bar:
                self._bar_line(column, token)
            else:
                self._data(column, column.spine, token)

    def _align(self, tokens: list[str]) -> None:
        """Let notes of one row and one spine begin together, though a layer had no rests before its first note."""
        latest: dict[int, Ticks] = {}
        begin = [
            (column, id(column.spine))
            for column, token in zip(self.columns, tokens, strict=True)
            if column.spine and token not in {".", ""} and token[0] != "!" and "q" not in token.lower()
        ]
        for column, spine in begin:
            latest[spine] = max(latest.get(spine, 0), column.now)
        for column, spine in begin:
            column.now = latest[spine]

    def _chord(self, now: Ticks, token: str) -> None:
        """A chord that enters with the data before it in this row."""
        name, _, kind = token.partition(" ")
        kind, slash, bass = kind.partition("/")
        quality = quality_of(kind.strip(), ()) if kind else None
        text = name.replace("-", "b") + quality + slash + bass.replace("-", "b") if quality is not None else token
        symbol = symbol_of(text) or symbol_of(text.replace("-", "b", 1))
        if symbol is None:
            self.notices[LEFT_OUT] = None
        else:
            self.chords.setdefault(now, symbol)

    def _interpret(self, tokens: list[str]) -> None:
        for column, token in zip(self.columns, tokens, strict=True):
            if column.spine and len(token) > 1:
                self._interpret_one(column.now, column.spine, token)
        if any(token in ("*^", "*v", "*x", "*+", "*-") for token in tokens):
            self.columns = list(self._rearranged(tokens))
            spines = [id(column.spine) for column in self.columns if column.spine]
            self.has_layers = len(spines) > len(set(spines))
        elif any(token.startswith("**") for token in tokens):
            self._designate(tokens)

    def _interpret_one(self, now: Ticks, spine: Spine, token: str) -> None:
        if match := _METER.match(token):
            self._meter(now, spine, match)
        elif match := _SIGNATURE.match(token):
            fifths = match[1].count("#") - match[1].count("-")
            self._tell_change(spine.fifths not in {None, fifths})
            spine.fifths = fifths if spine.fifths is None else spine.fifths
        elif match := _TEMPO.match(token):
            spine.tempo = spine.tempo or float(match[1])
        elif match := _KEY.match(token):
            tonic = match[1].upper() + (match[2] or "").replace("-", "b")
            key = Key(tonic, _MODES.get(match[3] or "", "minor" if match[1].islower() else "major"))
            self._tell_change(spine.key not in {None, key})
            spine.key = spine.key or key
        elif token.startswith("*clefX"):
            spine.is_drum = True
        elif token.startswith('*I"') or (token.startswith("*I") and not spine.name):
            spine.name = token[2:].strip("\":[]'")[:80]
        elif token.startswith("*>["):
            self.notices["repeats are not unfolded"] = None

    def _tell_change(self, is_other: bool) -> None:
        if is_other:
            self.notices["the key changes; the first is the melody's"] = None

    def _meter(self, now: Ticks, spine: Spine, match: re.Match[str]) -> None:
        """A meter, whose beat may be a breve (``*M3/0``) or a dotted value (``*M2/4.``)."""
        beats, unit = sum(map(int, match[1].split("+"))), int(match[2])
        if match[2] in LONG:
            beats, unit = beats * LONG[match[2]], 1
        if match[3]:
            beats, unit = 3 * beats, 2 * unit
        if match[4] or not 0 < beats <= MAX_BEATS or unit not in BEAT_UNITS:
            self.notices[f"left out the meter {match[0][2:40]}"] = None
        else:
            spine.meters[now] = (beats, unit)

    def _rearranged(self, tokens: list[str]) -> Iterator[Column]:
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
                    yield Column(column.spine, column.now)
                elif token == "*+":
                    yield Column(None)
            place += 1

    def _bar_line(self, column: Column, token: str) -> None:
        assert column.spine is not None
        lines = column.spine.bar_lines
        if column.now and (not lines or lines[-1] < column.now):
            lines.append(column.now)
        if ":|" in token:
            self.notices["repeats are not unfolded"] = None

    def _data(self, column: Column, spine: Spine, token: str) -> None:
        ticks: Ticks = 0
        if "q" in token.partition(" ")[0].lower():
            return  # a grace note; of a grace chord only the first note may say so
        for number, sub in enumerate(token.split(" ")):
            if "q" in sub or "Q" in sub:
                continue
            value = self._duration(sub, ticks if number else None)
            spine.onset = column.now
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
        match = RECIPROCAL.search(token)
        if match is None and chord:
            return chord
        ticks = ticks_of(*match.groups()) if match else None
        if ticks is None:
            raise self._bad_duration(token)
        return ticks

    def _bad_duration(self, token: str) -> FormatError:
        expected = f"expected a reciprocal such as 4, 8. or 3%2, up to {MAX_RECIPROCAL}"
        return self._error(f"duration of {token[:40]!r}; {expected}", "bad duration")

    def _note(self, now: Ticks, ticks: Ticks, spine: Spine, token: str) -> None:
        pitch = pitch_of(token)
        if pitch is None:
            raise self._error(f"token {token[:40]!r}; expected a pitch such as 4cc# or a rest 4r", "bad pitch")
        if not 0 <= pitch <= 127:
            raise self._error(f"note {token[:40]!r} is beyond the MIDI range", "bad pitch")
        before = spine.held.pop(pitch, None) if "_" in token or "]" in token else None
        if before is not None and sum(spine.notes[before][:2]) == now:
            onset, length, _ = spine.notes[before]
            spine.notes[before] = (onset, length + ticks, pitch)
        else:
            before = len(spine.notes)
            spine.notes.append((now, ticks, pitch))
            self.notes += 1
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
        why += self.notices
        key = spine.key
        if key is None and spine.fifths is not None and abs(spine.fifths) <= MAX_SIGNATURE and line:
            key = key_by_last_pitch(spine.fifths, line[-1].pitch)
            why.append(f"its key signature has no mode; taken as {key}, by the last note")
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
                line,
                duration,
                meters,
                key,
                tuple(sorted({round(tick) for tick in spine.phrase_ends} - {0})),
                pickup_by(bars, meters, duration) if self.pickup is None else self.pickup,
                f"{self.name}, {self.title}" if self.title else self.name,
                title=self.title,
                composer=self.composer,
                tempo=spine.tempo if spine.tempo and MIN_TEMPO <= spine.tempo <= MAX_TEMPO else None,
                lyrics=tuple(sorted((round(tick), text) for tick, text in spine.lyrics.items() if text)),
                chords=sorted_chords({round(tick): symbol for tick, symbol in self.chords.items()}, duration),
            )
        except ValueError as problem:
            raise FormatError(str(problem), self.name, "bad music") from problem

    def _choose(self, part: str | None) -> tuple[Spine, list[str]]:
        sounding = [spine for spine in self.spines if spine.notes] or self.spines
        parts = [
            Part(
                spine.name,
                sum(note[2] for note in spine.notes) / max(1, len(spine.notes)),
                spine.is_drum,
                notes=len(spine.notes),
                monophony=monophony([(onset, onset + ticks) for onset, ticks, _ in spine.notes]),
                has_lyrics=bool(spine.lyrics),
                place=-1 if spine.is_added else place,
            )
            for place, spine in enumerate(sounding)
        ]
        index, why = choose(parts, part, self.name)
        return sounding[index], why

    def _error(self, reason: str, kind: str) -> FormatError:
        return FormatError(reason, f"{self.source}:{self.line}", kind)
