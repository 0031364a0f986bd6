"""One ABC tune from its lines to a `Melody`: the reader's inner part. What it decides is told in `abc`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from itertools import chain, repeat

from melodysynthesis.formats.abc_fields import parse_tempo, voice_names
from melodysynthesis.formats.abc_header import read_directive, read_field
from melodysynthesis.formats.abc_music import read_music
from melodysynthesis.formats.abc_state import ROUNDED, VOICES, Tune
from melodysynthesis.formats.abc_tokens import FIELD
from melodysynthesis.formats.chord_symbols import sorted_chords
from melodysynthesis.formats.notation import key_that_sounds
from melodysynthesis.formats.pieces import pickup_by
from melodysynthesis.music import TICKS_PER_WHOLE, Melody, Meter, Note
from melodysynthesis.theory import meters_from_bar_lines

_COMMENT = re.compile(r"(?<!\\)%.*")


def read_tune(tune: Tune, first_line: int, lines: list[str], file_header: Sequence[str] = ()) -> Melody:
    """Read the tune's lines, of which the first is line `first_line` of the file.

    Args:
        first_line: counted from 1.
        lines: from X: on.
        file_header: lines that hold for all tunes of the file.

    Raises:
        FormatError: at the first thing that is no ABC, or beyond the limits.
    """
    _choose_voice(tune, lines)
    tune.has_words = any("w:" in row for row in lines)
    has_key = any(row.startswith("K:") for row in lines)
    verbatim = False
    for tune.line, row in chain(zip(repeat(1), file_header), enumerate(_joined(lines), first_line)):
        if row.startswith("%"):
            verbatim = row.startswith("%%begin") or (verbatim and not row.startswith("%%end"))
            read_directive(tune, row)
            continue
        text = _COMMENT.sub("", row).strip() if "%" in row else row.strip()
        if verbatim or not text:
            continue
        if text[1:2] == ":" and (match := FIELD.match(text)):
            read_field(tune, match[1], match[2])
        elif not (tune.in_header and has_key):  # else it goes on with the text of a field, such as H:
            read_music(tune, text)
    return _melody(tune)


def _choose_voice(tune: Tune, lines: list[str]) -> None:
    names = voice_names(lines)
    voices = list(names)
    tune.wanted_voice = voices[0] if voices else None
    if len(voices) > 1:
        tune.remarks.add(VOICES)
        if tune.part is not None:
            by_number = {str(index): voice for index, voice in enumerate(voices, 1)}
            by_name = {name: voice for voice, name in names.items() if name}
            chosen = by_number | by_name | {voice: voice for voice in voices}
            if tune.part not in chosen:
                known = ", ".join(voices)[:200]
                raise tune.error(f"no voice {tune.part!r}; there are {known}", "no such part")
            tune.wanted_voice = chosen[tune.part]


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


def _melody(tune: Tune) -> Melody:
    if type(tune.now) is Fraction:  # as it stays once a fraction has been added
        if any(time != int(time) for sound in tune.sounds for time in sound[:2]):
            tune.remarks.add(ROUNDED)
        ends = [(round(onset), round(onset + ticks), pitch) for onset, ticks, pitch in tune.sounds]
        tune.sounds = [(onset, end - onset, pitch) for onset, end, pitch in ends if end > onset]
    duration = round(tune.now)
    if (tune.breaks_at or tune.breathes) and not tune.is_continued and tune.dialect.lines_are_phrases:
        tune.phrase_ends.append(tune.now)
    onsets = {onset for onset, _, _ in tune.sounds} if tune.lyrics else set()
    lyrics = {round(onset): syllable for onset, syllable in tune.lyrics.items()}
    bar_lines = [round(tick) for tick in tune.bar_lines]
    meters = _rounded_meters(tune, bar_lines, duration)
    name = f"{tune.source} no. {tune.number}" if tune.number else tune.source
    try:
        return Melody(
            notes=tuple(map(Note._make, tune.sounds)),
            duration=duration,
            meters=meters,
            key=key_that_sounds(tune.key, tune.key_shift) if tune.key else None,
            phrase_ends=tuple(sorted({round(tick) for tick in tune.phrase_ends} - {0})),
            pickup=pickup_by(bar_lines, meters, duration) if tune.pickup is None else tune.pickup,
            source=f"{name}, {tune.title}" if tune.title else name,
            title=tune.title,
            composer=tune.composer,
            tempo=parse_tempo(tune.tempo, tune.rhythm.unit or TICKS_PER_WHOLE // 8) if tune.tempo else None,
            lyrics=tuple(sorted((tick, text) for tick, text in lyrics.items() if tick in onsets)),
            chords=sorted_chords({round(tick): symbol for tick, symbol in tune.chords.items()}, duration),
        )
    except ValueError as problem:
        raise tune.error(str(problem), "bad music") from problem


def _rounded_meters(tune: Tune, bar_lines: list[int], duration: int) -> tuple[Meter, ...]:
    by_tick = {round(tick): (beats, unit) for tick, beats, unit in tune.meters if not tick or tick < duration}
    meters = tuple(Meter(tick, *meter) for tick, meter in by_tick.items() if not tick or tick < duration)
    if tune.dialect.bar_lines_bind and len(meters) == 1:
        return meters_from_bar_lines(meters[0], bar_lines, duration)
    return meters
