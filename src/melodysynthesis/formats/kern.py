"""Humdrum `**kern`: one part with phrase marks, read by `kern_reader` and written so that a `Melody` loses nothing.

`!!!pickup:` is ours, for a pickup that bar lines can't tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from fractions import Fraction

from melodysynthesis.formats.base import Format, Reading
from melodysynthesis.formats.pieces import bar_lines, cut, melismas, pickup_by
from melodysynthesis.music import (
    TICKS_PER_WHOLE,
    Key,
    Melody,
)
from melodysynthesis.theory import SCALES, STEPS_BY_FIFTHS, signature, signature_alterations, spell

_LONGEST_NOTE = 100 * TICKS_PER_WHOLE


def read(data: bytes, source: str, part: str | None = None) -> Reading:
    """Read a kern file, by `kern_reader.read`, which is imported where it is used."""
    from melodysynthesis.formats import kern_reader

    return kern_reader.read(data, source, part)


def write(melody: Melody) -> bytes:
    """Write a melody as a `**kern` spine, its words as `**text`, its chords as `**mxhm`. Reading it gives an equal one.

    A note that sounds across a bar line or a phrase end is written as tied notes.
    """
    title, composer = ("".join(c for c in text if c.isprintable()) for text in (melody.title, melody.composer))
    title = title or "".join(c for c in melody.source if c.isprintable())
    about = [f"{label}: {text}" for label, text in (("!!!COM", composer), ("!!!OTL", title)) if text]
    head = [*about, "**kern", *_key_rows(melody.key)]
    if melody.tempo:
        head.append(f"*MM{melody.tempo:.6g}")
    head.append(f"*M{melody.meters[0]}" if melody.meters else "*MX")
    bars = bar_lines(melody)
    if melody.pickup != pickup_by(bars, melody.meters, melody.duration):
        head.insert(0, f"!!!pickup: {Fraction(melody.pickup, TICKS_PER_WHOLE)}")
    rows: Iterable[str] = [*head, *_rows(melody, bars), "==", "*-"]
    rows = _with_words(rows, melody) if melody.lyrics else rows
    return "\n".join([*(_with_chords(rows, melody) if melody.chords else rows), ""]).encode()


def _with_chords(rows: Iterable[str], melody: Melody) -> Iterator[str]:
    """The rows with a second spine of chord symbols; each chord enters at the start of a row of notes."""
    chords = dict(melody.chords)
    starts = (piece.start for piece in cut(melody, bar_lines(melody), _LONGEST_NOTE))
    for row in rows:
        if row.startswith("!"):
            yield row
        elif row.startswith("**"):
            yield row + "\t**mxhm"
        elif row.startswith(("*-", "=")):
            yield row + "\t" + row.partition("\t")[0]
        else:
            yield row + "\t" + ("*" if row.startswith("*") else chords.get(next(starts), "."))


def _with_words(rows: Iterable[str], melody: Melody) -> Iterator[str]:
    """The rows of notes with those of `**text`: a syllable at each note that begins one, hyphens where words go on."""
    plain = {tick: "".join(c for c in text if c.isprintable()) for tick, text in melody.lyrics}
    words = {tick: re.sub(r"\s+", " ", text).lstrip(" *!=|").rstrip() for tick, text in plain.items()}
    pieces = cut(melody, bar_lines(melody), _LONGEST_NOTE)
    onsets = iter([None if pitch is None or tied else tick for tick, _, pitch, tied, _ in pieces])
    goes_on = False
    for row in rows:
        if row.startswith("!"):
            yield row
        elif row == "**kern":
            yield from ("**kern\t**text", "*staff1\t*staff1")  # music21 sets the words where their staff is named
        elif row[0] in "*=":
            yield f"{row}\t{row if row[0] == '=' or row == '*-' else '*'}"
        else:
            onset = next(onsets)
            text = "" if onset is None else words.get(onset, "").lstrip("-")
            yield f"{row}\t{('-' * goes_on + text) if text.strip('.') else '.'}"
            goes_on = text.endswith("-") if text else goes_on


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
    slurs = melismas(melody)
    onset, slur_ends = 0, set(slurs.values())
    for start, end, pitch, tie_from, tie_to in cut(melody, bars, _LONGEST_NOTE):
        if start in changes:
            yield f"*M{changes[start]}"
        name = "r" if pitch is None else _name(pitch, melody.key)
        tie = ("_" if tie_from else "[") if tie_to else "]" if tie_from else ""
        token = _reciprocal(end - start) + name
        token = tie + token if tie == "[" else token + tie
        if pitch is not None:
            onset = onset if tie_from else start
            token = "(" * (start in slurs) + token + ")" * (onset in slur_ends and not tie_to)
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
