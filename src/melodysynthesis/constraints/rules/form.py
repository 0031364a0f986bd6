"""Sections of a form that repeat or vary each other. `generation.form` keeps the rule."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from melodysynthesis.constraints.rule import Ints
from melodysynthesis.constraints.specification import RequestedBars, RuleSpec, Values
from melodysynthesis.errors import RequestError

_SECTION = re.compile(r"([A-Za-z])(['′’]*)")


class Section(NamedTuple):
    """A section of a form: its letter, and the number of its primes, 0 for the section itself."""

    letter: str
    primes: int

    def __str__(self) -> str:
        return self.letter + "'" * self.primes


def parse_form(text: str) -> tuple[Section, ...]:
    """The sections of a form such as "AABA'".

    Raises:
        RequestError: if it is none, or a variation comes before the section that it varies.
    """
    letters = "".join(text.split())
    sections = tuple(Section(letter.upper(), len(primes)) for letter, primes in _SECTION.findall(letters))
    if not sections or sum(1 + section.primes for section in sections) != len(letters):
        raise RequestError(f"form {text[:40]!r}: expected letters, with a prime for a variation, such as AABA'")
    for number, section in enumerate(sections):
        if section.primes and Section(section.letter, 0) not in sections[:number]:
            raise RequestError(f"form {text.strip()!r}: {section} comes before {section.letter}, which it varies")
    return sections


def format_form(sections: Sequence[Section]) -> str:
    """The inverse of `parse_form`."""
    return "".join(map(str, sections))


def most_shared(notes: Ints) -> Ints:
    """How many of so many notes of a section may come again in one of another letter: three quarters, rounded down."""
    return np.asarray(3 * notes // 4)


def _check(values: Values, bars: RequestedBars) -> None:
    if bars.number and bars.number % len(values["form"]):
        raise RequestError(f"{bars.number} bars can't be cut into {len(values['form'])} equal sections of the form")


SPEC = RuleSpec(
    name="form", label="form", type=tuple[Section, ...], example="AABA'", parse=parse_form, write=format_form,
    help="Sections that repeat: AABA, or AA'BA with a variation. Other letters are other music.",
    guarantee="The melody is cut into as many sections of equally many bars, which begin with their pickup (tick 0 and "
    "whole bars after it). Equal letters with equal primes have the same notes. A letter with a prime has the rhythm "
    "of the section that it varies, and at least one other pitch. Of the notes of a section, at most three quarters "
    "come again in a later section of another letter, with their pitch and at their place in the section; one of both "
    "has a note. No note sounds across a cut.",
    build=None,
    check=_check,
)  # fmt: skip
