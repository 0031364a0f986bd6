"""ABC notation: reading of tune books and folk collections, and writing that loses nothing of a `Melody`.

Monophonic ABC 2.1. What the reader decides, and tells in `Reading.notices` where it happens:

- **A line of music is a phrase**, as in the Essen collection: each line end is a phrase end, unless the line
  ends with the continuation mark ``\\``. A book that breaks lines by page width has a dialect that says so. A note
  with ``!breath!`` ends a phrase, too; we write that, and ``%%linebreak <none>``, where phrases end within bars.
- **Repeats are not unfolded.** Each strain is read once, with its last ending; earlier endings are left out.
- An accidental lasts to the end of its bar, on its letter and octave (tune books) or in all octaves (Essen,
  and files that say ``%%propagate-accidentals pitch``). A tied note keeps it across the bar line.
- Of a chord the top note is read, of several voices the first or the requested one; grace notes are skipped.
- ``M:none`` and free meters such as ``FREI4/4`` give a melody without meter.
- A first bar that is shorter than the meter, and not all there is, is a pickup, unless ``%%pickup`` says
  otherwise (we write that where bar lines can't tell: a pickup longer than the melody, say).

Onsets between ticks (a septuplet of sixteenths) are rounded to the nearest tick, without drift.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from itertools import islice, pairwise, takewhile

from melodysynthesis.errors import FormatError
from melodysynthesis.formats.abc_fields import ACCIDENTALS, Dialect
from melodysynthesis.formats.abc_rhythm import MAX_DIGITS
from melodysynthesis.formats.base import Format, Reading
from melodysynthesis.formats.limits import check_file_size, check_rows
from melodysynthesis.formats.notation import beat_groups
from melodysynthesis.formats.pieces import Piece, bar_lines, cut, melismas, pickup_by, text_of
from melodysynthesis.music import TICKS_PER_WHOLE, Key, Melody
from melodysynthesis.theory import signature, signature_alterations, spell

ABC = Dialect()
"""ABC as this package writes it, and the best guess for any file."""
TUNE_BOOK = Dialect(lines_are_phrases=False)
"""Irish and Scottish tune books, whose lines are as long as the page is wide."""
ESSEN = Dialect(accidentals_reach="letter", bar_lines_bind=True)
"""The Essen collection. It states one meter a tune; where bars are of another length (in 517 of the 5,856
German tunes with a meter), they are right. An accidental holds in other octaves, in 24 of 29 clear cases."""

MAX_ABC_BYTES = 16 * 2**20
MAX_TUNES = 20_000
"""Tunes of one file. A larger collection is a folder of files, as every corpus may be."""
MAX_NOTES_OF_TUNES = 300_000
"""Notes in all tunes of a file together."""


def read(data: bytes, source: str, part: str | None = None, *, dialect: Dialect = ABC) -> Reading:
    """Read every tune of an ABC file.

    Args:
        data: the file's bytes; UTF-8, UTF-16 or Windows-1252.
        source: the file's name, for messages.
        part: id, name or number from 1 of the voice to take; None takes the first.
        dialect: what the collection means where ABC leaves it open.

    Raises:
        FormatError: if there is no tune (kind ``"no tune"``), or none that can be read.
    """
    from melodysynthesis.formats.abc_state import NOTICES, Tune
    from melodysynthesis.formats.abc_tune import read_tune

    check_file_size(len(data), source, MAX_ABC_BYTES)
    check_rows(data, source)
    if (count := data.count(b"\nX:") + data.count(b"\rX:")) > MAX_TUNES:
        raise FormatError(f"it holds {count:,} tunes; at most {MAX_TUNES:,} are read", source, "too large")
    reading, remarks, found, notes = Reading(), dict.fromkeys(NOTICES, 0), False, 0
    rows = text_of(data, source, "ABC text with fields such as X:1", "no tune").split("\n")
    file_header = _file_header(rows)
    for first_line, lines in _tunes(rows):
        found = True
        tune = Tune(source, part, dialect)
        try:
            reading.melodies.append(read_tune(tune, first_line, lines, file_header))
        except FormatError as problem:
            reading.problems.append(problem)
        notes += len(tune.sounds)
        if notes > MAX_NOTES_OF_TUNES:
            raise FormatError(f"its tunes have more than {MAX_NOTES_OF_TUNES:,} notes", source, "too large")
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


_OF_ALL_TUNES = re.compile(r"[CILMm]:|%%|%abc-")


def _file_header(rows: list[str]) -> list[str]:
    """The lines before the first tune, which apply to all: fields, directives and the version of the standard."""
    first = next((number for number, row in enumerate(rows) if row.startswith("X:")), 0)
    return [row for row in rows[:first] if _OF_ALL_TUNES.match(row)]


def _tunes(rows: list[str]) -> Iterator[tuple[int, list[str]]]:
    """Tunes as (number of the first line, lines). A tune runs from X: to a blank line after its music.

    Text without X: is one tune if it has a K: field, as a pasted fragment may.
    """
    starts = [number for number, row in enumerate(rows) if row.startswith("X:")]
    if not starts and any(row.startswith("K:") for row in rows):
        starts = [0]
    for start, following in pairwise([*starts, len(rows)]):
        end, in_body = start, False
        while end < following and (rows[end].strip() or not in_body or _goes_on(rows, end, following)):
            in_body = in_body or rows[end].startswith("K:")
            end += 1
        yield start + 1, rows[start:end]


_NOT_PLAIN_MUSIC = re.compile(r"\"[^\"]*\"|![^!]*!|\{[^}]*\}|\[[A-Za-z]:[^\]]*\]|%.*|[~HLMOPSTuv](?=[A-Ga-g])")
_NO_MUSIC = re.compile(r"%|[A-Za-z+]:")
_WORD = re.compile(r"[A-Za-z]*[H-WY-Zh-wy][A-Za-z]*[H-WY-Zh-wy][A-Za-z]*")


def _goes_on(rows: list[str], blank: int, following: int) -> bool:
    """Whether what follows a blank line is music all the same: lines without words, the first with bar lines.

    By the standard a blank line ends a tune, and anything may follow it; real files have blank lines within tunes.
    """
    row = rows[blank + 1] if blank + 1 < following else ""
    if "|" not in row or _NO_MUSIC.match(row):
        return False
    block = takewhile(str.strip, islice(rows, blank + 1, following))
    return not any(_WORD.search(_NOT_PLAIN_MUSIC.sub(" ", line)) for line in block if not _NO_MUSIC.match(line))


# ---- writing

_UNIT = TICKS_PER_WHOLE // 8
_LONGEST = _UNIT * (10**MAX_DIGITS - 1)
_ABC_ACCIDENTALS = {alteration: sign for sign, alteration in ACCIDENTALS.items()}
_BARS_A_LINE = 8
_NO_LINES = "%%linebreak <none>"
"""The ends of our lines are not the ends of printed lines, and so not of phrases."""


def write(melody: Melody) -> bytes:
    """Write a melody as one ABC tune. Reading it gives an equal melody.

    A phrase is a line; a note that sounds across its end, or across a bar line, is written as tied notes. Where a
    phrase ends within a bar, the lines end with bars and breath signs tell the phrases.
    """
    title, composer, source = (
        "".join(c for c in text if c.isprintable() and c not in "%\\")
        for text in (melody.title, melody.composer, melody.source)
    )
    key = melody.key
    head = [
        "%abc-2.1",
        "X:1",
        *([f"T:{title or source}"] if title or source else []),
        *([f"C:{composer}"] if composer else []),
        f"M:{melody.meters[0] if melody.meters else 'none'}",
        "L:1/8",
        *([f"Q:1/4={round(melody.tempo)}"] if melody.tempo else []),
        *([_NO_LINES] if _breathes(melody) else []),
        f"K:{_key_name(key) if key else 'none'}",
    ]
    return "\n".join([*head, *_lines(melody), ""]).encode()


def _key_name(key: Key) -> str:
    return key.tonic + {"major": "", "minor": "m"}.get(key.mode, key.mode[:3])


def _breathes(melody: Melody) -> bool:
    """Whether a phrase ends within a bar, so that lines, which end with bars, can't tell phrases."""
    bars = {*bar_lines(melody), melody.duration}
    return bool(melody.meters) and any(end not in bars for end in melody.phrase_ends)


