"""Evaluates a listening test: scores of the sets, mean ratings, agreement, and attention.

Answers to checks count for nothing but the checks. A participant who fails too many checks is left out with all
answers; one who has not finished counts with the answers so far. Agreement is between participants on the same melody,
or the same two melodies, so it is known only if several participants answered on them.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterator, Sequence
from math import isfinite
from typing import Any, NamedTuple

from melodysynthesis.apps.listen.answers import AnsweredTrial, MelodyLabel, ParticipantAnswers
from melodysynthesis.apps.listen.design import (
    FIRST,
    NEITHER,
    PAIR,
    RATING,
    REAL,
    REPEAT,
    Answer,
    ListeningTrial,
    passed,
)
from melodysynthesis.evaluation import preferences as evaluation
from melodysynthesis.evaluation.agreement import agreement_of_choices, by_unit, krippendorff
from melodysynthesis.evaluation.preferences import Choice, Preference, Rating
from melodysynthesis.evaluation.statistics import Interval

MAY_FAIL = 1
"""Checks that a participant may fail: careful participants fail one now and then, and random answers nearly always fail
more."""
QUESTIONS = ("pleasing", "human")
COLUMNS = (
    "participant", "left_out", "place", "kind", "purpose",
    "first_set", "first_melody", "first_source", "second_set", "second_melody", "second_source",
    "question", "answer", "chosen_set", "expected", "passed", "seconds", "answered_at",
)  # fmt: skip


class Attention(NamedTuple):
    """A participant's results in the checks: purposes of the answered checks, and of the failed ones."""

    participant: str
    answered: int
    of: int
    checks: tuple[str, ...]
    failed: tuple[str, ...]
    left_out: bool


class Results(NamedTuple):
    """The results of a listening test, see `evaluate`.

    Attributes:
        people: attention of all participants who joined.
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
        """The results for JSON; unknown values are None."""
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
    participants: Sequence[ParticipantAnswers],
    *,
    may_fail: int = MAY_FAIL,
    keep: bool = False,
    draw_melodies: bool = False,
    seed: int = 0,
) -> Results:
    """Compute the results from the answers.

    Args:
        participants: answers of all participants.
        may_fail: checks that may be failed.
        keep: whether those who fail more are kept.
        draw_melodies: whether intervals hold for other melodies of the sets too, see `evaluation.preferences`.
        seed: of the intervals.
    """
    people = attention(participants, may_fail=may_fail, keep=keep)
    left_out = {one.participant for one in people if one.left_out}
    lines = [
        (participant.name, line)
        for participant in participants
        if participant.name not in left_out
        for line in participant.trials
    ]
    real = [(who, line, line.answer) for who, line in lines if line.answer is not None and line.trial.purpose == REAL]
    ratings = {question: list(_ratings(real, question)) for question in QUESTIONS}
    counts: dict[str, int] = defaultdict(int)
    for rating in ratings[QUESTIONS[0]]:
        counts[rating.of.set] += 1
    return Results(
        people,
        {q: evaluation.mean_ratings(ratings[q], draw_melodies=draw_melodies, seed=seed) for q in QUESTIONS},
        dict(counts),
        evaluation.preference(list(_choices(real)), draw_melodies=draw_melodies, seed=seed),
        {q: _agreement(ratings[q], seed) for q in QUESTIONS} | {"choice": _agreement_of_choices(real, seed)},
    )


def attention(
    participants: Sequence[ParticipantAnswers], *, may_fail: int = MAY_FAIL, keep: bool = False
) -> tuple[Attention, ...]:
    """Evaluate the checks of each participant."""
    made = []
    for participant in participants:
        verdicts = [(line.trial.purpose, verdict(participant, line)) for line in participant.trials]
        checks = tuple(purpose for purpose, good in verdicts if good is not None)
        failed = tuple(purpose for purpose, good in verdicts if good is False)
        answered = sum(line.answer is not None for line in participant.trials)
        out = len(failed) > may_fail and not keep
        made.append(Attention(participant.name, answered, len(participant.trials), checks, failed, out))
    return tuple(made)


def verdict(participant: ParticipantAnswers, line: AnsweredTrial) -> bool | None:
    """Whether a check was passed; None if the trial is no check, or is not answered."""
    if line.answer is None or line.trial.purpose == REAL:
        return None
    before = _first_answer(participant, line.trial) if line.trial.purpose == REPEAT else None
    return passed(line.trial, line.answer, before)


def to_csv(participants: Sequence[ParticipantAnswers], people: Sequence[Attention]) -> str:
    """Write every answer to every question as a row, including checks and participants who are left out."""
    left_out = {one.participant: one.left_out for one in people}
    buffer = io.StringIO()
    table = csv.writer(buffer, lineterminator="\n")
    table.writerow(COLUMNS)
    for participant in participants:
        for place, line in enumerate(participant.trials):
            for question, answer, chosen in _answers(line):
                table.writerow(
                    [
                        participant.name, int(left_out[participant.name]), place + 1, line.trial.kind,
                        line.trial.purpose, *_cells(line.first), *_cells(line.second), question, answer, chosen,
                        line.trial.expected or "", _cell(verdict(participant, line)), f"{line.seconds:.1f}",
                        line.answered_at.isoformat(timespec="milliseconds") if line.answered_at else "",
                    ]
                )  # fmt: skip
    return buffer.getvalue()


def _answers(line: AnsweredTrial) -> Iterator[tuple[str, int | str, str]]:
    """Question, answer and chosen set of each row of a line."""
    answer = line.answer
    if answer is None:
        return
    if answer.choice is None:
        for question in QUESTIONS:
            yield question, getattr(answer, question), ""
    else:
        chosen = line.first if answer.choice == FIRST else line.second
        yield "choice", answer.choice, chosen.set if chosen and answer.choice != NEITHER else ""


def _cells(label: MelodyLabel | None) -> tuple[str, str, str]:
    if label is None:
        return "", "", ""
    return _harmless(label.set), str(label.number), _harmless(label.source)


def _harmless(text: str) -> str:
    """Quote an untrusted text, so that no spreadsheet takes it for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _cell(value: bool | None) -> str:
    return "" if value is None else str(int(value))


