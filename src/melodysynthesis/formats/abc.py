"""ABC notation: reading of tune books and folk collections, and writing that loses nothing of a `Melody`.

Monophonic ABC 2.1. What the reader decides, and tells in `Reading.notices` where it happens:

- **A line of music is a phrase**, as in the Essen collection: each line end is a phrase end, unless the line
  ends with the continuation mark ``\\``. A book that breaks lines by page width has a dialect that says so.
- **Repeats are not unfolded.** Each strain is read once, with its last ending; earlier endings are left out.
- An accidental lasts to the end of its bar, on its letter and octave (tune books) or in all octaves (Essen,
  and files that say ``%%propagate-accidentals pitch``). A tied note keeps it across the bar line.
- Of a chord the top note is read, of several voices the first or the one asked for; grace notes are skipped.
- ``M:none`` and free meters such as ``FREI4/4`` give a melody without meter.
- A first bar that is shorter than the meter, and not all there is, is a pickup, unless ``%%pickup`` says
  otherwise (we write that where bar lines can't tell: a pickup longer than the melody, say).

Onsets between ticks (a septuplet of sixteenths) are rounded to the nearest tick, without drift.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise

from melodysynthesis.errors import FormatError
from melodysynthesis.formats.abc_fields import ACCIDENTALS
from melodysynthesis.formats.abc_rhythm import MAX_DIGITS
from melodysynthesis.formats.abc_tune import NOTICES, Dialect, Tune
from melodysynthesis.formats.base import Format, Reading
from melodysynthesis.formats.pieces import bar_lines, cut, pickup_by
from melodysynthesis.music import TICKS_PER_WHOLE, Key, Melody, Meter
from melodysynthesis.theory import signature, signature_alterations, spell

ABC = Dialect()
"""ABC as this package writes it, and the best guess for any file."""
TUNE_BOOK = Dialect(lines_are_phrases=False)
"""Irish and Scottish tune books, whose lines are as long as the page is wide."""
ESSEN = Dialect(accidentals_reach="letter", bar_lines_bind=True)
"""The Essen collection. It states one meter a tune; where bars are of another length (in 517 of the 5,856
German tunes with a meter), they are right. An accidental holds in other octaves, in 24 of 29 clear cases."""


def read(data: bytes, source: str, part: str | None = None, *, dialect: Dialect = ABC) -> Reading:
    """Read every tune of an ABC file.

    Args:
        data: the file's bytes; UTF-8, else Latin-1.
        source: the file's name, for messages.
        part: id, name or number from 1 of the voice to take; None takes the first.
        dialect: what the collection means where ABC leaves it open.

    Raises:
        FormatError: if there is no tune (kind ``"no tune"``), or none that can be read.
    """
    reading, remarks, found = Reading(), dict.fromkeys(NOTICES, 0), False
    for first_line, lines in _tunes(_text_of(data, source)):
        found = True
        tune = Tune(source, part, dialect)
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
            reading.notices.append(f"{source}: {NOTICES[remark].format(tunes=tunes, part=took)}")
    return reading


def _text_of(data: bytes, source: str) -> str:
    if b"\0" in data:
        raise FormatError("binary data; expected ABC text with fields such as X:1", source, "no tune")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _tunes(text: str) -> Iterator[tuple[int, list[str]]]:
    """Tunes as (number of the first line, lines). A tune runs from X: to a blank line after its music.

    Text without X: is one tune if it has a K: field, as a pasted fragment may.
    """
    rows = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    starts = [number for number, row in enumerate(rows) if row.startswith("X:")]
    if not starts and any(row.startswith("K:") for row in rows):
        starts = [0]
    for start, following in pairwise([*starts, len(rows)]):
        end, in_body = start, False
        while end < following and (rows[end].strip() or not in_body or _goes_on(rows, end, following)):
            in_body = in_body or rows[end].startswith("K:")
            end += 1
        yield start + 1, rows[start:end]


def _goes_on(rows: list[str], blank: int, following: int) -> bool:
    """Whether what follows a blank line is music all the same: a line with bar lines, where words have none."""
    return blank + 1 < following and "|" in rows[blank + 1] and rows[blank + 1][1:2] not in (":", "%")


# ---- writing

_UNIT = TICKS_PER_WHOLE // 8
_LONGEST = _UNIT * (10**MAX_DIGITS - 1)
_SIGNS = {alteration: sign for sign, alteration in ACCIDENTALS.items()}
_BARS_A_LINE = 8


def write(melody: Melody) -> bytes:
    """Write a melody as one ABC tune. Reading it gives an equal melody.

    A phrase is a line; a note that sounds across its end, or across a bar line, is written as tied notes.
    """
    title = "".join(c for c in melody.source if c.isprintable() and c not in "%\\")
    key = melody.key
    head = [
        "%abc-2.1",
        "X:1",
        *([f"T:{title}"] if title else []),
        f"M:{melody.meters[0] if melody.meters else 'none'}",
        "L:1/8",
        f"K:{_key_name(key) if key else 'none'}",
    ]
    return "\n".join([*head, *_lines(melody), ""]).encode()


def _key_name(key: Key) -> str:
    return key.tonic + {"major": "", "minor": "m"}.get(key.mode, key.mode[:3])


def _lines(melody: Melody) -> Iterator[str]:
    """The lines of music, each the text of its pieces between phrase ends."""
    bars = bar_lines(melody)
    if melody.pickup != pickup_by(bars, melody.meters, melody.duration):
        yield f"%%pickup {Fraction(melody.pickup, TICKS_PER_WHOLE)}"
    bar_ends, phrase_ends = set(bars), set(melody.phrase_ends)
    changes = {meter.tick: meter for meter in melody.meters[1:]}
    speller, line, bars_in_line = _Speller(melody.key), "", 0
    for start, end, pitch, _, tied in cut(melody, bars, _LONGEST):
        if start in changes:
            line += f"[M:{changes[start]}]"
        note = "z" if pitch is None else speller.name(pitch)
        line += note + _length(end - start) + ("-" if tied else "")
        if end in bar_ends:
            line += " |"
            speller.bar_line()
            bars_in_line += 1
        if end in phrase_ends and end < melody.duration:
            yield line
            line, bars_in_line = "", 0
        elif bars_in_line == _BARS_A_LINE and end < melody.duration:
            yield line + " \\"
            line, bars_in_line = "", 0
        elif _on_beat(melody, end):
            line += " "
    if line:
        yield line.rstrip() + (" |]" if melody.duration in melody.phrase_ends else " |] \\")


def _on_beat(melody: Melody, tick: int) -> bool:
    """Whether a space belongs here, so that beams show the beats."""
    meter = melody.meter_at(tick)
    if meter is None:
        return True
    # a change of meter starts a bar, and the pickup ends with one
    start = melody.pickup - meter.bar_ticks if meter.tick == 0 else meter.tick
    return (tick - start) % meter.bar_ticks % _beat_ticks(meter) == 0


def _beat_ticks(meter: Meter) -> int:
    unit = TICKS_PER_WHOLE // meter.beat_unit
    return 3 * unit if meter.beats in (3, 6, 9, 12) and meter.beat_unit >= 8 else unit


def _length(ticks: int) -> str:
    """A duration in eighths, as ABC writes it: nothing for 1, ``3/2``, ``/`` for 1/2."""
    common = next(divisor for divisor in (12, 6, 4, 3, 2, 1) if ticks % divisor == 0)
    over, under = ticks // common, _UNIT // common
    if under == 1:
        return "" if over == 1 else str(over)
    return ("" if over == 1 else str(over)) + ("/" if under == 2 else f"/{under}")


class _Speller:
    """Names pitches so that both rules for accidentals, own octave and all octaves, read them right."""

    def __init__(self, key: Key | None) -> None:
        self.key = key
        self.signature = signature_alterations(signature(key))
        self.in_octave: dict[tuple[str, int], int] = {}
        self.in_letter: dict[str, int] = {}

    def bar_line(self) -> None:
        self.in_octave.clear()
        self.in_letter.clear()

    def name(self, pitch: int) -> str:
        step, alteration, octave = spell(pitch, self.key)
        in_letter = self.in_letter.get(step, self.signature[step])
        in_octave = self.in_octave.get((step, octave), self.signature[step])
        sign = "" if in_letter == in_octave == alteration else _SIGNS[alteration]
        if sign:
            self.in_letter[step] = self.in_octave[step, octave] = alteration
        if octave > 4:
            return sign + step.lower() + "'" * (octave - 5)
        return sign + step + "," * (4 - octave)


FORMAT = Format("abc", (".abc",), read, write, frozenset({"duration", "meters", "key", "phrase_ends", "pickup"}))
