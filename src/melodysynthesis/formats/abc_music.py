"""The lines of music of an ABC tune: notes, rests, chords, bar lines and endings, each as a handler of its token."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction

from melodysynthesis.formats.abc_fields import ACCIDENTALS, Ticks, scaled
from melodysynthesis.formats.abc_header import read_field
from melodysynthesis.formats.abc_rhythm import MAX_DIGITS
from melodysynthesis.formats.abc_state import CHORDS, OVERLAYS, REPEATS, SYMBOLS, Tune
from melodysynthesis.formats.abc_tokens import CHORD_NOTE, QUOTED_PRINTABLE, TOKEN
from melodysynthesis.formats.chord_symbols import symbol_of
from melodysynthesis.formats.limits import MAX_NOTES, MAX_TICKS, check_length
from melodysynthesis.music import STEP_PITCH_CLASS, TICKS_PER_WHOLE, transpose_symbol

_MAX_CHARACTERS_OF_A_NOTE = 20
# A line of a hundred thousand notes is refused before it is read.
_MAX_CHARACTERS = _MAX_CHARACTERS_OF_A_NOTE * MAX_NOTES
_NATURALS = {letter: 60 + STEP_PITCH_CLASS[letter] for letter in "CDEFGAB"}
_NATURALS |= {letter.lower(): pitch + 12 for letter, pitch in _NATURALS.items()}


def read_music(tune: Tune, text: str) -> None:
    """Read a line of music.

    Raises:
        FormatError: at the first thing that is no ABC, or beyond the limits.
    """
    # Ryan's Mammoth went through mail: "=" at a line's end continues it, "=20" is a space.
    mail = QUOTED_PRINTABLE.search(text)
    text = text[: mail.start()] if mail else text
    continued = text.endswith("\\") or (mail is not None and not mail[1])
    tune.is_continued = tune.is_continued if tune.silent else continued
    before = tune.now
    if not tune.silent:
        tune.line_notes = []
    if "!" in tune.breaks_at:
        text = text.replace("!", "$")
    if len(text) > _MAX_CHARACTERS:
        check_length(len(text) // _MAX_CHARACTERS_OF_A_NOTE, 0, tune.where())
    handlers = _HANDLERS
    for match in TOKEN.finditer(text):
        kind = match.lastgroup
        if kind is not None and (not tune.silent or kind in {"inline", "bar", "overlay"}):
            handlers[kind](tune, match)
    if tune.now > MAX_TICKS or len(tune.sounds) > MAX_NOTES:
        check_length(len(tune.sounds), int(tune.now), tune.where())
    ends_phrase = tune.breaks_at_line_ends and not continued
    if tune.dialect.lines_are_phrases and tune.now > before and ends_phrase:
        tune.phrase_ends.append(tune.now)


def _line_break(tune: Tune, match: re.Match[str]) -> None:
    """A sign that ends a line of the printed score, whatever the lines of the text."""
    is_new = tune.now and (not tune.phrase_ends or tune.phrase_ends[-1] < tune.now)
    if tune.breaks_at and tune.dialect.lines_are_phrases and is_new:
        tune.phrase_ends.append(tune.now)


def _quoted(tune: Tune, match: re.Match[str]) -> None:
    """A chord symbol, or an annotation, which begins with the sign of its place."""
    text = match["quoted"].strip()
    if not text or text[0] in "^_<>@":
        return
    symbol = symbol_of(text) or symbol_of(text.strip("()").partition("(")[0])  # "G(Em)": one chord or the other
    if symbol:
        tune.chords[tune.now] = transpose_symbol(symbol, tune.shift)
    else:
        tune.remarks.add(SYMBOLS)


def _note(tune: Tune, match: re.Match[str]) -> None:
    _, accidental, letter, octave, length, tie = match.group(1, 2, 3, 4, 5, 6)
    pitch = _pitch(tune, accidental, letter, octave)
    ticks = tune.rhythm.lengths.get(length)
    sound_note(tune, pitch, _ticks(tune, length) if ticks is None else ticks)
    if tie:
        tune.tied = True


def _pitch(tune: Tune, accidental: str | None, letter: str, octave: str) -> int:
    natural = _NATURALS[letter] + tune.shift
    if octave:
        natural += 12 * (octave.count("'") - octave.count(","))
    reach = natural if tune.dialect.accidentals_reach == "octave" else letter.upper()
    if accidental:
        alteration = ACCIDENTALS[accidental]
        if tune.dialect.accidentals_reach != "note":
            tune.accidentals[reach] = alteration
    elif tune.accidentals and reach in tune.accidentals:
        alteration = tune.accidentals[reach]
    elif tune.tied and natural == tune.held:
        return tune.sounds[-1][2]  # ^f-|f stays sharp
    else:
        alteration = tune.signature[letter]
    tune.held = natural
    pitch = natural + alteration
    if not 0 <= pitch <= 127:
        written = (accidental or "") + letter + octave[:20]
        raise tune.error(f"note {written!r} is beyond the MIDI range", "bad pitch")
    return pitch


def _grace(tune: Tune, match: re.Match[str]) -> None:
    """Grace notes do not sound, but their accidentals hold to the end of the bar."""
    if any(sign in match["grace"] for sign in "^_="):
        held = tune.held
        for accidental, letter, octave, *_ in CHORD_NOTE.findall(match["grace"][1:-1]):
            if accidental:
                _pitch(tune, accidental, letter, octave)
        tune.held = held


def _ticks(tune: Tune, length: str) -> Ticks:
    if not tune.rhythm.unit:
        tune.rhythm.set_default_unit(*(tune.meters[0][1:] if tune.meters else (4, 4)))
    try:
        return tune.rhythm.ticks(length)
    except ValueError as problem:
        raise tune.error(str(problem), "bad duration") from None


def sound_note(tune: Tune, pitch: int, ticks: Ticks) -> None:
    """Add a note of so many written ticks, or make the one before longer that is tied to it."""
    rhythm = tune.rhythm
    if rhythm.broken or rhythm.tuplet:
        ticks = rhythm.sounding(ticks)
    if tune.tied and tune.sounds[-1][2] == pitch:
        onset, before, _ = tune.sounds[-1]
        tune.sounds[-1] = (onset, before + ticks, pitch)
    else:
        tune.sounds.append((tune.now, ticks, pitch))
    if tune.has_words:
        tune.line_notes.append((tune.now, len(tune.bar_lines)))
    tune.now += ticks
    tune.last, tune.last_sounds, tune.tied = ticks, True, False
    if tune.breath:
        _take_breath(tune)


def _take_breath(tune: Tune) -> None:
    tune.phrase_ends.append(tune.now)
    tune.breath = False


def _breath(tune: Tune, match: re.Match[str]) -> None:
    """A sign before a note that breath is taken after it."""
    tune.breath = tune.breathes = True


def _rest(tune: Tune, match: re.Match[str]) -> None:
    letter, length = match["rest"][0], match["rest"][1:]
    if letter in "ZX":  # counted in bars
        beats, unit = tune.meters[-1][1:] if tune.meters else (1, 1)
        if "/" in length or len(length) > MAX_DIGITS or length == "0":
            raise tune.error(f"rest {letter + length[:40]!r}; expected a number of bars", "bad duration")
        ticks: Ticks = beats * TICKS_PER_WHOLE // unit * int(length or 1)
    else:
        ticks = tune.rhythm.sounding(_ticks(tune, length))
    tune.now += ticks
    tune.last, tune.last_sounds, tune.tied = ticks, False, False
    if tune.breath:
        _take_breath(tune)


def _break_rhythm(tune: Tune, match: re.Match[str]) -> None:
    longer_by = tune.rhythm.break_after(tune.last, match["broken"])
    if tune.phrase_ends and tune.phrase_ends[-1] == tune.now and tune.last:
        tune.phrase_ends[-1] += longer_by
    tune.now += longer_by
    tune.last += longer_by
    if tune.last_sounds:
        onset, ticks, pitch = tune.sounds[-1]
        tune.sounds[-1] = (onset, ticks + longer_by, pitch)


def _start_tuplet(tune: Tune, match: re.Match[str]) -> None:
    tune.rhythm.start_tuplet(match["tuplet"], tune.meters[-1][1] if tune.meters else 0)


def _chord(tune: Tune, match: re.Match[str]) -> None:
    text = match[0].strip()
    content, _, length = text[1:].partition("]" if text[0] == "[" else "+")
    written = [note for note in CHORD_NOTE.findall(content) if note[1]]
    if not written:
        return  # an annotation or an unknown bracket, no notes
    tune.remarks.add(CHORDS)
    held = [(_pitch(tune, *note[:3]), tune.held, bool(note[4])) for note in written]
    pitch, tune.held, inner_tie = max(held)
    inner, outer = _ticks(tune, written[0][3]), _ticks(tune, length.rstrip("-"))
    sound_note(tune, pitch, scaled(inner, *(Fraction(outer) / tune.rhythm.unit).as_integer_ratio()))
    tune.tied = inner_tie or length.endswith("-")


def _late_tie(tune: Tune, match: re.Match[str]) -> None:
    tune.tied = tune.last_sounds


def _overlay(tune: Tune, match: re.Match[str]) -> None:
    """Another layer of as many bars as there are signs; of all bars from ``(&`` on, up to ``&)``."""
    if tune.elsewhere():
        return
    sign = match["overlay"]
    tune.remarks.add(OVERLAYS)
    if sign in {"(&", "&)"}:
        tune.layered, tune.silent = sign == "(&", False
    else:
        tune.silent, tune.overlaid_bars = True, len(sign)


def _bar_line(tune: Tune, match: re.Match[str]) -> None:
    bar = match["bar"].strip()
    if tune.silent:
        tune.overlaid_bars -= 1
        tune.silent = tune.elsewhere() or tune.layered or tune.overlaid_bars > 0
        if tune.silent:
            return
    tune.accidentals.clear()
    if tune.now and (not tune.bar_lines or tune.bar_lines[-1] != tune.now):
        tune.bar_lines.append(tune.now)
    if ":" in bar:
        tune.remarks.add(REPEATS)
    ending = bar.lstrip("[|:] \t")
    if ending:
        _start_ending(tune, ending)


def _inline_ending(tune: Tune, match: re.Match[str]) -> None:
    _start_ending(tune, match["ending"].lstrip("["))


def _start_ending(tune: Tune, number: str) -> None:
    """At a later ending, take back what the ending before it said."""
    tune.remarks.add(REPEATS)
    if not number.startswith("1") and tune.ending:
        tune.now, notes, phrases, meters, bars = tune.ending
        del tune.sounds[notes:], tune.phrase_ends[phrases:], tune.meters[meters:], tune.bar_lines[bars:]
        while tune.line_notes and tune.line_notes[-1][0] >= tune.now:
            tune.line_notes.pop()
        for texts in (tune.lyrics, tune.chords):
            while texts and next(reversed(texts)) >= tune.now:
                texts.popitem()
    # a tie into an ending would hold a note that may be taken back
    tune.tied = tune.last_sounds = False
    tune.ending = (
        tune.now, len(tune.sounds), len(tune.phrase_ends), len(tune.meters), len(tune.bar_lines)
    )  # fmt: skip


def _inline_field(tune: Tune, match: re.Match[str]) -> None:
    read_field(tune, match["inline"][1], match["inline"][3:-1].strip())


def _mistake(tune: Tune, match: re.Match[str]) -> None:
    found = match["mistake"]
    raise tune.error(f"unexpected {found!r}; expected notes, rests, bar lines or decorations", "bad music")


_HANDLERS: dict[str, Callable[[Tune, re.Match[str]], None]] = {
    "note": _note,
    "rest": _rest,
    "bar": _bar_line,
    "ending": _inline_ending,
    "tuplet": _start_tuplet,
    "broken": _break_rhythm,
    "inline": _inline_field,
    "chord": _chord,
    "old_chord": _chord,
    "late_tie": _late_tie,
    "overlay": _overlay,
    "line_break": _line_break,
    "quoted": _quoted,
    "breath": _breath,
    "grace": _grace,
    "mistake": _mistake,
}
