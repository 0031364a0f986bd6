"""Tests with their sets of melodies, participants with their trials, and answers.

Constraints are named as `tables` says.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make all tables."""
    _make_tests()
    _make_participants()


def _make_tests() -> None:
    op.create_table(
        "listen_test",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(80), nullable=False, unique=True),
        sa.Column("key", sa.String(32), nullable=False, unique=True),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("consent", sa.Text, nullable=False),
        sa.Column("ratings", sa.Integer, nullable=False),
        sa.Column("pairs", sa.Integer, nullable=False),
        sa.Column("seed", sa.BigInteger, nullable=False),
        sa.Column("program", sa.String(80), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "listen_set",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("test_id", sa.Integer, sa.ForeignKey("listen_test.id", ondelete="CASCADE"), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.UniqueConstraint("test_id", "number"),
        sa.UniqueConstraint("test_id", "name"),
    )
    op.create_table(
        "listen_melody",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("set_id", sa.Integer, sa.ForeignKey("listen_set.id", ondelete="CASCADE"), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("melody", sa.Text, nullable=False),
        sa.UniqueConstraint("set_id", "number"),
    )


def _make_participants() -> None:
    op.create_table(
        "listen_participant",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("test_id", sa.Integer, sa.ForeignKey("listen_test.id", ondelete="CASCADE"), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False, unique=True),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("test_id", "number"),
    )
    op.create_table(
        "listen_trial",
        sa.Column(
            "participant_id", sa.Integer, sa.ForeignKey("listen_participant.id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("place", sa.Integer, primary_key=True),
        sa.Column("kind", sa.String(6), nullable=False),
        sa.Column("purpose", sa.String(6), nullable=False),
        sa.Column("first_id", sa.Integer, sa.ForeignKey("listen_melody.id"), nullable=False),
        sa.Column("second_id", sa.Integer, sa.ForeignKey("listen_melody.id")),
        sa.Column("expected", sa.String(8)),
        sa.CheckConstraint("kind in ('rating', 'pair')", name="kind"),
        sa.CheckConstraint("purpose in ('real', 'told', 'repeat', 'twins')", name="purpose"),
        sa.CheckConstraint("(second_id is null) = (kind = 'rating')", name="second"),
    )
    op.create_table(
        "listen_answer",
        sa.Column("participant_id", sa.Integer, primary_key=True),
        sa.Column("place", sa.Integer, primary_key=True),
        sa.Column("pleasing", sa.Integer),
        sa.Column("human", sa.Integer),
        sa.Column("choice", sa.String(8)),
        sa.Column("seconds", sa.Double, nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["participant_id", "place"], ["listen_trial.participant_id", "listen_trial.place"], ondelete="CASCADE"
        ),
        sa.CheckConstraint("pleasing between 1 and 7", name="pleasing"),
        sa.CheckConstraint("human between 1 and 7", name="human"),
        sa.CheckConstraint("choice in ('first', 'second', 'neither')", name="choice"),
        sa.CheckConstraint("(choice is null) = (pleasing is not null and human is not null)", name="whole"),
    )
