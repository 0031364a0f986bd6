"""The tables of listening tests. `migrations` creates them; a test compares the two.

A participant's trials are stored when they join, so an answer keeps its melodies even if `design` changes later. No
personal data is stored: only the hash of the token that the participant's browser has.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import ClassVar

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    MetaData,
    String,
    Text,
)
from sqlalchemy import UniqueConstraint as Unique
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

PREFIX = "listen_"
"""Prefix of the tables' names, as a PostgreSQL database may have other tables."""
VERSION_TABLE = f"{PREFIX}schema"
"""Table in which Alembic stores the current migration."""
_NAMES = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
}


class Moment(TypeDecorator[datetime]):
    """A time with its zone, always UTC; SQLite stores no zone, so it is added on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """See SQLAlchemy."""
        del dialect
        return value if value is None or value.tzinfo else value.replace(tzinfo=UTC)


class Table(DeclarativeBase):
    """Base of the tables."""

    metadata: ClassVar[MetaData] = MetaData(naming_convention=_NAMES)


class TestRow(Table):
    """A listening test. Browsers identify it by `key`; they never get its name, which may reveal too much."""

    __tablename__ = f"{PREFIX}test"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    key: Mapped[str] = mapped_column(String(32), unique=True)
    title: Mapped[str] = mapped_column(String(200))
    consent: Mapped[str] = mapped_column(Text)
    ratings: Mapped[int]
    pairs: Mapped[int]
    seed: Mapped[int] = mapped_column(BigInteger)
    program: Mapped[str] = mapped_column(String(80))
    made_at: Mapped[datetime] = mapped_column(Moment)


class SetRow(Table):
    """A set of a test; `number` counts from 0."""

    __tablename__ = f"{PREFIX}set"
    __table_args__ = (Unique("test_id", "number"), Unique("test_id", "name"))

    id: Mapped[int] = mapped_column(primary_key=True)
    test_id: Mapped[int] = mapped_column(ForeignKey(f"{PREFIX}test.id", ondelete="CASCADE"))
    number: Mapped[int]
    name: Mapped[str] = mapped_column(String(80))


class MelodyRow(Table):
    """A melody of a set as `formats.json` writes it; `number` counts from 0."""

    __tablename__ = f"{PREFIX}melody"
    __table_args__ = (Unique("set_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    set_id: Mapped[int] = mapped_column(ForeignKey(f"{PREFIX}set.id", ondelete="CASCADE"))
    number: Mapped[int]
    melody: Mapped[str] = mapped_column(Text)


class ParticipantRow(Table):
    """A participant. `number` counts from 0 within the test, and determines the trials."""

    __tablename__ = f"{PREFIX}participant"
    __table_args__ = (Unique("test_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    test_id: Mapped[int] = mapped_column(ForeignKey(f"{PREFIX}test.id", ondelete="CASCADE"))
    number: Mapped[int]
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    joined_at: Mapped[datetime] = mapped_column(Moment)


class TrialRow(Table):
    """A trial of a participant; see `design.ListeningTrial`."""

    __tablename__ = f"{PREFIX}trial"
    __table_args__ = (
        CheckConstraint("kind in ('rating', 'pair')", name="kind"),
        CheckConstraint("purpose in ('real', 'told', 'repeat', 'twins')", name="purpose"),
        CheckConstraint("(second_id is null) = (kind = 'rating')", name="second"),
    )

    participant_id: Mapped[int] = mapped_column(
        ForeignKey(f"{PREFIX}participant.id", ondelete="CASCADE"), primary_key=True
    )
    place: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(6))
    purpose: Mapped[str] = mapped_column(String(6))
    first_id: Mapped[int] = mapped_column(ForeignKey(f"{PREFIX}melody.id"))
    second_id: Mapped[int | None] = mapped_column(ForeignKey(f"{PREFIX}melody.id"))
    expected: Mapped[str | None] = mapped_column(String(8))


class AnswerRow(Table):
    """A participant's answer to a trial: two numbers, or a choice; and the seconds that it took."""

    __tablename__ = f"{PREFIX}answer"
    __table_args__ = (
        ForeignKeyConstraint(
            ["participant_id", "place"], [f"{PREFIX}trial.participant_id", f"{PREFIX}trial.place"], ondelete="CASCADE"
        ),
        CheckConstraint("pleasing between 1 and 7", name="pleasing"),
        CheckConstraint("human between 1 and 7", name="human"),
        CheckConstraint("choice in ('first', 'second', 'neither')", name="choice"),
        CheckConstraint("(choice is null) = (pleasing is not null and human is not null)", name="whole"),
    )

    participant_id: Mapped[int] = mapped_column(primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True)
    pleasing: Mapped[int | None]
    human: Mapped[int | None]
    choice: Mapped[str | None] = mapped_column(String(8))
    seconds: Mapped[float] = mapped_column(Double)
    answered_at: Mapped[datetime] = mapped_column(Moment)
