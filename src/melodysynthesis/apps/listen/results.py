"""What a listening test has found: scores, mean ratings, agreement, and who did not attend.

Answers to checks count for nothing but the checks. Who fails more of them than may be is left out, with all answers;
whoever has not finished counts with what they have answered. Agreement is between participants on the same melody, or
the same two melodies, so it is known only where several have heard them.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterator, Sequence
from math import isfinite
from typing import Any, NamedTuple

from melodysynthesis.apps.listen.design import FIRST, NEITHER, PAIR, RATING, REAL, REPEAT, Given, Trial, passed
from melodysynthesis.apps.listen.sheets import Heard, Line, Sheet
from melodysynthesis.evaluation import ratings as evaluation
from melodysynthesis.evaluation.agreement import agreement_of_choices, by_unit, krippendorff
from melodysynthesis.evaluation.ratings import Choice, Preference, Rating
from melodysynthesis.evaluation.statistics import Interval

MAY_FAIL = 1
"""Checks that a participant may fail: careful people do now and then, and nearly nobody who answers at random fails
one only."""
QUESTIONS = ("pleasing", "human")
COLUMNS = (
    "participant", "left_out", "place", "kind", "purpose",
    "first_set", "first_melody", "first_source", "second_set", "second_melody", "second_source",
    "question", "answer", "chosen_set", "expected", "passed", "seconds", "answered_at",
)  # fmt: skip


class Attention(NamedTuple):
    """How a participant did at the checks: the purposes of those that were answered, and of those that were failed."""

    participant: str
    answered: int
    of: int
    checks: tuple[str, ...]
    failed: tuple[str, ...]
    left_out: bool


class Results(NamedTuple):
    """What `evaluate` finds.

    Attributes:
        people: everybody who has joined.
        means: for each question of `QUESTIONS` the mean of each set.
        counts: for each question the number of ratings of each set.
        preference: strengths of the sets by choices.
        agreement: Krippendorff's alpha of each question and of ``"choice"``, over how many melodies or pairs.
    """

    people: tuple[Attention, ...]
    means: dict[str, dict[str, Interval]]
    counts: dict[str, int]
    preference: Preference
    agreement: dict[str, tuple[Interval, int]]

    def as_dict(self) -> dict[str, Any]:
        """For JSON; what is not known is None."""
        found = self.preference
        answer: dict[str, Any] = _known(
            {
                "participants": [one._asdict() for one in self.people],
                "ratings": {
                    question: {name: mean.figures() | {"count": self.counts[name]} for name, mean in means.items()}
                    for question, means in self.means.items()
                },
                "strengths": {n: each.figures() for n, each in zip(found.sets, found.strengths, strict=True)},
                "chosen before": {
                    one: {
                        other: found.better[i][j].figures() | {"count": found.counts[i][j]}
                        for j, other in enumerate(found.sets)
                        if i != j
                    }
                    for i, one in enumerate(found.sets)
                },
                "share of ties": found.ties,
                "share of first": found.first,
                "agreement": {name: a.figures() | {"units": units} for name, (a, units) in self.agreement.items()},
            }
        )
        return answer


def evaluate(
    sheets: Sequence[Sheet],
    *,
    may_fail: int = MAY_FAIL,
    keep: bool = False,
    draw_melodies: bool = False,
    seed: int = 0,
) -> Results:
    """What the answers say.

    Args:
        sheets: of all participants.
        may_fail: checks that may be failed.
        keep: whether those who fail more are kept.
        draw_melodies: whether intervals speak of other melodies too, see `evaluation.ratings`.
        seed: of the intervals.
    """
    people = attention(sheets, may_fail=may_fail, keep=keep)
    left_out = {one.participant for one in people if one.left_out}
    lines = [(sheet.participant, line) for sheet in sheets if sheet.participant not in left_out for line in sheet.lines]
    real = [(who, line, line.given) for who, line in lines if line.given is not None and line.trial.purpose == REAL]
    said = {question: list(_ratings(real, question)) for question in QUESTIONS}
    counts: dict[str, int] = defaultdict(int)
    for rating in said[QUESTIONS[0]]:
        counts[rating.of.set] += 1
    return Results(
        people,
        {q: evaluation.mean_ratings(said[q], draw_melodies=draw_melodies, seed=seed) for q in QUESTIONS},
        dict(counts),
        evaluation.preference(list(_choices(real)), draw_melodies=draw_melodies, seed=seed),
        {q: _agreement(said[q], seed) for q in QUESTIONS} | {"choice": _agreement_of_choices(real, seed)},
    )


def attention(sheets: Sequence[Sheet], *, may_fail: int = MAY_FAIL, keep: bool = False) -> tuple[Attention, ...]:
    """How each participant did at the checks."""
    made = []
    for sheet in sheets:
        verdicts = [(line.trial.purpose, verdict(sheet, line)) for line in sheet.lines]
        checks = tuple(purpose for purpose, good in verdicts if good is not None)
        failed = tuple(purpose for purpose, good in verdicts if good is False)
        answered = sum(line.given is not None for line in sheet.lines)
        out = len(failed) > may_fail and not keep
        made.append(Attention(sheet.participant, answered, len(sheet.lines), checks, failed, out))
    return tuple(made)


def verdict(sheet: Sheet, line: Line) -> bool | None:
    """Whether a check was passed; None where it is none, or was not answered."""
    if line.given is None or line.trial.purpose == REAL:
        return None
    before = _first_said(sheet, line.trial) if line.trial.purpose == REPEAT else None
    return passed(line.trial, line.given, before)


def to_csv(sheets: Sequence[Sheet], people: Sequence[Attention]) -> str:
    """Every answer to every question, one a row, those of checks and of who is left out too."""
    left_out = {one.participant: one.left_out for one in people}
    buffer = io.StringIO()
    table = csv.writer(buffer, lineterminator="\n")
    table.writerow(COLUMNS)
    for sheet in sheets:
        for place, line in enumerate(sheet.lines):
            for question, answer, chosen in _answers(line):
                table.writerow(
                    [
                        sheet.participant, int(left_out[sheet.participant]), place + 1, line.trial.kind,
                        line.trial.purpose, *_cells(line.first), *_cells(line.second), question, answer, chosen,
                        line.trial.expected or "", _cell(verdict(sheet, line)), f"{line.seconds:.1f}",
                        line.answered_at.isoformat(timespec="milliseconds") if line.answered_at else "",
                    ]
                )  # fmt: skip
    return buffer.getvalue()


def _answers(line: Line) -> Iterator[tuple[str, int | str, str]]:
    """Question, answer and chosen set of each row of a line."""
    given = line.given
    if given is None:
        return
    if given.choice is None:
        for question in QUESTIONS:
            yield question, getattr(given, question), ""
    else:
        heard = line.first if given.choice == FIRST else line.second
        yield "choice", given.choice, heard.set if heard and given.choice != NEITHER else ""


def _cells(heard: Heard | None) -> tuple[str, str, str]:
    if heard is None:
        return "", "", ""
    return _harmless(heard.set), str(heard.number), _harmless(heard.source)


def _harmless(text: str) -> str:
    """A stranger's text as a cell that no table program takes for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _cell(value: bool | None) -> str:
    return "" if value is None else str(int(value))