def _lines(melody: Melody) -> Iterator[str]:
    """The lines of music, each the text of its pieces between phrase ends."""
    bars = bar_lines(melody)
    if melody.pickup != pickup_by(bars, melody.meters, melody.duration):
        yield f"%%pickup {Fraction(melody.pickup, TICKS_PER_WHOLE)}"
    bar_ends, phrase_ends = set(bars), set(melody.phrase_ends)
    changes = {meter.tick: meter for meter in melody.meters[1:]}
    speller, line, bars_in_line = _Speller(melody.key), "", 0
    words, chords = _Words(melody), dict(melody.chords)
    slurs = melismas(melody)
    onset, slur_ends = 0, set(slurs.values())
    breathes, is_due = _breathes(melody), False
    limits = bar_ends | phrase_ends | set(changes)
    pieces = _with_whole_tuplets(list(cut(melody, bars, _LONGEST)), limits, melody.pickup)
    tuplets = _tuplets(pieces, limits)
    shorter_until = 0  # what is written before that tick sounds two thirds as long
    for index, (start, end, pitch, is_tied_from, tied) in enumerate(pieces):
        if start in changes:
            line += f"[M:{changes[start]}]"
        note = "z" if pitch is None else speller.name(pitch)
        if pitch is not None:
            words.note(start, end, is_tied_from)
            onset = onset if is_tied_from else start
        ends_phrase = end in phrase_ends
        breath = "!breath!" * (breathes and ends_phrase and end < melody.duration)
        if index in tuplets:
            count, shorter_until = tuplets[index]
            line += "(3" if count == 3 else f"(3:2:{count}"
        length = 3 * (end - start) // 2 if start < shorter_until else end - start
        line += f'"{chords[start]}"' if start in chords else ""
        line += "(" * (pitch is not None and start in slurs) + breath + note + _length(length) + "-" * tied
        line += ")" * (pitch is not None and onset in slur_ends and not tied)
        is_due = is_due or ends_phrase
        if end in bar_ends:
            line += " |"
            speller.bar_line()
            bars_in_line += 1
        if (is_due and end in bar_ends if breathes else ends_phrase) and end < melody.duration:
            yield line
            yield from words.line()
            line, bars_in_line, is_due = "", 0, False
        elif bars_in_line == _BARS_A_LINE and end < melody.duration:
            yield line + " \\" * (not breathes)
            yield from words.line()
            line, bars_in_line = "", 0
        elif ends_phrase or _on_beat(melody, end):
            line += " "
    if line:
        yield line.rstrip() + (" |]" if melody.duration in melody.phrase_ends else " |] \\")
        yield from words.line()


