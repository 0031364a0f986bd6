"""Transactions of the listening test: make a test, join, answer, leave.

Each method is one transaction, committed before it returns, so an acknowledged answer is never lost. A token
identifies a participant and gives access to their own trials and answers only.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import count
from typing import NamedTuple

from sqlalchemy import Engine, delete, func, select
from sqlalchemy.orm import Session, sessionmaker

from melodysynthesis import __version__
from melodysynthesis.apps.listen import design, tables
from melodysynthesis.apps.listen.database import writing
from melodysynthesis.apps.listen.design import DEMANDED, PAIR, Answer, Shape, Spot
from melodysynthesis.errors import MelodyError, RequestError, unknown
from melodysynthesis.formats import json as melody_json
from melodysynthesis.music import Melody

MAX_PARTICIPANTS = 10_000
MOST_SECONDS = 86_400.0
NAME_DIGITS = 12
"""Hexadecimal digits by which a participant is named in results."""


class UnknownParticipantError(MelodyError):
    """The token belongs to no participant: it was never issued, or the participant has left."""


class ConflictError(MelodyError):
    """The trial has another answer already, or is not the next one."""


class FullError(MelodyError):
    """The test has no room for another participant."""


class ListeningTest(NamedTuple):
    """A listening test: its names, its texts, its shape, and the names of its sets."""

    id: int
    name: str
    key: str
    title: str
    consent: str
    shape: Shape
    sets: tuple[str, ...]


class NextTrial(NamedTuple):
    """A participant's next trial: its place, kind and melodies, and the answer that the page demands in a check."""

    place: int
    kind: str
    melodies: tuple[int, ...]
    demanded: str | None


class ParticipantProgress(NamedTuple):
    """A participant's progress: answered trials, all trials, and the next one if there is one."""

    done: int
    total: int
    turn: NextTrial | None


