"""The parts of a certificate: for each requested rule whether the melody keeps it, and where it does not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple


class Verdict(StrEnum):
    """Whether a rule is kept."""

    KEPT = "kept"
    BROKEN = "broken"
    NOT_CHECKABLE = "not checkable"


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """One broken rule breaks the whole, one that can't be checked leaves it open; else all are kept."""
    found = set(verdicts)
    return next((bad for bad in (Verdict.BROKEN, Verdict.NOT_CHECKABLE) if bad in found), Verdict.KEPT)


class Location(NamedTuple):
    """Where something is: its `bar` (the pickup is 0), `beat` from 1 in that bar, and `note` from 1 in the melody.

    None where there is none: a melody without meter has no bars, and a missing note has no number.
    """

    bar: int | None = None
    beat: float | None = None
    note: int | None = None

    def __str__(self) -> str:
        named = (("bar", self.bar), ("beat", self.beat), ("note", self.note))
        return ", ".join(f"{name} {number:.4g}" for name, number in named if number is not None)


class Breach(NamedTuple):
    """One place where a rule is broken: what was found there, and what the rule expects."""

    place: Location
    found: str
    expected: str

    def __str__(self) -> str:
        where = f"{self.place}: " if str(self.place) else ""
        return f"{where}{self.found}, expected {self.expected}"


Breaches = Iterator[Breach]
"""What a rule's function yields, in the order of the melody; nothing where the rule is kept."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check.

    Attributes:
        rule: the request's field.
        requested: what the request says, as it is typed.
        verdict: kept, broken, or not checkable from this file.
        breaches: every place where it is broken.
        reason: why it is not checkable; or what exactly was checked, where the rule's name may seem to say more.
    """

    rule: str
    requested: str
    verdict: Verdict
    breaches: tuple[Breach, ...] = ()
    reason: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        about: dict[str, Any] = {"rule": self.rule, "asked": self.requested, "verdict": str(self.verdict)}
        if self.breaches:
            about["breaches"] = [
                {**breach.place._asdict(), "found": breach.found, "expected": breach.expected}
                for breach in self.breaches
            ]
        return about | ({"reason": self.reason} if self.reason else {})


@dataclass(frozen=True, slots=True)
class Certificate:
    """The findings of all requested rules, in the order of the table."""

    findings: tuple[Finding, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst of all."""
        return worst(finding.verdict for finding in self.findings)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"verdict": str(self.verdict), "rules": [finding.as_dict() for finding in self.findings]}
