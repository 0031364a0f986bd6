"""Every answer with what was heard, for whoever made the test."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Engine, Select, select
from sqlalchemy.orm import Session

from melodysynthesis.apps.listen import tables
from melodysynthesis.apps.listen.design import Given, Spot, Trial
from melodysynthesis.apps.listen.store import NAMED, Test, given_in, melody_ids


class Heard(NamedTuple):
    """A melody: the name of its set, its number within from 1, and where it came from."""

    set: str
    number: int
    source: str


class Line(NamedTuple):
    """A trial, and its answer if there is one."""

    trial: Trial
    first: Heard
    second: Heard | None
    given: Given | None
    seconds: float
    answered_at: datetime | None


class Sheet(NamedTuple):
    """All trials of a participant, in order; `participant` is the name that they have in results."""

    participant: str
    joined_at: datetime
    lines: tuple[Line, ...]


def sheets(engine: Engine, test: Test) -> list[Sheet]:
    """All trials of all participants of a test, in the order in which they joined."""
    with Session(engine) as session:
        melodies = _melodies(session, test)
        people = session.scalars(
            select(tables.Participant).where(tables.Participant.test_id == test.id).order_by(tables.Participant.id)
        ).all()
        lines: dict[int, list[Line]] = {one.id: [] for one in people}
        for trial, answer in session.execute(_trials(test)):
            if trial.participant_id in lines:  # others may have joined meanwhile
                lines[trial.participant_id].append(_line(trial, answer, melodies))
        return [Sheet(one.token_hash[:NAMED], one.joined_at, tuple(lines[one.id])) for one in people]


def _trials(test: Test) -> Select[tables.TrialRow, tables.Answer]:
    trial, answer = tables.TrialRow, tables.Answer
    return (
        select(trial, answer)
        .join(tables.Participant, tables.Participant.id == trial.participant_id)
        .outerjoin(answer, (answer.participant_id == trial.participant_id) & (answer.place == trial.place))
        .where(tables.Participant.test_id == test.id)
        .order_by(trial.participant_id, trial.place)
    )


def _melodies(session: Session, test: Test) -> dict[int, tuple[Spot, Heard]]:
    """The melodies by their numbers in the database."""
    spots = {melody: spot for spot, melody in melody_ids(session, test).items()}
    of_test = (
        select(tables.Tune.id, tables.Tune.melody)
        .join(tables.MelodySet, tables.Tune.set_id == tables.MelodySet.id)
        .where(tables.MelodySet.test_id == test.id)
    )
    found = {}
    for melody, text in session.execute(of_test):
        spot = spots[melody]
        found[melody] = spot, Heard(test.sets[spot.set], spot.melody + 1, json.loads(text)["source"])
    return found


def _line(row: tables.TrialRow, answer: tables.Answer | None, melodies: Mapping[int, tuple[Spot, Heard]]) -> Line:
    spot, first = melodies[row.first_id]
    other, second = melodies[row.second_id] if row.second_id is not None else (None, None)
    trial = Trial(row.kind, spot, other, row.purpose, row.expected)
    if answer is None:
        return Line(trial, first, second, None, 0.0, None)
    return Line(trial, first, second, given_in(answer), answer.seconds, answer.answered_at)