def _with_whole_tuplets(pieces: list[Piece], lines: set[int], origin: int) -> list[Piece]:
    """The pieces; those that reach into or out of a triplet are split at the nearest eighths from `origin`."""
    found = _tuplets(pieces, lines)
    inside = {index for first, (count, _) in found.items() for index in range(first, first + count)}
    split: list[Piece] = []
    for index, piece in enumerate(pieces):
        start, end, pitch, tie_from, tie_to = piece
        after, before = start + (origin - start) % _UNIT, end - (end - origin) % _UNIT
        off = [after] * bool((start - origin) % 3) + [before] * bool((end - origin) % 3)
        cuts = sorted({tick for tick in off if start < tick < end and index not in inside})
        for here, there in pairwise([start, *cuts, end]):
            is_note = pitch is not None
            split.append(
                Piece(here, there, pitch, tie_from or (is_note and here > start), tie_to or (is_note and there < end))
            )
    return split


def _tuplets(pieces: list[Piece], lines: set[int]) -> dict[int, tuple[int, int]]:
    """The triplets: by the index of the first piece how many pieces there are, and where the last one ends.

    Its pieces are sixths and thirds of an eighth, a quarter, a half or a whole note, with none of `lines` between.
    """
    found: dict[int, tuple[int, int]] = {}
    index = 0
    while index < len(pieces):
        count = next((n for size in (12, 24, 48, 96) if (n := _thirds(pieces, index, size, lines))), 0)
        if count:
            found[index] = count, pieces[index + count - 1].end
        index += max(1, count)
    return found


def _thirds(pieces: list[Piece], first: int, size: int, lines: set[int]) -> int:
    """How many pieces from one on form a triplet of a length in ticks; 0 if they form none."""
    start = pieces[first].start
    if (pieces[first].end - start) % 3 == 0:
        return 0  # a part that is not in thirds comes before the triplet
    for count, piece in enumerate(pieces[first : first + 6], 1):
        length, now = piece.end - piece.start, piece.end
        if 6 * length % size or now - start > size:
            return 0
        if now - start == size:
            return count
        if now in lines:
            return 0
    return 0


class _Words:
    """The words below a line of music, a syllable for each note."""

    def __init__(self, melody: Melody) -> None:
        self.lyrics = dict(melody.lyrics)
        self.signs: list[str] = []
        self.now = 0

    def note(self, onset: int, end: int, is_tied: bool) -> None:
        """The next note of the line; one without a syllable is slurred to the note before, unless a rest parts them."""
        syllable = "" if is_tied else self.lyrics.get(onset, "")
        text = "".join(c for c in syllable.removesuffix("-") if c.isprintable() and c not in "_*|%\\").strip()
        text = text.replace("-", "\\-").replace(" ", "~")
        is_slurred = onset == self.now and self.signs[-1:] not in ([], ["*"])
        without = "_" if is_tied or is_slurred else "*"
        self.signs.append(text + "-" * syllable.endswith("-") if text else without)
        self.now = end

    def line(self) -> Iterator[str]:
        """The line of words, if there are any; the next line begins."""
        if any(sign not in {"*", "_"} for sign in self.signs):
            yield "w:" + " ".join(self.signs).replace("- ", "-")
        self.signs = []


def _on_beat(melody: Melody, tick: int) -> bool:
    """Whether a space belongs here, so that beams show the beats."""
    meter = melody.meter_at(tick)
    if meter is None:
        return True
    # a change of meter starts a bar, and the pickup ends with one
    start = melody.pickup - meter.bar_ticks if meter.tick == 0 else meter.tick
    return (tick - start) % meter.bar_ticks in beat_groups(meter)


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
        sign = "" if in_letter == in_octave == alteration else _ABC_ACCIDENTALS[alteration]
        if sign:
            self.in_letter[step] = self.in_octave[step, octave] = alteration
        if octave > 4:
            return sign + step.lower() + "'" * (octave - 5)
        return sign + step + "," * (4 - octave)


FORMAT = Format("abc", (".abc",), read, write, frozenset({"duration", "meters", "key", "phrase_ends", "pickup"}))
