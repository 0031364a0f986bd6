"""Grid text: the time-step notation of the original study.

One token is a sixteenth (6 ticks). A MIDI number starts a note, `r` starts a rest, `_` holds either. A song
ends at the end of its line or at the first `/`; the study's corpus files hold one long line with 64 `/` after
each song, its generated melodies stand one a line.

    60 _ _ _ 62 _ 64 _ r _ _ _      a quarter, two eighths, a quarter rest

The text says nothing of meter, key or phrases. Neighbouring rests are one rest in a `Melody`. A melody with
an onset or a duration that is not a whole number of sixteenths can't be written and is refused, never rounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice

from melodysynthesis.errors import FormatError
from melodysynthesis.formats.base import Format, Reading
from melodysynthesis.formats.limits import MAX_MELODIES, check_file_size, check_length, check_melodies
from melodysynthesis.music import Melody, Note

STEP_TICKS = 6
REST, HOLD, DELIMITER = "r", "_", "/"
DELIMITERS_AFTER_SONG = 64
MAX_GRID_BYTES = 4 * 2**20

_SONG = re.compile(rb"[^/\s][^/\r\n]*")
_NOT_WHOLE = f"not a whole number of sixteenths of {STEP_TICKS} ticks"
_PITCH_OF_TOKEN = {str(pitch): pitch for pitch in range(128)}


def tokens_of(melody: Melody) -> list[str]:
    """Tokens of a melody, one for each sixteenth; none for a melody without duration.

    Raises:
        FormatError: kind ``"off the grid"``, naming the first note that is not on sixteenths.
    """
    _check_on_grid(melody)
    tokens: list[str] = []
    for onset, duration, pitch in melody.notes:
        _add(tokens, REST, onset // STEP_TICKS - len(tokens))
        _add(tokens, str(pitch), duration // STEP_TICKS)
    _add(tokens, REST, melody.duration // STEP_TICKS - len(tokens))
    return tokens


def melody_of(tokens: Iterable[str], where: str = "") -> Melody:
    """The melody that the tokens of one song say, without delimiters. The inverse of `tokens_of`.

    Args:
        tokens: MIDI numbers 0 to 127 in decimal, `r` and `_`.
        where: file and line, for messages and the melody's `source`.

    Raises:
        FormatError: kind ``"bad token"``, naming the token that is none of these, or a leading `_`.
    """
    notes: list[Note] = []
    sounding: int | None = None
    start, now = 0, 0
    for token in tokens:
        if token == HOLD:
            if not now:
                raise FormatError(f"token 1 is {HOLD!r}, which holds a note before there is one", where, "bad token")
        else:
            if sounding is not None:
                notes.append(Note(start, now - start, sounding))
            sounding, start = _PITCH_OF_TOKEN.get(token), now
            if sounding is None and token != REST:
                raise FormatError(_not_a_token(token, now // STEP_TICKS + 1), where, "bad token")
        now += STEP_TICKS
    if sounding is not None:
        notes.append(Note(start, now - start, sounding))
    return Melody(tuple(notes), now, source=where)


def read(data: bytes, source: str, part: str | None = None) -> Reading:
    """Every song of a grid text. `part` is the number of one song, from 1.

    Raises:
        FormatError: if the text holds no song that can be read.
    """
    check_file_size(len(data), source, MAX_GRID_BYTES)
    reading = Reading()
    # counted before they are split, as a list of a million songs would take a gigabyte
    check_melodies(sum(1 for _ in islice(_SONG.finditer(data), MAX_MELODIES + 1)), source)
    songs = list(_songs(_text_of(data, source), source))
    if part is not None:
        if not (part.isdecimal() and 1 <= int(part[:9]) <= len(songs)):
            reason = f"no song {part[:40]!r}: they are numbered from 1 to {len(songs)}"
            raise FormatError(reason, source, "no such part")
        songs = [songs[int(part[:9]) - 1]]
    for where, tokens in songs:
        try:
            check_length(0, len(tokens) * STEP_TICKS, where)
            reading.melodies.append(melody_of(tokens, where))
        except FormatError as problem:
            reading.problems.append(problem)
    if not reading.melodies:
        raise reading.problems[0] if reading.problems else FormatError("no tokens", source, "empty")
    return reading


def write(melody: Melody) -> bytes:
    """One line of tokens.

    Raises:
        FormatError: if the melody is off the grid or has no duration.
    """
    tokens = tokens_of(melody)
    if not tokens:
        raise FormatError("a melody without duration has no tokens", melody.source, "empty")
    return (" ".join(tokens) + "\n").encode()


FORMAT = Format("grid", (".txt", ".grid"), read, write, frozenset({"duration"}))


def _add(tokens: list[str], onset_token: str, steps: int) -> None:
    if steps:
        tokens.append(onset_token)
        tokens.extend([HOLD] * (steps - 1))


def _check_on_grid(melody: Melody) -> None:
    for number, (onset, duration, pitch) in enumerate(melody.notes, 1):
        for ticks, what in ((onset, "starts at tick"), (duration, "lasts")):
            if ticks % STEP_TICKS:
                reason = f"note {number} (MIDI {pitch}) {what} {ticks}, {_NOT_WHOLE}"
                raise FormatError(reason, melody.source, "off the grid")
    if melody.duration % STEP_TICKS:
        reason = f"the melody lasts {melody.duration} ticks, {_NOT_WHOLE}"
        raise FormatError(reason, melody.source, "off the grid")


def _not_a_token(token: str, place: int) -> str:
    return f"token {place} is {token[:20]!r}: expected a MIDI number from 0 to 127, {REST!r} or {HOLD!r}"


def _text_of(data: bytes, source: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        reason = f"byte {error.start} is not text: expected MIDI numbers, {REST!r} and {HOLD!r}"
        raise FormatError(reason, source, "not text") from None


def _songs(text: str, source: str) -> Iterable[tuple[str, list[str]]]:
    """Place and tokens of each song. Songs that share a line are numbered within it."""
    for line_number, line in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1):
        songs = [tokens for tokens in (song.split() for song in line.split(DELIMITER)) if tokens]
        for number, tokens in enumerate(songs, 1):
            place = f"{source}:{line_number}" + (f" song {number}" if len(songs) > 1 else "")
            yield place, tokens
