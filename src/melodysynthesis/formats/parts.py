"""One melody out of many parts: which part is taken, and which of its notes.

The part is the one asked for by name or number; else the first whose name says that it is the melody
(`MELODY_NAMES`); else, drums aside, the one whose notes are highest on average. Within it the top line is
taken, by `top_line`. Whatever was decided is told in `Reading.notices`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from melodysynthesis.errors import FormatError
from melodysynthesis.music import Note

MELODY_NAMES = re.compile(
    r"melod|voice|vocal|\bvoc\b|\bvox|voix|sopran|\blead|singer|\bsolo|cantus|canto|\btune|gesang|singstimme",
    re.I,
)
"""Part names that say: this is the tune."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part that has notes: `name` may be empty, `mean_pitch` is the mean MIDI number of its notes."""

    name: str
    mean_pitch: float
    is_drum: bool = False


def choose(parts: Sequence[Part], wanted: str | None, source: str) -> tuple[int, list[str]]:
    """Index of the part that holds the melody, and the notices that say why.

    Args:
        parts: at least one.
        wanted: a name in any case, whole or a piece that fits one part only; or a number from 1; or None.
        source: for messages.

    Raises:
        FormatError: kind ``"no such part"``, if `wanted` is none of them.
    """
    index, why = _wanted(parts, wanted, source) if wanted is not None else _best(parts)
    if len(parts) == 1:
        return 0, []
    name = f", {parts[index].name[:40]!r}" if parts[index].name else ""
    return index, [f"{len(parts)} parts; took part {index + 1}{name}, {why}"]


def top_line(notes: Iterable[Note]) -> tuple[tuple[Note, ...], int]:
    """The highest line through notes that may overlap, and how many notes it leaves out.

    Of notes that start together the highest stays. A note is cut where a higher one starts. A lower note that
    starts under a sounding one is left out, unless more than half of it sounds after the higher one has
    ended: then these are two notes played legato, and the higher one ends where the lower starts.
    """
    line: list[Note] = []
    left_out = 0
    for note in sorted(notes, key=lambda n: (n.onset, -n.pitch, -n.duration)):
        last = line[-1] if line else None
        if last is not None and note.onset < last.end:
            legato = 2 * (note.end - last.end) > note.duration
            if note.onset == last.onset or not (note.pitch > last.pitch or legato):
                left_out += 1
                continue
            line[-1] = last._replace(duration=note.onset - last.onset)
        line.append(note)
    return tuple(line), left_out


def _wanted(parts: Sequence[Part], wanted: str, source: str) -> tuple[int, str]:
    names = [part.name for part in parts]
    sought = wanted.strip().casefold()
    if sought in (folded := [name.casefold() for name in names]):
        return folded.index(sought), "as asked"
    if sought.isdecimal() and 1 <= int(sought[:9]) <= len(parts):
        return int(sought) - 1, "as asked"
    within = [i for i, name in enumerate(folded) if sought and sought in name]
    if len(within) == 1:
        return within[0], "as asked"
    known = [f"{number} {name[:40]!r}" if name else f"{number}" for number, name in enumerate(names[:20], 1)]
    reason = f"no part {wanted[:40]!r}; its parts: {', '.join(known)}"
    raise FormatError(reason, source, "no such part")


def _best(parts: Sequence[Part]) -> tuple[int, str]:
    for index, part in enumerate(parts):
        if not part.is_drum and MELODY_NAMES.search(part.name):
            return index, "by its name"
    index = max(range(len(parts)), key=lambda i: (not parts[i].is_drum, parts[i].mean_pitch, -i))
    return index, "the highest on average"
