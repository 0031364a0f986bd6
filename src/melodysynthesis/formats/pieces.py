"""What text notations share: a melody cut into pieces between bar lines, and the pickup that bar lines tell."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from melodysynthesis.errors import FormatError
from melodysynthesis.music import Melody, Meter


class Piece(NamedTuple):
    """A note or, where `pitch` is None, a rest, or what lies of it between two cuts.

    `tie_from` and `tie_to`: the note comes from the piece before, goes on into the piece after.
    """

    start: int
    end: int
    pitch: int | None
    tie_from: bool
    tie_to: bool


def text_of(data: bytes, source: str, expected: str, kind: str) -> str:
    """The text of a file with ``\\n`` between its lines: UTF-8 or UTF-16 by its byte order mark, else Windows-1252.

    Raises:
        FormatError: of the given kind, if there are nulls in it; `expected` says what should be there instead.
    """
    text = None
    for encoding in ("utf-16" if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig", "cp1252", "latin-1"):
        try:
            text = data.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    if text is None or "\0" in text:
        raise FormatError(f"binary data; expected {expected}", source, kind)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def bar_lines(melody: Melody) -> list[int]:
    """Ticks of the bar lines to write within a melody.

    A change of meter within a first bar without pickup gets none: the first bar line is what tells a pickup.
    """
    ticks = [bar.start for bar in melody.bars() if bar.start]
    short = bool(ticks) and not melody.pickup and ticks[0] < melody.meters[0].bar_ticks
    return ticks[1:] if short else ticks


def pickup_by(bars: Sequence[int], meters: Sequence[Meter], duration: int) -> int:
    """The pickup that bar lines tell: the first bar, if it is shorter than the meter, and something follows it.

    A change of meter within it says that it is no pickup.
    """
    first = bars[0] if bars else 0
    changed = len(meters) > 1 and meters[1].tick < first
    return first if meters and first < min(duration, meters[0].bar_ticks) and not changed else 0


MAX_MELISMA = 16
"""Notes of one syllable: where more have no words, they are music without words."""


def melismas(melody: Melody) -> dict[int, int]:
    """Onsets of the first and the last note of each syllable that has several notes, for their slurs.

    They follow each other without a rest, within a phrase.
    """
    syllables, ends, found = {tick for tick, _ in melody.lyrics}, set(melody.phrase_ends), dict[int, int]()
    first: int | None = None
    for before, note in pairwise(melody.notes) if syllables else ():
        first = before.onset if before.onset in syllables else first
        if note.onset in syllables or before.end != note.onset or before.end in ends:
            first = None
        if first is not None:
            found[first] = note.onset
    onsets = [note.onset for note in melody.notes]
    return {a: b for a, b in found.items() if bisect_left(onsets, b) - bisect_left(onsets, a) < MAX_MELISMA}


def cut(melody: Melody, bars: Sequence[int], longest: int) -> Iterator[Piece]:
    """The melody in pieces, cut at `bars`, meter changes, phrase ends and chords; none lasts over `longest` ticks."""
    changes = (*(meter.tick for meter in melody.meters), *(tick for tick, _ in melody.chords))
    cuts = sorted({*bars, *melody.phrase_ends, *changes})
    now = 0
    for onset, duration, pitch in melody.notes:
        yield from _cut_one(now, onset, None, cuts, longest)
        now = onset + duration
        yield from _cut_one(onset, now, pitch, cuts, longest)
    yield from _cut_one(now, melody.duration, None, cuts, longest)


def _cut_one(start: int, end: int, pitch: int | None, cuts: list[int], longest: int) -> Iterator[Piece]:
    inner = cuts[bisect_right(cuts, start) : bisect_left(cuts, end)]
    for first, last in pairwise([start, *inner, end]):
        for here in range(first, last, longest):
            stop = min(here + longest, last)
            yield Piece(here, stop, pitch, pitch is not None and here > start, pitch is not None and stop < end)
