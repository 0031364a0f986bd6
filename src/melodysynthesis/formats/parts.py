"""One melody out of many parts: which part is taken, and which of its notes.

The part is the one requested by name or number. Without a wish each part gets points, and the most win; of equals the
first:

    8    its name says melody, such as Voice, Lead, Soprano or Singstimme (`MELODY_NAMES`); later ones of such names, 4
    -4   its name says accompaniment, such as Bass, Pad or Piano (`ACCOMPANIMENT_NAMES`)
    4    it has lyrics
    0-3  height: the share of the other parts whose notes are lower on average, times 3; in kern, of the spines before
         it, which go from low to high
    0-2  monophony: the share of its notes that start while no other sounds, times 2
    -2   its mean pitch is outside C3 to C6, where people sing and fiddle
    -4   it has fewer than a quarter of the notes of the average part: a fill-in
    -99  drums

Within the part the top line is taken, by `top_line`. What was decided and why is listed in `Reading.notices`.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from melodysynthesis.errors import FormatError
from melodysynthesis.music import Note

if TYPE_CHECKING:
    from numpy.typing import NDArray

MELODY_NAMES = re.compile(
    r"melod|voice|vocal|\bvoc\b|\bvox|voix|sopran|\blead|singer|\bsolo|cantus|canto|\btune|gesang|singstimme|superius",
    re.I,
)
"""Part names that say: this is the tune."""
ACCOMPANIMENT_NAMES = re.compile(
    r"bass|accomp|begleit|\bpads?\b|chord|rhythm|piano|klavier|cembalo|harpsi|organ|orgel|harmon|back(ing|ground)", re.I
)
"""Part names that say: this goes along with the tune."""
_LOWEST_MEAN, _HIGHEST_MEAN = 48, 84

Time = int | Fraction


@dataclass(frozen=True, slots=True)
class Part:
    """A part that has notes, as far as the choice needs to know it.

    Attributes:
        name: may be empty.
        mean_pitch: mean MIDI number of its notes.
        is_drum: whether it is percussion.
        notes: how many there are.
        monophony: share of the notes that start while no other note sounds.
        has_lyrics: whether it has words.
        place: its place in the score from low to high, where the format has one; this is then its height.
    """

    name: str
    mean_pitch: float
    is_drum: bool = False
    notes: int = 1
    monophony: float = 1.0
    has_lyrics: bool = False
    place: int | None = None

    @property
    def height(self) -> float:
        """What is larger for a higher part."""
        return self.mean_pitch if self.place is None else self.place


def monophony(edges: NDArray[np.int64] | Sequence[tuple[Time, Time]]) -> float:
    """Share of the notes, rows of onset and end, that start while no other note sounds.

    A tenth of an overlap, as between notes played legato, does not count.
    """
    onset, end = np.array(edges, float).reshape(-1, 2).T
    order = np.argsort(onset, kind="stable")
    onset, end = onset[order], end[order]
    sounding = np.maximum.accumulate(end)[:-1]
    return 1 - float(np.sum(10 * (sounding - onset[1:]) > (end - onset)[1:])) / max(1, len(onset))


def choose(parts: Sequence[Part], wanted: str | None, source: str) -> tuple[int, list[str]]:
    """Index of the part that holds the melody, and the notices that say why.

    Args:
        parts: at least one.
        wanted: a name in any case, whole or a piece that fits one part only; or a number from 1; or None.
        source: for messages.

    Raises:
        FormatError: kind ``"no such part"``, if `wanted` is none of them; kind ``"only drums"``, if nothing is
            `wanted` and there is nothing else.
    """
    if wanted is not None:
        index, why = _wanted(parts, wanted, source)
    elif all(part.is_drum for part in parts):
        raise FormatError("there are only drums in it, no melody", source, "only drums")
    else:
        index, why = _best(parts)
    if len(parts) == 1:
        return 0, ["its only part is drums"] if parts[0].is_drum else []
    name = f", {parts[index].name[:40]!r}" if parts[index].name else ""
    return index, [f"{len(parts)} parts; took part {index + 1}{name}, {why}"]


def top_line(notes: Iterable[Note]) -> tuple[tuple[Note, ...], int]:
    """The highest line through notes that may overlap, and how many notes it leaves out.

    Of notes that start together the highest stays. A note is cut where a higher one starts. A lower note that
    starts under a sounding one is left out, unless more than half of it sounds after the higher one has
    ended: then these are two notes played legato, and the higher one ends where the lower starts.
    """
    notes = tuple(notes)
    if all(onset + duration <= then[0] for (onset, duration, _), then in pairwise(notes)):
        return notes, 0
    line: list[Note] = []
    left_out = 0
    for note in sorted(notes, key=lambda n: (n[0], -n[2], -n[1])):
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
        return folded.index(sought), "as requested"
    if sought.isdecimal() and 1 <= int(sought[:9]) <= len(parts):
        return int(sought) - 1, "as requested"
    within = [i for i, name in enumerate(folded) if sought and sought in name]
    if len(within) == 1:
        return within[0], "as requested"
    known = [f"{number} {name[:40]!r}" if name else f"{number}" for number, name in enumerate(names[:20], 1)]
    reason = f"no part {wanted[:40]!r}; its parts: {', '.join(known)}"
    raise FormatError(reason, source, "no such part")


def _best(parts: Sequence[Part]) -> tuple[int, str]:
    """The part with the most points, and those of its points that set it apart, in words."""
    if len(parts) == 1:
        return 0, ""
    heights = sorted(part.height for part in parts if not part.is_drum)
    average = sum(part.notes for part in parts) / len(parts)
    points = [_points(part, heights, len(parts), average) for part in parts]
    named = [own for own in points if own["by its name"] > 0]
    for later in named[1:]:
        later["by its name"] /= 2
    best = max(range(len(parts)), key=lambda i: (sum(points[i].values()), -i))
    others = [own for index, own in enumerate(points) if index != best]
    gains = {what: score for what, score in points[best].items() if score > 0}
    reasons = [what for what, score in gains.items() if any(score > other[what] for other in others)]
    if "by its name" in reasons:
        return best, "by its name"
    return best, " and ".join(reasons[:2]) or "as the others are less likely"


def _points(part: Part, heights: list[float], count: int, average: float) -> dict[str, float]:
    """The points of one of `count` parts, by the reason that a notice gives for them.

    Args:
        heights: of the parts that are no drums, in rising order.
        average: the mean number of notes of a part.
    """
    lower = bisect_left(heights, part.height)
    in_range = _LOWEST_MEAN <= part.mean_pitch <= _HIGHEST_MEAN
    named = 8.0 * bool(MELODY_NAMES.search(part.name)) - 4.0 * bool(ACCOMPANIMENT_NAMES.search(part.name))
    height = "the highest on average" if part.place is None else "the highest in the score"
    return {
        "by its name": named,
        "by its lyrics": 4.0 * part.has_lyrics,
        height: 3.0 * lower / max(1, count - 1),
        "the one least in chords": 2.0 * part.monophony,
        "in range": 0.0 if in_range else -2.0,
        "not sparse": -4.0 if 4 * part.notes < average else 0.0,
        "no drums": -99.0 * part.is_drum,
    }
