"""What is kept of listening tests, as tables. `migrations` makes them; a test holds it to what is said here.

A participant's trials are written when they join, so that whatever is changed in `design` later, an answer is to what
was heard. Who they are is not kept: only the hash of the token that their browser has.
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
"""Of the tables' names: a PostgreSQL database may hold other things."""
VERSION_TABLE = f"{PREFIX}schema"
"""Where it is kept which of the migrations have been done."""
_NAMES = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
}


class Moment(TypeDecorator[datetime]):
    """A time with its zone, always UTC; SQLite knows no zones and gives it back without."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """See SQLAlchemy."""
        del dialect
        return value if value is None or value.tzinfo else value.replace(tzinfo=UTC)


class Table(DeclarativeBase):
    """Base of the tables."""

    metadata: ClassVar[MetaData] = MetaData(naming_convention=_NAMES)


class Test(Table):
    """A listening test. `key` is what browsers know it by; its name, which may say too much, they are not told."""

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


class MelodySet(Table):
    """A set of a test; `number` counts from 0."""

    __tablename__ = f"{PREFIX}set"
    __table_args__ = (Unique("test_id", "number"), Unique("test_id", "name"))

    id: Mapped[int] = mapped_column(primary_key=True)
    test_id: Mapped[int] = mapped_column(ForeignKey(f"{PREFIX}test.id", ondelete="CASCADE"))
    number: Mapped[int]
    name: Mapped[str] = mapped_column(String(80))


class Tune(Table):
    """A melody of a set as `formats.json` writes it; `number` counts from 0."""

    __tablename__ = f"{PREFIX}melody"
    __table_args__ = (Unique("set_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    set_id: Mapped[int] = mapped_column(ForeignKey(f"{PREFIX}set.id", ondelete="CASCADE"))
    number: Mapped[int]
    melody: Mapped[str] = mapped_column(Text)


class Participant(Table):
    """Somebody who takes part. `number` counts from 0 within the test, and says which trials are theirs."""

    __tablename__ = f"{PREFIX}participant"
    __table_args__ = (Unique("test_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    test_id: Mapped[int] = mapped_column(ForeignKey(f"{PREFIX}test.id", ondelete="CASCADE"))
    number: Mapped[int]
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    joined_at: Mapped[datetime] = mapped_column(Moment)


class TrialRow(Table):
    """What a participant hears and is asked; see `design.Trial`."""

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


class Answer(Table):
    """What a participant said at a trial: two numbers, or a choice; and how long it took them."""

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
