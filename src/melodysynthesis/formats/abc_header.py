"""The fields and directives of an ABC tune, wherever in the tune they are: what each of them changes."""

from __future__ import annotations

import re
from typing import Literal

from melodysynthesis.formats.abc_fields import after_tonic, parse_key, parse_meter, parse_shifts, parse_unit
from melodysynthesis.formats.abc_state import FREE, KEYS, MACROS, REPEATS, Tune
from melodysynthesis.music import TICKS_PER_WHOLE

_REACHES: dict[str, Literal["octave", "letter", "note"]] = {"not": "note", "octave": "octave", "pitch": "letter"}


def read_directive(tune: Tune, row: str) -> None:
    """Read a line that begins with ``%``: a comment, or a directive such as ``%%MIDI``."""
    if row.startswith("%%"):
        _instruction(tune, row[2:])
    elif re.match(r"%abc-2\.[1-9]", row):
        tune.dialect = tune.dialect._replace(accidentals_reach="letter")


def _instruction(tune: Tune, text: str) -> None:
    """What ``%%`` and `I:` say."""
    words = text.split()
    if words[:1] == ["propagate-accidentals"]:
        reach = _REACHES.get(words[-1], "letter")
        tune.dialect = tune.dialect._replace(accidentals_reach=reach)
    elif words[:1] == ["linebreak"]:
        tune.breaks_at = "".join(word for word in words[1:] if word in {"$", "!"})
        tune.breaks_at_line_ends = "<EOL>" in words
    elif words[:2] == ["MIDI", "transpose"] and re.fullmatch(r"[+-]?\d{1,2}", words[-1]) and not tune.elsewhere():
        tune.set_shifts(tune.shifts | {"playback": int(words[-1])})
    elif match := re.match(r"pickup (\d{1,6})(?:/(\d{1,2}))?\s*$", text):
        tune.pickup = int(match[1]) * TICKS_PER_WHOLE // max(1, int(match[2] or 1))


def read_field(tune: Tune, letter: str, value: str) -> None:
    """Read a field of the header, the body or a line of music.

    Raises:
        FormatError: for a meter, unit length or key that is none.
    """
    if letter == "V":
        _set_voice(tune, value)
    elif letter == "X":
        tune.number = value[:20]
    elif letter == "T":
        tune.title = tune.title or value[:200]
    elif letter == "C":
        tune.composer = tune.composer or value[:200]
    elif letter == "Q":
        tune.tempo = tune.tempo or value[:200]
    elif letter == "I":
        _instruction(tune, value)
    elif letter == "m":
        tune.remarks.add(MACROS)
    elif letter == "P" and tune.in_header:  # in which order the parts are played
        tune.remarks.add(REPEATS)
    elif letter == "w":
        _words(tune, value)
    elif letter in "MLK" and (tune.in_header or not tune.elsewhere()):
        try:
            {"M": _set_meter, "L": _set_unit, "K": _set_key}[letter](tune, value)
        except ValueError as problem:
            kind = {"M": "bad meter", "L": "bad unit length", "K": "bad key"}[letter]
            raise tune.error(str(problem), kind) from None
        tune.in_header = tune.in_header and letter != "K"


def _set_voice(tune: Tune, value: str) -> None:
    """In the header a voice is only described; in the body its music follows."""
    voice, properties = (*value.split(maxsplit=1), "", "")[:2]
    if voice == "*":
        tune.set_shifts(tune.shifts | parse_shifts(properties))
        return
    if not tune.in_header:
        tune.voice = voice or None
        tune.silent = tune.elsewhere()
    if voice == tune.wanted_voice:
        tune.set_shifts(tune.shifts | parse_shifts(properties))


def _set_meter(tune: Tune, value: str) -> None:
    meter = parse_meter(value)
    if meter is None:
        if not tune.now:
            tune.meters.clear()
        if tune.meters:
            tune.remarks.add(FREE)
        return
    if not tune.meters:
        if tune.now:
            tune.remarks.add(FREE)
        tune.meters.append((0, *meter))
    elif tune.meters[-1][0] == tune.now:
        tune.meters[-1] = (tune.now, *meter)
    else:
        tune.meters.append((tune.now, *meter))


def _set_unit(tune: Tune, value: str) -> None:
    tune.rhythm.set_unit(parse_unit(value))


def _set_key(tune: Tune, value: str) -> None:
    parsed, shifts = parse_key(value), parse_shifts(after_tonic(value))
    tune.set_shifts(shifts | tune.shifts if tune.in_header else tune.shifts | shifts)
    if parsed is None:
        return
    key, tune.signature = parsed
    tune.accidentals.clear()
    if not tune.key_seen or not tune.now:
        tune.key, tune.key_seen = key, True
    elif key != tune.key:
        tune.remarks.add(KEYS)


def _words(tune: Tune, text: str) -> None:
    """Words below a line of music: a syllable for each note, by the rules of `w:`. Later verses are left out."""
    if tune.elsewhere() or not tune.line_notes:
        return
    notes, tune.line_notes = tune.line_notes, []
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
            tune.lyrics[onset] = syllable.replace("~", " ").replace("\\-", "-")[:80]
        index += 1
