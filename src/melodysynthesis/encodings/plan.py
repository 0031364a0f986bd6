"""The plan of a melody: the length and the letter of each phrase, and the degree of the last note.

In words it is `A:8 B:8 A':8 last:1`: lengths in quarters, a prime for a phrase that varies an earlier one, and the last
note as the name of its degree (`1`, `b3`, `#4`, ...).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from melodysynthesis.errors import RequestError, unknown
from melodysynthesis.music import TICKS_PER_QUARTER, Melody
from melodysynthesis.notation import parse_quarters, split_items
from melodysynthesis.theory.form import form_of, notes_of_phrases

MAX_SECTIONS = 64
"""Phrases that a plan has at most."""
LETTERS = "ABCDEFGHIJKL"
"""Letters of the phrases that a plan tells apart."""
SECTIONS = tuple(letter + prime for letter in LETTERS for prime in ("", "'"))
"""Names of phrases; their places are the values of their tokens."""
DEGREES = ("1", "b2", "2", "b3", "3", "4", "#4", "5", "b6", "6", "b7", "7")
"""Names of the degrees, by semitones above the tonic."""
OTHER_NAMES = {"#1": "b2", "#2": "b3", "b5": "#4", "#5": "b6", "#6": "b7"}


class PlanSection(NamedTuple):
    """A phrase in a plan.

    Attributes:
        name: its letter, with a prime where it varies an earlier phrase of that letter.
        ticks: its length.
    """

    name: str
    ticks: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What a melody is going to be.

    Attributes:
        sections: its phrases in order.
        last: the pitch of its last note, in semitones above the tonic (above C without a key), 0 to 11; None leaves it
            to the model.
    """

    sections: tuple[PlanSection, ...]
    last: int | None = None

    @property
    def ticks(self) -> int:
        """Length of the melody."""
        return sum(section.ticks for section in self.sections)

    def __str__(self) -> str:
        sections = (f"{name}:{ticks / TICKS_PER_QUARTER:g}" for name, ticks in self.sections)
        return " ".join([*sections, *([] if self.last is None else [f"last:{DEGREES[self.last]}"])])


def parse_plan(text: str) -> Plan:
    """Read a plan, such as ``"A:8 B:8 A':8 last:1"``; without ``last`` its degree is left to the model.

    Raises:
        RequestError: in one line, naming what is no part of a plan, or a letter out of order.
    """
    sections: list[PlanSection] = []
    last = None
    letters = 0
    for item in split_items(text, "plan", "A:8 B:8 A':8 last:1"):
        name, _, value = item.partition(":")
        if name.lower() == "last":
            degree = OTHER_NAMES.get(value, value)
            if degree not in DEGREES:
                raise RequestError(f"plan: {unknown('degree', value[:40], DEGREES)}")
            if last is not None:
                raise RequestError("plan: last is given twice")
            last = DEGREES.index(degree)
            continue
        if name not in SECTIONS or not value:
            raise RequestError(f"plan: expected phrases such as A:8 or A':8 and last:1, not {item[:40]!r}")
        letter = LETTERS.index(name[0])
        if letter > letters or (letter == letters and len(name) > 1):
            earlier = name[0] if len(name) > 1 else LETTERS[letters]
            raise RequestError(f"plan: {name} comes before the first {earlier}")
        letters = max(letters, letter + 1)
        sections.append(PlanSection(name, parse_quarters(value)))
    if not sections or len(sections) > MAX_SECTIONS:
        raise RequestError(f"plan: expected 1 to {MAX_SECTIONS} phrases, such as A:8 B:8")
    return Plan(tuple(sections), last)


def plan_of(melody: Melody) -> Plan | None:
    """The plan that a melody follows; None where its phrase marks do not say it.

    They say it if phrases cover the whole melody, each with a note, and there are no more than a plan can name.
    """
    ends = melody.phrase_ends
    if not ends or ends[-1] != melody.duration or len(ends) > MAX_SECTIONS or not melody.meters:
        return None
    phrases = notes_of_phrases(melody)
    if len(phrases) != len(ends):
        return None
    form = form_of(phrases)
    if any(name[0] not in LETTERS for name in form):
        return None
    tonic = melody.key.pitch_class if melody.key else 0
    lengths = (end - start for start, end in pairwise((0, *ends)))
    return Plan(tuple(map(PlanSection, form, lengths)), (melody.notes[-1].pitch - tonic) % 12)
