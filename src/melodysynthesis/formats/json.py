"""JSON: a melody with nothing left out, for programs.

    {"format": "melody", "version": 1, "ticks_per_quarter": 24,
     "duration": 96, "pickup": 0,
     "key": {"tonic": "G", "mode": "major"},
     "meters": [[0, 4, 4]],
     "phrase_ends": [96],
     "notes": [[0, 24, 67], [24, 24, 69], [48, 48, 71]],
     "source": "erk1.abc: 3"}

All times are ticks. A note is onset, duration, MIDI number; a meter is tick, beats, beat unit. `key` is null
where unknown. ``title``, ``composer``, ``tempo`` (quarters a minute), ``lyrics`` (pairs of tick and syllable) and
``chords`` (pairs of tick and symbol) are there where they are known. `notes` and `duration` must be there,
everything else has the value of an empty `Melody`. Other fields are passed over. A list of such objects is read as
many melodies.
"""

from __future__ import annotations

import json
from typing import Any

from melodysynthesis.errors import FormatError, RequestError
from melodysynthesis.formats.base import Format, Reading
from melodysynthesis.formats.limits import check_file_size, check_length, check_melodies
from melodysynthesis.music import TICKS_PER_QUARTER, Key, Melody, Meter, Note
from melodysynthesis.theory.chords import parse_chord

VERSION = 1
MAX_JSON_BYTES = 8 * 2**20
"""A parsed list of numbers takes some fifteen times its text."""


def to_dict(melody: Melody) -> dict[str, Any]:
    """The JSON object of a melody, as above."""
    key = melody.key
    return {
        "format": "melody",
        "version": VERSION,
        "ticks_per_quarter": TICKS_PER_QUARTER,
        "duration": melody.duration,
        "pickup": melody.pickup,
        "key": None if key is None else {"tonic": key.tonic, "mode": key.mode},
        "meters": [list(meter) for meter in melody.meters],
        "phrase_ends": list(melody.phrase_ends),
        "notes": [list(note) for note in melody.notes],
        "source": melody.source,
        **_about(melody),
    }


def _about(melody: Melody) -> dict[str, Any]:
    """What is known of title, composer, tempo, lyrics and chords."""
    about = {"title": melody.title, "composer": melody.composer, "tempo": melody.tempo}
    known = {name: value for name, value in about.items() if value}
    pairs = {"lyrics": melody.lyrics, "chords": melody.chords}
    return known | {name: [list(pair) for pair in value] for name, value in pairs.items() if value}


def from_dict(fields: object, where: str = "") -> Melody:
    """The melody of such an object; the inverse of `to_dict`. `where` is for messages.

    Raises:
        FormatError: naming the field that is missing or not as described.
    """
    if not isinstance(fields, dict):
        raise FormatError(f"expected an object with notes, found {_kind(fields)}", where, "bad JSON")
    if (ticks := fields.get("ticks_per_quarter", TICKS_PER_QUARTER)) != TICKS_PER_QUARTER:
        raise FormatError(f"ticks_per_quarter is {_kind(ticks)}, expected {TICKS_PER_QUARTER}", where, "bad JSON")
    check_length(len(_list(fields, "notes", where, required=True)), 0, where)
    notes = tuple(Note(*row) for row in _rows(fields, "notes", 3, where, required=True))
    duration = _whole(fields.get("duration"), "duration", where)
    check_length(len(notes), duration, where)
    try:
        return Melody(
            notes,
            duration,
            tuple(Meter(*row) for row in _rows(fields, "meters", 3, where)),
            _key(fields.get("key"), where),
            tuple(_whole(tick, "phrase_ends", where) for tick in _list(fields, "phrase_ends", where)),
            _whole(fields.get("pickup", 0), "pickup", where),
            str(fields.get("source", "")) or where,
            title=str(fields.get("title", ""))[:200],
            composer=str(fields.get("composer", ""))[:200],
            tempo=_tempo(fields.get("tempo"), where),
            lyrics=_texts(fields, "lyrics", where),
            chords=_chords(fields, where),
        )
    except ValueError as error:
        raise FormatError(str(error), where, "bad JSON") from None