class Store:
    """The listening tests of a database."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._reading, self._writing = sessionmaker(engine).begin, sessionmaker(writing(engine)).begin

    def make(self, name: str, sets: Mapping[str, Sequence[Melody]], shape: Shape, *, title: str, consent: str) -> None:
        """Make a new test.

        Raises:
            RequestError: if there is one of that name.
        """
        with self._writing() as session:
            if session.scalar(select(tables.TestRow.id).where(tables.TestRow.name == name)) is not None:
                raise RequestError(f"there is a listening test {name!r} already: choose another --name")
            test = tables.TestRow(
                name=name, key=secrets.token_hex(16), title=title, consent=consent, ratings=shape.ratings,
                pairs=shape.pairs, seed=shape.seed, program=f"melodysynthesis {__version__}", made_at=_now(),
            )  # fmt: skip
            session.add(test)
            session.flush()
            for number, (set_name, melodies) in enumerate(sets.items()):
                of_set = tables.SetRow(test_id=test.id, number=number, name=set_name)
                session.add(of_set)
                session.flush()
                rows = [melody_json.write(melody).decode() for melody in melodies]
                session.add_all(tables.MelodyRow(set_id=of_set.id, number=i, melody=row) for i, row in enumerate(rows))

    def names(self) -> list[str]:
        """Names of the tests, oldest first."""
        with self._reading() as session:
            return list(session.scalars(select(tables.TestRow.name).order_by(tables.TestRow.id)))

    def find(self, name: str | None) -> ListeningTest:
        """The test of a name; without a name, the only one.

        Raises:
            RequestError: if there is none, or without a name several.
        """
        names = self.names()
        if not names:
            raise RequestError("there is no listening test in this database: melody listen new makes one")
        if name is None and len(names) > 1:
            raise RequestError(f"which listening test: {', '.join(names)}?")
        if name is not None and name not in names:
            raise RequestError(unknown("listening test", name, names))
        with self._reading() as session:
            row = session.scalars(select(tables.TestRow).where(tables.TestRow.name == (name or names[0]))).one()
            sizes = session.execute(
                select(tables.SetRow.name, func.count(tables.MelodyRow.id))
                .join(tables.MelodyRow, tables.MelodyRow.set_id == tables.SetRow.id)
                .where(tables.SetRow.test_id == row.id)
                .group_by(tables.SetRow.id, tables.SetRow.name, tables.SetRow.number)
                .order_by(tables.SetRow.number)
            ).all()
            shape = Shape(tuple(size for _, size in sizes), row.ratings, row.pairs, row.seed)
            return ListeningTest(
                row.id, row.name, row.key, row.title, row.consent, shape, tuple(name for name, _ in sizes)
            )

    def remove(self, test: ListeningTest) -> None:
        """Delete a test with all answers."""
        with self._writing() as session:
            session.execute(delete(tables.ParticipantRow).where(tables.ParticipantRow.test_id == test.id))
            session.execute(delete(tables.TestRow).where(tables.TestRow.id == test.id))

    def join(self, test: ListeningTest) -> str:
        """Add a participant and return their token, which is not stored.

        They get the lowest free number, so that the trials of a participant who left are used again.

        Raises:
            FullError: if there are too many participants.
        """
        token = secrets.token_urlsafe(24)
        with self._writing() as session:
            session.execute(select(tables.TestRow.id).where(tables.TestRow.id == test.id).with_for_update())
            of_test = tables.ParticipantRow.test_id == test.id
            taken = set(session.scalars(select(tables.ParticipantRow.number).where(of_test)))
            if len(taken) >= MAX_PARTICIPANTS:
                raise FullError(f"{MAX_PARTICIPANTS:,} people have taken part already: the test is full")
            number = next(number for number in count() if number not in taken)
            one = tables.ParticipantRow(test_id=test.id, number=number, token_hash=hashed(token), joined_at=_now())
            session.add(one)
            session.flush()
            at = melody_ids(session, test)
            session.add_all(
                tables.TrialRow(
                    participant_id=one.id, place=place, kind=trial.kind, purpose=trial.purpose,
                    first_id=at[trial.first], second_id=at[trial.second] if trial.second else None,
                    expected=trial.expected,
                )
                for place, trial in enumerate(design.trials(test.shape, number))
            )  # fmt: skip
        return token

    def progress(self, test: ListeningTest, token: str) -> ParticipantProgress:
        """Load the progress of a participant.

        Raises:
            UnknownParticipantError: if the token belongs to no participant.
        """
        with self._reading() as session:
            return _progress(session, _participant(session, test, token).id)

    def answer(
        self, test: ListeningTest, token: str, place: int, answer: Answer, seconds: float
    ) -> ParticipantProgress:
        """Store an answer. Sending the same answer again changes nothing.

        Args:
            test: which the participant takes part in.
            token: of the participant.
            place: of the trial, from 0; the next one, or one that was answered.
            answer: two numbers for a rating, or a choice for a pair.
            seconds: how long it took them.

        Raises:
            UnknownParticipantError: if the token belongs to no participant.
            ConflictError: if this place has another answer already, or is not the next one.
            RequestError: if the answer does not fit the kind of trial.
        """
        with self._writing() as session:
            one = _participant(session, test, token, lock=True)
            before = session.get(tables.AnswerRow, (one.id, place))
            if before is not None:
                if answer_in(before) != answer:
                    raise ConflictError("this has been answered otherwise before")
                return _progress(session, one.id)
            progress = _progress(session, one.id)
            if progress.turn is None or progress.turn.place != place:
                raise ConflictError("it is not the turn of this question")
            wanted = Answer(choice=answer.choice) if progress.turn.kind == PAIR else answer._replace(choice=None)
            if answer != wanted or (answer.choice is None and None in (answer.pleasing, answer.human)):
                raise RequestError(f"this is not an answer to a {progress.turn.kind}")
            session.add(
                tables.AnswerRow(
                    participant_id=one.id, place=place, **answer._asdict(),
                    seconds=min(max(seconds, 0.0), MOST_SECONDS), answered_at=_now(),
                )
            )  # fmt: skip
            session.flush()
            return _progress(session, one.id)

    def leave(self, test: ListeningTest, token: str) -> None:
        """Delete all data of a participant.

        Raises:
            UnknownParticipantError: if the token belongs to no participant.
        """
        with self._writing() as session:
            session.delete(_participant(session, test, token))

    def leave_by_name(self, test: ListeningTest, name: str) -> None:
        """Delete all data of a participant, identified by the token or by the name in results.

        Raises:
            UnknownParticipantError: if it belongs to no participant.
        """
        with self._writing() as session:
            by_name = (
                tables.ParticipantRow.token_hash.startswith(name, autoescape=True) if len(name) == NAME_DIGITS else None
            )
            by_token = tables.ParticipantRow.token_hash == hashed(name)
            found = session.scalars(
                select(tables.ParticipantRow)
                .where(tables.ParticipantRow.test_id == test.id)
                .where(by_token if by_name is None else by_name | by_token)
            ).first()
            if found is None:
                raise UnknownParticipantError(f"{name[:40]!r} is no participant's code in {test.name!r}")
            session.delete(found)

    def melody(self, melody: int) -> Melody:
        """A melody by its number in the database."""
        with self._reading() as session:
            row = session.get_one(tables.MelodyRow, melody)
            return melody_json.from_dict(json.loads(row.melody))


def hashed(token: str) -> str:
    """The stored hash of a token. Tokens are long and random, so a plain hash does not reveal them."""
    return hashlib.sha256(token.encode()).hexdigest()


def _participant(session: Session, test: ListeningTest, token: str, *, lock: bool = False) -> tables.ParticipantRow:
    query = select(tables.ParticipantRow).where(
        tables.ParticipantRow.token_hash == hashed(token), tables.ParticipantRow.test_id == test.id
    )
    found = session.scalars(query.with_for_update() if lock else query).one_or_none()
    if found is None:
        raise UnknownParticipantError("this is no participant's code")
    return found


def _progress(session: Session, participant: int) -> ParticipantProgress:
    of_trials, of_answers = (
        select(func.count()).select_from(table).where(table.participant_id == participant)
        for table in (tables.TrialRow, tables.AnswerRow)
    )
    total, done = session.scalar(of_trials) or 0, session.scalar(of_answers) or 0
    trial = session.get(tables.TrialRow, (participant, done))  # they are answered in order
    if trial is None:
        return ParticipantProgress(done, total, None)
    melodies = (trial.first_id,) if trial.second_id is None else (trial.first_id, trial.second_id)
    return ParticipantProgress(
        done, total, NextTrial(trial.place, trial.kind, melodies, trial.expected if trial.purpose == DEMANDED else None)
    )


def melody_ids(session: Session, test: ListeningTest) -> dict[Spot, int]:
    """The melodies' numbers in the database."""
    rows = session.execute(
        select(tables.SetRow.number, tables.MelodyRow.number, tables.MelodyRow.id)
        .join(tables.MelodyRow, tables.MelodyRow.set_id == tables.SetRow.id)
        .where(tables.SetRow.test_id == test.id)
    )
    return {Spot(of_set, number): melody for of_set, number, melody in rows}


def answer_in(answer: tables.AnswerRow) -> Answer:
    """The answer of a row."""
    return Answer(answer.pleasing, answer.human, answer.choice)


def _now() -> datetime:
    return datetime.now(UTC)