def _first_said(sheet: Sheet, trial: Trial) -> Given | None:
    first = (line for line in sheet.lines if line.trial.purpose == REAL and line.trial.kind == RATING)
    return next((line.given for line in first if line.trial.first == trial.first), None)


def _ratings(real: Sequence[tuple[str, Line, Given]], question: str) -> Iterator[Rating]:
    for who, line, given in real:
        if line.trial.kind == RATING:
            yield Rating(who, _of(line.first), getattr(given, question))


def _choices(real: Sequence[tuple[str, Line, Given]]) -> Iterator[Choice]:
    for who, line, given in real:
        if line.second is not None:
            yield Choice(who, _of(line.first), _of(line.second), _sign(given))


def _agreement(ratings: Sequence[Rating], seed: int) -> tuple[Interval, int]:
    table = by_unit([(f"{r.of.set}/{r.of.melody}", r.listener, r.value) for r in ratings])
    return krippendorff(table, "ordinal", seed=seed), sum(len([v for v in row if isfinite(v)]) > 1 for row in table)


def _agreement_of_choices(real: Sequence[tuple[str, Line, Given]], seed: int) -> tuple[Interval, int]:
    units: dict[tuple[Any, ...], dict[str, float]] = defaultdict(dict)
    for who, line, given in real:
        if line.trial.kind == PAIR and line.second is not None:
            one, other = line.first, line.second
            turned = (other.set, other.number) < (one.set, one.number)
            unit = tuple(sorted([(one.set, one.number), (other.set, other.number)]))
            units[unit][who] = -_sign(given) if turned else _sign(given)
    shared = [unit for unit in units.values() if len(unit) > 1]
    return agreement_of_choices(shared, seed=seed), len(shared)


def _of(heard: Heard) -> evaluation.Heard:
    return evaluation.Heard(heard.set, str(heard.number))


def _sign(given: Given) -> int:
    return 0 if given.choice == NEITHER else 1 if given.choice == FIRST else -1


def _known(value: Any) -> Any:
    """The same with None in place of numbers that are not known."""
    if isinstance(value, dict):
        return {key: _known(each) for key, each in value.items()}
    return None if isinstance(value, float) and not isfinite(value) else value