def read(data: bytes, source: str, part: str | None = None) -> Reading:
    """The melodies of a JSON text. `part` is the number of one, from 1.

    Raises:
        FormatError: if the text is no JSON, or none of its melodies can be read.
    """
    check_file_size(len(data), source, MAX_JSON_BYTES)
    try:
        found = json.loads(data)
    except RecursionError:
        raise FormatError("it is nested too deeply for a melody", source, "bad JSON") from None
    except ValueError as error:  # also UnicodeDecodeError
        text = str(error)
        reason = (
            "it has a number of more digits than any tick" if "integer string" in text else f"no JSON: {text[:200]}"
        )
        raise FormatError(reason, source, "bad JSON") from None
    check_melodies(len(found) if isinstance(found, list) else 1, source)
    items = list(enumerate(found, 1)) if isinstance(found, list) else [(1, found)]
    if part is not None:
        if not (part.isdecimal() and 1 <= int(part[:9]) <= len(items)):
            reason = f"no melody {part[:40]!r}: they are numbered from 1 to {len(items)}"
            raise FormatError(reason, source, "no such part")
        items = [items[int(part) - 1]]
    reading = Reading()
    for number, item in items:
        try:
            reading.melodies.append(from_dict(item, f"{source}: {number}" if len(items) > 1 else source))
        except FormatError as problem:
            reading.problems.append(problem)
    if not reading.melodies:
        raise reading.problems[0] if reading.problems else FormatError("no melodies", source, "empty")
    return reading


def write(melody: Melody) -> bytes:
    """The JSON object of a melody, in one line."""
    return (json.dumps(to_dict(melody), ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")


FORMAT = Format("json", (".json",), read, write, frozenset({"duration", "meters", "key", "phrase_ends", "pickup"}))


def _key(value: object, where: str) -> Key | None:
    if value is None:
        return None
    if not isinstance(value, dict) or not isinstance(value.get("tonic"), str):
        raise FormatError(f"key is {_kind(value)}, expected a tonic and a mode", where, "bad JSON")
    return Key(value["tonic"], str(value.get("mode", "major")))


def _tempo(value: object, where: str) -> float | None:
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    raise FormatError(f"tempo is {_kind(value)}, expected quarters per minute", where, "bad JSON")


def _texts(fields: dict[str, Any], name: str, where: str) -> tuple[tuple[int, str], ...]:
    pairs = _list(fields, name, where)
    if not all(isinstance(pair, list) and len(pair) == 2 and isinstance(pair[1], str) for pair in pairs):
        raise FormatError(f"{name}: expected pairs of a tick and a text", where, "bad JSON")
    duration = _whole(fields.get("duration"), "duration", where)
    if late := next((tick for tick, _ in pairs if _whole(tick, name, where) > duration), None):
        raise FormatError(f"{name}: tick {_kind(late)} is after the melody's {duration} ticks", where, "bad JSON")
    return tuple((tick, text[:80]) for tick, text in pairs)


def _chords(fields: dict[str, Any], where: str) -> tuple[tuple[int, str], ...]:
    try:
        return tuple((tick, str(parse_chord(symbol))) for tick, symbol in _texts(fields, "chords", where))
    except RequestError as error:
        raise FormatError(f"chords: {error}", where, "bad JSON") from None


def _rows(fields: dict[str, Any], name: str, width: int, where: str, required: bool = False) -> list[list[int]]:
    rows = _list(fields, name, where, required)
    for number, row in enumerate(rows, 1):
        if not isinstance(row, list) or len(row) != width:
            reason = f"{name}, entry {number}: expected {width} whole numbers, found {_kind(row)}"
            raise FormatError(reason, where, "bad JSON")
        for value in row:
            _whole(value, f"{name}, entry {number}", where)
    return rows


def _list(fields: dict[str, Any], name: str, where: str, required: bool = False) -> list[Any]:
    if name not in fields and not required:
        return []
    if not isinstance(fields.get(name), list):
        raise FormatError(f"{name} is {_kind(fields.get(name))}, expected a list", where, "bad JSON")
    value: list[Any] = fields[name]
    return value


def _whole(value: object, name: str, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise FormatError(f"{name}: {_kind(value)} is no whole number from 0", where, "bad JSON")
    return value


def _kind(value: object) -> str:
    """A short name of a JSON value, for messages."""
    if value is None or isinstance(value, str | int | float):
        return repr(value)[:40] if value is not None else "null"
    return "a list" if isinstance(value, list) else "an object"
