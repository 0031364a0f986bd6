"""ABC's note lengths in ticks: the unit note length, tuplets and broken rhythm."""

from __future__ import annotations

from dataclasses import dataclass, field

from melodysynthesis.formats.abc_fields import MAX_DENOMINATOR, Ticks, scaled
from melodysynthesis.music import TICKS_PER_WHOLE

MAX_DIGITS = 4
"""Of a number in a note length."""
_TUPLET_TIME = {2: 3, 3: 2, 4: 3, 6: 2, 8: 3}


@dataclass(slots=True)
class AbcRhythm:
    """What governs the length of the next note.

    Attributes:
        unit: ticks of the unit note length; 0 before it is known.
        lengths: ticks of the lengths met so far, as written.
        broken: ratio that the mark before lays on the next note.
        tuplet: `q` in the time of `p`, for so many notes.
    """

    unit: Ticks = 0
    lengths: dict[str, Ticks] = field(default_factory=dict)
    broken: tuple[int, int] | None = None
    tuplet: tuple[int, int, int] | None = None

    def set_unit(self, unit: Ticks) -> None:
        """Change the unit note length."""
        self.unit = unit
        self.lengths.clear()

    def set_default_unit(self, beats: int, beat_unit: int) -> None:
        """A sixteenth in meters shorter than 3/4, else an eighth."""
        self.set_unit(TICKS_PER_WHOLE // (16 if beats / beat_unit < 0.75 else 8))

    def ticks(self, length: str) -> Ticks:
        """Ticks of a written length, before tuplets and broken rhythm.

        Raises:
            ValueError: with what was found and expected.
        """
        if length not in self.lengths:
            self.lengths[length] = scaled(self.unit, *ratio(length))
        return self.lengths[length]

    def sounding(self, ticks: Ticks) -> Ticks:
        """A written duration within a tuplet and after a broken-rhythm mark; it counts as one of their notes."""
        if self.broken:
            ticks = scaled(ticks, *self.broken)
            self.broken = None
        if self.tuplet:
            p, q, left = self.tuplet
            ticks = scaled(ticks, q, p)
            self.tuplet = (p, q, left - 1) if left > 1 else None
        return ticks

    def start_tuplet(self, text: str, beats: int) -> None:
        """``(p:q:r``: the next `r` notes take the time of `q` for each `p`."""
        p, q, r = ([int(number or 0) for number in text[1:].split(":")] + [0, 0])[:3]
        self.tuplet = (p, q or _TUPLET_TIME.get(p, 3 if beats in (6, 9, 12) else 2), r or p)

    def break_after(self, last: Ticks, mark: str) -> Ticks:
        """``a>b`` dots the first and halves the second, ``<`` the other way round, ``>>`` dots twice.

        Returns what the last note grows by.
        """
        whole = 2 ** len(mark)
        first, second = (2 * whole - 1, 1) if mark[0] == ">" else (1, 2 * whole - 1)
        self.broken = (second, whole)
        return scaled(last, first, whole) - last


def ratio(length: str) -> tuple[int, int]:
    """A written length as numerator and denominator: ``3/2``, ``/`` for 1/2, ``//`` for 1/4.

    Raises:
        ValueError: with what was found and expected.
    """
    over, slash, under = length.partition("/")
    halvings, under = under.count("/") + len(slash), under.lstrip("/")
    if len(over) > MAX_DIGITS or len(under) > MAX_DIGITS or halvings > (1 if under else 8):
        numerator = denominator = 0
    else:
        numerator, denominator = int(over or 1), int(under) if under else 2**halvings
    if not numerator or not 0 < denominator <= MAX_DENOMINATOR:
        expected = f"expected one such as 2, 3/2 or /, up to {MAX_DIGITS} digits over at most {MAX_DENOMINATOR}"
        raise ValueError(f"note length {length[:40]!r}; {expected}")
    return numerator, denominator
