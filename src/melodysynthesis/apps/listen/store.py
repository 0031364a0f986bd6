"""What is done with the database: tests are made, people take part, answer and leave.

Each method is one transaction, committed before it returns; so what was acknowledged is not lost. Participants are
known by their token, and can reach nothing but their own trials and answers.
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
from melodysynthesis.apps.listen.design import PAIR, TOLD, Given, Shape, Spot
from melodysynthesis.errors import MelodyError, RequestError, unknown
from melodysynthesis.formats import json as melody_json
from melodysynthesis.music import Melody

MAX_PARTICIPANTS = 10_000
MOST_SECONDS = 86_400.0
NAMED = 12
"""Hexadecimal digits by which a participant is named in results."""


class UnknownParticipantError(MelodyError):
    """A token that is nobody's: never given, or its participant has left."""


class ConflictError(MelodyError):
    """An answer to a trial that was answered otherwise before, or that it is not the turn of."""


class FullError(MelodyError):
    """Nobody more can take part."""


class Test(NamedTuple):
    """A listening test: what it is called, what people are told and asked, and the sets with their sizes."""

    id: int
    name: str
    key: str
    title: str
    consent: str
    shape: Shape
    sets: tuple[str, ...]


class Turn(NamedTuple):
    """What a participant is to hear next, at its place: the melodies, and what they are told to answer if they are."""

    place: int
    kind: str
    melodies: tuple[int, ...]
    told: str | None


class Standing(NamedTuple):
    """How far a participant is: trials answered, of how many, and the next if there is one."""

    done: int
    total: int
    turn: Turn | None


