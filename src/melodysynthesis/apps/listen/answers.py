"""Loads every answer of a test together with the melodies that it is about."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Engine, Select, select
from sqlalchemy.orm import Session

from melodysynthesis.apps.listen import tables
from melodysynthesis.apps.listen.design import Answer, ListeningTrial, Spot
from melodysynthesis.apps.listen.store import NAME_DIGITS, ListeningTest, answer_in, melody_ids


class MelodyLabel(NamedTuple):
    """A melody: the name of its set, its number within from 1, and where it came from."""

    set: str
    number: int
    source: str


class AnsweredTrial(NamedTuple):
    """A trial, and its answer if there is one."""

    trial: ListeningTrial
    first: MelodyLabel
    second: MelodyLabel | None
    answer: Answer | None
    seconds: float
    answered_at: datetime | None


class ParticipantAnswers(NamedTuple):
    """All trials of a participant, in order; `name` identifies the participant in results."""

    name: str
    joined_at: datetime
    trials: tuple[AnsweredTrial, ...]


def load_answers(engine: Engine, test: ListeningTest) -> list[ParticipantAnswers]:
    """Load all trials of all participants of a test, in the order in which they joined."""
    with Session(engine) as session:
        melodies = _melodies(session, test)
        participants = session.scalars(
            select(tables.ParticipantRow)
            .where(tables.ParticipantRow.test_id == test.id)
            .order_by(tables.ParticipantRow.id)
        ).all()
        by_participant: dict[int, list[AnsweredTrial]] = {participant.id: [] for participant in participants}
        for trial, answer in session.execute(_trials(test)):
            if trial.participant_id in by_participant:  # others may have joined meanwhile
                by_participant[trial.participant_id].append(_answered_trial(trial, answer, melodies))
        return [
            ParticipantAnswers(
                participant.token_hash[:NAME_DIGITS], participant.joined_at, tuple(by_participant[participant.id])
            )
            for participant in participants
        ]


def _trials(test: ListeningTest) -> Select[tables.TrialRow, tables.AnswerRow]:
    trial, answer = tables.TrialRow, tables.AnswerRow
    return (
        select(trial, answer)
        .join(tables.ParticipantRow, tables.ParticipantRow.id == trial.participant_id)
        .outerjoin(answer, (answer.participant_id == trial.participant_id) & (answer.place == trial.place))
        .where(tables.ParticipantRow.test_id == test.id)
        .order_by(trial.participant_id, trial.place)
    )


def _melodies(session: Session, test: ListeningTest) -> dict[int, tuple[Spot, MelodyLabel]]:
    """Map each melody's number in the database to its place in the test and its label."""
    spots = {melody: spot for spot, melody in melody_ids(session, test).items()}
    of_test = (
        select(tables.MelodyRow.id, tables.MelodyRow.melody)
        .join(tables.SetRow, tables.MelodyRow.set_id == tables.SetRow.id)
        .where(tables.SetRow.test_id == test.id)
    )
    melodies = {}
    for melody, text in session.execute(of_test):
        spot = spots[melody]
        melodies[melody] = spot, MelodyLabel(test.sets[spot.set], spot.melody + 1, json.loads(text)["source"])
    return melodies


def _answered_trial(
    row: tables.TrialRow, answer: tables.AnswerRow | None, melodies: Mapping[int, tuple[Spot, MelodyLabel]]
) -> AnsweredTrial:
    spot, first = melodies[row.first_id]
    other, second = melodies[row.second_id] if row.second_id is not None else (None, None)
    trial = ListeningTrial(row.kind, spot, other, row.purpose, row.expected)
    if answer is None:
        return AnsweredTrial(trial, first, second, None, 0.0, None)
    return AnsweredTrial(trial, first, second, answer_in(answer), answer.seconds, answer.answered_at)
