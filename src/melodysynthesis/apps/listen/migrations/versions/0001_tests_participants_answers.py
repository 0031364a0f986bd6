"""Tests with their sets of melodies, participants with their trials, and answers."""

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
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("key", sa.String(32), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("consent", sa.Text, nullable=False),
        sa.Column("ratings", sa.Integer, nullable=False),
        sa.Column("pairs", sa.Integer, nullable=False),
        sa.Column("seed", sa.BigInteger, nullable=False),
        sa.Column("program", sa.String(80), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_listen_test"),
        sa.UniqueConstraint("key", name="uq_listen_test_key"),
        sa.UniqueConstraint("name", name="uq_listen_test_name"),
    )
    op.create_table(
        "listen_set",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("test_id", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.ForeignKeyConstraint(["test_id"], ["listen_test.id"], name="fk_listen_set_test_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_listen_set"),
        sa.UniqueConstraint("test_id", "name", name="uq_listen_set_test_id_name"),
        sa.UniqueConstraint("test_id", "number", name="uq_listen_set_test_id_number"),
    )
    op.create_table(
        "listen_melody",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("set_id", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("melody", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["set_id"], ["listen_set.id"], name="fk_listen_melody_set_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_listen_melody"),
        sa.UniqueConstraint("set_id", "number", name="uq_listen_melody_set_id_number"),
    )


def _make_participants() -> None:
    op.create_table(
        "listen_participant",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("test_id", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["test_id"], ["listen_test.id"], name="fk_listen_participant_test_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_listen_participant"),
        sa.UniqueConstraint("test_id", "number", name="uq_listen_participant_test_id_number"),
        sa.UniqueConstraint("token_hash", name="uq_listen_participant_token_hash"),
    )
    op.create_table(
        "listen_trial",
        sa.Column("participant_id", sa.Integer, nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(6), nullable=False),
        sa.Column("purpose", sa.String(6), nullable=False),
        sa.Column("first_id", sa.Integer, nullable=False),
        sa.Column("second_id", sa.Integer),
        sa.Column("expected", sa.String(8)),
        sa.CheckConstraint("kind in ('rating', 'pair')", name="ck_listen_trial_kind"),
        sa.CheckConstraint("purpose in ('real', 'told', 'repeat', 'twins')", name="ck_listen_trial_purpose"),
        sa.CheckConstraint("(second_id is null) = (kind = 'rating')", name="ck_listen_trial_second"),
        sa.ForeignKeyConstraint(["first_id"], ["listen_melody.id"], name="fk_listen_trial_first_id"),
        sa.ForeignKeyConstraint(["second_id"], ["listen_melody.id"], name="fk_listen_trial_second_id"),
        sa.ForeignKeyConstraint(
            ["participant_id"], ["listen_participant.id"], name="fk_listen_trial_participant_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("participant_id", "place", name="pk_listen_trial"),
    )
    op.create_table(
        "listen_answer",
        sa.Column("participant_id", sa.Integer, nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("pleasing", sa.Integer),
        sa.Column("human", sa.Integer),
        sa.Column("choice", sa.String(8)),
        sa.Column("seconds", sa.Double, nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("pleasing between 1 and 7", name="ck_listen_answer_pleasing"),
        sa.CheckConstraint("human between 1 and 7", name="ck_listen_answer_human"),
        sa.CheckConstraint("choice in ('first', 'second', 'neither')", name="ck_listen_answer_choice"),
        sa.CheckConstraint(
            "(choice is null) = (pleasing is not null and human is not null)", name="ck_listen_answer_whole"
        ),
        sa.ForeignKeyConstraint(
            ["participant_id", "place"],
            ["listen_trial.participant_id", "listen_trial.place"],
            name="fk_listen_answer_participant_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("participant_id", "place", name="pk_listen_answer"),
    )