def _first_answer(participant: ParticipantAnswers, trial: ListeningTrial) -> Answer | None:
    first = (line for line in participant.trials if line.trial.purpose == REAL and line.trial.kind == RATING)
    return next((line.answer for line in first if line.trial.first == trial.first), None)


def _ratings(real: Sequence[tuple[str, AnsweredTrial, Answer]], question: str) -> Iterator[Rating]:
    for who, line, answer in real:
        if line.trial.kind == RATING:
            yield Rating(who, _of(line.first), getattr(answer, question))


def _choices(real: Sequence[tuple[str, AnsweredTrial, Answer]]) -> Iterator[Choice]:
    for who, line, answer in real:
        if line.second is not None:
            yield Choice(who, _of(line.first), _of(line.second), _sign(answer))


def _agreement(ratings: Sequence[Rating], seed: int) -> tuple[Interval, int]:
    table = by_unit([(f"{r.of.set}/{r.of.melody}", r.listener, r.value) for r in ratings])
    return krippendorff(table, "ordinal", seed=seed), sum(len([v for v in row if isfinite(v)]) > 1 for row in table)


def _agreement_of_choices(real: Sequence[tuple[str, AnsweredTrial, Answer]], seed: int) -> tuple[Interval, int]:
    units: dict[tuple[Any, ...], dict[str, float]] = defaultdict(dict)
    for who, line, answer in real:
        if line.trial.kind == PAIR and line.second is not None:
            one, other = line.first, line.second
            turned = (other.set, other.number) < (one.set, one.number)
            unit = tuple(sorted([(one.set, one.number), (other.set, other.number)]))
            units[unit][who] = -_sign(answer) if turned else _sign(answer)
    shared = [unit for unit in units.values() if len(unit) > 1]
    return agreement_of_choices(shared, seed=seed), len(shared)


def _of(label: MelodyLabel) -> evaluation.RatedMelody:
    return evaluation.RatedMelody(label.set, str(label.number))


def _sign(answer: Answer) -> int:
    return 0 if answer.choice == NEITHER else 1 if answer.choice == FIRST else -1


def _known(value: Any) -> Any:
    """Replace unknown numbers (NaN, infinity) by None."""
    if isinstance(value, dict):
        return {key: _known(each) for key, each in value.items()}
    return None if isinstance(value, float) and not isfinite(value) else value