class Store:
    """The listening tests of a database."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._reading, self._writing = sessionmaker(engine).begin, sessionmaker(writing(engine)).begin

    def make(self, name: str, sets: Mapping[str, Sequence[Melody]], shape: Shape, *, title: str, consent: str) -> None:
        """A new test.

        Raises:
            RequestError: if there is one of that name.
        """
        with self._writing() as session:
            if session.scalar(select(tables.Test.id).where(tables.Test.name == name)) is not None:
                raise RequestError(f"there is a listening test {name!r} already: choose another --name")
            test = tables.Test(
                name=name, key=secrets.token_hex(16), title=title, consent=consent, ratings=shape.ratings,
                pairs=shape.pairs, seed=shape.seed, program=f"melodysynthesis {__version__}", made_at=_now(),
            )  # fmt: skip
            session.add(test)
            session.flush()
            for number, (set_name, melodies) in enumerate(sets.items()):
                of_set = tables.MelodySet(test_id=test.id, number=number, name=set_name)
                session.add(of_set)
                session.flush()
                rows = [melody_json.write(melody).decode() for melody in melodies]
                session.add_all(tables.Tune(set_id=of_set.id, number=i, melody=row) for i, row in enumerate(rows))

    def names(self) -> list[str]:
        """Names of the tests, oldest first."""
        with self._reading() as session:
            return list(session.scalars(select(tables.Test.name).order_by(tables.Test.id)))

    def find(self, name: str | None) -> Test:
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
            row = session.scalars(select(tables.Test).where(tables.Test.name == (name or names[0]))).one()
            sizes = session.execute(
                select(tables.MelodySet.name, func.count(tables.Tune.id))
                .join(tables.Tune, tables.Tune.set_id == tables.MelodySet.id)
                .where(tables.MelodySet.test_id == row.id)
                .group_by(tables.MelodySet.id, tables.MelodySet.name, tables.MelodySet.number)
                .order_by(tables.MelodySet.number)
            ).all()
            shape = Shape(tuple(size for _, size in sizes), row.ratings, row.pairs, row.seed)
            return Test(row.id, row.name, row.key, row.title, row.consent, shape, tuple(name for name, _ in sizes))

    def remove(self, test: Test) -> None:
        """Delete a test with all answers."""
        with self._writing() as session:
            session.execute(delete(tables.Participant).where(tables.Participant.test_id == test.id))
            session.execute(delete(tables.Test).where(tables.Test.id == test.id))

    def join(self, test: Test) -> str:
        """Somebody takes part: the token that they are known by from now on, which is kept nowhere here.

        They get the lowest number that is free, so that the trials of one who has left are dealt again.

        Raises:
            FullError: if there are too many participants.
        """
        token = secrets.token_urlsafe(24)
        with self._writing() as session:
            session.execute(select(tables.Test.id).where(tables.Test.id == test.id).with_for_update())
            of_test = tables.Participant.test_id == test.id
            taken = set(session.scalars(select(tables.Participant.number).where(of_test)))
            if len(taken) >= MAX_PARTICIPANTS:
                raise FullError(f"{MAX_PARTICIPANTS:,} people have taken part already: nobody more can")
            number = next(number for number in count() if number not in taken)
            one = tables.Participant(test_id=test.id, number=number, token_hash=hashed(token), joined_at=_now())
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

    def standing(self, test: Test, token: str) -> Standing:
        """How far a participant is.

        Raises:
            UnknownParticipantError: if the token is nobody's.
        """
        with self._reading() as session:
            return _standing(session, _participant(session, test, token).id)

    def answer(self, test: Test, token: str, place: int, given: Given, seconds: float) -> Standing:
        """Keep an answer. The same answer to the same place again changes nothing.

        Args:
            test: which the participant takes part in.
            token: of the participant.
            place: of the trial, from 0; the next one, or one that was answered.
            given: two numbers for a rating, or a choice for a pair.
            seconds: how long it took them.

        Raises:
            UnknownParticipantError: if the token is nobody's.
            ConflictError: if another answer was given to this place, or it is not its turn.
            RequestError: if the trial asks for something else.
        """
        with self._writing() as session:
            one = _participant(session, test, token, lock=True)
            before = session.get(tables.Answer, (one.id, place))
            if before is not None:
                if given_in(before) != given:
                    raise ConflictError("this has been answered otherwise before")
                return _standing(session, one.id)
            standing = _standing(session, one.id)
            if standing.turn is None or standing.turn.place != place:
                raise ConflictError("it is not the turn of this question")
            wanted = Given(choice=given.choice) if standing.turn.kind == PAIR else given._replace(choice=None)
            if given != wanted or (given.choice is None and None in (given.pleasing, given.human)):
                raise RequestError(f"this is not an answer to a {standing.turn.kind}")
            session.add(
                tables.Answer(
                    participant_id=one.id, place=place, **given._asdict(),
                    seconds=min(max(seconds, 0.0), MOST_SECONDS), answered_at=_now(),
                )
            )  # fmt: skip
            session.flush()
            return _standing(session, one.id)

    def leave(self, test: Test, token: str) -> None:
        """Delete all that is kept of a participant.

        Raises:
            UnknownParticipantError: if the token is nobody's.
        """
        with self._writing() as session:
            session.delete(_participant(session, test, token))

    def leave_by_name(self, test: Test, name: str) -> None:
        """Delete all that is kept of a participant, by the token or by the name in results.

        Raises:
            UnknownParticipantError: if it is nobody's.
        """
        with self._writing() as session:
            by_name = tables.Participant.token_hash.startswith(name, autoescape=True) if len(name) == NAMED else None
            by_token = tables.Participant.token_hash == hashed(name)
            found = session.scalars(
                select(tables.Participant)
                .where(tables.Participant.test_id == test.id)
                .where(by_token if by_name is None else by_name | by_token)
            ).first()
            if found is None:
                raise UnknownParticipantError(f"{name[:40]!r} is the code of nobody who takes part in {test.name!r}")
            session.delete(found)

    def melody(self, melody: int) -> Melody:
        """A melody by its number in the database."""
        with self._reading() as session:
            row = session.get_one(tables.Tune, melody)
            return melody_json.from_dict(json.loads(row.melody))


def hashed(token: str) -> str:
    """What is kept of a token. It is long and random, so that a plain hash tells nothing of it."""
    return hashlib.sha256(token.encode()).hexdigest()


def _participant(session: Session, test: Test, token: str, *, lock: bool = False) -> tables.Participant:
    asked = select(tables.Participant).where(
        tables.Participant.token_hash == hashed(token), tables.Participant.test_id == test.id
    )
    found = session.scalars(asked.with_for_update() if lock else asked).one_or_none()
    if found is None:
        raise UnknownParticipantError("nobody takes part with this code")
    return found


def _standing(session: Session, participant: int) -> Standing:
    of_trials, of_answers = (
        select(func.count()).select_from(table).where(table.participant_id == participant)
        for table in (tables.TrialRow, tables.Answer)
    )
    total, done = session.scalar(of_trials) or 0, session.scalar(of_answers) or 0
    trial = session.get(tables.TrialRow, (participant, done))  # they are answered in order
    if trial is None:
        return Standing(done, total, None)
    melodies = (trial.first_id,) if trial.second_id is None else (trial.first_id, trial.second_id)
    return Standing(
        done, total, Turn(trial.place, trial.kind, melodies, trial.expected if trial.purpose == TOLD else None)
    )


def melody_ids(session: Session, test: Test) -> dict[Spot, int]:
    """The melodies' numbers in the database."""
    rows = session.execute(
        select(tables.MelodySet.number, tables.Tune.number, tables.Tune.id)
        .join(tables.Tune, tables.Tune.set_id == tables.MelodySet.id)
        .where(tables.MelodySet.test_id == test.id)
    )
    return {Spot(of_set, number): melody for of_set, number, melody in rows}


def given_in(answer: tables.Answer) -> Given:
    """What an answer's row says."""
    return Given(answer.pleasing, answer.human, answer.choice)


def _now() -> datetime:
    return datetime.now(UTC)
