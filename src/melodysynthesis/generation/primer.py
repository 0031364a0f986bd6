"""Primers that a person gives: inline notes, or a file whose melodies are continued one after the other."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from melodysynthesis import formats
from melodysynthesis.errors import FormatError, RequestError
from melodysynthesis.generation.notation import looks_like_notes, parse_notes
from melodysynthesis.music import Melody


class Primers(NamedTuple):
    """What was given: the melodies, whether a last note may go on, and what a reader had to decide."""

    melodies: tuple[Melody, ...]
    held: bool
    notices: tuple[str, ...]


def primers_from(text: str, part: str | None = None, called: str = "primer") -> Primers:
    """The primers of inline notes or of a file.

    Args:
        text: such as "G4:1 A4:1/2", or the name of a file in any format that can be read. A file of that name wins.
        part: the part or track of the file.
        called: what it is, for messages.

    Raises:
        RequestError: if the text is neither.
        FormatError: if the file can't be read, or any tune in it.
    """
    if not text.strip():
        raise RequestError(f"the {called} is empty: give notes such as 'G4:1 A4:1/2', or a file")
    if not _is_file(text) and looks_like_notes(text):
        return Primers((parse_notes(text),), False, ())
    try:
        reading = formats.read(text, part)
    except FormatError as error:
        if error.kind == "no such file" and not Path(text).suffix:
            raise RequestError(f"{called} {text[:60]!r} is neither notes such as 'G4:1 A4:1/2' nor a file") from None
        raise
    if reading.problems:  # which melody continues which primer must not depend on what could be read
        raise reading.problems[0]
    held = formats.format_of(text).name == "grid"
    return Primers(tuple(reading.melodies), held, tuple(reading.notices))


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):  # too long for a name, or a null character
        return False
